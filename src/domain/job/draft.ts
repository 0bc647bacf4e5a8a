import { isNewerZoneData, usesZoneData, type AnchoredSchedule } from '../schedule';
import type { Instant } from '../instant';
import type { Slot } from './definition';
import { instantOfSlot, slotOf, type JobEvent, type Pending, type SkipReason } from './events';
import { evolve } from './evolve';
import { isFull, isQueued, mayBegin, replaceable } from './overlap';
import type { JobDecision, JobRefusal } from './refusals';
import { countSlots, dueTime, nextSlot, nthSlotAfter, previousSlot, unlessUnreadable } from './slots';
import type { AbsentJob, JobRecord } from './state';
import { isSuspect } from './suspicion';

/** Scheduled slots that are due and not accounted for: a range without gaps. */
export interface DueRange {
  readonly first: Instant;
  readonly last: Instant;
  readonly count: number;
}

/** What is to be started. */
interface Next {
  readonly slot: Slot;
  readonly attempt: number;
  /** Scheduled slots that this start accounts for: it is the last of them. */
  readonly range?: DueRange;
  /** Slots that wait for their next attempt, and end with this start. */
  readonly replaces?: readonly Slot[];
  /** It has waited in the queue: what fell after it is skipped. */
  readonly queued?: boolean;
}

/**
 * The events of one decision while they are being put together. Every event is folded at once, so each step of a decision sees what
 * the ones before it have done.
 */
export class Draft {
  private readonly events: JobEvent[] = [];

  constructor(
    private folded: AbsentJob | JobRecord,
    readonly at: Instant,
    readonly zoneData: string,
    private readonly commandId?: string,
  ) {}

  /** The state after the events so far. */
  get record(): JobRecord {
    if (this.folded.stage === 'absent') throw new Error('a decision on a job begins with JobScheduled');
    return this.folded;
  }

  /** Revision of the next event. */
  get nextRevision(): number {
    return this.folded.revision + 1;
  }

  push(event: JobEvent): void {
    const known =
      this.commandId === undefined
        ? event
        : ({ ...event, data: { ...event.data, commandId: this.commandId } } as JobEvent);
    this.events.push(known);
    this.folded = evolve(this.folded, known, this.nextRevision) as JobRecord;
  }

  done(): JobDecision {
    return { ok: true, events: this.events };
  }

  /** Where the pending slot stands now, unchanged. */
  pending(): Pending {
    const { nextSlot, nextDueAt } = this.record;
    return { nextSlot, zoneData: this.zoneData, ...(nextDueAt !== undefined && { nextDueAt }) };
  }

  /**
   * Scheduled slots in (accounted, at], within maxRuns; null: none is due.
   * @param come those whose instant has come, though their jitter has not passed, too.
   */
  due(come = false): DueRange | null {
    const { record } = this;
    const first = record.nextSlot === null ? null : instantOfSlot(record.nextSlot);
    if (first === null || (come ? first : (record.nextDueAt ?? first)) > this.at) return null;
    const anchored = anchoredSchedule(record);
    const at = come ? this.at : this.dueThrough(anchored, first);
    // With other zone data the pending slot may be none of today's: it was promised, so it counts by itself.
    const count = 1 + countSlots(anchored, first, at);
    if (count === 1) return { first, last: first, count };
    const left = slotsLeft(record);
    if (left <= 1) return { first, last: first, count: 1 };
    if (count <= left) return { first, last: previousSlot(anchored, at + 1) ?? first, count };
    return { first, last: nthSlotAfter(anchored, first, at, left - 1), count: left };
  }

  /** Slots after `first` are due up to here: of those that have come, only the last may wait for its jitter (it is due before the next). */
  private dueThrough(anchored: AnchoredSchedule, first: Instant): Instant {
    const { at, record } = this;
    if (anchored.schedule.jitterMs === undefined) return at;
    const last = previousSlot(anchored, at + 1);
    return last !== null && last > first && dueTime(anchored, record.jobId, last) > at ? last - 1 : at;
  }

  /** The slot after `slot`, when `counted` more slots will have been counted by then; null: none will come. */
  slotAfter(slot: Instant, counted: number): string | null {
    const { record } = this;
    if (record.ending || slotsLeft(record) <= counted) return null;
    const next = nextSlot(anchoredSchedule(record), slot);
    return next === null ? null : slotOf(next);
  }

  /** All due slots but the last are skipped; of one alone, nothing. */
  private skipAllButLast({ first, last, count }: DueRange, reason: SkipReason): void {
    if (count < 2) return;
    const before = count === 2 ? first : (previousSlot(anchoredSchedule(this.record), last) ?? first);
    this.skip({ first, last: before, count: count - 1 }, reason, slotOf(last));
  }

  /** Slots that no schedule will bring back are skipped as `skipDue` does; where the schedule cannot be evaluated, the pending one alone. */
  skipForGood(reason: 'cancelled' | 'rescheduled'): void {
    if (unlessUnreadable(() => this.skipDue(reason, true))) return;
    const { nextSlot } = this.record;
    const first = nextSlot === null ? null : instantOfSlot(nextSlot);
    if (first !== null && !Number.isNaN(first)) this.skip({ first, last: first, count: 1 }, reason, null);
  }

  /** Every due slot is skipped; nothing when none is due. @param come see `due`. */
  skipDue(reason: SkipReason, come = false): void {
    const range = this.due(come);
    if (range !== null) this.skip(range, reason, this.slotAfter(range.last, range.count));
  }

  /** The requested slots that wait are skipped by name; nothing when none waits. */
  skipRequested(reason: SkipReason): void {
    const slots = this.record.requested.map((r) => r.slot);
    if (slots.length === 0) return;
    this.push({
      type: 'JobSlotsSkipped',
      data: { reason, from: null, to: null, count: slots.length, slots, ...this.pending(), at: this.at },
    });
  }

  private skip({ first, last, count }: DueRange, reason: SkipReason, next: string | null): void {
    const from = slotOf(first);
    this.push({
      type: 'JobSlotsSkipped',
      data: { reason, from, to: slotOf(last), count, slots: [], ...this.movedTo(next), at: this.at },
    });
  }

  private movedTo(nextSlot: string | null): Pending {
    const { record, zoneData } = this;
    return pendingAt(anchoredSchedule(record), record.jobId, nextSlot, zoneData);
  }

  /** The pending slot by newer zone data than that by which it was computed, if that makes it another one and it has not come yet. */
  recompute(): void {
    const { record, at, zoneData } = this;
    const { nextSlot: formerSlot, zoneData: formerZoneData, accountedThrough, ending } = record;
    const anchored = anchoredSchedule(record);
    if (formerSlot === null || ending || !usesZoneData(anchored.schedule)) return;
    if (!isNewerZoneData(zoneData, formerZoneData) || !((instantOfSlot(formerSlot) ?? NaN) > at)) return;
    const nextSlot = firstSlot(anchored, accountedThrough);
    if (nextSlot === null || nextSlot === formerSlot) return;
    this.push({
      type: 'JobNextSlotRecomputed',
      data: { formerSlot, formerZoneData, ...this.movedTo(nextSlot), at },
    });
  }

  /**
   * Starts what is due, if anything is and nothing forbids it: the oldest slot that waits for its next attempt, then requested slots,
   * then the latest due scheduled slot, into which the earlier ones are coalesced (misfire `once`). What may begin beside slots in progress, and
   * in their place, is the overlap policy's to say; under `replace` a new slot goes before a further attempt of an old one.
   *
   * A scheduled slot that has waited in the queue is started itself; those that fell after it are skipped.
   *
   * A suspect is started only as the sole one of its process: then the start says so.
   *
   * @param soleSuspect the owner runs no other suspect.
   * @param bind appends the binding of the new owner, when one is made in the same append. It stands after the slots that the new owner
   * accounts for and before its start, and is called once also when nothing is started.
   */
  startDue(
    owner: { readonly serviceId: string; readonly incarnation: string },
    soleSuspect: boolean,
    bind: () => void = () => {},
  ): boolean {
    const suspect = isSuspect(this.record);
    const next = suspect && !soleSuspect ? null : this.nextStart();
    const last = next?.range;
    const pending = last === undefined ? this.pending() : this.movedTo(this.slotAfter(last.last, last.count));
    for (const slot of next?.replaces ?? []) this.giveUp(slot);
    if (last !== undefined) this.skipAllButLast(last, 'coalesced');
    bind();
    if (next === null) return false;
    const { serviceId, incarnation } = owner;
    const { at, record } = this;
    const { epoch, definitionRevision } = record;
    const { slot, attempt } = next;
    this.push({
      type: 'JobRunStarted',
      data: {
        ...{ slot, attempt, epoch, incarnation, serviceId, definitionRevision, ...pending, at },
        ...(suspect && { soleSuspect: true }),
      },
    });
    if (next.queued) this.skipDue('overlap');
    return true;
  }

  private nextStart(): Next | null {
    const { record, at } = this;
    if (blocked(record) !== null || record.stage !== 'live') return null;
    const waiting = record.inProgress.find(({ run, retryAt }) => run === null && (retryAt ?? at) <= at);
    const again = waiting === undefined ? null : { slot: waiting.slot, attempt: waiting.attempt + 1 };
    const replaces = replaceable(record).map(({ slot }) => slot);
    return replaces.length > 0 ? (this.newSlot(replaces) ?? again) : (again ?? this.newSlot(replaces));
  }

  private newSlot(replaces: readonly Slot[]): Next | null {
    const { record } = this;
    const requested = record.requested[0];
    if (requested !== undefined) return { slot: requested.slot, attempt: 1, replaces };
    const due = mayBegin(record, 'scheduled') ? this.due() : null;
    if (due === null) return null;
    const queued = isQueued(record);
    const range = queued ? { first: due.first, last: due.first, count: 1 } : due;
    return { slot: slotOf(range.last), attempt: 1, range, replaces, queued };
  }

  /** A slot that waits for its next attempt makes room for a newer one. */
  private giveUp(slot: Slot): void {
    this.push({
      type: 'JobSlotsSkipped',
      data: { reason: 'replaced', from: slot, to: slot, count: 1, slots: [], ...this.pending(), at: this.at },
    });
  }

  /** When nothing is left to come, the job is complete. */
  completeIfOver(outcome: 'succeeded' | 'failed'): boolean {
    const { record, at } = this;
    if (
      record.stage !== 'live' ||
      record.nextSlot !== null ||
      record.requested.length > 0 ||
      record.inProgress.length > 0
    )
      return false;
    this.push({ type: 'JobCompleted', data: { outcome, at } });
    return true;
  }
}

/** What forbids a start, in words of the refusals; null: nothing. */
export function blocked(record: JobRecord): 'job-paused' | 'job-held' | 'run-open' | null {
  if (record.held !== null) return 'job-held';
  if (record.paused) return 'job-paused';
  return isFull(record) ? 'run-open' : null;
}

export function anchoredSchedule(record: JobRecord): AnchoredSchedule {
  return { schedule: record.definition.schedule, anchor: record.anchor };
}

/**
 * The first slot of a definition: after the decision that made it, and after everything that was accounted for. A `once` in the past is
 * late, not lost.
 */
export function firstSlot(anchored: AnchoredSchedule, accountedThrough: Instant | null): string | null {
  const { schedule, anchor } = anchored;
  const floor = accountedThrough ?? -8.64e15;
  const slot = nextSlot(anchored, schedule.kind === 'once' ? floor : Math.max(anchor, floor));
  return slot === null ? null : slotOf(slot);
}

/** The pending slot moves to this one: with jitter that is also to say when it is due. */
export function pendingAt(
  anchored: AnchoredSchedule,
  jobId: string,
  nextSlot: string | null,
  zoneData: string,
): Pending {
  const slot = nextSlot === null ? null : instantOfSlot(nextSlot);
  if (slot === null || anchored.schedule.jitterMs === undefined) return { nextSlot, zoneData };
  return { nextSlot, zoneData, nextDueAt: dueTime(anchored, jobId, slot) };
}

function slotsLeft(record: JobRecord): number {
  const { maxRuns } = record.definition.schedule;
  return maxRuns === null ? Infinity : Math.max(0, maxRuns - record.slotsCounted);
}

export function refuse(
  code: JobRefusal['code'],
  field: string,
  value: unknown,
  rule: string,
  remedy: string,
): JobDecision {
  return { ok: false, refusal: { code, field, value: String(value).slice(0, 200), rule, remedy } };
}
