import type { Instant } from '../instant';
import type { IntervalSchedule, OnceSchedule } from '../schedule';
import type { Candidate } from '../service/state';
import { canonicalDefinition } from './canonical';
import type { AfterRun, JobCommand } from './commands';
import type { JobDefinition, JobPolicies, Slot } from './definition';
import { slotOf } from './events';
import type { BindingReason, JobEvent, OwnerGone, RunRef } from './events';

/** One job, two services, and the facts and questions of their life: what the specifications of the decider are told in. */

const noon = Date.parse('2026-03-01T12:00:00.000Z');
export const zoneData = '2026a';

/** `seconds` after noon. */
export function at(seconds: number): Instant {
  return noon + seconds * 1_000;
}
export function slotAt(seconds: number): Slot {
  return slotOf(at(seconds));
}

export const anna = candidate('anna', 1);
export const bert = candidate('bert', 2);
/** Anna's process after a restart: the same service, another incarnation. */
export const annaAgain = candidate('anna', 3);

function candidate(name: string, n: number): Candidate {
  return {
    serviceId: `${name}@host`,
    incarnation: `0195a000-0000-7000-8000-00000000000${n}`,
    labels: { name, host: 'host' },
    handlers: ['audit'],
    life: 'live',
    capacity: { maxOwnedJobs: 100, maxConcurrentRuns: 4 },
    owned: 0,
    registeredAt: noon - 60_000,
    placementVersion: 1,
  };
}

export const everyMinute: IntervalSchedule = {
  kind: 'interval',
  everyMs: 60_000,
  origin: null,
  start: null,
  end: null,
  maxRuns: null,
};
export const once: OnceSchedule = { kind: 'once', at: 'asap', start: null, end: null, maxRuns: null };

/** Every minute, two retries after 10 and 20 s. */
export function definition(
  more: Partial<Omit<JobDefinition, 'policies'>> = {},
  policies: Partial<JobPolicies> = {},
): JobDefinition {
  return {
    handler: 'audit',
    payload: { goal: 'balance' },
    schedule: everyMinute,
    tag: {},
    affinity: 'required',
    ...more,
    policies: {
      retry: { maxRetries: 2, initialMs: 10_000, factor: 2, maxMs: 300_000 },
      overlap: 'skip',
      misfire: 'once',
      onOwnerLoss: 'rerun',
      onStuck: 'release',
      timeoutMs: 30_000,
      priority: 0,
      ...policies,
    },
  };
}
export const minutely = definition();
export const onceOnly = definition({ schedule: once });
export const hashOf = canonicalDefinition;

type Data<Type extends JobEvent['type']> = Extract<JobEvent, { type: Type }>['data'];

/** A fact, `seconds` after noon; `data` without its time. */
export function fact<Type extends JobEvent['type']>(
  type: Type,
  seconds: number,
  data: Omit<Data<Type>, 'at'>,
): Extract<JobEvent, { type: Type }> {
  return { type, data: { ...data, at: at(seconds) } } as unknown as Extract<JobEvent, { type: Type }>;
}

/** Slots in seconds after noon, or as they are written; null: none. */
type When = number | Slot | null;
function slot(when: When): Slot | null {
  return typeof when === 'number' ? slotAt(when) : when;
}
function pending(next: When): { nextSlot: Slot | null; zoneData: string } {
  return { nextSlot: slot(next), zoneData };
}

export const viewPosition = '7';
export function why(kind: BindingReason['kind'], service: Candidate): BindingReason {
  return { kind, rank: 0, candidates: 2, first: service.serviceId, placementVersion: 1, labelsMatch: true };
}

export const facts = {
  scheduled: (seconds: number, of: JobDefinition, next: When, more: Partial<Data<'JobScheduled'>> = {}) =>
    fact('JobScheduled', seconds, {
      jobId: 'report',
      definition: of,
      definitionHash: hashOf(of),
      anchor: at(seconds),
      renewed: false,
      ...pending(next),
      ...more,
    }),
  rescheduled: (seconds: number, of: JobDefinition, next: When, more: Partial<Data<'JobRescheduled'>> = {}) =>
    fact('JobRescheduled', seconds, {
      definition: of,
      definitionHash: hashOf(of),
      anchor: at(seconds),
      ...pending(next),
      ...more,
    }),
  bound: (
    seconds: number,
    epoch: number,
    { serviceId, incarnation }: Candidate,
    kind: BindingReason['kind'] = 'claim',
  ) =>
    fact('JobBoundToService', seconds, {
      epoch,
      serviceId,
      incarnation,
      viewPosition,
      why: { ...why(kind, anna), first: serviceId },
    }),
  started: (
    seconds: number,
    run: RunRef,
    { serviceId }: Candidate,
    next: When,
    more: Partial<Data<'JobRunStarted'>> = {},
  ) => fact('JobRunStarted', seconds, { ...run, serviceId, definitionRevision: 0, ...pending(next), ...more }),
  succeeded: (seconds: number, run: RunRef) => fact('JobRunSucceeded', seconds, { ...run, durationMs: 5 }),
  failed: (seconds: number, run: RunRef, retriesUsed: number, retryAt: number | null) =>
    fact('JobRunFailed', seconds, {
      ...run,
      error: 'Error',
      message: 'no',
      durationMs: 5,
      retriesUsed,
      retryAt: retryAt === null ? null : at(retryAt),
    }),
  timedOut: (seconds: number, run: RunRef, retriesUsed: number, retryAt: number | null) =>
    fact('JobRunTimedOut', seconds, {
      ...run,
      durationMs: 5,
      timeoutMs: 30_000,
      retriesUsed,
      retryAt: retryAt === null ? null : at(retryAt),
    }),
  abandoned: (seconds: number, run: RunRef, reason: Data<'JobRunAbandoned'>['reason']) =>
    fact('JobRunAbandoned', seconds, { ...run, reason }),
  late: (seconds: number, run: RunRef, outcome: Data<'JobRunOutcomeRefused'>['outcome'], whyNot: string) =>
    fact('JobRunOutcomeRefused', seconds, { ...run, outcome, why: whyNot }),
  skipped: (
    seconds: number,
    reason: Data<'JobSlotsSkipped'>['reason'],
    [from, to, count]: readonly [When, When, number],
    next: When,
  ) => fact('JobSlotsSkipped', seconds, { reason, from: slot(from), to: slot(to), count, slots: [], ...pending(next) }),
  skippedRequests: (seconds: number, slots: readonly Slot[], next: When) =>
    fact('JobSlotsSkipped', seconds, {
      reason: 'cancelled',
      from: null,
      to: null,
      count: slots.length,
      slots,
      ...pending(next),
    }),
  released: (
    seconds: number,
    epoch: number,
    { serviceId, incarnation }: Candidate,
    reason: Data<'JobReleased'>['reason'],
    target: string | null = null,
  ) => fact('JobReleased', seconds, { epoch, serviceId, incarnation, reason, target }),
  requeued: (
    seconds: number,
    epoch: number,
    { serviceId, incarnation }: Candidate,
    nobody: string | null = null,
    cause: Data<'JobRequeued'>['cause'] = 'failed',
  ) =>
    fact('JobRequeued', seconds, {
      epoch,
      fromServiceId: serviceId,
      fromIncarnation: incarnation,
      cause,
      viewPosition,
      nobody,
    }),
  requested: (seconds: number, revision: number) =>
    fact('JobRunRequested', seconds, { slot: `manual:${revision}`, reason: 'x' }),
  backfilled: (seconds: number, revision: number, of: number) =>
    fact('JobRunRequested', seconds, { slot: `backfill:${revision}:${slotAt(of)}`, reason: 'x' }),
  endSet: (seconds: number) => fact('JobEndSet', seconds, { reason: 'x', ...pending(null) }),
  held: (seconds: number, { slot: of, attempt }: RunRef) => fact('JobHeld', seconds, { slot: of, attempt }),
  holdResolved: (
    seconds: number,
    { slot: of }: RunRef,
    resolution: Data<'JobHoldResolved'>['resolution'],
    next: When,
  ) => fact('JobHoldResolved', seconds, { resolution, slot: of, reason: 'x', ...pending(next) }),
  quarantined: (seconds: number, crashes: number) => fact('JobQuarantined', seconds, { crashes, windowMs: 3_600_000 }),
  releasedFromQuarantine: (seconds: number) => fact('JobReleasedFromQuarantine', seconds, { reason: 'x' }),
  paused: (seconds: number) => fact('JobPaused', seconds, { reason: 'x' }),
  resumed: (seconds: number, next: When, backlog?: Data<'JobResumed'>['backlog']) =>
    fact('JobResumed', seconds, { reason: 'x', ...pending(next), ...(backlog !== undefined && { backlog }) }),
  completed: (seconds: number, outcome: Data<'JobCompleted'>['outcome']) => fact('JobCompleted', seconds, { outcome }),
  cancelled: (seconds: number) => fact('JobCancelled', seconds, { reason: 'x' }),
  removed: (seconds: number) => fact('JobRemoved', seconds, { reason: 'x' }),
} as const;

/** The event as the append of a caller's command `id` carries it. */
export function by<Event extends JobEvent>(id: string, event: Event): Event {
  return { ...event, data: { ...event.data, commandId: id } };
}

/** Attempt of a slot (seconds after noon, or its name) under an epoch. */
export function run(of: number | Slot, attempt: number, epoch: number, { incarnation }: Candidate): RunRef {
  return { slot: typeof of === 'number' ? slotAt(of) : of, attempt, epoch, incarnation };
}

const nothingMore: AfterRun = { release: null, startNext: false };
const timed = (seconds: number) => ({ at: at(seconds), zoneData });
const asked = (seconds: number, commandId: string) => ({ ...timed(seconds), commandId, reason: 'x' });

/** What is asked, `seconds` after noon. Callers' commands have the id `c`, unless they are given another. */
export const ask = {
  schedule: (
    seconds: number,
    of: JobDefinition,
    {
      commandId = 'c',
      onConflict = 'refuse',
      renew = false,
    }: Partial<Extract<JobCommand, { kind: 'ScheduleJob' }>> = {},
  ): JobCommand => ({
    kind: 'ScheduleJob',
    jobId: 'report',
    definition: of,
    definitionHash: hashOf(of),
    onConflict,
    renew,
    commandId,
    ...timed(seconds),
  }),
  reschedule: (seconds: number, of: JobDefinition, commandId = 'c'): JobCommand => ({
    kind: 'RescheduleJob',
    definition: of,
    definitionHash: hashOf(of),
    commandId,
    ...timed(seconds),
  }),
  declare: (
    seconds: number,
    of: JobDefinition,
    hash: string,
    more: Partial<Extract<JobCommand, { kind: 'DeclareJob' }>> = {},
  ): JobCommand => ({
    kind: 'DeclareJob',
    jobId: 'report',
    definition: of,
    definitionHash: hashOf(of),
    declaration: { hash, source: 'app' },
    disabled: false,
    restart: false,
    commandId: 'c',
    ...timed(seconds),
    ...more,
  }),
  runNow: (seconds: number, id = 'c'): JobCommand => ({ kind: 'RequestRun', ...asked(seconds, id) }),
  backfill: (seconds: number, from: number, to: number, limit = 100, id = 'c'): JobCommand => ({
    kind: 'BackfillJob',
    from: at(from),
    to: at(to),
    limit,
    ...asked(seconds, id),
  }),
  claim: (seconds: number, service: Candidate, start = true, soleSuspect = true): JobCommand => ({
    kind: 'BindJob',
    by: 'claim',
    service,
    viewPosition,
    why: why('claim', service),
    start,
    soleSuspect,
    ...timed(seconds),
  }),
  move: (seconds: number, service: Candidate): JobCommand => ({
    kind: 'BindJob',
    by: 'operator',
    service,
    viewPosition,
    why: why('operator', service),
    start: false,
    commandId: 'c',
    ...timed(seconds),
  }),
  release: (
    seconds: number,
    epoch: number,
    { serviceId, incarnation }: Candidate,
    reason: Extract<JobCommand, { kind: 'ReleaseJob' }>['reason'] = 'drain',
    target: string | null = null,
  ): JobCommand => ({ kind: 'ReleaseJob', serviceId, incarnation, epoch, reason, target, ...timed(seconds) }),
  requeue: (
    seconds: number,
    { serviceId, incarnation }: Candidate,
    to: Candidate | null,
    {
      start = true,
      cause = 'failed',
      crashes = 3,
      soleSuspect = true,
    }: { start?: boolean; cause?: OwnerGone; crashes?: number; soleSuspect?: boolean } = {},
  ): JobCommand => ({
    kind: 'RequeueJob',
    gone: { serviceId, incarnation, cause },
    to: to === null ? null : { service: to, why: why('requeue', to), start, soleSuspect },
    nobody: to === null ? 'nobody has the handler' : null,
    viewPosition,
    quarantine: { crashes, windowMs: 3_600_000 },
    ...timed(seconds),
  }),
  start: (seconds: number, epoch: number, { serviceId, incarnation }: Candidate, soleSuspect = true): JobCommand => ({
    kind: 'StartRun',
    serviceId,
    incarnation,
    epoch,
    soleSuspect,
    ...timed(seconds),
  }),
  complete: (seconds: number, of: RunRef, then: Partial<AfterRun> = {}): JobCommand => ({
    kind: 'CompleteRun',
    run: of,
    durationMs: 5,
    then: { ...nothingMore, ...then },
    ...timed(seconds),
  }),
  fail: (seconds: number, of: RunRef, then: Partial<AfterRun> = {}): JobCommand => ({
    kind: 'FailRun',
    run: of,
    durationMs: 5,
    failure: { kind: 'failed', error: 'Error', message: 'no' },
    then: { ...nothingMore, ...then },
    ...timed(seconds),
  }),
  timeOut: (seconds: number, of: RunRef, then: Partial<AfterRun> = {}): JobCommand => ({
    kind: 'FailRun',
    run: of,
    durationMs: 5,
    failure: { kind: 'timedOut', timeoutMs: 30_000 },
    then: { ...nothingMore, ...then },
    ...timed(seconds),
  }),
  abandon: (
    seconds: number,
    of: RunRef,
    reason: 'lostInProcess' | 'drain' | 'stuck',
    timedOut: { durationMs: number; timeoutMs: number } | null = null,
  ): JobCommand => ({ kind: 'AbandonRun', run: of, reason, timedOut, ...timed(seconds) }),
  /** The handler of the run has settled after it was told to make room. */
  replace: (seconds: number, of: RunRef, then: Partial<AfterRun> = { startNext: true }): JobCommand => ({
    kind: 'AbandonRun',
    run: of,
    reason: 'replaced',
    timedOut: null,
    then: { ...nothingMore, ...then },
    ...timed(seconds),
  }),
  /** The handler that is to make room ignores its abort. */
  skipStuck: (seconds: number, epoch: number, { serviceId, incarnation }: Candidate): JobCommand => ({
    kind: 'StartRun',
    serviceId,
    incarnation,
    epoch,
    stuck: true,
    ...timed(seconds),
  }),
  pause: (seconds: number, id = 'c'): JobCommand => ({ kind: 'PauseJob', ...asked(seconds, id) }),
  resume: (seconds: number, id = 'c'): JobCommand => ({ kind: 'ResumeJob', ...asked(seconds, id) }),
  cancel: (seconds: number, mode: 'now' | 'afterRun' = 'now', id = 'c'): JobCommand => ({
    kind: 'CancelJob',
    mode,
    ...asked(seconds, id),
  }),
  remove: (seconds: number, id = 'c'): JobCommand => ({ kind: 'RemoveJob', ...asked(seconds, id) }),
  resolveHold: (seconds: number, resolution: 'retry' | 'fail' | 'succeeded', id = 'c'): JobCommand => ({
    kind: 'ResolveHold',
    resolution,
    ...asked(seconds, id),
  }),
  releaseFromQuarantine: (seconds: number, id = 'c'): JobCommand => ({
    kind: 'ReleaseFromQuarantine',
    ...asked(seconds, id),
  }),
} as const;
