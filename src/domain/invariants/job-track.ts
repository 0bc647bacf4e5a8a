import { instantOfSlot } from '../job/events';
import type { RunRef } from '../job/events';
import { canonical } from '../job/canonical';
import type { JobDefinition, Overlap, Slot } from '../job/definition';
import type { Backlog, JobRecord } from '../job/state';
import { CommandWindow } from './command-window';

export interface TrackedRun extends RunRef {
  readonly revision: number;
  /** It was started as the only suspect of its process. */
  readonly soleSuspect?: boolean;
}

/** A lost run that was given up, though no fact of the log says that its owner has ended. */
export interface GivenUp {
  readonly reason: 'ownerUnregistered' | 'fail' | 'hold';
  readonly words: string;
  readonly revision: number;
  readonly position: bigint;
  readonly id: string;
}

export interface TrackedSlot {
  attempt: number;
  retriesUsed: number;
  retryAt: number | null;
  run: TrackedRun | null;
}

/** The parts of a definition that rules speak of; the payload is not kept. */
export type TrackedDefinition = Pick<JobDefinition, 'handler' | 'tag' | 'affinity'> & {
  readonly onOwnerLoss: JobDefinition['policies']['onOwnerLoss'];
  readonly overlap: Overlap;
  readonly misfire: JobDefinition['policies']['misfire'];
  readonly schedule: JobDefinition['schedule'];
  /** It is to run as soon as possible. */
  readonly asap: boolean;
};

/** Closed runs that are remembered per job, and per job that has ended. */
const CLOSED_RUNS = 16;
const CLOSED_RUNS_ENDED = 2;
/** Commands that are remembered of a job that has ended. */
const COMMANDS_ENDED = 4;

/** What is kept of a job that has ended: most never get another event, and there may be millions. */
export interface EndedJob {
  readonly stage: JobRecord['stage'];
  readonly definitionRevision: number;
  readonly epoch: number;
  readonly epochEndedAt: number | null;
  readonly accountedThrough: number;
  readonly paused: boolean;
  readonly closed: JobTrack['closed'];
  readonly commands: CommandWindow;
}

/**
 * What is kept of one job while a log is checked: bounded, but for slots in progress and requests that wait.
 * It is a fold of its own on purpose: it must not share a mistake with the one that decides.
 */
export class JobTrack {
  stage: 'absent' | JobRecord['stage'] = 'absent';
  /** An event could not be read: nothing more is known, until the books are closed again. */
  opaque = false;
  definition: TrackedDefinition | null = null;
  definitionRevision = -1;
  epoch = 0;
  owner: { readonly serviceId: string; readonly incarnation: string } | null = null;
  /** Revision at which the newest epoch ended; null while it lasts, or before the first. */
  epochEndedAt: number | null = null;
  paused = false;
  /** Lost runs that an operator must judge, in this order. */
  held: readonly Slot[] = [];
  nextSlot: Slot | null = null;
  /** When that is due, where it is not at its instant. */
  nextDueAt: number | null = null;
  /** Scheduled slots up to here were started or skipped. */
  accountedThrough = Number.NEGATIVE_INFINITY;
  /** Missed slots that are still to be run; `runs` of them have been started. */
  backlog: (Backlog & { readonly runs: number }) | null = null;
  /** The run that was just started is to be followed by the account of the slots from here on that it makes up for. */
  toCoalesce: Slot | null = null;
  readonly slots = new Map<Slot, TrackedSlot>();
  readonly requested = new Set<Slot>();
  closed: (RunRef & { refused: boolean })[] = [];
  commands = new CommandWindow();
  /** The same append had to go on after a JobRequeued. */
  requeued: { readonly revision: number; readonly position: bigint; readonly id: string } | null = null;
  /** The same append had to say that nothing registers their owner. */
  givenUp: readonly GivenUp[] = [];

  openRuns(): readonly TrackedRun[] {
    return [...this.slots.values()].flatMap((slot) => (slot.run === null ? [] : [slot.run]));
  }

  terminal(): boolean {
    return this.stage === 'completed' || this.stage === 'cancelled' || this.stage === 'removed';
  }

  define(definition: JobDefinition, revision: number): void {
    const { handler, tag, affinity, policies, schedule } = definition;
    const { onOwnerLoss, overlap, misfire } = policies;
    const before = this.definition;
    const asap = schedule.kind === 'once' && schedule.at === 'asap';
    this.definition = { handler, tag, affinity, onOwnerLoss, overlap, misfire, schedule, asap };
    if (before === null || !same(before.schedule, schedule) || !same(before.misfire, misfire)) this.backlog = null;
    this.definitionRevision = revision;
  }

  account(slot: Slot): void {
    const instant = instantOfSlot(slot);
    if (instant !== null && instant > this.accountedThrough) this.accountedThrough = instant;
    if (this.backlog !== null && this.accountedThrough >= Date.parse(this.backlog.to)) this.backlog = null;
  }

  closeRun(slot: TrackedSlot): void {
    if (slot.run === null) return;
    const { attempt, epoch, incarnation, slot: name } = slot.run;
    this.closed.push({ slot: name, attempt, epoch, incarnation, refused: false });
    if (this.closed.length > this.keptClosedRuns()) this.closed.shift();
    slot.run = null;
  }

  /** How many runs may be open at once; the log has begun before what is known of the definition: any number. */
  runLimit(): number {
    const overlap = this.definition?.overlap;
    if (overlap === undefined) return Infinity;
    return typeof overlap === 'object' ? overlap.allow : 1;
  }

  /** All that one owner leaves behind, and more. */
  private keptClosedRuns(): number {
    const limit = this.runLimit();
    return limit === Infinity || limit === 1 ? CLOSED_RUNS : CLOSED_RUNS + 2 * limit;
  }

  endEpoch(revision: number): void {
    this.owner = null;
    this.epochEndedAt = revision;
  }

  /** What is to be kept of it from now on; null: it has not ended. */
  ended(): EndedJob | null {
    if (!this.terminal() || this.opaque || this.owner !== null || this.slots.size > 0 || this.requeued !== null) {
      return null;
    }
    const { stage, definitionRevision, epoch, epochEndedAt, accountedThrough, paused, commands } = this;
    if (stage === 'absent') return null;
    commands.shrink(COMMANDS_ENDED);
    const closed = this.closed.slice(-CLOSED_RUNS_ENDED);
    return { stage, definitionRevision, epoch, epochEndedAt, accountedThrough, paused, closed, commands };
  }

  /** A job that has ended gets an event after all. */
  static of(ended: EndedJob): JobTrack {
    return Object.assign(new JobTrack(), ended);
  }

  /** Takes the state that closed books carry, whatever was known before. */
  restore(record: JobRecord): void {
    this.stage = record.stage;
    this.opaque = false;
    this.define(record.definition, record.definitionRevision);
    this.epoch = record.epoch;
    const { ownership } = record;
    this.owner =
      ownership.kind === 'bound' ? { serviceId: ownership.serviceId, incarnation: ownership.incarnation } : null;
    this.epochEndedAt = this.owner === null && record.epoch > 0 ? record.revision : null;
    this.paused = record.paused;
    this.held = heldOf(record);
    this.nextSlot = record.nextSlot;
    this.nextDueAt = record.nextDueAt ?? null;
    this.accountedThrough = record.accountedThrough ?? Number.NEGATIVE_INFINITY;
    const { backlog = null } = record;
    this.backlog = backlog === null ? null : { ...backlog, runs: runsOf(this.backlog, backlog) };
    this.toCoalesce = null;
    this.slots.clear();
    for (const { slot, attempt, retriesUsed, retryAt, run } of record.inProgress) {
      this.slots.set(slot, { attempt, retriesUsed, retryAt, run });
    }
    this.requested.clear();
    for (const { slot } of record.requested) this.requested.add(slot);
    this.closed = record.closedRuns.map(({ slot, attempt, epoch, incarnation, refused }) => ({
      slot,
      attempt,
      epoch,
      incarnation,
      refused,
    }));
    this.commands.restore(record.commands);
    this.requeued = null;
    this.givenUp = [];
  }
}

/** Books do not say how many of a backlog have been run: that is known where the events before them were read. */
function runsOf(known: JobTrack['backlog'], { to }: Backlog): number {
  return known?.to === to ? known.runs : 0;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || canonical(a) === canonical(b);
}

/** Slots that are held, as a record has them. */
export function heldOf({ held, heldNext = [] }: JobRecord): readonly Slot[] {
  return held === null ? [] : [held, ...heldNext].map(({ slot }) => slot);
}

export function sameRun(a: RunRef, b: RunRef): boolean {
  return a.slot === b.slot && a.attempt === b.attempt && a.epoch === b.epoch && a.incarnation === b.incarnation;
}

export function runWords(run: RunRef): string {
  return `attempt ${run.attempt} of slot ${run.slot} (epoch ${run.epoch}, incarnation ${run.incarnation})`;
}
