import type { ServiceEvent } from './events';
import type { Candidate, Incarnation, ServiceState } from './state';

/** Callers' commands that the fold remembers per service. */
const KNOWN_COMMANDS = 64;

/** The state of a service whose stream has no event yet. */
export function absentService(serviceId: string): ServiceState {
  return { revision: -1, serviceId, incarnations: [], unreadable: null, commands: [] };
}

/** The state after one more event. `revision` is that of the event in its stream. */
export function evolveService(state: ServiceState, event: ServiceEvent, revision: number): ServiceState {
  const { commandId, at } = event.data;
  return {
    ...state,
    revision,
    incarnations: evolveIncarnations(state.incarnations, event, revision),
    commands:
      commandId === undefined
        ? state.commands
        : [...state.commands, { id: commandId, revision, at }].slice(-KNOWN_COMMANDS),
  };
}

/** The state after an event that this process cannot read: it is shown, and nothing is decided on it any more. The first one is named. */
export function evolveUnreadableService(
  state: ServiceState,
  unreadable: { readonly revision: number; readonly type: string; readonly why: string },
): ServiceState {
  const { revision, type, why } = unreadable;
  return { ...state, revision, unreadable: state.unreadable ?? { revision, type, why } };
}

function evolveIncarnations(
  incarnations: readonly Incarnation[],
  event: ServiceEvent,
  revision: number,
): readonly Incarnation[] {
  const { data } = event;
  if (event.type === 'ServiceRegistered') {
    const { incarnation, labels, capacity, handlers, process, placementVersion, zoneData } = event.data;
    const registered: Incarnation = {
      incarnation,
      registeredRevision: revision,
      registeredAt: data.at,
      labels,
      capacity,
      handlers,
      process,
      placementVersion,
      ...(zoneData !== undefined && { zoneData }),
      life: 'live',
      endedRevision: null,
      endedAt: null,
      failedBy: null,
      confirmedDead: false,
      leftovers: [],
    };
    return [...incarnations, registered];
  }
  return incarnations.map((one) => (one.incarnation === data.incarnation ? evolveOne(one, event, revision) : one));
}

function evolveOne(
  one: Incarnation,
  event: Exclude<ServiceEvent, { type: 'ServiceRegistered' }>,
  revision: number,
): Incarnation {
  const ended = isTerminal(one) ? {} : { endedRevision: revision, endedAt: event.data.at };
  switch (event.type) {
    case 'ServiceReasserted':
      return one;
    case 'ServiceDrainStarted':
      return one.life === 'live' ? { ...one, life: 'draining' } : one;
    case 'ServiceMarkedFailed': {
      const confirmedDead = one.confirmedDead || (event.data.by === 'operator' && event.data.confirmedDead);
      if (isTerminal(one)) return { ...one, confirmedDead };
      return { ...one, ...ended, life: 'failed', failedBy: event.data.by, confirmedDead };
    }
    case 'ServiceStopped':
      if (isTerminal(one)) return one;
      return { ...one, ...ended, life: 'stopped', leftovers: event.data.leftovers.map((left) => left.jobId) };
  }
}

/** Failed or stopped: this incarnation never acts again. */
export function isTerminal(incarnation: { readonly life: Incarnation['life'] }): boolean {
  return incarnation.life === 'failed' || incarnation.life === 'stopped';
}

/** The newest incarnation, whatever became of it; null: none was registered. */
export function currentIncarnation(state: ServiceState): Incarnation | null {
  return state.incarnations.at(-1) ?? null;
}

/** The incarnation that has neither failed nor stopped; null: none. */
export function liveIncarnation(state: ServiceState): Incarnation | null {
  return state.incarnations.findLast((one) => !isTerminal(one)) ?? null;
}

/** The incarnation as placement and eligibility see it. `owned`: jobs bound to the service at the same view position. */
export function candidateOf(serviceId: string, incarnation: Incarnation, owned: number): Candidate {
  return {
    serviceId,
    incarnation: incarnation.incarnation,
    labels: incarnation.labels,
    handlers: Object.keys(incarnation.handlers),
    life: incarnation.life,
    capacity: incarnation.capacity,
    owned,
    registeredAt: incarnation.registeredAt,
    placementVersion: incarnation.placementVersion,
  };
}
