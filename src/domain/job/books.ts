import type { Instant } from '../instant';
import type { JobBooksClosed } from './events';
import { BOOKS_SCHEMA } from './evolve';
import { openRuns } from './inspect';
import type { JobRecord, JobState } from './state';

/** So many events after the last books, the append that crosses it closes them again (protocol §8). */
export const BOOKS_EVERY = 500;

/**
 * The event that closes the books over `state`, when its head is `every` events past the last ones; null: not yet, or the job cannot be
 * read whole. It is the last event of the append after whose events `state` was folded.
 */
export function closeBooks(state: JobState, every: number = BOOKS_EVERY): JobBooksClosed | null {
  if (state.stage === 'absent' || state.stage === 'opaque') return null;
  if (state.revision - state.booksRevision < every) return null;
  return { type: 'JobBooksClosed', data: { schemaVersion: BOOKS_SCHEMA, state, at: newestInstant(state) } };
}

/** The latest time of which the state tells. Books are closed with events that were decided, so this is the time of the newest of them. */
function newestInstant(record: JobRecord): Instant {
  const { scheduledAt, ownership, lastOutcome, commands } = record;
  const starts = openRuns(record).map((run) => run.startedAt);
  return Math.max(scheduledAt, ownership.since, lastOutcome?.at ?? 0, commands.at(-1)?.at ?? 0, ...starts);
}
