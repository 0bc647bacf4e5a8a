import { SeededRandom, VirtualClock, type Clock, type Timer } from '../../src/clock';
import { CommandExecutor } from '../../src/commands';
import { decode } from '../../src/domain/codec';
import type { ServiceEvent, ServiceHeartbeat } from '../../src/domain/service';
import {
  MemoryEventStore,
  StoreUnavailableError,
  type AppendOptions,
  type AppendOutcome,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type SubscribeOptions,
  type Subscription,
} from '../../src/event-store';
import type { LogFields, Logger } from '../../src/logging';
import { ServiceMembership, livenessProfiles, type LivenessOptions, type MembershipPorts } from '../../src/membership';

/** A clock of one process: frozen, its timers wait; time goes on for everybody. */
export class ProcessClock implements Clock {
  private held: (() => void)[] = [];
  frozen = false;
  /** ms that only this process's wall clock is off. */
  wallOffset = 0;
  constructor(private readonly base: VirtualClock) {}

  wall() {
    return this.base.wall() + this.wallOffset;
  }
  monotonic() {
    return this.base.monotonic();
  }
  boot() {
    return this.base.boot();
  }
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        timer.cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.setTimer(delayMs, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
  async yield(): Promise<void> {
    await this.base.yield();
    await this.running();
  }
  setTimer(delayMs: number, callback: () => void, options?: { keepAlive?: boolean; name?: string }): Timer {
    let cancelled = false;
    const run = () => {
      if (cancelled) return;
      if (this.frozen) this.held.push(run);
      else callback();
    };
    const timer = this.base.setTimer(delayMs, run, options);
    return { cancel: () => ((cancelled = true), timer.cancel()) };
  }
  /** Resolves when the process runs. */
  running(): Promise<void> {
    return this.frozen ? new Promise((resolve) => this.held.push(resolve)) : Promise.resolve();
  }
  thaw(): void {
    this.frozen = false;
    for (const run of this.held.splice(0)) run();
  }
}

/** What one process sees of the log: it can be cut off, slow, or lose answers. */
export class Link implements EventStore {
  cut = false;
  /** Answers take this long. */
  answerMs = 0;
  /** Events are delivered this late. */
  lagMs = 0;
  /** Called for each append before it is sent. */
  onAppend: (stream: string, events: readonly NewEvent[]) => void = () => undefined;
  /** Of each append that was sent. */
  readonly streams: string[] = [];
  private readonly subscriptions: { close(): Promise<void> }[] = [];

  constructor(
    private store: EventStore,
    private readonly base: VirtualClock,
    private readonly clock: ProcessClock,
  ) {}

  /** From now on another log answers; subscriptions break off. */
  use(store: EventStore): void {
    this.store = store;
    for (const subscription of this.subscriptions.splice(0)) void subscription.close();
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options?: AppendOptions,
  ): Promise<AppendOutcome> {
    this.streams.push(stream);
    this.onAppend(stream, events);
    if (this.cut) return { outcome: 'unavailable', message: 'cut off' };
    const outcome = await this.store.append(stream, expected, events, options);
    await this.back(this.answerMs);
    return this.cut ? { outcome: 'unknown', message: 'cut off' } : outcome;
  }
  private async back(ms: number): Promise<void> {
    if (ms > 0) await this.base.sleep(ms);
    await this.clock.running();
  }
  private async read<T>(work: () => Promise<T>): Promise<T> {
    if (this.cut) throw new StoreUnavailableError('cut off');
    const result = await work();
    await this.back(0);
    return result;
  }
  readStream: EventStore['readStream'] = (stream, options) => this.read(() => this.store.readStream(stream, options));
  readAll: EventStore['readAll'] = (options) => this.read(() => this.store.readAll(options));
  readAt: EventStore['readAt'] = (position) => this.read(() => this.store.readAt(position));
  head: EventStore['head'] = () => this.read(() => this.store.head());
  keepLast: EventStore['keepLast'] = (...call) => this.read(() => this.store.keepLast(...call));
  identity: EventStore['identity'] = () => this.store.identity();
  raiseGeneration: EventStore['raiseGeneration'] = () => this.store.raiseGeneration();
  async close(): Promise<void> {}

  subscribe(options: SubscribeOptions): Subscription {
    if (this.cut) {
      return {
        ended: Promise.resolve({ reason: 'dropped', message: 'cut off' }),
        close: () => Promise.resolve(),
      };
    }
    const inner = this.store.subscribe({
      ...options,
      onEvents: async (events, position) => {
        await this.back(this.lagMs);
        if (this.cut) throw new Error('cut off');
        await options.onEvents(events, position);
      },
    });
    let broken = false;
    this.subscriptions.push({ close: () => ((broken = true), inner.close()) });
    const ended = inner.ended.then((end) =>
      broken && end.reason === 'closed' ? ({ reason: 'dropped', message: 'broken off' } as const) : end,
    );
    return { ended, close: () => inner.close() };
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fact: string;
  readonly fields: LogFields;
}

export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];
  debug(fact: string, fields: LogFields = {}) {
    this.lines.push({ level: 'debug', fact, fields });
  }
  info(fact: string, fields: LogFields = {}) {
    this.lines.push({ level: 'info', fact, fields });
  }
  warn(fact: string, fields: LogFields = {}) {
    this.lines.push({ level: 'warn', fact, fields });
  }
  error(fact: string, fields: LogFields = {}) {
    this.lines.push({ level: 'error', fact, fields });
  }
  child() {
    return this;
  }
  facts(fact: string): LogLine[] {
    return this.lines.filter((line) => line.fact === fact);
  }
}

export interface Member {
  readonly membership: ServiceMembership;
  readonly clock: ProcessClock;
  readonly link: Link;
  readonly logger: RecordingLogger;
  readonly fences: { readonly incarnation: string; readonly reason: string; readonly at: number }[];
  /** SIGKILL: nothing of it runs any more. */
  kill(): void;
  pause(): void;
  resume(): void;
}

/** Several memberships over one memory store and one virtual time. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly store: EventStore;
  readonly members: Member[] = [];
  readonly liveness: LivenessOptions;

  constructor(options: { readonly seed?: number; readonly liveness?: Partial<LivenessOptions> } = {}) {
    this.random = new SeededRandom(options.seed ?? 1);
    this.store = new MemoryEventStore({ clock: this.clock, random: this.random });
    this.liveness = { ...livenessProfiles.default, ...options.liveness };
  }

  /** A member that has been started, not yet registered. */
  async member(
    serviceId: string,
    options: {
      readonly passes?: boolean;
      readonly ports?: Partial<MembershipPorts>;
      readonly before?: (m: Member) => void;
    } = {},
  ): Promise<Member> {
    const clock = new ProcessClock(this.clock);
    const link = new Link(this.store, this.clock, clock);
    const logger = new RecordingLogger();
    let membership: ServiceMembership | null = null;
    const commands = new CommandExecutor({
      store: link,
      clock,
      random: this.random,
      clusterTime: { now: () => membership?.clusterTime.now() ?? clock.wall() },
      zoneData: 'test',
      namespace: '',
      directory: { candidate: () => null },
      logger,
    });
    const made = new ServiceMembership(
      {
        store: link,
        commands,
        clock,
        random: this.random,
        logger,
        counts: () => ({ owned: 0, running: 0 }),
        viewApplied: () => Promise.resolve(),
        wantPass: () => {
          if (options.passes ?? true) made.passCompleted();
        },
        ...options.ports,
      },
      {
        serviceId,
        labels: { name: serviceId, host: 'host-1' },
        capacity: { maxOwnedJobs: 10, maxConcurrentRuns: 2 },
        handlers: { audit: '1' },
        namespace: '',
        liveness: this.liveness,
        sharedKernel: true,
      },
    );
    membership = made;
    const fences: Member['fences'] = [];
    made.trust.onFence(({ incarnation, reason }) => fences.push({ incarnation, reason, at: this.clock.monotonic() }));
    const member: Member = {
      membership: made,
      clock,
      link,
      logger,
      fences,
      kill: () => {
        link.cut = true;
        clock.frozen = true;
      },
      pause: () => {
        clock.frozen = true;
      },
      resume: () => clock.thaw(),
    };
    options.before?.(member);
    this.members.push(member);
    made.start();
    return member;
  }

  /** Members that are registered and may claim. */
  async registered(...serviceIds: string[]): Promise<Member[]> {
    const members: Member[] = [];
    for (const id of serviceIds) members.push(await this.member(id));
    await this.until('all may claim', () => members.every((m) => m.membership.mayClaim()));
    return members;
  }

  until(what: string, condition: () => boolean, limitMs = 60_000): Promise<void> {
    return this.clock.runUntil(condition, { what, limitMs });
  }

  /** Facts of one service, in order. */
  async facts(serviceId: string): Promise<ServiceEvent[]> {
    const { events } = await this.store.readStream(`service-${serviceId}`, { direction: 'forwards', limit: 1_000 });
    return events.map((e) => decode(e.type, e.data, e.metadata) as ServiceEvent);
  }

  async types(serviceId: string): Promise<string[]> {
    return (await this.facts(serviceId)).map((e) => e.type);
  }

  async beats(serviceId: string): Promise<ServiceHeartbeat['data'][]> {
    const { events } = await this.store.readStream(`heartbeat-${serviceId}`, { direction: 'forwards', limit: 10_000 });
    return events.map((e) => (decode(e.type, e.data, e.metadata) as ServiceHeartbeat).data);
  }

  async close(): Promise<void> {
    for (const m of this.members) {
      m.link.cut = true;
      m.clock.thaw();
    }
    let closed = false;
    const closing = Promise.all(this.members.map((m) => m.membership.close())).then(() => (closed = true));
    // Deliveries under way are waited for.
    while (!closed) await this.clock.advance(10_000);
    await closing;
    await this.store.close();
  }
}
