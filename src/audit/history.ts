import type { EventStore } from '../event-store';
import { decoded, forwards, jobStream, takenAt, type AuditScope } from './job-stream';
import { wordsOf } from './words';

/** One fact of a job. */
export interface HistoryEntry {
  readonly revision: number;
  readonly position: bigint;
  /** When the log took it, ms since the epoch, by the log's clock; of an event that was copied from another log: when that one took it. */
  readonly created: number;
  readonly eventId: string;
  readonly type: string;
  /** Plain English, without any payload. */
  readonly words: string;
  /** The event as it was written: JobScheduled, JobRescheduled and JobBooksClosed hold the payload of the job. */
  readonly data: unknown;
  /** As it was written: `$correlationId`, `$causationId`, `actor`, `schemaVersion`, `copied`. */
  readonly metadata: unknown;
}

/**
 * All facts of one job, the oldest first, up to the head of its stream. An event that cannot be read is among them. Nothing for an unknown job.
 * Rejects with `StoreUnavailableError`.
 */
export async function* history(
  store: EventStore,
  jobId: string,
  scope: AuditScope = {},
): AsyncGenerator<HistoryEntry, void> {
  for await (const recorded of forwards(store, jobStream(jobId, scope))) {
    const { revision, position, id, type, data, metadata } = recorded;
    yield {
      revision,
      position,
      created: takenAt(recorded),
      eventId: id,
      type,
      words: wordsOf(decoded(recorded)),
      data: JSON.parse(data) as unknown,
      metadata: JSON.parse(metadata) as unknown,
    };
  }
}
