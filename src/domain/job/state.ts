import type { Instant } from '../instant';
import type { AbandonReason, Declaration, OwnerGone, ReleaseReason, RunRef } from './events';
import type { JobDefinition, JobId, Slot } from './definition';

/**
 * What the events of one job add up to. `state = fold(events)`, nothing else.
 *
 * Stages: `absent` → `live` ⇄ `quarantined`, `live` → `completed | cancelled | removed` (terminal; only `renew` leads back).
 * `opaque`: this process met an event that it cannot read; it appends nothing but refused outcomes.
 */
export type JobState = AbsentJob | JobRecord | OpaqueJob;

export interface AbsentJob {
  readonly stage: 'absent';
  /** −1: the stream has no event. */
  readonly revision: -1;
}

export interface OpaqueJob {
  readonly stage: 'opaque';
  /** Revision of the newest event of the stream that was folded, readable or not. */
  readonly revision: number;
  /** The first event that could not be read. */
  readonly unreadable: { readonly revision: number; readonly type: string; readonly why: string };
  /** The state before it. */
  readonly before: AbsentJob | JobRecord;
}

export type JobStage = 'live' | 'quarantined' | 'completed' | 'cancelled' | 'removed';

/** Everything of a job that exists. Plain JSON: it is `job_state` in the read model and the content of JobBooksClosed. */
export interface JobRecord {
  readonly stage: JobStage;
  readonly jobId: JobId;
  /** Revision of the newest event folded. */
  readonly revision: number;
  readonly definition: JobDefinition;
  readonly definitionHash: string;
  /** Revision of the JobScheduled or JobRescheduled in force. */
  readonly definitionRevision: number;
  readonly anchor: Instant;
  readonly scheduledAt: Instant;
  /** 0 before the first binding. Consecutive for ever, also across `renew`. */
  readonly epoch: number;
  readonly ownership: Ownership;
  /** Operator's flags. */
  readonly paused: boolean;
  /** The slot whose run was lost and that an operator must judge; null: none. */
  readonly held: HeldSlot | null;
  /** Further ones, to be judged after it, in this order; absent: none. */
  readonly heldNext?: readonly HeldSlot[];
  /** The next scheduled slot, not yet started or skipped; null: no more. */
  readonly nextSlot: Slot | null;
  /** When that is due, where the schedule has jitter; absent: at its instant. */
  readonly nextDueAt?: Instant;
  /** Every scheduled slot up to here is accounted for; null: none yet. */
  readonly accountedThrough: Instant | null;
  /** Missed slots that are still to be run (misfire `all`, or as `onResume` says): the pending one and what follows, through `to`; absent: none. */
  readonly backlog?: Backlog;
  /** A requested run began then before slots that were due, and had waited neither in the queue nor for room: they are late, and do not wait so now. Absent: none did. */
  readonly lateThrough?: Instant;
  /** Where `lastOutcome` is of a backfill: when the last attempt that was none ended; absent: none has. */
  readonly runEndedAt?: Instant;
  /** Scheduled slots accounted for, whatever became of them (for maxRuns). */
  readonly slotsCounted: number;
  /** Zone data by which nextSlot was computed. */
  readonly zoneData: string;
  /** Slots that were started and have not ended, oldest first. At most as many have an open run as the overlap policy allows. */
  readonly inProgress: readonly SlotInProgress[];
  /** Requested slots that wait to be started, with the time of their request, oldest first. */
  readonly requested: readonly { readonly slot: Slot; readonly at: Instant }[];
  /** Crashes (JobRunAbandoned ownerFailed) since the last success, oldest first, at most 16. Two of them make the job suspect: `isSuspect`. */
  readonly crashes: readonly Crash[];
  /** Closed runs, newest last, at most 8, and two more for each run that `allow` allows: late outcomes are told from unknown runs, and recorded once. */
  readonly closedRuns: readonly ClosedRun[];
  readonly lastOutcome: LastOutcome | null;
  /** No slot will follow the ones in progress: JobEndSet. */
  readonly ending: boolean;
  /** Returns home within the last hour by event time, oldest first, at most 16. */
  readonly homeReturns: readonly Instant[];
  /** When it was last moved for balance, because it was late, or by an operator; absent: never. */
  readonly movedAt?: Instant;
  /** Callers' commands of the last 24 h or the last 64, at most 1,000: a known one adds nothing. */
  readonly commands: readonly { readonly id: string; readonly revision: number; readonly at: Instant }[];
  /** The declaration that was applied last; absent: the job was never declared. */
  readonly declaration?: AppliedDeclaration;
  /** Revision of the newest JobBooksClosed, −1 when there is none. */
  readonly booksRevision: number;
}

export interface Backlog {
  /** The last of them. */
  readonly to: Slot;
  /** They are run each for itself, or once for all. */
  readonly policy: 'once' | 'all';
}

export interface HeldSlot {
  readonly slot: Slot;
  readonly attempt: number;
}

export interface AppliedDeclaration extends Declaration {
  /** Hashes of the declarations that it replaced, newest last, at most 64: they are not applied again. */
  readonly replaced: readonly string[];
}

export type Ownership =
  | {
      readonly kind: 'unbound';
      readonly since: Instant;
      readonly reason: 'scheduled' | 'renewed' | 'quarantine' | 'nobody' | 'ended' | ReleaseReason | OwnerGone;
      /** Last owner, for stickiness; null: never bound. */
      readonly lastServiceId: string | null;
      /** Service it was released for; null: none. */
      readonly target: string | null;
      /** Why nobody was eligible (reason `nobody`). */
      readonly detail: string | null;
    }
  | {
      readonly kind: 'bound';
      readonly since: Instant;
      readonly serviceId: string;
      readonly incarnation: string;
    };

export interface SlotInProgress {
  readonly slot: Slot;
  /** Starts so far. */
  readonly attempt: number;
  readonly retriesUsed: number;
  /** The open run, or null: the slot waits for its next start. */
  readonly run: OpenRun | null;
  /** Not before this: the end of the back-off after a failure, or when the last run was given up. Meaningless (null) while a run is open. */
  readonly retryAt: Instant | null;
  readonly definitionRevision: number;
}

export interface OpenRun extends RunRef {
  readonly serviceId: string;
  readonly startedAt: Instant;
  /** Revision of its JobRunStarted. */
  readonly revision: number;
  readonly definitionRevision: number;
  /** It was started as the sole suspect of its process. */
  readonly soleSuspect?: true;
  /** Newer slots were skipped as `stuck` since it began: it did not make room in time. Absent: none were. */
  readonly outlasted?: true;
}

/** An owner that died in a run, or in several: one crash. */
export interface Crash {
  readonly slot: Slot;
  readonly attempt: number;
  readonly at: Instant;
  /** The run was that of the sole suspect of its process. */
  readonly soleSuspect?: true;
  /** The owner, when more than this run of it was open; absent: only this one was. */
  readonly incarnation?: string;
}

export interface ClosedRun extends RunRef {
  readonly outcome: 'succeeded' | 'failed' | 'timedOut' | AbandonReason;
  readonly refused: boolean;
}

export interface LastOutcome {
  readonly slot: Slot;
  readonly attempt: number;
  readonly outcome: 'succeeded' | 'failed' | 'timedOut' | 'abandoned';
  readonly at: Instant;
  /** Error class and message, or the reason of the abandonment; null after a success. */
  readonly detail: string | null;
}

export type JobStatus =
  | 'unbound'
  | 'bound'
  | 'running'
  | 'waiting'
  | 'held'
  | 'paused'
  | 'quarantined'
  | 'completed'
  | 'cancelled'
  | 'removed';
