import type { Instant } from '../instant';
import type { Affinity, JobDefinition, JobId, Slot, Tag } from './definition';
import type { Backlog, JobRecord } from './state';

/**
 * The facts of one job, in the order of its life. Every event carries `at`: the decider's cluster time.
 * Events that a caller's command made carry its `commandId`; those that move the pending slot carry `Pending`.
 */
export type JobEvent =
  | JobScheduled
  | JobRescheduled
  | JobNextSlotRecomputed
  | JobEndSet
  | JobRunRequested
  | JobBoundToService
  | JobSlotsSkipped
  | JobRunStarted
  | JobRunSucceeded
  | JobRunFailed
  | JobRunTimedOut
  | JobRunAbandoned
  | JobRunOutcomeRefused
  | JobReleased
  | JobRequeued
  | JobHeld
  | JobHoldResolved
  | JobQuarantined
  | JobReleasedFromQuarantine
  | JobPaused
  | JobResumed
  | JobCompleted
  | JobCancelled
  | JobRemoved
  | JobBooksClosed;

export type JobEventType = JobEvent['type'];

interface Fact<Type extends string, Data> {
  readonly type: Type;
  readonly data: Readonly<Data> & { readonly at: Instant; readonly commandId?: string };
}

/** Fold and projector never evaluate a schedule: whatever moves the pending slot says where it moved to, and by which zone data. */
export interface Pending {
  /** The next scheduled slot that is neither started nor skipped; null: none will come. */
  readonly nextSlot: Slot | null;
  /** `process.versions.tz` of the decider. */
  readonly zoneData: string;
  /** When it is due, where the schedule has jitter; absent: at its instant. The slot keeps its name and its place in every account. */
  readonly nextDueAt?: Instant;
}

/** One run: (slot, attempt) under an epoch, by an incarnation. */
export interface RunRef {
  readonly slot: Slot;
  /** Counts the starts of this slot, from 1. */
  readonly attempt: number;
  readonly epoch: number;
  readonly incarnation: string;
}

/** A job that the code of an application declares (`@Cron` and its kin). */
export interface Declaration {
  /** Of the declaration as its developer wrote it. */
  readonly hash: string;
  /** The application that declares it: the name of its services. */
  readonly source: string;
}

export type JobScheduled = Fact<
  'JobScheduled',
  Pending & {
    jobId: JobId;
    definition: JobDefinition;
    /** SHA-256 of the canonical definition, hex. */
    definitionHash: string;
    /** Relative schedules count from here. */
    anchor: Instant;
    /** True when a terminal job began anew: same stream, the epoch continues. */
    renewed: boolean;
    /** The declaration that this applies; absent: a caller scheduled it. */
    declaration?: Declaration;
  }
>;
export type JobRescheduled = Fact<
  'JobRescheduled',
  Pending & {
    definition: JobDefinition;
    definitionHash: string;
    anchor: Instant;
    /** The declaration that this applies; absent: a caller changed it, and the declaration in force stays so. */
    declaration?: Declaration;
  }
>;
/**
 * The pending slot was computed anew by newer zone data (older data never undoes it): part of a binding. Not when it had come already: then it
 * was promised, and counts by itself.
 */
export type JobNextSlotRecomputed = Fact<
  'JobNextSlotRecomputed',
  Pending & {
    /** The slot that was pending, and the zone data by which it was computed. */
    formerSlot: Slot;
    formerZoneData: string;
  }
>;
/** A cancel with `mode: afterRun`: the open run ends in its own time, then the job completes; no further slot. */
export type JobEndSet = Fact<'JobEndSet', Pending & { reason: string }>;
/** `slot` is `manual:<revision of this event>`, or `backfill:<revision of this event>:<instant>` for the slot of a time gone by. */
export type JobRunRequested = Fact<'JobRunRequested', { slot: Slot; reason: string }>;

/** Why a service got a job: what the decider saw, at which position. */
export interface BindingReason {
  readonly kind: 'claim' | 'requeue' | 'operator';
  /** 0 = the first choice of placement. */
  readonly rank: number;
  /** Number of eligible services that were ranked. */
  readonly candidates: number;
  /** The service that placement ranked first. */
  readonly first: string;
  readonly placementVersion: number;
  /** The labels of the service contain the tag (may be false with affinity `preferred` only). */
  readonly labelsMatch: boolean;
}
export type JobBoundToService = Fact<
  'JobBoundToService',
  {
    epoch: number;
    serviceId: string;
    incarnation: string;
    /** Checkpoint of the read-model snapshot the decision was made on, decimal. */
    viewPosition: string;
    why: BindingReason;
  }
>;
/**
 * `coalesced`: one run makes up for them; `misfire`: missed, and the policy is `skip`; `tooOld`, `overCap`: missed, and beyond the maximal age or
 * the cap of `all`; `overlap`: they fell during a run.
 */
export type SkipReason =
  | 'coalesced'
  | 'misfire'
  | 'tooOld'
  | 'overCap'
  | 'overlap'
  | 'paused'
  | 'held'
  | 'rescheduled'
  | 'cancelled'
  | 'quarantined'
  | 'ended'
  | 'stuck'
  | 'replaced';
/**
 * Slots that will not run, each accounted for. A range of scheduled slots (inclusive bounds, `count` of them), or requested slots by name.
 * `replaced` (overlap `replace`): the one slot that `from` and `to` name was started, waits for its next attempt, and is not started again.
 */
export type JobSlotsSkipped = Fact<
  'JobSlotsSkipped',
  Pending & {
    reason: SkipReason;
    from: Slot | null;
    to: Slot | null;
    count: number;
    /** Requested slots; empty for a range. */
    slots: readonly Slot[];
  }
>;
/** The run's fencing token is generation · 2⁴⁴ + the revision of this event. */
export type JobRunStarted = Fact<
  'JobRunStarted',
  Pending &
    RunRef & {
      serviceId: string;
      /** Revision of the definition (its JobScheduled or JobRescheduled) that this run executes. */
      definitionRevision: number;
      /** The job was suspect (two owners had died in it), and no other suspect ran in this process; absent: it was not suspect. */
      soleSuspect?: true;
      /** Misfire `all`: the last of the missed slots that are to be run after this one; absent: none follows. */
      backlogTo?: Slot;
    }
>;
export type JobRunSucceeded = Fact<'JobRunSucceeded', RunRef & { durationMs: number }>;
export interface FailureDetail {
  /** Class or code of the error, ≤ 200 characters. */
  readonly error: string;
  /** Its message, ≤ 1,000 characters; never a payload. */
  readonly message: string;
}
/** `retryAt` null: the slot has ended (final). */
export type JobRunFailed = Fact<
  'JobRunFailed',
  RunRef & FailureDetail & { durationMs: number; retriesUsed: number; retryAt: Instant | null }
>;
export type JobRunTimedOut = Fact<
  'JobRunTimedOut',
  RunRef & { durationMs: number; timeoutMs: number; retriesUsed: number; retryAt: Instant | null }
>;
/**
 * An open run ended without an outcome of its own.
 * `ownerFailed` is a crash (the owner was judged by an observer); `ownerStopped`, `ownerMarked`: leftovers of a stop, an operator's mark, `confirmedDead` or not: no crash;
 * `ownerUnregistered`: the log has no registration of the owner (it was restored from a backup): no crash;
 * `fail`, `hold`: the job's policy for a lost owner; the slot ends (fail) or waits for an operator (hold);
 * `replaced`: a newer slot takes its place (overlap `replace`); the slot ends;
 * `lostInProcess`, `drain`, `stuck`: by the owner itself. After `ownerFailed`, `ownerStopped`, `ownerMarked`, `ownerUnregistered`, `lostInProcess`, `drain`, `stuck`
 * the slot is still to be run: attempt + 1. After `cancelled` it is not.
 */
export type AbandonReason =
  | 'ownerFailed'
  | 'ownerStopped'
  | 'ownerMarked'
  | 'ownerUnregistered'
  | 'fail'
  | 'hold'
  | 'lostInProcess'
  | 'drain'
  | 'stuck'
  | 'cancelled'
  | 'replaced';
export type JobRunAbandoned = Fact<'JobRunAbandoned', RunRef & { reason: AbandonReason }>;
/** A result that came too late: recorded, without effect, once per run. Takes back the crash that its run was counted as. */
export type JobRunOutcomeRefused = Fact<
  'JobRunOutcomeRefused',
  RunRef & { outcome: 'succeeded' | 'failed' | 'timedOut' | 'abandoned'; why: string }
>;
/** `rebalance`: the owner has more than its share; `late`: it was due and not started here, and the target had room. */
export type ReleaseReason = 'drain' | 'ineligible' | 'stuck' | 'home' | 'rebalance' | 'late' | 'moved';
export type JobReleased = Fact<
  'JobReleased',
  {
    epoch: number;
    serviceId: string;
    incarnation: string;
    reason: ReleaseReason;
    /** Service that should take it (home, rebalance, late, moved); null: whoever placement ranks first. */
    target: string | null;
  }
>;
/** The owner is gone by a fact of its service stream, or by the lack of any: nothing in the log registers it. Ends the epoch. */
export type JobRequeued = Fact<
  'JobRequeued',
  {
    epoch: number;
    fromServiceId: string;
    fromIncarnation: string;
    cause: OwnerGone;
    viewPosition: string;
    /** When nobody is eligible: why. Null when the same append binds it, or ends it. */
    nobody: string | null;
  }
>;
/** `unregistered`: the binding was decided by a log that a backup has taken the place of. */
export type OwnerGone = 'failed' | 'stopped' | 'marked' | 'unregistered';
/** Of a job with several open runs when its owner was lost: one for each, judged one by one. */
export type JobHeld = Fact<'JobHeld', { slot: Slot; attempt: number }>;
export type JobHoldResolved = Fact<
  'JobHoldResolved',
  Pending & { resolution: 'retry' | 'fail' | 'succeeded'; slot: Slot; reason: string }
>;
export type JobQuarantined = Fact<'JobQuarantined', { crashes: number; windowMs: number }>;
export type JobReleasedFromQuarantine = Fact<'JobReleasedFromQuarantine', { reason: string }>;
export type JobPaused = Fact<'JobPaused', { reason: string }>;
/** `backlog`: slots that fell during the pause and are to be run; absent: none. */
export type JobResumed = Fact<'JobResumed', Pending & { reason: string; backlog?: Backlog }>;
export type JobCompleted = Fact<'JobCompleted', { outcome: 'succeeded' | 'failed' }>;
export type JobCancelled = Fact<'JobCancelled', { reason: string }>;
export type JobRemoved = Fact<'JobRemoved', { reason: string }>;
/** The whole state, so that reading can begin here. `schemaVersion` of the state; a reader that does not know it skips backwards. */
export type JobBooksClosed = Fact<'JobBooksClosed', { schemaVersion: number; state: JobRecord }>;

/** How a slot is written as a word of the stream, and read back: null for a requested slot. */
export function slotOf(instant: Instant): Slot {
  return new Date(instant).toISOString();
}
export function instantOfSlot(slot: Slot): Instant | null {
  return /^(manual|backfill):/.test(slot) ? null : Date.parse(slot);
}
/** The slot of a time gone by that a requested slot makes up for; null: it is no backfill. */
export function backfilledInstant(slot: Slot): Instant | null {
  const [, instant] = /^backfill:\d+:(.+)$/.exec(slot) ?? [];
  return instant === undefined ? null : Date.parse(instant);
}
export type { Affinity, Tag };
