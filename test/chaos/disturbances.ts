import type { Evidence, Fault } from './evidence';
import { covered, overlaps, type Interval } from './intervals';
import { isStop } from './plan';

/** Appends and claims after an outage, on a machine that others use. */
const RETURN_LATENCY_MS = 3_000;

/** A process that was stopped while it held a lock, or a disk that was full for all: nobody writes. */
export function isOutage({ kind, inCommit, inLedger, pids }: Fault): boolean {
  return (isStop(kind) && (inCommit || inLedger)) || (kind === 'full' && pids.length > 1);
}

/**
 * Times in which the services could not do what they would have done, wall clock. Bounds of liveness are prolonged by them:
 * - `outages`: by faults of the run, see `isOutage`;
 * - `starved`: some process that no fault had met was not scheduled when it wanted to be. The machine is shared.
 */
export interface Disturbances {
  readonly outages: readonly Interval[];
  readonly starved: readonly Interval[];
}

export function disturbances({ faults, lines }: Pick<Evidence, 'faults' | 'lines'>): Disturbances {
  const outages = faults.filter(isOutage).map(({ at, until }): Interval => [at, until]);
  const met = (pid: number, from: number, to: number) =>
    faults.some((f) => f.pids.includes(pid) && f.kind !== 'full' && f.atMono < to && from < f.untilMono + 1_000);
  const starved = lines.flatMap(({ fact, at, pid, fromMono, toMono }): Interval[] => {
    if (fact !== 'late') return [];
    const [from, to] = [Number(fromMono), Number(toMono)];
    return met(pid, from, to) ? [] : [[at - (to - from), at]];
  });
  return { outages, starved };
}

/** How much longer than its bound something may last that began and ended then: what was disturbed, and the return after each outage. */
export function prolongedMs(
  { outages, starved }: Disturbances,
  { liveness }: Evidence['settings'],
  span: Interval,
): number {
  const returnMs = liveness.failAfterMs + 2 * liveness.beatMs + RETURN_LATENCY_MS;
  const returning = outages.filter((one) => overlaps(one, span)).length * returnMs;
  return covered([...outages, ...starved], span) + returning;
}
