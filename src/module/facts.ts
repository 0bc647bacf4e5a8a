import type { JobEvent } from '../domain/job';
import type { ServiceEvent } from '../domain/service';

/** Any event of Holdfast's streams of jobs and services. */
export type HoldfastEvent = JobEvent | ServiceEvent;

type DataOf<Type extends HoldfastEvent['type']> = Extract<HoldfastEvent, { type: Type }>['data'];

/**
 * A fact of the log as it reaches the host's EventBus: published after it was appended, at most once per process,
 * from the log's head at start. A courtesy, not a delivery guarantee: what must not be missed is read from the log.
 */
export abstract class Fact<Type extends HoldfastEvent['type'] = HoldfastEvent['type']> {
  abstract readonly type: Type;
  constructor(
    /** Job id or service id. */
    readonly id: string,
    readonly data: DataOf<Type>,
    /** Revision in its stream. */
    readonly revision: number,
    readonly position: bigint,
    /** When the log took it, ms since the epoch. */
    readonly created: number,
  ) {}
}

function fact<const Type extends HoldfastEvent['type']>(type: Type) {
  return class extends Fact<Type> {
    readonly type = type;
  };
}

export class JobScheduledFact extends fact('JobScheduled') {}
export class JobRescheduledFact extends fact('JobRescheduled') {}
export class JobNextSlotRecomputedFact extends fact('JobNextSlotRecomputed') {}
export class JobEndSetFact extends fact('JobEndSet') {}
export class JobRunRequestedFact extends fact('JobRunRequested') {}
export class JobBoundToServiceFact extends fact('JobBoundToService') {}
export class JobSlotsSkippedFact extends fact('JobSlotsSkipped') {}
export class JobRunStartedFact extends fact('JobRunStarted') {}
export class JobRunSucceededFact extends fact('JobRunSucceeded') {}
export class JobRunFailedFact extends fact('JobRunFailed') {}
export class JobRunTimedOutFact extends fact('JobRunTimedOut') {}
export class JobRunAbandonedFact extends fact('JobRunAbandoned') {}
export class JobRunOutcomeRefusedFact extends fact('JobRunOutcomeRefused') {}
export class JobReleasedFact extends fact('JobReleased') {}
export class JobRequeuedFact extends fact('JobRequeued') {}
export class JobHeldFact extends fact('JobHeld') {}
export class JobHoldResolvedFact extends fact('JobHoldResolved') {}
export class JobQuarantinedFact extends fact('JobQuarantined') {}
export class JobReleasedFromQuarantineFact extends fact('JobReleasedFromQuarantine') {}
export class JobPausedFact extends fact('JobPaused') {}
export class JobResumedFact extends fact('JobResumed') {}
export class JobCompletedFact extends fact('JobCompleted') {}
export class JobCancelledFact extends fact('JobCancelled') {}
export class JobRemovedFact extends fact('JobRemoved') {}
export class ServiceRegisteredFact extends fact('ServiceRegistered') {}
export class ServiceReassertedFact extends fact('ServiceReasserted') {}
export class ServiceMarkedFailedFact extends fact('ServiceMarkedFailed') {}
export class ServiceDrainStartedFact extends fact('ServiceDrainStarted') {}
export class ServiceStoppedFact extends fact('ServiceStopped') {}

type FactClass = new (id: string, data: never, revision: number, position: bigint, created: number) => Fact;

/** Event type → class. `JobBooksClosed` is bookkeeping of the log and is not published. */
const classes: Readonly<Record<string, FactClass>> = {
  JobScheduled: JobScheduledFact,
  JobRescheduled: JobRescheduledFact,
  JobNextSlotRecomputed: JobNextSlotRecomputedFact,
  JobEndSet: JobEndSetFact,
  JobRunRequested: JobRunRequestedFact,
  JobBoundToService: JobBoundToServiceFact,
  JobSlotsSkipped: JobSlotsSkippedFact,
  JobRunStarted: JobRunStartedFact,
  JobRunSucceeded: JobRunSucceededFact,
  JobRunFailed: JobRunFailedFact,
  JobRunTimedOut: JobRunTimedOutFact,
  JobRunAbandoned: JobRunAbandonedFact,
  JobRunOutcomeRefused: JobRunOutcomeRefusedFact,
  JobReleased: JobReleasedFact,
  JobRequeued: JobRequeuedFact,
  JobHeld: JobHeldFact,
  JobHoldResolved: JobHoldResolvedFact,
  JobQuarantined: JobQuarantinedFact,
  JobReleasedFromQuarantine: JobReleasedFromQuarantineFact,
  JobPaused: JobPausedFact,
  JobResumed: JobResumedFact,
  JobCompleted: JobCompletedFact,
  JobCancelled: JobCancelledFact,
  JobRemoved: JobRemovedFact,
  ServiceRegistered: ServiceRegisteredFact,
  ServiceReasserted: ServiceReassertedFact,
  ServiceMarkedFailed: ServiceMarkedFailedFact,
  ServiceDrainStarted: ServiceDrainStartedFact,
  ServiceStopped: ServiceStoppedFact,
};

/** The fact of an event; null for those that are not published. */
export function factOf(
  event: HoldfastEvent,
  id: string,
  revision: number,
  position: bigint,
  created: number,
): Fact | null {
  const Class = classes[event.type];
  return Class ? new Class(id, event.data as never, revision, position, created) : null;
}
