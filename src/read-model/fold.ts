import { decode, readableEvents } from '../domain/codec';
import { absentJob, evolve, type JobEvent, type JobState } from '../domain/job';
import { evolveService, evolveUnreadableService, type ServiceEvent, type ServiceState } from '../domain/service';
import type { UnreadableEvent } from '../domain/unreadable';
import type { RecordedEvent } from '../event-store';

export { absentJob, type UnreadableEvent };

/** What this release can read, as one text: when it differs, what was unreadable may be readable now. */
export const knownEvents: string = readableEvents.join(' ');

/** Told of each event that cannot be read. */
export type OnUnreadable = (event: UnreadableEvent) => void;

/**
 * The state of a job after one recorded event. An event that cannot be read makes it opaque.
 * @param refused why the event, though it can be decoded, cannot be applied; null: nothing is known against it.
 */
export function foldJob(
  state: JobState,
  recorded: RecordedEvent,
  refused: string | null,
  onUnreadable: OnUnreadable,
): JobState {
  const event = refused === null ? jobEventOf(recorded) : unreadable(recorded, refused);
  if (event.type === '$unreadable') onUnreadable(event);
  return evolve(state, event, recorded.revision);
}

/** The state of a service after one recorded event. */
export function foldService(
  state: ServiceState,
  recorded: RecordedEvent,
  refused: string | null,
  onUnreadable: OnUnreadable,
): ServiceState {
  const event = refused === null ? serviceEventOf(recorded) : unreadable(recorded, refused);
  if (event.type !== '$unreadable') return evolveService(state, event, recorded.revision);
  onUnreadable(event);
  const { originalType: type, why } = event;
  return evolveUnreadableService(state, { revision: recorded.revision, type, why });
}

function unreadable(recorded: RecordedEvent, why: string): UnreadableEvent {
  return { type: '$unreadable', originalType: recorded.type, why };
}

function jobEventOf(recorded: RecordedEvent): JobEvent | UnreadableEvent {
  const event = decode(recorded.type, recorded.data, recorded.metadata);
  return event.type === '$unreadable' || event.type.startsWith('Job')
    ? (event as JobEvent | UnreadableEvent)
    : unreadable(recorded, 'it is no event of a job');
}

function serviceEventOf(recorded: RecordedEvent): ServiceEvent | UnreadableEvent {
  const event = decode(recorded.type, recorded.data, recorded.metadata);
  return event.type === '$unreadable' || (event.type.startsWith('Service') && event.type !== 'ServiceHeartbeat')
    ? (event as ServiceEvent | UnreadableEvent)
    : unreadable(recorded, 'it is no event of the life of a service');
}
