import { instantOfSlot, slotOf, type JobEvent, type JobSlotsSkipped, type Pending, type Slot } from '../../domain/job';
import { clockChanges } from './random-schedules';
import { preview, slotsBetween, type AnchoredSchedule } from '../../domain/schedule';

/** A slot that is to be started, or is started, and when it is due: not before its instant, and later by its jitter. */
export interface DueSlot {
  readonly slot: Slot;
  readonly dueAt: number;
}

export interface LedgerPorts {
  readonly violate: (rule: string, words: string) => void;
  readonly note: (what: string) => void;
}

interface Account {
  anchored: AnchoredSchedule;
  /** Slots from here on (exclusive) are the schedule's. */
  from: number;
  /** Scheduled slots up to here (inclusive) were started or skipped. */
  through: number;
  /** Slots accounted for under this schedule. */
  counted: number;
  ending: boolean;
  /** When slots are due that wait for their jitter, and those that were started. */
  readonly dueAt: Map<Slot, number>;
  readonly started: Set<Slot>;
}

const JUST_AFTER_MS = 600_000;
const MOST_SLOTS = 100_000;
/** Due times that are kept per job. */
const KEPT = 200;

/**
 * I8 by an enumeration of the schedules: each slot is started, coalesced or skipped, in order, none is left out and none comes twice. It knows of
 * definitions and accounts alone, and lists the slots one by one where the code counts and searches: it must not share a mistake with the fold.
 */
export class SlotLedger {
  private readonly accounts = new Map<string, Account>();

  constructor(private readonly ports: LedgerPorts) {}

  /** When that slot is due, as the log has promised; null: it is no slot of a schedule. */
  due(jobId: string, slot: Slot): number | null {
    return this.accounts.get(jobId)?.dueAt.get(slot) ?? instantOfSlot(slot);
  }

  /** Nothing more is known of it. */
  forget(jobId: string): void {
    this.accounts.delete(jobId);
  }

  event(jobId: string, event: JobEvent): void {
    if (event.type === 'JobScheduled') this.defined(jobId, event.data.definition.schedule, event.data.anchor);
    const account = this.accounts.get(jobId);
    if (account === undefined) return;
    const say = (words: string) => this.ports.violate('I8', `${jobId}, ${event.type}: ${words}`);
    switch (event.type) {
      case 'JobRescheduled': {
        const { schedule } = event.data.definition;
        if (JSON.stringify(schedule) === JSON.stringify(account.anchored.schedule)) break;
        this.checkNothingLeft(account, event.data.at, say);
        this.defined(jobId, schedule, event.data.anchor);
        this.ports.note(`rescheduled-to-${schedule.kind}`);
        break;
      }
      case 'JobEndSet':
      case 'JobCancelled':
        this.checkNothingLeft(account, event.data.at, say);
        account.ending = true;
        break;
      case 'JobCompleted': {
        const next = nextOf(account);
        if (next !== null) say(`the slot ${slotOf(next)} is still to come.`);
        account.ending = true;
        break;
      }
      case 'JobRunStarted':
        if (event.data.attempt === 1 && instantOfSlot(event.data.slot) !== null)
          this.starts(account, event.data.slot, say);
        break;
      case 'JobSlotsSkipped':
        this.skips(account, event.data, say);
        break;
    }
    if ('nextSlot' in event.data) this.checkPending(this.accounts.get(jobId) ?? account, event.data, say);
  }

  private defined(jobId: string, schedule: AnchoredSchedule['schedule'], anchor: number): void {
    const through = this.accounts.get(jobId)?.through ?? -Infinity;
    this.accounts.set(jobId, {
      anchored: { schedule, anchor },
      // One that is past is late, not lost.
      from: Math.max(schedule.kind === 'once' ? -8.64e15 : anchor, through),
      through,
      counted: 0,
      ending: false,
      dueAt: new Map(),
      started: this.accounts.get(jobId)?.started ?? new Set(),
    });
  }

  private starts(account: Account, slot: Slot, say: (words: string) => void): void {
    const { schedule } = account.anchored;
    const { kind, jitterMs } = schedule;
    if (account.started.has(slot)) say(`${slot} begins a second time.`);
    this.accounted(account, slot, slot, 1, say);
    account.started.add(slot);
    this.ports.note(`slot-of-${kind}`);
    if ('zone' in schedule && changesNear(schedule.zone, slot)) this.ports.note('slot-after-a-clock-change');
    if (jitterMs !== undefined) this.ports.note('slot-with-jitter');
  }

  private skips(account: Account, { from, to, count, reason }: JobSlotsSkipped['data'], say: (words: string) => void) {
    if (from === null || to === null) return;
    // It was started, waits for its next attempt, and is given up.
    if (reason === 'replaced' && account.started.has(from)) return;
    this.accounted(account, from, to, count, say);
  }

  /** Each slot from one to the other, which are all that the schedule has between them, after all that were accounted for. */
  private accounted(account: Account, from: Slot, to: Slot, count: number, say: (words: string) => void): void {
    const [first, last] = [instantOfSlot(from) ?? NaN, instantOfSlot(to) ?? NaN];
    const expected = nextOf(account);
    if (first !== expected)
      say(
        first <= account.through
          ? `${from} was accounted for before (through ${slotOf(account.through)}).`
          : `${expected === null ? 'no slot' : slotOf(expected)} comes next by the schedule, and ${from} is accounted for.`,
      );
    const slots = slotsBetween(account.anchored, first - 1, last, MOST_SLOTS);
    if (slots.length !== count || slots.at(-1) !== last)
      say(`${count} slots from ${from} to ${to}, and the schedule has ${slots.length} there.`);
    account.through = last;
    account.counted += count;
  }

  /** No slot that has come is left without an account when the schedule goes. */
  private checkNothingLeft(account: Account, at: number, say: (words: string) => void): void {
    const next = nextOf(account);
    if (next !== null && next <= at) say(`the slot ${slotOf(next)} had come, and is not accounted for.`);
  }

  private checkPending(account: Account, { nextSlot, nextDueAt }: Pending, say: (words: string) => void): void {
    const next = nextOf(account);
    if (nextSlot !== (next === null ? null : slotOf(next)))
      say(`${nextSlot ?? 'no slot'} is pending, and by the schedule ${next === null ? 'none' : slotOf(next)} comes.`);
    if (next === null) return;
    const { jitterMs, end } = account.anchored.schedule;
    const [after] = preview(account.anchored, next, 1);
    const latest = Math.min(next + (jitterMs ?? 0), (after ?? Infinity) - 1, Math.max(next, (end ?? Infinity) - 1));
    const due = nextDueAt ?? next;
    if (due < next || due > latest || (jitterMs === undefined && nextDueAt !== undefined))
      say(`${slotOf(next)} is due at ${slotOf(due)}, which is not between it and ${slotOf(latest)}.`);
    account.dueAt.set(slotOf(next), due);
    if (account.dueAt.size > KEPT) account.dueAt.delete(account.dueAt.keys().next().value as Slot);
  }
}

function changesNear(zone: string, slot: Slot): boolean {
  const after = (at: number) => Date.parse(slot) - at;
  return clockChanges.some((one) => one.zone === zone && after(one.at) >= 0 && after(one.at) < JUST_AFTER_MS);
}

/** The first slot of the schedule that is not accounted for; null: none will come. */
function nextOf({ anchored, from, through, counted, ending }: Account): number | null {
  const { maxRuns } = anchored.schedule;
  if (ending || (maxRuns !== null && counted >= maxRuns)) return null;
  return preview(anchored, Math.max(from, through), 1).at(0) ?? null;
}
