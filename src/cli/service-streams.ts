import { takenAt } from '../audit';
import { decode, originOf } from '../domain/codec';
import { namespacePrefix } from '../domain/namespace';
import {
  absentService,
  candidateOf,
  currentIncarnation,
  evolveService,
  evolveUnreadableService,
  isTerminal,
  type Candidate,
  type Incarnation,
  type ServiceEvent,
  type ServiceHeartbeat,
  type ServiceState,
} from '../domain/service';
import type { EventStore, LogPosition, RecordedEvent } from '../event-store';

const PAGE = 500;

/** A service as its own streams tell it. */
export interface SeenService {
  readonly state: ServiceState;
  /** The newest incarnation; null: none could be read. */
  readonly current: Incarnation | null;
  /** Its last beat; null: none is kept. */
  readonly beat: Beat | null;
}

export interface Beat {
  /** When the log took it, ms since the epoch. */
  readonly created: number;
  readonly sequence: number;
  /** Jobs that it owned and runs that were open, as it said. */
  readonly owned: number;
  readonly running: number;
}

/**
 * The end of what is looked at, inclusive: a position or a time of the log; null: all there is. With `log`: a position of the log that an event at
 * `before` was copied from.
 */
export type Until =
  | { readonly position: bigint; readonly log?: undefined }
  | { readonly position: bigint; readonly log: string; readonly before: bigint }
  | { readonly time: number }
  | null;

/** All services, by id. Costs a read of the service events and of one beat each, however many jobs there are. Rejects with `StoreUnavailableError`. */
export async function readServices(store: EventStore, namespace: string, until: Until): Promise<SeenService[]> {
  const category = `${namespacePrefix(namespace)}service`;
  const states = new Map<string, ServiceState>();
  let after: LogPosition = 'start';
  for (let end = false; !end;) {
    const slice = await store.readAll({ after, categories: [category], limit: PAGE });
    for (const event of slice.events) {
      if (!within(event, until)) break;
      const id = event.stream.slice(category.length + 1);
      states.set(id, fold(states.get(id) ?? absentService(id), event));
    }
    end = slice.end || slice.events.some((event) => !within(event, until));
    after = slice.position;
  }
  const sorted = [...states.values()].sort((a, b) => (a.serviceId < b.serviceId ? -1 : 1));
  const seen: SeenService[] = [];
  for (const state of sorted) seen.push(await withBeat(store, namespace, state, until));
  return seen;
}

/** One service; null: no event tells of it. Rejects with `StoreUnavailableError`. */
export async function readService(
  store: EventStore,
  namespace: string,
  serviceId: string,
  until: Until,
): Promise<SeenService | null> {
  const stream = `${namespacePrefix(namespace)}service-${serviceId}`;
  let state = absentService(serviceId);
  for (let from = 0; ;) {
    const { events } = await store.readStream(stream, { direction: 'forwards', from, limit: PAGE });
    const before = events.filter((event) => within(event, until));
    state = before.reduce(fold, state);
    if (before.length < PAGE) break;
    from = before[before.length - 1].revision + 1;
  }
  return state.revision < 0 ? null : withBeat(store, namespace, state, until);
}

/** As placement sees it; null: it has no incarnation that could be read. */
export function candidate({ state, current, beat }: SeenService): Candidate | null {
  return current === null ? null : candidateOf(state.serviceId, current, beat?.owned ?? 0);
}

/** Ms since it was heard of last: by a beat, else by its registration; null: it has ended. */
export function silenceMs({ current, beat }: SeenService, now: number): number | null {
  if (current === null || isTerminal(current)) return null;
  return Math.max(0, now - Math.max(beat?.created ?? 0, current.registeredAt));
}

async function withBeat(store: EventStore, namespace: string, state: ServiceState, until: Until): Promise<SeenService> {
  const current = currentIncarnation(state);
  if (current === null) return { state, current, beat: null };
  const stream = `${namespacePrefix(namespace)}heartbeat-${state.serviceId}`;
  for (let from: number | undefined; ;) {
    const { events } = await store.readStream(stream, {
      direction: 'backwards',
      limit: until === null && from === undefined ? 1 : PAGE,
      ...(from !== undefined && { from }),
    });
    for (const event of events) {
      if (!within(event, until)) continue;
      const data = beatOf(event);
      if (data?.incarnation !== current.incarnation) return { state, current, beat: null };
      const { sequence, owned, running } = data;
      return { state, current, beat: { created: event.created, sequence, owned, running } };
    }
    const oldest = events.at(-1);
    if (oldest === undefined || oldest.revision === 0) return { state, current, beat: null };
    from = oldest.revision - 1;
  }
}

function beatOf({ type, data, metadata }: RecordedEvent): ServiceHeartbeat['data'] | null {
  const event = decode(type, data, metadata);
  return event.type === 'ServiceHeartbeat' ? event.data : null;
}

function fold(state: ServiceState, { type, data, metadata, revision }: RecordedEvent): ServiceState {
  const event = decode(type, data, metadata);
  if (event.type === '$unreadable') {
    return evolveUnreadableService(state, { revision, type: event.originalType, why: event.why });
  }
  if (event.type.startsWith('Service') && event.type !== 'ServiceHeartbeat') {
    return evolveService(state, event as ServiceEvent, revision);
  }
  return evolveUnreadableService(state, { revision, type, why: 'it is no event of a service' });
}

function within(event: RecordedEvent, until: Until): boolean {
  if (until === null) return true;
  if ('time' in until) return takenAt(event) <= until.time;
  if (until.log === undefined) return event.position <= until.position;
  const origin = originOf(event.metadata);
  // What came by an earlier copy was there when this one began.
  return origin?.log === until.log
    ? origin.position <= until.position
    : origin !== null && event.position < until.before;
}
