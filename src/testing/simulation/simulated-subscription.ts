import {
  categoryOf,
  type LogPosition,
  type RecordedEvent,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionEnd,
} from '../../event-store';
import type { Scheduler, Step } from './scheduler';
import type { SimulatedLog } from './simulated-log';
import type { SimulatedProcess } from './simulated-process';

/** What the way to the subscriber is like now. */
export interface Passage {
  /** How long what the log sends now is on its way, ms. */
  readonly delay: () => number;
  /** Nothing comes through. */
  readonly blocked: () => boolean;
  /** The log turns the subscriber away. */
  readonly refused: () => boolean;
  /** The process is given this, and has taken it. */
  readonly delivered: (events: readonly RecordedEvent[]) => void;
  readonly taken: (events: readonly RecordedEvent[]) => void;
}

/** A subscriber that hears nothing for so long is broken off, as by a keep-alive. */
const KEEP_ALIVE_MS = 10_000;
const LOOK_AGAIN_MS = 200;
/** What is appended within this time is sent together. */
const TOGETHER_MS = 5;
/** How long after the append a subscriber learns that the log went on with what does not concern it. */
const CHECKPOINT_MS = 5_000;

/** A subscription over the simulated way: what the log had when a batch was sent arrives later, in order, and is handled by the process when it runs. */
export class SimulatedSubscription implements Subscription {
  readonly ended: Promise<SubscriptionEnd>;
  private end!: (how: SubscriptionEnd) => void;
  private position: LogPosition;
  private readonly wanted: ReadonlySet<string> | null;
  /** What was sent and has not arrived: it arrives in this order. */
  private readonly onTheWay: {
    readonly sentAt: number;
    readonly arrivesAt: number;
    upTo: bigint;
    readonly step: Step;
  }[] = [];
  private checkpoint: Step | null = null;
  private again: Step | null = null;
  /** Everything up to here has arrived. */
  private arrived: bigint | null = null;
  private handling: Promise<void> | null = null;
  private over = false;
  private caughtUp = false;
  private silentSince: number | null = null;
  private readonly restores: number;

  constructor(
    private readonly log: SimulatedLog,
    private readonly process: SimulatedProcess,
    private readonly scheduler: Scheduler,
    private readonly passage: Passage,
    private readonly options: SubscribeOptions,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
    this.wanted = options.categories === undefined ? null : new Set(options.categories);
    this.position = options.after === 'end' ? (log.head === 0n ? 'start' : log.head) : options.after;
    this.restores = log.restores;
    this.send();
  }

  /** The log has new events. */
  written(events: readonly RecordedEvent[]): void {
    const mine = this.wanted === null || events.some(({ stream }) => this.wanted?.has(categoryOf(stream)));
    if (mine) this.send();
    else if (this.onTheWay.length === 0)
      this.checkpoint ??= this.scheduler.after(CHECKPOINT_MS, () => {
        this.checkpoint = null;
        this.send();
      });
  }

  /** The way is well again: what is on it arrives now. */
  hurry(): void {
    for (const { step } of this.onTheWay.splice(0)) this.scheduler.cancel(step);
    this.send();
  }

  /** The log breaks it off. */
  drop(message: string): void {
    this.process.post(() => this.finish({ reason: 'dropped', message }));
  }

  /** The process is gone. */
  abandon(): void {
    this.over = true;
    for (const { step } of this.onTheWay) this.scheduler.cancel(step);
    for (const step of [this.checkpoint, this.again]) if (step !== null) this.scheduler.cancel(step);
  }

  async close(): Promise<void> {
    this.finish({ reason: 'closed' });
    await this.handling;
  }

  private finish(how: SubscriptionEnd): void {
    if (this.over) return;
    this.abandon();
    this.end(how);
  }

  private send(): void {
    if (this.over) return;
    const { now } = this.scheduler;
    const last = this.onTheWay.at(-1);
    if (last !== undefined && now - last.sentAt < TOGETHER_MS) {
      last.upTo = this.log.head;
      return;
    }
    const arrivesAt = Math.max(now + this.passage.delay(), last?.arrivesAt ?? 0);
    const step = this.scheduler.at(arrivesAt, () => this.arrive());
    this.onTheWay.push({ sentAt: now, arrivesAt, upTo: this.log.head, step });
  }

  private arrive(): void {
    const first = this.onTheWay.shift();
    if (first === undefined || this.over) return;
    this.arrived = first.upTo;
    this.deliver();
  }

  private deliver(): void {
    if (this.over || this.handling !== null || this.again !== null || this.arrived === null) return;
    if (this.passage.refused()) return this.drop('the log turned the subscriber away');
    if (this.passage.blocked()) {
      this.silentSince ??= this.scheduler.now;
      if (this.scheduler.now - this.silentSince >= KEEP_ALIVE_MS) return this.drop('nothing was heard of the log');
      this.again = this.scheduler.after(LOOK_AGAIN_MS, () => {
        this.again = null;
        this.deliver();
      });
      return;
    }
    this.silentSince = null;
    const upTo = this.arrived;
    this.arrived = null;
    this.handling = new Promise<void>((resolve) => {
      this.process.post(() => void this.handle(upTo).finally(resolve));
    }).finally(() => {
      this.handling = null;
      this.deliver();
    });
  }

  private async handle(upTo: bigint): Promise<void> {
    const { categories, batch = 500, onEvents, onCaughtUp } = this.options;
    // What it is connected to is gone.
    if (this.restores !== this.log.restores) this.finish({ reason: 'dropped', message: 'the log broke off' });
    if (this.over) return;
    const slice = await this.log.store.readAll({ after: this.position, categories, limit: batch });
    if (this.over) return;
    const events = slice.events.filter(({ position }) => position <= upTo);
    const cut = events.length < slice.events.length || slice.position === 'start' || slice.position > upTo;
    // Of a log that was empty when it was read nothing has come, though it may hold something by now.
    const end = upTo > 0n ? upTo : 'start';
    const position = cut ? end : slice.position;
    const moved = position !== 'start' && (this.position === 'start' || position > this.position);
    try {
      if (moved) {
        this.passage.delivered(events);
        if (this.over) return;
        await onEvents(events, position);
        this.passage.taken(events);
        this.position = position;
      }
      // A batch is full: the rest of what has arrived comes with the next one.
      if (position !== 'start' && position < upTo) this.arrived ??= upTo;
      const whole = this.position === this.log.head || this.log.head === 0n;
      if (whole && !this.over && (moved || !this.caughtUp)) {
        this.caughtUp = true;
        onCaughtUp?.();
      }
    } catch (error) {
      this.finish({ reason: 'handler', error });
    }
  }
}
