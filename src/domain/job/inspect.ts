import type { Instant } from '../instant';
import type { Placeable } from '../placement/eligibility';
import { isFull, mayBegin } from './overlap';
import { pendingDueAt } from './pending';
import type { JobRecord, JobState, JobStatus, OpenRun } from './state';

/** One word for where a job is. */
export function statusOf(record: JobRecord): JobStatus {
  if (record.stage !== 'live') return record.stage;
  if (record.held !== null) return 'held';
  if (openRuns(record).length > 0) return 'running';
  if (record.paused) return 'paused';
  if (record.inProgress.length > 0) return 'waiting';
  return record.ownership.kind;
}

/** Runs that were started and have no outcome. */
export function openRuns(record: JobRecord): readonly OpenRun[] {
  return record.inProgress.flatMap((s) => (s.run === null ? [] : [s.run]));
}

export function isTerminal(state: JobState): boolean {
  return state.stage === 'completed' || state.stage === 'cancelled' || state.stage === 'removed';
}

/**
 * When its owner will next start something: a slot that waits for its next attempt, a requested run, the next scheduled slot.
 * Null when nothing will be started: while as many runs are open as the policy allows (under `replace`: while one is open that is not replaced),
 * paused, held, quarantined, at the end.
 */
export function dueAt(record: JobRecord): Instant | null {
  if (record.stage !== 'live' || record.paused || record.held !== null) return null;
  const { inProgress, requested, scheduledAt } = record;
  const waiting = isFull(record) ? [] : inProgress.filter(({ run }) => run === null);
  const times = waiting.map((s) => s.retryAt ?? scheduledAt);
  if (requested.length > 0 && mayBegin(record, 'requested')) times.push(requested[0].at);
  // A scheduled slot that falls while another cannot begin is skipped, or waits, until that one ends.
  const pending = pendingDueAt(record);
  if (pending !== null && mayBegin(record, 'scheduled')) times.push(pending);
  return times.length === 0 ? null : Math.min(...times);
}

const TOKENS_PER_GENERATION = 2 ** 44;

/**
 * The fencing token of a run: greater for every later start of the job, also after a restore that raised the generation.
 * @param generation of the log, 1 … 511. @param startedRevision revision of the run's JobRunStarted.
 * @throws RangeError outside these bounds.
 */
export function fencingToken(generation: number, startedRevision: number): number {
  if (!Number.isInteger(generation) || generation < 1 || generation > 511)
    throw new RangeError(`generation ${generation}: 1 … 511`);
  if (!Number.isInteger(startedRevision) || startedRevision < 0 || startedRevision >= TOKENS_PER_GENERATION) {
    throw new RangeError(`revision ${startedRevision}: 0 … 2^44 − 1`);
  }
  return generation * TOKENS_PER_GENERATION + startedRevision;
}

/** What of a job decides who may own it. */
export function placeable(record: JobRecord): Placeable {
  const { handler, tag, affinity } = record.definition;
  return { handler, tag, affinity };
}
