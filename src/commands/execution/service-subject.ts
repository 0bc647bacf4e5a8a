import { decode, encode } from '../../domain/codec';
import {
  absentService,
  evolveService,
  evolveUnreadableService,
  type ServiceEvent,
  type ServiceState,
} from '../../domain/service';
import type { Subject } from './subject';

const types: ReadonlySet<string> = new Set<ServiceEvent['type']>([
  'ServiceRegistered',
  'ServiceReasserted',
  'ServiceMarkedFailed',
  'ServiceDrainStarted',
  'ServiceStopped',
]);

/** Streams of services. They are short: one is read whole. */
export const serviceSubject: Subject<ServiceState, ServiceEvent> = {
  lane: 'urgent',
  absent: absentService,
  fold(state, { type, data, metadata, revision }) {
    const event = decode(type, data, metadata);
    if (event.type === '$unreadable') return evolveUnreadableService(state, { revision, type, why: event.why });
    if (types.has(event.type)) return evolveService(state, event as ServiceEvent, revision);
    return evolveUnreadableService(state, { revision, type, why: 'it is no event of a service' });
  },
  evolve: evolveService,
  isBooks: () => false,
  closeBooks: () => null,
  encode,
};
