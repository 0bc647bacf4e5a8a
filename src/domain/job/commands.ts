import type { Instant } from '../instant';
import type { Candidate } from '../service/state';
import type { BindingReason, Declaration, FailureDetail, OwnerGone, RunRef } from './events';
import type { JobDefinition, JobId, Slot } from './definition';

/** What `decide` is asked. Time, zone data, hashes and everything about services come in as values. */
export type JobCommand =
  | ScheduleJob
  | RescheduleJob
  | DeclareJob
  | RequestRun
  | BackfillJob
  | BindJob
  | ReleaseJob
  | RequeueJob
  | StartRun
  | CompleteRun
  | FailRun
  | AbandonRun
  | PauseJob
  | ResumeJob
  | CancelJob
  | RemoveJob
  | ResolveHold
  | ReleaseFromQuarantine;

interface Common {
  /** Cluster time of the decider. */
  readonly at: Instant;
  /** `process.versions.tz`. */
  readonly zoneData: string;
}
/** Commands that people and host applications send: known by id, so a retry adds nothing. */
interface FromCaller extends Common {
  readonly commandId: string;
}

export interface ScheduleJob extends FromCaller {
  readonly kind: 'ScheduleJob';
  readonly jobId: JobId;
  readonly definition: JobDefinition;
  readonly definitionHash: string;
  /** The id exists with another definition: `refuse`, or `update` (as RescheduleJob). */
  readonly onConflict: 'refuse' | 'update';
  /** A terminal job begins anew in the same stream. */
  readonly renew: boolean;
}
export interface RescheduleJob extends FromCaller {
  readonly kind: 'RescheduleJob';
  readonly definition: JobDefinition;
  readonly definitionHash: string;
}
/** What the code of an application says of a job: applied once, and again only when the declaration itself has changed. */
export interface DeclareJob extends FromCaller {
  readonly kind: 'DeclareJob';
  readonly jobId: JobId;
  readonly definition: JobDefinition;
  readonly definitionHash: string;
  readonly declaration: Declaration;
  /** The job exists, paused. */
  readonly disabled: boolean;
  /** A job of this same declaration that has completed begins anew; a cancelled or removed one does not. */
  readonly restart: boolean;
}
export interface RequestRun extends FromCaller {
  readonly kind: 'RequestRun';
  readonly reason: string;
}
/** Asks for a run of each slot of the schedule in [from, to), a window in the past. */
export interface BackfillJob extends FromCaller {
  readonly kind: 'BackfillJob';
  readonly from: Instant;
  readonly to: Instant;
  /** A window with more slots is refused. */
  readonly limit: number;
  readonly reason: string;
}
export interface BindJob extends Common {
  readonly kind: 'BindJob';
  /** `claim`: a service takes an unbound job for itself. `operator`: a one-time move of an idle job, bound or not. */
  readonly by: 'claim' | 'operator';
  readonly commandId?: string;
  readonly service: Candidate;
  readonly viewPosition: string;
  readonly why: BindingReason;
  /** The claimer can start a due slot at once. Ignored for `operator`. */
  readonly start: boolean;
  /** It runs no other suspect: it may start this one. Default false. */
  readonly soleSuspect?: boolean;
}
export interface ReleaseJob extends Common {
  readonly kind: 'ReleaseJob';
  readonly serviceId: string;
  readonly incarnation: string;
  readonly epoch: number;
  readonly reason: 'drain' | 'ineligible' | 'home' | 'rebalance' | 'late';
  readonly target: string | null;
}
export interface RequeueJob extends Common {
  readonly kind: 'RequeueJob';
  /** The owner that is gone, by a fact of its service stream. */
  readonly gone: { readonly serviceId: string; readonly incarnation: string; readonly cause: OwnerGone };
  /** The survivor that takes it: itself; null: nobody is eligible. */
  readonly to: {
    readonly service: Candidate;
    readonly why: BindingReason;
    readonly start: boolean;
    /** As for BindJob. */
    readonly soleSuspect?: boolean;
  } | null;
  /** Why nobody is eligible; null when `to` is given. */
  readonly nobody: string | null;
  readonly viewPosition: string;
  /** This many crashes within the window quarantine the job; of a suspect's, only those as the sole one count. Default policy: 3 within 3,600,000 ms. */
  readonly quarantine: { readonly crashes: number; readonly windowMs: number };
}
export interface StartRun extends Common {
  readonly kind: 'StartRun';
  readonly serviceId: string;
  readonly incarnation: string;
  readonly epoch: number;
  /** It runs no other suspect: it may start this job also when it is one. Default false. */
  readonly soleSuspect?: boolean;
  /** The handler that is to be replaced ignores its abort: what is due is skipped, as `stuck`. Default false. */
  readonly stuck?: boolean;
}
/** What the owner wants in the same append once the run has ended. */
export interface AfterRun {
  /** Give the job away: the service drains, or is no longer eligible. */
  readonly release: 'drain' | 'ineligible' | null;
  /** Start what is due again at once. */
  readonly startNext: boolean;
}
export interface CompleteRun extends Common {
  readonly kind: 'CompleteRun';
  readonly run: RunRef;
  readonly durationMs: number;
  readonly then: AfterRun;
}
export interface FailRun extends Common {
  readonly kind: 'FailRun';
  readonly run: RunRef;
  readonly durationMs: number;
  readonly failure:
    ({ readonly kind: 'failed' } & FailureDetail) | { readonly kind: 'timedOut'; readonly timeoutMs: number };
  readonly then: AfterRun;
}
/**
 * An open run of the owner's own incarnation that ends without an outcome. `stuck` and `drain` release the job in the same append, unless
 * other runs are open. `replaced`: the handler has settled, as it was told to for a newer slot. Where none is due any more,
 * and none was skipped as `stuck` since the run began, it is recorded as `lostInProcess`.
 */
export interface AbandonRun extends Common {
  readonly kind: 'AbandonRun';
  readonly run: RunRef;
  readonly reason: 'lostInProcess' | 'drain' | 'stuck' | 'replaced';
  /** `stuck` after a time-out: recorded as JobRunTimedOut instead of JobRunAbandoned. */
  readonly timedOut: { readonly durationMs: number; readonly timeoutMs: number } | null;
  /** What follows a `replaced` run; default: nothing. */
  readonly then?: AfterRun;
}
export interface PauseJob extends FromCaller {
  readonly kind: 'PauseJob';
  readonly reason: string;
}
export interface ResumeJob extends FromCaller {
  readonly kind: 'ResumeJob';
  readonly reason: string;
}
export interface CancelJob extends FromCaller {
  readonly kind: 'CancelJob';
  readonly reason: string;
  readonly mode: 'now' | 'afterRun';
}
export interface RemoveJob extends FromCaller {
  readonly kind: 'RemoveJob';
  readonly reason: string;
}
export interface ResolveHold extends FromCaller {
  readonly kind: 'ResolveHold';
  readonly resolution: 'retry' | 'fail' | 'succeeded';
  readonly reason: string;
}
export interface ReleaseFromQuarantine extends FromCaller {
  readonly kind: 'ReleaseFromQuarantine';
  readonly reason: string;
}
export type { Slot };
