import { decode, originOf, type DomainEvent } from '../domain/codec';
import type { JobEvent } from '../domain/job';
import { namespacePrefix } from '../domain/namespace';
import type { UnreadableEvent } from '../domain/unreadable';
import type { EventStore, RecordedEvent } from '../event-store';

/** Events of one read of a stream. */
const PAGE = 500;

export interface AuditScope {
  /** What stands before the category (`acme` for `acme.job-…`). Default: nothing. */
  readonly namespace?: string;
}

export function jobStream(jobId: string, { namespace = '' }: AuditScope): string {
  return `${prefixOf(namespace)}job-${jobId}`;
}

export function prefixOf(namespace: string): string {
  return namespacePrefix(namespace);
}

export function decoded({ type, data, metadata }: RecordedEvent): DomainEvent | UnreadableEvent {
  return decode(type, data, metadata);
}

/** When a log first took the event: of a copied one, the log that it was copied from. */
export function takenAt({ created, metadata }: RecordedEvent): number {
  return originOf(metadata)?.created ?? created;
}

/** What the fold of a job takes: an event of another kind in its stream is one that cannot be read. */
export function jobEvent(recorded: RecordedEvent): JobEvent | UnreadableEvent {
  const event = decoded(recorded);
  if (event.type === '$unreadable' || event.type.startsWith('Job')) return event as JobEvent | UnreadableEvent;
  return { type: '$unreadable', originalType: recorded.type, why: 'it is no event of a job' };
}

/** All events of a stream from the oldest, up to the head it had when it was first read. */
export async function* forwards(store: EventStore, stream: string): AsyncGenerator<RecordedEvent, void> {
  let from = 0;
  let head: number | null = null;
  for (;;) {
    const slice = await store.readStream(stream, { direction: 'forwards', from, limit: PAGE });
    if (slice.head === 'no_stream') return;
    head ??= slice.head;
    for (const event of slice.events) if (event.revision <= head) yield event;
    const last = slice.events.at(-1)?.revision ?? head;
    if (last >= head) return;
    from = last + 1;
  }
}

/** The events from revision `from` back to the oldest. */
export async function* backwards(store: EventStore, stream: string, from: number): AsyncGenerator<RecordedEvent, void> {
  for (let next = from; next >= 0;) {
    const { events } = await store.readStream(stream, { direction: 'backwards', from: next, limit: PAGE });
    const oldest = events.at(-1);
    if (oldest === undefined) return;
    yield* events;
    next = oldest.revision - 1;
  }
}
