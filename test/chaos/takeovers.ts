import { isOutage, prolongedMs, type Disturbances } from './disturbances';
import { jobOf, type Evidence, type Fault } from './evidence';
import { overlaps, type Interval } from './intervals';
import type { History, Life, Ownership } from './ownerships';
import type { Kind } from './plan';

/** One job that a fault took from its owner. */
export interface Takeover {
  readonly job: string;
  /**
   * What did it. `outage`: whatever did it, the log or the ledger took nothing meanwhile. `none`: no fault had met its owner; it was late by itself.
   */
  readonly cause: Kind | 'outage' | 'none';
  readonly fault: Fault | null;
  /** False: it waited for a new owner until all were asked to end. */
  readonly bound: boolean;
  /** From the fault (`none`: from the end of its epoch) to the binding elsewhere, ms. */
  readonly boundMs: number;
  /** From the fault to the entry of the interrupted run's next attempt in the ledger, ms; null: nothing was interrupted. */
  readonly ranOnMs: number | null;
  /** What it may take, ms. */
  readonly boundAllowedMs: number;
}

/** The clocks of the log and of the conductor may be read in either order. */
const CLOCKS_MS = 100;
/** Appends, views, claims, on a machine that others use. */
const LATENCY_MS = 3_000;

/**
 * What a takeover may take (protocol 5.15), from the fault to the binding: the silence that the verdict asked for, one more window where more than
 * half fell silent, two beats, a grace for each rank, and latency. A drain has its own time, and leftovers wait for another `failAfter`.
 */
export function boundOf({ settings }: Pick<Evidence, 'settings'>, life: Life, ended: Ownership['ended']): number {
  const { liveness, services, drainTimeoutMs } = settings;
  const { failAfterMs, beatMs, claimGraceMs, abortGraceMs } = liveness;
  const claims = 2 * beatMs + services * claimGraceMs + LATENCY_MS;
  if (ended === 'drain') return drainTimeoutMs + abortGraceMs + claims;
  if (ended === 'stopped') return drainTimeoutMs + abortGraceMs + failAfterMs + claims + LATENCY_MS;
  return (life.thresholdMs ?? failAfterMs) + failAfterMs + claims;
}

/** The fault that met the owner last before its epoch ended, if that can have been why. */
export function faultOn(pid: number, endedAt: number, faults: readonly Fault[], boundMs: number): Fault | null {
  return (
    faults
      .filter((f) => f.pids.includes(pid) && f.at <= endedAt + CLOCKS_MS && (f.dead || endedAt <= f.until + boundMs))
      .sort((a, b) => a.at - b.at)
      .at(-1) ?? null
  );
}

export function takeovers(evidence: Evidence, history: History, disturbed: Disturbances): Takeover[] {
  const { faults, endingAt, settings } = evidence;
  const entered = new Map(
    evidence.written.flatMap((w) => (w.kind === 'enter' ? [[`${w.job} ${w.slot} ${w.attempt}`, w.at] as const] : [])),
  );
  const abandoned = interruptedRuns(evidence);
  const found: Takeover[] = [];
  for (const [job, ownerships] of history.ownerships) {
    for (const [n, one] of ownerships.entries()) {
      const life = history.lives.get(one.incarnation);
      if (one.ended === null || one.ended === 'given-back' || one.to >= endingAt || life === undefined) continue;
      const boundMs = boundOf(evidence, life, one.ended);
      const fault = faultOn(life.pid, one.to, faults, boundMs);
      const from = fault?.at ?? one.to;
      const next = ownerships.at(n + 1);
      const span: Interval = [from, next?.from ?? endingAt];
      const outage = faults.some((f) => isOutage(f) && overlaps([f.at, f.until], span));
      const run = abandoned.get(`${job} ${one.incarnation}`);
      const again = run && entered.get(`${job} ${run.slot} ${run.attempt + 1}`);
      found.push({
        job,
        fault,
        cause: outage ? 'outage' : (fault?.kind ?? 'none'),
        bound: next !== undefined,
        boundMs: Math.max(0, span[1] - from),
        ranOnMs: again === undefined ? null : Math.max(0, again - from),
        boundAllowedMs: boundMs + prolongedMs(disturbed, settings, span),
      });
    }
  }
  return found;
}

/** Services that an observer marked failed though no fault had met them: they were late by themselves. */
export function unprovoked({ entries, faults, settings }: Evidence, { lives }: History): number {
  return entries.filter(({ event, created }) => {
    if (event.type !== 'ServiceMarkedFailed' || event.data.by !== 'observer') return false;
    const life = lives.get(event.data.incarnation);
    return life !== undefined && faultOn(life.pid, created, faults, boundOf({ settings }, life, 'failed')) === null;
  }).length;
}

/** Runs that were open when their owner was gone. */
function interruptedRuns({ entries }: Pick<Evidence, 'entries'>): Map<string, { slot: string; attempt: number }> {
  const runs = new Map<string, { slot: string; attempt: number }>();
  for (const entry of entries) {
    if (entry.event.type !== 'JobRunAbandoned' || entry.event.data.reason !== 'ownerFailed') continue;
    const { slot, attempt, incarnation } = entry.event.data;
    runs.set(`${jobOf(entry)} ${incarnation}`, { slot, attempt });
  }
  return runs;
}
