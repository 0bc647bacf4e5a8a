import type {
  AbandonReason,
  JobDefinition,
  JobEvent,
  OwnerGone,
  ReleaseReason,
  RunRef,
  SkipReason,
} from '../../domain/job';
import type { Candidate } from '../../domain/service';
import { commandIdOf, everyMinute, hashOf, one, two, whyOf, zoneData } from './a-job';

type Data<Type extends JobEvent['type']> = Extract<JobEvent, { type: Type }>['data'];

/** Events, each with every field that it has: what `ask` makes of a job is compared with these. */
export const fact = {
  scheduled(
    at: number,
    nextSlot: string,
    definition: JobDefinition = everyMinute,
    more: Partial<Data<'JobScheduled'>> = {},
  ): JobEvent {
    const definitionHash = hashOf(definition);
    const commandId = commandIdOf('ScheduleJob', at);
    return {
      type: 'JobScheduled',
      data: {
        jobId: 'job',
        definition,
        definitionHash,
        anchor: at,
        renewed: false,
        nextSlot,
        zoneData,
        commandId,
        at,
        ...more,
      },
    };
  },
  rescheduled(
    at: number,
    nextSlot: string | null,
    definition: JobDefinition,
    more: Partial<Data<'JobRescheduled'>> = {},
  ): JobEvent {
    const definitionHash = hashOf(definition);
    const commandId = commandIdOf('RescheduleJob', at);
    return {
      type: 'JobRescheduled',
      data: { definition, definitionHash, anchor: at, nextSlot, zoneData, commandId, at, ...more },
    };
  },
  runRequested(at: number, revision: number): JobEvent {
    const commandId = commandIdOf('RequestRun', at);
    return { type: 'JobRunRequested', data: { slot: `manual:${revision}`, reason: 'asked', commandId, at } };
  },
  claimed(at: number, epoch: number, service: Candidate = one): JobEvent {
    const { serviceId, incarnation } = service;
    return {
      type: 'JobBoundToService',
      data: { epoch, serviceId, incarnation, viewPosition: '7', why: whyOf('claim', service), at },
    };
  },
  moved(at: number, epoch: number, service: Candidate = two): JobEvent {
    const { serviceId, incarnation } = service;
    const why = whyOf('operator', service);
    const commandId = commandIdOf('BindJob', at);
    return {
      type: 'JobBoundToService',
      data: { epoch, serviceId, incarnation, viewPosition: '7', why, commandId, at },
    };
  },
  takenOver(at: number, epoch: number, service: Candidate = two): JobEvent {
    const { serviceId, incarnation } = service;
    const why = whyOf('requeue', service);
    return { type: 'JobBoundToService', data: { epoch, serviceId, incarnation, viewPosition: '9', why, at } };
  },
  skipped(
    at: number,
    reason: SkipReason,
    [from, to, count]: readonly [string, string, number],
    nextSlot: string | null,
    commandId?: string,
  ): JobEvent {
    return {
      type: 'JobSlotsSkipped',
      data: {
        reason,
        from,
        to,
        count,
        slots: [],
        nextSlot,
        zoneData,
        at,
        ...(commandId === undefined ? {} : { commandId }),
      },
    };
  },
  requestsSkipped(
    at: number,
    reason: SkipReason,
    slots: readonly string[],
    nextSlot: string | null,
    commandId: string,
  ): JobEvent {
    const count = slots.length;
    return {
      type: 'JobSlotsSkipped',
      data: { reason, from: null, to: null, count, slots, nextSlot, zoneData, commandId, at },
    };
  },
  started(
    at: number,
    run: RunRef,
    nextSlot: string | null,
    service: Candidate = one,
    definitionRevision = 0,
  ): JobEvent {
    const { serviceId } = service;
    return { type: 'JobRunStarted', data: { ...run, serviceId, definitionRevision, nextSlot, zoneData, at } };
  },
  succeeded(at: number, run: RunRef): JobEvent {
    return { type: 'JobRunSucceeded', data: { ...run, durationMs: 5, at } };
  },
  failed(at: number, run: RunRef, retriesUsed = 0, retryAt: number | null = null): JobEvent {
    return {
      type: 'JobRunFailed',
      data: { ...run, error: 'Error', message: 'no disk', durationMs: 5, retriesUsed, retryAt, at },
    };
  },
  timedOut(at: number, run: RunRef, retriesUsed = 0, retryAt: number | null = null): JobEvent {
    return { type: 'JobRunTimedOut', data: { ...run, durationMs: 6, timeoutMs: 5, retriesUsed, retryAt, at } };
  },
  abandoned(at: number, run: RunRef, reason: AbandonReason, commandId?: string): JobEvent {
    return { type: 'JobRunAbandoned', data: { ...run, reason, at, ...(commandId === undefined ? {} : { commandId }) } };
  },
  outcomeRefused(at: number, run: RunRef, outcome: Data<'JobRunOutcomeRefused'>['outcome'], why: string): JobEvent {
    return { type: 'JobRunOutcomeRefused', data: { ...run, outcome, why, at } };
  },
  released(at: number, reason: ReleaseReason, more: Partial<Data<'JobReleased'>> = {}): JobEvent {
    const { serviceId, incarnation } = one;
    return { type: 'JobReleased', data: { epoch: 1, serviceId, incarnation, reason, target: null, at, ...more } };
  },
  requeued(at: number, cause: OwnerGone = 'failed', more: Partial<Data<'JobRequeued'>> = {}): JobEvent {
    const gone = { fromServiceId: one.serviceId, fromIncarnation: one.incarnation };
    return { type: 'JobRequeued', data: { epoch: 1, ...gone, cause, viewPosition: '9', nobody: null, at, ...more } };
  },
  held: (at: number, slot: string, attempt = 1): JobEvent => ({ type: 'JobHeld', data: { slot, attempt, at } }),
  holdResolved(
    at: number,
    resolution: 'retry' | 'fail' | 'succeeded',
    slot: string,
    nextSlot: string | null,
  ): JobEvent {
    return { type: 'JobHoldResolved', data: { resolution, slot, nextSlot, zoneData, ...caller('ResolveHold', at) } };
  },
  quarantined: (at: number, crashes = 3): JobEvent => ({
    type: 'JobQuarantined',
    data: { crashes, windowMs: 3_600_000, at },
  }),
  leftQuarantine: (at: number): JobEvent => ({
    type: 'JobReleasedFromQuarantine',
    data: caller('ReleaseFromQuarantine', at),
  }),
  paused: (at: number): JobEvent => ({ type: 'JobPaused', data: caller('PauseJob', at) }),
  resumed: (at: number, nextSlot: string | null): JobEvent => ({
    type: 'JobResumed',
    data: { nextSlot, zoneData, ...caller('ResumeJob', at) },
  }),
  endSet: (at: number): JobEvent => ({
    type: 'JobEndSet',
    data: { nextSlot: null, zoneData, ...caller('CancelJob', at) },
  }),
  completed(at: number, outcome: 'succeeded' | 'failed', commandId?: string): JobEvent {
    return { type: 'JobCompleted', data: { outcome, at, ...(commandId === undefined ? {} : { commandId }) } };
  },
  cancelled: (at: number, by: 'CancelJob' | 'RemoveJob' = 'CancelJob'): JobEvent => ({
    type: 'JobCancelled',
    data: caller(by, at),
  }),
  removed: (at: number): JobEvent => ({ type: 'JobRemoved', data: caller('RemoveJob', at) }),
};

function caller(kind: Parameters<typeof commandIdOf>[0], at: number) {
  return { reason: 'asked', commandId: commandIdOf(kind, at), at };
}
