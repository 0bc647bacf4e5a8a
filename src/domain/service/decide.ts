import type {
  MarkServiceFailed,
  ObserverMarksFailed,
  OperatorMarksFailed,
  RegisterService,
  ServiceCommand,
  StartDrain,
  StopService,
} from './commands';
import type { ServiceEvent, ServiceMarkedFailed } from './events';
import { currentIncarnation, isTerminal, liveIncarnation } from './evolve';
import type { ServiceDecision, ServiceRefusal, ServiceRefusalCode } from './refusals';
import type { Incarnation, ServiceState } from './state';

/** Decides one command on the state of its service, at exactly `state.revision`. */
export function decideService(state: ServiceState, command: ServiceCommand): ServiceDecision {
  if (state.unreadable !== null) {
    const { revision, type, why } = state.unreadable;
    return refuse(
      'service-unreadable',
      '',
      `${type} at revision ${revision}`,
      `An event of service ${state.serviceId} cannot be read here (${why}), so nothing is decided on its stream.`,
      'Update this process to a release that reads this event.',
    );
  }
  if (command.kind === 'RegisterService') return register(state, command);
  if (state.incarnations.length === 0) {
    return refuse(
      'service-unknown',
      'serviceId',
      state.serviceId,
      `No service was ever registered as ${state.serviceId}.`,
      'Check the service id.',
    );
  }
  const commandId = 'commandId' in command ? command.commandId : undefined;
  const known = commandId === undefined ? undefined : state.commands.find((one) => one.id === commandId);
  if (known !== undefined) return { ok: true, events: [], knownRevision: known.revision };

  const incarnation = named(state, command.incarnation);
  if (incarnation === null) return unknownIncarnation(state, command.incarnation);
  switch (command.kind) {
    case 'ReassertService': {
      if (isTerminal(incarnation)) return ended(state, incarnation);
      return append({
        type: 'ServiceReasserted',
        data: {
          serviceId: state.serviceId,
          incarnation: incarnation.incarnation,
          fencedForMs: command.fencedForMs,
          at: command.at,
          ...(commandId === undefined ? {} : { commandId }),
        },
      });
    }
    case 'MarkServiceFailed':
      return markFailed(state, incarnation, command);
    case 'StartDrain':
      return startDrain(state, incarnation, command);
    case 'StopService':
      return stop(state, incarnation, command);
  }
}

function register(state: ServiceState, command: RegisterService): ServiceDecision {
  if (command.serviceId !== state.serviceId) {
    return refuse(
      'service-mismatch',
      'serviceId',
      command.serviceId,
      `This is the stream of service ${state.serviceId}.`,
      'Register each service in its own stream.',
    );
  }
  const same = named(state, command.incarnation);
  if (same !== null) {
    if (isTerminal(same)) return ended(state, same);
    return { ok: true, events: [], knownRevision: same.registeredRevision };
  }
  const events: ServiceEvent[] = [];
  const other = liveIncarnation(state);
  if (other !== null) {
    const verdict = command.supersede;
    if (verdict === null || verdict.incarnation !== other.incarnation) return alive(state, other);
    const refusal = unfounded(state, verdict);
    if (refusal !== null) return { ok: false, refusal };
    events.push(observerMark(state, { ...verdict, at: command.at }));
  }
  const { serviceId, incarnation, labels, capacity, handlers, process, placementVersion, zoneData, reason, at } =
    command;
  const data = { serviceId, incarnation, labels, capacity, handlers, process, placementVersion, zoneData, reason, at };
  events.push({ type: 'ServiceRegistered', data });
  return { ok: true, events };
}

function markFailed(state: ServiceState, incarnation: Incarnation, command: MarkServiceFailed): ServiceDecision {
  if (command.by === 'observer') {
    const refusal = unfounded(state, command);
    if (refusal !== null) return { ok: false, refusal };
    if (incarnation.life === 'stopped') return ended(state, incarnation);
    if (incarnation.life === 'failed') return { ok: true, events: [] };
    return append(observerMark(state, command));
  }
  if (incarnation.life === 'stopped') return ended(state, incarnation);
  const adds = incarnation.life !== 'failed' || (command.confirmedDead && !incarnation.confirmedDead);
  return adds ? append(operatorMark(state, incarnation, command)) : { ok: true, events: [] };
}

/** Why an observer's evidence does not carry its verdict; null: it does. */
function unfounded(
  state: ServiceState,
  verdict: Pick<ObserverMarksFailed, 'viewRevision' | 'evidence' | 'incarnation'>,
): ServiceRefusal | null {
  const { viewRevision, evidence } = verdict;
  if (viewRevision !== state.revision) {
    return {
      code: 'evidence-outdated',
      field: 'viewRevision',
      value: String(viewRevision),
      rule: `The stream of service ${state.serviceId} is at revision ${state.revision}; the evidence was seen at revision ${viewRevision}.`,
      remedy: 'Drop the verdict and measure the silence anew.',
    };
  }
  if (evidence.kind === 'silence' && !(evidence.silenceMs >= evidence.thresholdMs)) {
    return {
      code: 'evidence-insufficient',
      field: 'evidence.silenceMs',
      value: String(evidence.silenceMs),
      rule: `A verdict needs a silence of at least ${evidence.thresholdMs} ms.`,
      remedy: 'Go on observing.',
    };
  }
  return null;
}

function observerMark(
  state: ServiceState,
  verdict: Omit<ObserverMarksFailed, 'kind' | 'by' | 'viewRevision'>,
): ServiceMarkedFailed {
  const { incarnation, observer, observerIncarnation, evidence, at } = verdict;
  return {
    type: 'ServiceMarkedFailed',
    data: { serviceId: state.serviceId, incarnation, by: 'observer', observer, observerIncarnation, evidence, at },
  };
}

function operatorMark(
  state: ServiceState,
  incarnation: Incarnation,
  command: OperatorMarksFailed,
): ServiceMarkedFailed {
  const { actor, reason, confirmedDead, at, commandId } = command;
  return {
    type: 'ServiceMarkedFailed',
    data: {
      serviceId: state.serviceId,
      incarnation: incarnation.incarnation,
      by: 'operator',
      actor,
      reason,
      confirmedDead,
      at,
      commandId,
    },
  };
}

function startDrain(state: ServiceState, incarnation: Incarnation, command: StartDrain): ServiceDecision {
  if (isTerminal(incarnation)) return ended(state, incarnation);
  if (incarnation.life === 'draining') return { ok: true, events: [] };
  const { reason, at, commandId } = command;
  return append({
    type: 'ServiceDrainStarted',
    data: {
      serviceId: state.serviceId,
      incarnation: incarnation.incarnation,
      reason,
      at,
      ...(commandId === undefined ? {} : { commandId }),
    },
  });
}

function stop(state: ServiceState, incarnation: Incarnation, command: StopService): ServiceDecision {
  if (incarnation.life === 'stopped') return { ok: true, events: [] };
  if (incarnation.life === 'failed') return ended(state, incarnation);
  return append({
    type: 'ServiceStopped',
    data: {
      serviceId: state.serviceId,
      incarnation: incarnation.incarnation,
      leftovers: command.leftovers,
      at: command.at,
    },
  });
}

function named(state: ServiceState, incarnation: string | undefined): Incarnation | null {
  if (incarnation === undefined) return currentIncarnation(state);
  return state.incarnations.find((one) => one.incarnation === incarnation) ?? null;
}

function append(event: ServiceEvent): ServiceDecision {
  return { ok: true, events: [event] };
}

function refuse(code: ServiceRefusalCode, field: string, value: string, rule: string, remedy: string): ServiceDecision {
  return { ok: false, refusal: { code, field, value, rule, remedy } };
}

function unknownIncarnation(state: ServiceState, incarnation: string | undefined): ServiceDecision {
  return refuse(
    'incarnation-unknown',
    'incarnation',
    String(incarnation),
    `Service ${state.serviceId} was never registered with incarnation ${incarnation}.`,
    'Look up the incarnations of the service, or leave the field out to mean the newest.',
  );
}

function ended(state: ServiceState, incarnation: Incarnation): ServiceDecision {
  const failed = incarnation.life === 'failed';
  return refuse(
    failed ? 'incarnation-failed' : 'incarnation-stopped',
    'incarnation',
    incarnation.incarnation,
    `Incarnation ${incarnation.incarnation} of service ${state.serviceId} ${failed ? 'was marked failed' : 'has stopped'} at revision ${incarnation.endedRevision}, which is final.`,
    failed
      ? 'Register a new incarnation.'
      : 'A stopped service needs no mark and no drain: its jobs move by themselves. To run again, register a new incarnation.',
  );
}

function alive(state: ServiceState, other: Incarnation): ServiceDecision {
  const { host, name } = other.labels;
  return refuse(
    'service-alive',
    'serviceId',
    state.serviceId,
    `Service id ${state.serviceId} is in use: process ${other.process.pid} (name ${name}, host ${host}), incarnation ${other.incarnation}, has neither failed nor stopped.`,
    'Give this process a service id of its own, or stop the other process, or mark it failed if it is dead.',
  );
}
