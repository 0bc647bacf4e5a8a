import { createHash } from 'node:crypto';
import {
  canonicalDefinition,
  slotOf,
  type BindingReason,
  type JobCommand,
  type JobDefinition,
  type JobPolicies,
  type OwnerGone,
  type RunRef,
} from '../../domain/job';
import type { Candidate } from '../../domain/service';

/** A job every minute, two services, and what one asks of them: the stuff that specifications of jobs are made of. */

/** When the job is scheduled, 2026-03-02T08:00:00Z; the slots of an every-minute job are `slot(1)`, `slot(2)`, … */
export const T0 = Date.parse('2026-03-02T08:00:00.000Z');
export const MINUTE = 60_000;
export const zoneData = '2026a';

/** `minutes` after T0, plus `ms`. */
export function t(minutes: number, ms = 0): number {
  return T0 + minutes * MINUTE + ms;
}
export function slot(minutes: number): string {
  return slotOf(t(minutes));
}

export function aDefinition(more: Partial<JobDefinition> = {}, policies: Partial<JobPolicies> = {}): JobDefinition {
  return {
    handler: 'audit',
    payload: { goal: 'balance' },
    schedule: { kind: 'interval', everyMs: MINUTE, origin: null, start: null, end: null, maxRuns: null },
    tag: {},
    affinity: 'required',
    ...more,
    policies: {
      retry: { maxRetries: 0, initialMs: 1_000, factor: 2, maxMs: 300_000 },
      overlap: 'skip',
      misfire: 'once',
      onOwnerLoss: 'rerun',
      onStuck: 'release',
      timeoutMs: null,
      priority: 0,
      ...policies,
    },
  };
}
export const everyMinute = aDefinition();
export const once = aDefinition({ schedule: { kind: 'once', at: t(1), start: null, end: null, maxRuns: null } });

export function hashOf(definition: JobDefinition): string {
  return createHash('sha256').update(canonicalDefinition(definition)).digest('hex');
}

export function aService(serviceId: string, more: Partial<Candidate> = {}): Candidate {
  return {
    serviceId,
    incarnation: `${serviceId}-1`,
    labels: { name: 'engine', host: serviceId },
    handlers: ['audit'],
    life: 'live',
    capacity: { maxOwnedJobs: 100, maxConcurrentRuns: 4 },
    owned: 0,
    registeredAt: T0 - 10 * MINUTE,
    placementVersion: 1,
    ...more,
  };
}
export const one = aService('one');
export const two = aService('two');

export function whyOf(kind: BindingReason['kind'], { serviceId }: Candidate): BindingReason {
  return { kind, rank: 0, candidates: 1, first: serviceId, placementVersion: 1, labelsMatch: true };
}

/** The id of a command that is asked at a time: another kind or another time is another command. */
export function commandIdOf(kind: JobCommand['kind'], at: number): string {
  return `${kind}-${at - T0}`;
}

/** The run of an attempt at a slot. */
export function aRun(of: string, more: Partial<RunRef> = {}): RunRef {
  return { slot: of, attempt: 1, epoch: 1, incarnation: one.incarnation, ...more };
}

type Asked = 'PauseJob' | 'ResumeJob' | 'RemoveJob' | 'ReleaseFromQuarantine' | 'RequestRun';
type Of<Kind extends JobCommand['kind']> = Extract<JobCommand, { kind: Kind }>;

const common = (at: number) => ({ at, zoneData });
const caller = (kind: JobCommand['kind'], at: number) => ({
  ...common(at),
  commandId: commandIdOf(kind, at),
  reason: 'asked',
});
const goOn = { release: null, startNext: false } as const;

/** Commands at a time. What a specification is not about has a plain value. */
export const ask = {
  schedule(at: number, definition = everyMinute, more: Partial<Of<'ScheduleJob'>> = {}): Of<'ScheduleJob'> {
    return {
      kind: 'ScheduleJob',
      jobId: 'job',
      definition,
      definitionHash: hashOf(definition),
      onConflict: 'refuse',
      renew: false,
      commandId: commandIdOf('ScheduleJob', at),
      ...common(at),
      ...more,
    };
  },
  reschedule(at: number, definition: JobDefinition): Of<'RescheduleJob'> {
    const definitionHash = hashOf(definition);
    const commandId = commandIdOf('RescheduleJob', at);
    return { kind: 'RescheduleJob', definition, definitionHash, commandId, ...common(at) };
  },
  claim(at: number, service = one, start = true): Of<'BindJob'> {
    const why = whyOf('claim', service);
    return { kind: 'BindJob', by: 'claim', service, viewPosition: '7', why, start, soleSuspect: true, ...common(at) };
  },
  move(at: number, service = two): Of<'BindJob'> {
    const why = whyOf('operator', service);
    const commandId = commandIdOf('BindJob', at);
    return {
      kind: 'BindJob',
      by: 'operator',
      commandId,
      service,
      viewPosition: '7',
      why,
      start: false,
      ...common(at),
    };
  },
  release(at: number, reason: Of<'ReleaseJob'>['reason'], more: Partial<Of<'ReleaseJob'>> = {}): Of<'ReleaseJob'> {
    const { serviceId, incarnation } = one;
    return { kind: 'ReleaseJob', serviceId, incarnation, epoch: 1, reason, target: null, ...common(at), ...more };
  },
  /** `to` null: nobody is eligible. */
  requeue(
    at: number,
    to: Candidate | null = two,
    { from = one, cause = 'failed' as OwnerGone, start = true, crashes = 3 } = {},
  ): Of<'RequeueJob'> {
    const { serviceId, incarnation } = from;
    return {
      kind: 'RequeueJob',
      gone: { serviceId, incarnation, cause },
      to: to === null ? null : { service: to, why: whyOf('requeue', to), start, soleSuspect: true },
      nobody: to === null ? 'no live service has the handler' : null,
      viewPosition: '9',
      quarantine: { crashes, windowMs: 3_600_000 },
      ...common(at),
    };
  },
  start(at: number, more: Partial<Of<'StartRun'>> = {}): Of<'StartRun'> {
    const { serviceId, incarnation } = one;
    return { kind: 'StartRun', serviceId, incarnation, epoch: 1, soleSuspect: true, ...common(at), ...more };
  },
  complete(at: number, run: RunRef, then: Partial<Of<'CompleteRun'>['then']> = {}): Of<'CompleteRun'> {
    return { kind: 'CompleteRun', run, durationMs: 5, then: { ...goOn, ...then }, ...common(at) };
  },
  fail(at: number, run: RunRef, then: Partial<Of<'FailRun'>['then']> = {}): Of<'FailRun'> {
    const failure = { kind: 'failed', error: 'Error', message: 'no disk' } as const;
    return { kind: 'FailRun', run, durationMs: 5, failure, then: { ...goOn, ...then }, ...common(at) };
  },
  timeOut(at: number, run: RunRef): Of<'FailRun'> {
    const failure = { kind: 'timedOut', timeoutMs: 5 } as const;
    return { kind: 'FailRun', run, durationMs: 6, failure, then: goOn, ...common(at) };
  },
  abandon(
    at: number,
    run: RunRef,
    reason: Of<'AbandonRun'>['reason'],
    timedOut: Of<'AbandonRun'>['timedOut'] = null,
  ): Of<'AbandonRun'> {
    return { kind: 'AbandonRun', run, reason, timedOut, ...common(at) };
  },
  replace(at: number, run: RunRef, then: Partial<Of<'CompleteRun'>['then']> = {}): Of<'AbandonRun'> {
    const reason = 'replaced';
    return { kind: 'AbandonRun', run, reason, timedOut: null, then: { ...goOn, ...then }, ...common(at) };
  },
  cancel(at: number, mode: Of<'CancelJob'>['mode'] = 'now'): Of<'CancelJob'> {
    return { kind: 'CancelJob', mode, ...caller('CancelJob', at) };
  },
  resolve(at: number, resolution: Of<'ResolveHold'>['resolution']): Of<'ResolveHold'> {
    return { kind: 'ResolveHold', resolution, ...caller('ResolveHold', at) };
  },
  backfill(at: number, from: number, to: number, more: Partial<Of<'BackfillJob'>> = {}): Of<'BackfillJob'> {
    return { kind: 'BackfillJob', from, to, limit: 100, ...caller('BackfillJob', at), ...more };
  },
  pause: (at: number) => asked('PauseJob', at),
  resume: (at: number) => asked('ResumeJob', at),
  remove: (at: number) => asked('RemoveJob', at),
  runNow: (at: number) => asked('RequestRun', at),
  leaveQuarantine: (at: number) => asked('ReleaseFromQuarantine', at),
};

function asked<Kind extends Asked>(kind: Kind, at: number): Of<Kind> {
  return { kind, ...caller(kind, at) } as unknown as Of<Kind>;
}
