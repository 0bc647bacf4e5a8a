import type { Disturbances } from './disturbances';
import type { Evidence } from './evidence';
import { covered } from './intervals';
import { isStop } from './plan';

/** A handler that was in the middle of its run when its process was stopped for longer than trust lasts, and found itself resumed. */
export interface Zombie {
  readonly job: string;
  /** From SIGCONT to its abort, or to its end if that came first, ms. */
  readonly wentOnMs: number;
  /** By how much the machine explains it, ms. */
  readonly allowedMs: number;
}

export function zombies(evidence: Evidence, { starved }: Disturbances): Zombie[] {
  const { faults, lines, settings } = evidence;
  const resumed = faults.filter(
    ({ kind, atMono, untilMono, dead }) =>
      isStop(kind) && !dead && untilMono - atMono > settings.liveness.selfFenceAfterMs,
  );
  return resumed.flatMap(({ pids, atMono, untilMono, until }): Zombie[] => {
    const open = new Map<string, string>();
    const found: Zombie[] = [];
    for (const line of lines) {
      if (!pids.includes(line.pid) || !line.fact.startsWith('handler.')) continue;
      const run = `${String(line.job)} ${String(line.slot)} ${String(line.attempt)} ${String(line.incarnation)}`;
      if (line.mono < atMono) {
        if (line.fact === 'handler.entered') open.set(run, String(line.job));
        else open.delete(run);
        continue;
      }
      const job = open.get(run);
      if (job === undefined || line.mono < untilMono) continue;
      open.delete(run);
      const wentOnMs = line.mono - untilMono;
      found.push({ job, wentOnMs, allowedMs: covered(starved, [until, until + wentOnMs]) });
    }
    return found;
  });
}
