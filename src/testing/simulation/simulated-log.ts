import type { Clock, SeededRandom } from '../../clock';
import {
  MemoryEventStore,
  type AppendOutcome,
  type ExpectedRevision,
  type NewEvent,
  type ReadStreamOptions,
  type RecordedEvent,
  type StreamSlice,
} from '../../event-store';
import type { Scheduler } from './scheduler';

/** One append that was written, with the true time at which the log took it. */
export interface WrittenAppend {
  readonly events: readonly RecordedEvent[];
  readonly at: number;
  /** Whose request it was: the name of a process. */
  readonly by: string;
  readonly expected: ExpectedRevision;
  /** It was decided by a log that this one has taken the place of. */
  readonly ofLost: boolean;
}

/** The one log of the world, with a clock of its own. */
export class SimulatedLog {
  store: MemoryEventStore;
  head = 0n;
  /** Counts the backups that were put in its place. */
  restores = 0;
  private appends: WrittenAppend[] = [];
  private readonly kept = new Map<string, readonly [count: number, maxAgeMs: number | undefined]>();
  private readonly clock: LogClock;
  private readonly listeners: ((append: WrittenAppend) => void)[] = [];
  /** By position − 1. */
  private appendedAt: number[] = [];
  private readonly ends = new Map<string, { readonly position: bigint; readonly revision: number }[]>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly random: () => SeededRandom,
    private readonly traits: { readonly startsAt: number; readonly rate: number },
  ) {
    this.clock = new LogClock(scheduler, traits);
    this.store = new MemoryEventStore({ clock: this.clock, random: random() });
  }

  /** Told of every append that is written, in order. */
  onWritten(listener: (append: WrittenAppend) => void): void {
    this.listeners.push(listener);
  }

  async append(
    by: string,
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    /** By the log of this generation. */
    decidedBy = this.generation,
  ): Promise<AppendOutcome> {
    const outcome = await this.store.append(stream, expected, events);
    const ofLost = decidedBy < this.generation;
    if (outcome.outcome === 'appended' && outcome.position > this.head) await this.written({ by, expected, ofLost });
    return outcome;
  }

  get generation(): number {
    return this.restores + 1;
  }

  keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void> {
    this.kept.set(stream, [count, maxAgeMs]);
    return this.store.keepLast(stream, count, maxAgeMs);
  }

  /** The log as it was then takes its place, with the same id and a greater generation. @returns the appends that it holds. */
  async restore(asOf: number): Promise<readonly WrittenAppend[]> {
    this.restores++;
    const appends = this.appends.filter(({ at }) => at <= asOf);
    this.clock.pretended = this.traits.startsAt;
    const store = new MemoryEventStore({ clock: this.clock, random: this.random() });
    this.appendedAt = [];
    this.ends.clear();
    this.head = 0n;
    for (const { events, at } of appends) {
      this.clock.pretended = events[0].created;
      await store.append(events[0].stream, 'any', events);
      this.know(events, at);
    }
    this.clock.pretended = null;
    for (let n = 0; n < this.restores; n++) await store.raiseGeneration();
    for (const [stream, [count, maxAgeMs]] of this.kept) await store.keepLast(stream, count, maxAgeMs);
    this.store = store;
    this.appends = appends;
    return appends;
  }

  /** As the stream was `ms` ago, read by one who has not heard since. */
  async readLate(stream: string, options: ReadStreamOptions, ms: number): Promise<StreamSlice> {
    const ends = this.ends.get(stream) ?? [];
    const horizon = this.scheduler.now - ms;
    const last = ends.findLast(({ position }) => this.appendedAt[Number(position) - 1] <= horizon);
    if (last === undefined) return { events: [], head: 'no_stream' };
    const { revision: head } = last;
    const { from, direction } = options;
    if (direction === 'backwards') {
      return { ...(await this.store.readStream(stream, { ...options, from: Math.min(from ?? head, head) })), head };
    }
    const slice = await this.store.readStream(stream, options);
    return { events: slice.events.filter(({ revision }) => revision <= head), head };
  }

  private async written(of: Pick<WrittenAppend, 'by' | 'expected' | 'ofLost'>): Promise<void> {
    const { events } = await this.store.readAll({ after: this.head === 0n ? 'start' : this.head, limit: 1_000 });
    const at = this.scheduler.now;
    this.know(events, at);
    const append = { events, at, ...of };
    this.appends.push(append);
    for (const listener of this.listeners) listener(append);
  }

  private know(events: readonly RecordedEvent[], at: number): void {
    for (const { position, stream, revision } of events) {
      this.appendedAt[Number(position) - 1] = at;
      let ends = this.ends.get(stream);
      if (ends === undefined) this.ends.set(stream, (ends = []));
      ends.push({ position, revision });
      this.head = position;
    }
  }
}

/** The log's clock: independent of those of the services. */
class LogClock implements Clock {
  /** The time that it says instead, while a backup is read in. */
  pretended: number | null = null;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly traits: { readonly startsAt: number; readonly rate: number },
  ) {}
  wall(): number {
    if (this.pretended !== null) return this.pretended;
    return Math.floor(this.traits.startsAt + this.scheduler.now * this.traits.rate);
  }
  monotonic(): number {
    return this.scheduler.now * this.traits.rate;
  }
  boot(): number {
    return this.monotonic();
  }
  setTimer(): never {
    throw new Error('The log in memory sets no timer.');
  }
  sleep(): never {
    throw new Error('The log in memory does not sleep.');
  }
  yield(): never {
    throw new Error('The log in memory does not yield.');
  }
}
