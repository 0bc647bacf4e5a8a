import { SeededRandom, VirtualClock, type Clock, type Timer } from '../../src/clock';
import { CommandExecutor } from '../../src/commands';
import { decode } from '../../src/domain/codec';
import {
  MemoryEventStore,
  type AppendOptions,
  type AppendOutcome,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type SubscribeOptions,
  type Subscription,
} from '../../src/event-store';
import { silentLogger } from '../../src/logging';
import { ServiceMembership, type LivenessOptions } from '../../src/membership';

/** The clock of one process: it runs at a rate of its own, and while the process is paused nothing of it runs. */
class DriftingClock implements Clock {
  private held: (() => void)[] = [];
  private paused = false;

  constructor(
    private readonly base: VirtualClock,
    private readonly rate: number,
  ) {}

  wall() {
    return this.base.wall();
  }
  monotonic() {
    return this.base.monotonic() * this.rate;
  }
  boot() {
    return this.monotonic();
  }
  setTimer(delayMs: number, callback: () => void, options?: { keepAlive?: boolean; name?: string }): Timer {
    let cancelled = false;
    const run = () => {
      if (cancelled) return;
      if (this.paused) this.held.push(run);
      else callback();
    };
    // A hair later than asked: a timer may not fire before its time by this clock.
    const timer = this.base.setTimer(delayMs / this.rate + 0.001, run, options);
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = this.setTimer(delayMs, resolve);
      signal?.addEventListener('abort', () => (timer.cancel(), resolve()), { once: true });
    });
  }
  async yield(): Promise<void> {
    await this.base.yield();
    await this.running();
  }
  running(): Promise<void> {
    return this.paused ? new Promise((resolve) => this.held.push(resolve)) : Promise.resolve();
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
    for (const run of this.held.splice(0)) run();
  }
}

/** What may be wrong with the way of one process to the log; each for a while. */
const troubles = ['paused', 'lands-late', 'answers-late', 'deaf', 'cut'] as const;
type Trouble = (typeof troubles)[number];

/** The way of one process to the log: appends land late or never, answers come late or never, events are delivered late. */
class RoughWay implements EventStore {
  constructor(
    private readonly store: EventStore,
    private readonly base: VirtualClock,
    private readonly clock: DriftingClock,
    private readonly random: SeededRandom,
    private readonly troubled: (trouble: Trouble) => boolean,
    private readonly longMs: number,
    private readonly landed: (events: readonly NewEvent[]) => void,
  ) {}

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options?: AppendOptions,
  ): Promise<AppendOutcome> {
    await this.base.sleep(this.delay('lands-late'));
    if (this.troubled('cut') && this.random.next() < 0.5) return this.lost();
    const outcome = await this.store.append(stream, expected, events, options);
    if (outcome.outcome === 'appended') this.landed(events);
    await this.base.sleep(this.delay('answers-late'));
    if (this.troubled('cut')) return this.lost();
    await this.clock.running();
    return outcome;
  }

  subscribe(options: SubscribeOptions): Subscription {
    return this.store.subscribe({
      ...options,
      onEvents: async (events, position) => {
        await this.base.sleep(this.delay('deaf'));
        await this.clock.running();
        await options.onEvents(events, position);
      },
    });
  }

  readStream: EventStore['readStream'] = (stream, options) => this.read(() => this.store.readStream(stream, options));
  readAll: EventStore['readAll'] = (options) => this.read(() => this.store.readAll(options));
  readAt: EventStore['readAt'] = (position) => this.read(() => this.store.readAt(position));
  head: EventStore['head'] = () => this.read(() => this.store.head());
  keepLast: EventStore['keepLast'] = (...call) => this.store.keepLast(...call);
  identity: EventStore['identity'] = () => this.store.identity();
  raiseGeneration: EventStore['raiseGeneration'] = () => this.store.raiseGeneration();
  async close(): Promise<void> {}

  /** Nobody hears of it, or only that it is not known. */
  private async lost(): Promise<AppendOutcome> {
    await this.base.sleep(this.longMs * 4);
    await this.clock.running();
    return { outcome: 'unknown', message: 'the answer was lost' };
  }

  private async read<T>(work: () => Promise<T>): Promise<T> {
    await this.base.sleep(this.delay('lands-late'));
    const result = await work();
    await this.base.sleep(this.delay('answers-late'));
    await this.clock.running();
    return result;
  }

  private delay(trouble: Trouble): number {
    return this.random.next() * (this.troubled(trouble) && this.random.next() < 0.8 ? this.longMs : 5);
  }
}

export interface RoughMember {
  readonly membership: ServiceMembership;
  readonly clock: DriftingClock;
  /** Until when, by true time. */
  readonly troubles: Map<Trouble, number>;
}

/** A verdict that is in the log, as it stood with its subject at that very moment. All ms of true time. */
export interface Landed {
  readonly incarnation: string;
  readonly at: number;
  /** When its trust had run out. */
  readonly expired: number;
}

/** Memberships over one log, with everything between them that can go wrong going wrong. */
export class RoughWorld {
  readonly clock = new VirtualClock();
  readonly members: RoughMember[] = [];
  readonly verdicts: Landed[] = [];
  /** Incarnations that held themselves for trusted after the verdict on them was in the log. */
  readonly acted: { readonly incarnation: string; readonly at: number }[] = [];
  private readonly random: SeededRandom;
  private readonly store: EventStore;
  private readonly expires = new Map<string, number>();
  private readonly marked = new Set<string>();
  private rough = false;

  constructor(
    seed: number,
    private readonly liveness: LivenessOptions,
  ) {
    this.random = new SeededRandom(seed);
    this.store = new MemoryEventStore({ clock: this.clock, random: this.random });
  }

  /** Starts the services, and waits until they may claim; until then nothing goes wrong. */
  async start(...serviceIds: readonly string[]): Promise<void> {
    const { clockRateError: rho } = this.liveness;
    for (const [index, serviceId] of serviceIds.entries()) {
      await this.member(serviceId, index % 2 === 0 ? 1 - rho : 1 + rho);
    }
    await this.clock.runUntil(() => this.members.every(({ membership }) => membership.mayClaim()));
  }

  /** Lets time pass, and trouble come and go. */
  async live(ms: number): Promise<void> {
    let done = false;
    this.clock.setTimer(ms, () => (done = true));
    this.nextTrouble();
    const seen = () => {
      this.look();
      return done;
    };
    await this.clock.runUntil(seen, { limitMs: ms + 1_000 });
    this.rough = false;
  }

  async close(): Promise<void> {
    for (const member of this.members) {
      member.troubles.clear();
      member.clock.resume();
    }
    await Promise.all([
      ...this.members.map(({ membership }) => membership.close()),
      this.clock.advance(this.liveness.failAfterMs * 20),
    ]);
    await this.store.close();
  }

  /** Some of the troubles come over one of the members, one after the other, and overlap. */
  private nextTrouble(): void {
    this.rough = true;
    const { failAfterMs } = this.liveness;
    const within = (ms: number) => this.random.next() * ms;
    const come = () => {
      if (!this.rough) return;
      const member = this.members[Math.floor(within(this.members.length))];
      for (const trouble of troubles) {
        if (this.random.next() < 0.5) continue;
        const lasts = within(failAfterMs * 2);
        this.clock.setTimer(within(failAfterMs), () => this.befall(member, trouble, lasts));
      }
      this.clock.setTimer(failAfterMs + within(failAfterMs * 2), come);
    };
    come();
  }

  private befall(member: RoughMember, trouble: Trouble, lasts: number): void {
    if (!this.rough) return;
    member.troubles.set(trouble, this.clock.monotonic() + lasts);
    if (trouble !== 'paused') return;
    member.clock.pause();
    this.clock.setTimer(lasts, () => member.clock.resume());
  }

  /** Whoever trusts itself is seen to act, at any moment at which anything happens. */
  private look(): void {
    const now = this.clock.monotonic();
    for (const { membership } of this.members) {
      const incarnation = membership.incarnation();
      if (incarnation === null) continue;
      const remaining = membership.trust.remainingMs();
      if (remaining > 0) this.expires.set(incarnation, now + remaining / this.rateOf(membership));
      if (this.marked.has(incarnation) && membership.trust.check() === null) this.acted.push({ incarnation, at: now });
    }
  }

  private rateOf(membership: ServiceMembership): number {
    const { clock } = this.members.find((one) => one.membership === membership) as RoughMember;
    return clock.monotonic() / this.clock.monotonic();
  }

  private landed(events: readonly NewEvent[]): void {
    for (const { type, data, metadata } of events) {
      const event = decode(type, data, metadata);
      if (event.type !== 'ServiceMarkedFailed') continue;
      const { incarnation } = event.data;
      if (this.marked.has(incarnation)) continue;
      this.look();
      this.marked.add(incarnation);
      const expired = this.expires.get(incarnation) ?? -Infinity;
      this.verdicts.push({ incarnation, at: this.clock.monotonic(), expired });
    }
  }

  private async member(serviceId: string, rate: number): Promise<void> {
    const clock = new DriftingClock(this.clock, rate);
    const { failAfterMs } = this.liveness;
    const store = new RoughWay(
      this.store,
      this.clock,
      clock,
      this.random,
      (trouble) => (member.troubles.get(trouble) ?? 0) > this.clock.monotonic(),
      failAfterMs,
      (events) => this.landed(events),
    );
    let membership: ServiceMembership | null = null;
    const commands = new CommandExecutor({
      store,
      clock,
      random: this.random,
      clusterTime: { now: () => membership?.clusterTime.now() ?? clock.wall() },
      zoneData: 'test',
      namespace: '',
      directory: { candidate: () => null },
      logger: silentLogger,
    });
    const made = new ServiceMembership(
      {
        store,
        commands,
        clock,
        random: this.random,
        logger: silentLogger,
        counts: () => ({ owned: 0, running: 0 }),
        viewApplied: () => Promise.resolve(),
        wantPass: () => made.passCompleted(),
      },
      {
        serviceId,
        labels: { name: serviceId, host: 'host-1' },
        capacity: { maxOwnedJobs: 10, maxConcurrentRuns: 2 },
        handlers: { audit: '1' },
        namespace: '',
        liveness: this.liveness,
        sharedKernel: false,
      },
    );
    membership = made;
    const member: RoughMember = { membership: made, clock, troubles: new Map() };
    this.members.push(member);
    made.start();
  }
}
