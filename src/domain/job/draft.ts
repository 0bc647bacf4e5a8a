import { isNewerZoneData, usesZoneData, type AnchoredSchedule } from '../schedule';
import type { Instant } from '../instant';
import type { Slot } from './definition';
import { backfilledInstant, instantOfSlot, slotOf, type JobEvent, type Pending, type SkipReason } from './events';
import { evolve } from './evolve';
import { hasWaited, isFull, mayBegin, replaceable, waited } from './overlap';
import { misfireRule, slotFates, split, type SlotFates, type SlotRange } from './misfire';
import { owesBacklog } from './pending';
import type { JobDecision, JobRefusal } from './refusals';
import { countSlots, dueTime, nextSlot, nthSlotAfter, previousSlot, unlessUnreadable } from './slots';
import type { AbsentJob, JobRecord } from './state';
import { isSuspect } from './suspicion';

interface Owner {
  readonly serviceId: string;
  readonly incarnation: string;
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
  due(come = false): SlotRange | null {
    const { record } = this;
    const first = record.nextSlot === null ? null : instantOfSlot(record.nextSlot);
    if (first === null || (come ? first : (record.nextDueAt ?? first)) > this.at) return null;
    const anchored = anchoredSchedule(record);
    const at = come ? this.at : Math.max(first, this.dueBefore(anchored, this.at + 1) - 1);
    // With other zone data the pending slot may be none of today's: it was promised, so it counts by itself.
    const count = 1 + countSlots(anchored, first, at);
    if (count === 1) return { first, last: first, count };
    const left = slotsLeft(record);
    if (left <= 1) return { first, last: first, count: 1 };
    if (count <= left) return { first, last: previousSlot(anchored, at + 1) ?? first, count };
    return { first, last: nthSlotAfter(anchored, first, at, left - 1), count: left };
  }

  /** The slots that were due before an instant are those before this one: only the last may still have waited for its jitter (it is due before the next). */
  private dueBefore(anchored: AnchoredSchedule, instant: Instant): Instant {
    if (anchored.schedule.jitterMs === undefined || !Number.isFinite(instant)) return instant;
    const last = previousSlot(anchored, instant);
    return last !== null && dueTime(anchored, this.record.jobId, last) >= instant ? last : instant;
  }

  /** The slot after `slot`, when `counted` more slots will have been counted by then; null: none will come. */
  slotAfter(slot: Instant, counted: number): string | null {
    const { record } = this;
    if (record.ending || slotsLeft(record) <= counted) return null;
    const next = nextSlot(anchoredSchedule(record), slot);
    return next === null ? null : slotOf(next);
  }

  /**
   * What becomes of the due slots by the misfire policy; null: none is due, or it is not for the policy to say: the job is paused or held, or
   * a slot is in progress.
   */
  private fates(): SlotFates | null {
    const { record, at } = this;
    if (record.stage !== 'live' || record.paused || record.held !== null || !mayBegin(record, 'scheduled')) return null;
    const due = this.due();
    if (due === null) return null;
    const { policies } = record.definition;
    const waiting = this.waiting(due);
    if (waiting === 'first' && policies.overlap === 'queue')
      return { skipped: [], run: due.first, coalesced: null, backlogTo: null };
    const anchored = anchoredSchedule(record);
    const { backlog = null, lastOutcome } = record;
    // The run before it was stopped for it, or would have been, or it would have been queued: it is not missed by the time that took.
    const neverMissed = waiting === null ? Infinity : due.last;
    const dueBefore = (instant: Instant) => Math.min(this.dueBefore(anchored, instant), neverMissed);
    return slotFates(anchored, due, misfireRule(policies.misfire), at, backlog, lastOutcome?.at ?? null, dueBefore);
  }

  /** Of the due slots the first has waited for the end of the last run, or a later one, before which others were late by themselves; null: none has. */
  private waiting(due: SlotRange): 'first' | 'later' | null {
    const slots = this.owes ? null : waited(this.record);
    if (slots === null) return null;
    const anchored = anchoredSchedule(this.record);
    const [late, rest] = split(anchored, due, this.dueBefore(anchored, slots.after + 1));
    if (late === null) return hasWaited(this.record) ? 'first' : null;
    return rest === null || dueTime(anchored, this.record.jobId, rest.first) > slots.through ? null : 'later';
  }

  /**
   * What whoever takes the job accounts for, though nothing is started yet. What has waited for room is late, not missed: whoever starts it
   * accounts for what it takes the place of.
   */
  skipMissedOfBinding(): void {
    const due = this.due();
    if (due === null || this.waiting(due) === null) this.skipMissed();
  }

  /**
   * Accounts for the missed slots that are not to be run. All or nothing, where the schedule cannot be evaluated.
   * @returns what is to be run; null: nothing.
   */
  skipMissed(): SlotFates | null {
    let fates = this.fates();
    // Behind a backlog that has grown too old there may be what has not.
    for (; fates !== null && fates.run === null; fates = this.fates()) this.skipRanges(fates);
    if (fates !== null) this.skipRanges(fates);
    return fates;
  }

  /**
   * A run on request goes before what is due. What has waited for the end of the last run must not be taken for late by itself when that has ended,
   * for the sake of an older slot that is missed: that is accounted for before.
   */
  private skipMissedBeforeWaiting(): void {
    const due = this.due();
    if (due === null || this.waiting(due) !== 'later') return;
    const skipped = this.fates()?.skipped ?? [];
    this.skipRanges({ skipped: skipped.filter(({ reason }) => reason !== 'coalesced') });
  }

  private skipRanges({ skipped }: Pick<SlotFates, 'skipped'>): void {
    let counted = 0;
    const skips = skipped.map(({ range, reason }) => {
      counted += range.count;
      return { range, reason, next: this.slotAfter(range.last, counted) };
    });
    for (const { range, reason, next } of skips) this.skip(range, reason, next);
  }

  /** The pending slot waits in the queue; what is still to be run of a backlog does not. */
  private get queued(): boolean {
    return this.record.definition.policies.overlap === 'queue' && hasWaited(this.record) && !this.owes;
  }

  /** Missed slots wait to be run, each for itself or once for all. */
  get owes(): boolean {
    return owesBacklog(this.record);
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

  private skip({ first, last, count }: SlotRange, reason: SkipReason, next: string | null): void {
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
   * Starts what is due, if anything is and nothing forbids it: the oldest slot that waits for its next attempt, then runs that were asked
   * for, then what the misfire policy makes of the due scheduled slots, then backfills. What may begin beside slots in progress, and in their
   * place, is the overlap policy's to say; under `replace` a new slot goes before a further attempt of an old one.
   *
   * A scheduled slot that has waited in the queue is started itself; those that fell after it are skipped.
   *
   * A suspect is started only as the sole one of its process: then the start says so.
   *
   * @param soleSuspect the owner runs no other suspect.
   * @returns false: nothing was started. Missed slots may have been accounted for all the same.
   */
  startDue(owner: Owner, soleSuspect: boolean): boolean {
    const { record, at } = this;
    if (record.stage !== 'live' || blocked(record) !== null || (isSuspect(record) && !soleSuspect)) return false;
    const waiting = record.inProgress.find(({ run, retryAt }) => run === null && (retryAt ?? at) <= at);
    const again = () => waiting !== undefined && this.start(owner, waiting.slot, waiting.attempt + 1);
    const replaces = replaceable(record).map(({ slot }) => slot);
    return replaces.length > 0 ? this.startNew(owner, replaces) || again() : again() || this.startNew(owner, replaces);
  }

  /** @param replaces slots that wait for their next attempt, and end with the start of a new one. */
  private startNew(owner: Owner, replaces: readonly Slot[]): boolean {
    const { record } = this;
    const startRequested = ({ slot }: { readonly slot: Slot }) => {
      for (const one of replaces) this.giveUp(one);
      return this.start(owner, slot, 1);
    };
    const asked = record.requested.find(({ slot }) => backfilledInstant(slot) === null);
    if (asked !== undefined) {
      unlessUnreadable(() => this.skipMissedBeforeWaiting());
      return startRequested(asked);
    }
    const fates = this.skipMissed();
    if (fates !== null && fates.run !== null) return this.startScheduled(owner, fates.run, fates, replaces);
    const backfill = record.requested[0];
    return backfill !== undefined && startRequested(backfill);
  }

  private startScheduled(
    owner: Owner,
    slot: Instant,
    { coalesced, backlogTo }: SlotFates,
    replaces: readonly Slot[],
  ): boolean {
    const queued = this.queued;
    const counted = 1 + (coalesced?.count ?? 0);
    const afterAll = coalesced === null ? null : this.slotAfter(coalesced.last, counted);
    const next = this.movedTo(coalesced === null ? this.slotAfter(slot, 1) : slotOf(coalesced.first));
    for (const one of replaces) this.giveUp(one);
    this.start(owner, slotOf(slot), 1, { ...next, ...(backlogTo !== null && { backlogTo: slotOf(backlogTo) }) });
    if (coalesced !== null) this.skip(coalesced, 'coalesced', afterAll);
    // What is still to be run after it of a backlog waits by itself.
    if (queued && backlogTo === null) this.skipDue('overlap');
    return true;
  }

  private start(
    { serviceId, incarnation }: Owner,
    slot: Slot,
    attempt: number,
    more: Pending & { readonly backlogTo?: Slot } = this.pending(),
  ): true {
    const { at, record } = this;
    const { epoch, definitionRevision } = record;
    this.push({
      type: 'JobRunStarted',
      data: {
        ...{ slot, attempt, epoch, incarnation, serviceId, definitionRevision, at, ...more },
        ...(isSuspect(record) && { soleSuspect: true }),
      },
    });
    return true;
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

/** The outcome of a job whose last slots were skipped: that of its last run, not of a life before. A job that was never run has failed. */
export function outcomeOfSkipped({ lastOutcome, scheduledAt }: JobRecord): 'succeeded' | 'failed' {
  return lastOutcome?.outcome === 'succeeded' && lastOutcome.at >= scheduledAt ? 'succeeded' : 'failed';
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
