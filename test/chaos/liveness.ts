import { prolongedMs, type Disturbances } from './disturbances';
import type { Evidence } from './evidence';
import { covered, type Interval } from './intervals';
import type { History } from './ownerships';
import { boundOf, type Takeover } from './takeovers';
import type { Zombie } from './zombies';

/** A start, a return to trust, a claim: whatever a job waits for that no fault explains. */
const SLACK_MS = 8_000;
/** A handler of a process that goes on again is stopped in its first turns; this is a bound, not the goal. */
const ZOMBIE_BOUND_MS = 2_000;

/** Every job ran on within the bound: a sentence for each time that one did not. */
export function late(
  evidence: Evidence,
  taken: readonly Takeover[],
  zombies: readonly Zombie[],
  history: History,
  disturbed: Disturbances,
): string[] {
  return [
    ...evidence.seen,
    ...taken.flatMap(({ job, cause, bound, boundMs, boundAllowedMs }) => {
      if (boundMs <= boundAllowedMs) return [];
      const what = bound ? `bound elsewhere ${seconds(boundMs)}` : `not bound again in ${seconds(boundMs)}`;
      return [`${job}: ${what} after ${cause}; ${seconds(boundAllowedMs)} are allowed`];
    }),
    ...gaps(evidence, history, disturbed),
    ...zombies.flatMap(({ job, wentOnMs, allowedMs }) =>
      wentOnMs <= ZOMBIE_BOUND_MS + allowedMs
        ? []
        : [`${job}: its handler went on for ${seconds(wentOnMs)} after its process was resumed`],
    ),
  ];
}

/** Between two entries of a job lie its period and its run, and what the faults on its owners explain; each takeover by its own bound. */
function gaps(evidence: Evidence, history: History, disturbed: Disturbances): string[] {
  const { jobs, written, settings } = evidence;
  const entries = new Map<string, number[]>();
  for (const { kind, job, at } of written) if (kind === 'enter') entries.set(job, [...(entries.get(job) ?? []), at]);
  return jobs.flatMap(({ id, everyMs, ms }) => {
    const own = entries.get(id) ?? [];
    if (own.length === 0) return [`${id}: never ran`];
    const excused = struck(evidence, history, id);
    return own.slice(1).flatMap((to, n) => {
      const span: Interval = [own[n], to];
      const allowed = everyMs + ms + SLACK_MS + covered(excused, span) + prolongedMs(disturbed, settings, span);
      const took = to - own[n];
      return took <= allowed
        ? []
        : [`${id}: not entered for ${seconds(took)} from ${iso(own[n])} on; ${seconds(allowed)} are explained`];
    });
  });
}

/** Between the end of one suspect's run and the start of the next one's, ms. */
const NEXT_SUSPECT_MS = 500;

/** When its owner was under a fault or gone, each time for no longer than its bound; and when it waited, as a suspect, for others of its owner. */
function struck(evidence: Evidence, { ownerships, lives, soleRuns }: History, job: string): Interval[] {
  const { faults, settings } = evidence;
  const { selfFenceAfterMs, beatMs } = settings.liveness;
  const returnMs = selfFenceAfterMs + 2 * beatMs;
  const own = ownerships.get(job) ?? [];
  return own.flatMap((one, n): Interval[] => {
    const life = lives.get(one.incarnation);
    if (life === undefined) return [];
    const boundMs = boundOf(evidence, life, one.ended);
    const next = own.at(n + 1)?.from ?? Infinity;
    const byFaults = faults
      .filter((f) => f.pids.includes(life.pid) && f.at < next && one.from < f.until + boundMs)
      .map((f): Interval => [f.at, Math.min(next, f.dead ? f.at + boundMs : f.until + returnMs)]);
    const unowned: Interval[] = Number.isFinite(one.to) ? [[one.to, Math.min(next, one.to + boundMs)]] : [];
    // A verdict that no fault explains took its silence first.
    const silence: Interval[] = one.ended === 'failed' ? [[one.to - (life.thresholdMs ?? 0), one.to]] : [];
    const others = one.suspect ? (soleRuns.get(one.incarnation) ?? []).filter((run) => run.job !== job) : [];
    const waits = others
      .filter((run) => run.to > one.from && run.from < one.to)
      .map((run): Interval => [Math.max(run.from, one.from), Math.min(run.to + NEXT_SUSPECT_MS, one.to)]);
    return [...byFaults, ...unowned, ...silence, ...waits];
  });
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
