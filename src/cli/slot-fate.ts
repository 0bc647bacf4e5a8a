import { takenAt, wordsOf, type StateAsOf } from '../audit';
import { decode } from '../domain/codec';
import { instantOfSlot, pendingDueAt, type JobEvent, type Slot } from '../domain/job';
import type { EventStore, RecordedEvent } from '../event-store';
import { recordOf } from './known-job';

const PAGE = 200;
/** The fate of a slot stands near it: no further is read. */
const EVENTS = 5_000;

/** What became of a slot. */
export interface SlotFate {
  readonly slot: Slot;
  readonly fate: 'ran' | 'skipped' | 'pending';
  /** Why it was skipped; null otherwise. */
  readonly reason: string | null;
  readonly words: string;
  readonly revision: number | null;
  /** When the log took it, ms since the epoch. */
  readonly created: number | null;
}

/** The newest fact of one of these types, up to a revision; null: none. Rejects with `StoreUnavailableError`. */
export async function newestFact(
  store: EventStore,
  stream: string,
  from: number,
  wanted: (event: JobEvent) => boolean,
): Promise<{ readonly words: string; readonly event: JobEvent; readonly recorded: RecordedEvent } | null> {
  let next = from;
  for (let read = 0; next >= 0 && read < EVENTS; read += PAGE) {
    const { events } = await store.readStream(stream, { direction: 'backwards', from: next, limit: PAGE });
    for (const recorded of events) {
      const event = jobEvent(recorded);
      if (event !== null && wanted(event)) return { words: wordsOf(event), event, recorded };
    }
    next = (events.at(-1)?.revision ?? 0) - 1;
  }
  return null;
}

/**
 * The scheduled slot that was due at a time, and what became of it: the one that was pending then, else the newest that had been dealt with.
 * Null: none is known.
 */
export async function slotFate(
  store: EventStore,
  stream: string,
  found: StateAsOf,
  time: number,
): Promise<SlotFate | null> {
  const revision = found.at?.revision ?? -1;
  const record = recordOf(found.state);
  const slot = record?.nextSlot ?? null;
  const due = record === null ? null : pendingDueAt(record);
  if (slot !== null && due !== null && due <= time) return fateOf(store, stream, slot, revision + 1);
  const last = await newestFact(store, stream, revision, (event) => slotIn(event) !== null);
  if (last === null) return null;
  return fate(slotIn(last.event) ?? '', last.event, last.recorded);
}

async function fateOf(store: EventStore, stream: string, slot: Slot, from: number): Promise<SlotFate> {
  const still: SlotFate = {
    slot,
    fate: 'pending',
    reason: null,
    words: 'it is still pending',
    revision: null,
    created: null,
  };
  for (let next = from, read = 0; read < EVENTS; read += PAGE) {
    const { events } = await store.readStream(stream, { direction: 'forwards', from: next, limit: PAGE });
    for (const recorded of events) {
      const event = jobEvent(recorded);
      if (event?.type === 'JobRunStarted' && event.data.slot === slot) return fate(slot, event, recorded);
      if (event?.type === 'JobSlotsSkipped' && covers(event, slot)) return fate(slot, event, recorded);
    }
    const last = events.at(-1);
    if (last === undefined) return still;
    next = last.revision + 1;
  }
  return still;
}

function fate(slot: Slot, event: JobEvent, recorded: RecordedEvent): SlotFate {
  const { revision } = recorded;
  const reason = event.type === 'JobSlotsSkipped' ? event.data.reason : null;
  return {
    slot,
    fate: reason === null ? 'ran' : 'skipped',
    reason,
    words: wordsOf(event),
    revision,
    created: takenAt(recorded),
  };
}

/** The newest scheduled slot that an event deals with; null: none. */
function slotIn(event: JobEvent): Slot | null {
  if (event.type === 'JobRunStarted') return instantOfSlot(event.data.slot) === null ? null : event.data.slot;
  return event.type === 'JobSlotsSkipped' ? event.data.to : null;
}

function covers({ data: { from, to } }: Extract<JobEvent, { type: 'JobSlotsSkipped' }>, slot: Slot): boolean {
  const [at, first, last] = [slot, from, to].map((one) => (one === null ? null : instantOfSlot(one)));
  return at != null && first != null && last != null && first <= at && at <= last;
}

function jobEvent({ type, data, metadata }: RecordedEvent): JobEvent | null {
  const event = decode(type, data, metadata);
  return event.type !== '$unreadable' && event.type.startsWith('Job') ? (event as JobEvent) : null;
}
