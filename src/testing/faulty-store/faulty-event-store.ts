import { setMaxListeners } from 'node:events';
import type { Clock, Random, Timer } from '../../clock';
import {
  refuseAppend,
  StoreUnavailableError,
  type AllSlice,
  type AppendOptions,
  type AppendOutcome,
  type EventStore,
  type ExpectedRevision,
  type LogIdentity,
  type LogPosition,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  type StreamSlice,
  type SubscribeOptions,
  type Subscription,
} from '../../event-store';
import { checkSpan, type FaultCounts, type FaultOf, type FaultRates, type FaultyMethod, type Span } from './faults';
import { FaultPlan, type InjectOptions, type Planned } from './plan';
import { FaultySubscription } from './faulty-subscription';

export interface FaultyEventStoreOptions {
  /** Default: nothing goes wrong but what a script injects. */
  readonly rates?: FaultRates;
  /** How long a `delay` is, ms. Default [1, 50]. */
  readonly delayMs?: Span;
  /** When a `ghost` reaches the store, and the late second sending of a `duplicate`, ms after the call. Default [50, 500]. */
  readonly ghostMs?: Span;
  /** `close` closes the store behind too. Default true; false where others use it as well. */
  readonly closesStore?: boolean;
}

/**
 * Puts faults in front of any adapter: by rate and seed, or aimed at single calls (`inject`). What it does is what a sound adapter does when its
 * server, its network or its disk fail, so the port's promises hold: `unavailable` and a `StoreUnavailableError` of a refused call mean that nothing was
 * written, `unknown` leaves it open, a refusal that is for good stays one, and a subscription delivers each event once and in order until it ends as
 * `dropped`. For tests of whatever uses a log: what passes on a faulty store does not depend on luck.
 *
 * ```ts
 * const store = new FaultyEventStore(new MemoryEventStore({ clock, random }), { clock, random: new SeededRandom(7) }, {
 *   rates: { append: { executeAndTimeOut: 0.1, ghost: 0.02, refuse: 0.05 }, readStream: { refuse: 0.05 }, deliver: { drop: 0.01 } },
 * });
 * store.inject('append', 'executeAndTimeOut', { nth: 3, when: ({ types }) => types.includes('JobRunStarted') });
 * ```
 */
export class FaultyEventStore implements EventStore {
  private readonly plan: FaultPlan;
  private readonly ghostMs: Span;
  private readonly subscriptions = new Set<FaultySubscription>();
  private readonly ghosts = new Map<() => Promise<unknown>, Timer>();
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly hurry = new AbortController();
  private closing: Promise<void> | null = null;

  /** @throws RangeError for options that contradict themselves, with the remedy. */
  constructor(
    private readonly store: EventStore,
    private readonly ports: { readonly clock: Clock; readonly random: Random },
    private readonly options: FaultyEventStoreOptions = {},
  ) {
    const { rates = {}, delayMs = [1, 50], ghostMs = [50, 500] } = options;
    checkSpan('delayMs', delayMs);
    checkSpan('ghostMs', ghostMs);
    this.plan = new FaultPlan(ports.random, rates, delayMs);
    this.ghostMs = ghostMs;
    // Every call that is delayed listens.
    setMaxListeners(0, this.hurry.signal);
  }

  /** What was called, and what was done to it. */
  get counts(): FaultCounts {
    return this.plan.snapshot();
  }

  /** Injections whose call has not come yet. */
  get injectionsLeft(): number {
    return this.plan.waiting;
  }

  /** From now on these rates; `{}`: nothing goes wrong by itself any more. */
  setRates(rates: FaultRates): void {
    this.plan.setRates(rates);
  }

  /** Aims a fault at a call to come; rates do not touch that call. Several may wait at once; the first that fits is taken. */
  inject<Method extends FaultyMethod>(method: Method, fault: FaultOf<Method>, options: InjectOptions = {}): void {
    this.plan.inject(method, fault, options);
  }

  /** Lets the ghosts that are under way reach the store now. Resolves when it has answered them all. */
  async landGhosts(): Promise<void> {
    const landing = [...this.ghosts];
    this.ghosts.clear();
    await Promise.all(
      landing.map(([land, timer]) => {
        timer.cancel();
        return land();
      }),
    );
  }

  /** Breaks off every subscription now. */
  async dropSubscriptions(): Promise<void> {
    await Promise.all(
      [...this.subscriptions].map((subscription) => {
        this.plan.count('deliver', 'drop');
        return subscription.drop();
      }),
    );
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options?: AppendOptions,
  ): Promise<AppendOutcome> {
    if (this.closing !== null) return { outcome: 'refused', code: 'closed', message: 'the store is closed' };
    // What is refused for good is so whatever else fails.
    const refused = refuseAppend(stream, expected, events);
    if (refused !== null) return refused;
    const types = events.map(({ type }) => type);
    const planned = this.plan.next({ method: 'append', stream, types });
    return this.track(this.faultyAppend(planned, expected, () => this.store.append(stream, expected, events, options)));
  }

  readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice> {
    return this.call('readStream', () => this.store.readStream(stream, options), stream);
  }

  readAll(options: ReadAllOptions): Promise<AllSlice> {
    return this.call('readAll', () => this.store.readAll(options));
  }

  readAt(position: bigint): Promise<RecordedEvent | null> {
    return this.call('readAt', () => this.store.readAt(position));
  }

  head(): Promise<LogPosition> {
    return this.call('head', () => this.store.head());
  }

  keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void> {
    return this.call('keepLast', () => this.store.keepLast(stream, count, maxAgeMs), stream);
  }

  identity(): Promise<LogIdentity> {
    return this.call('identity', () => this.store.identity());
  }

  raiseGeneration(): Promise<LogIdentity> {
    return this.call('raiseGeneration', () => this.store.raiseGeneration());
  }

  subscribe(options: SubscribeOptions): Subscription {
    if (this.closing !== null) return endedWith({ reason: 'closed' });
    const { fault } = this.plan.next({ method: 'subscribe', stream: null, types: [] });
    if (fault === 'refuse') {
      this.plan.count('subscribe', 'refuse');
      return endedWith({ reason: 'dropped', message: 'a fault refused the subscription' });
    }
    const ports = { clock: this.ports.clock, plan: this.plan };
    const subscription = new FaultySubscription((inner) => this.store.subscribe(inner), options, ports);
    this.subscriptions.add(subscription);
    void subscription.ended.then(() => this.subscriptions.delete(subscription));
    return subscription;
  }

  /** Calls that are delayed go on at once and get their answers; ghosts that have not landed never will. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    for (const timer of this.ghosts.values()) timer.cancel();
    this.ghosts.clear();
    this.hurry.abort();
    const subscriptions = Promise.all([...this.subscriptions].map((one) => one.close()));
    await Promise.allSettled([...this.underWay]);
    if (this.options.closesStore !== false) await this.store.close();
    await subscriptions;
  }

  private async faultyAppend(
    { fault, beforeMs, afterMs, dice }: Planned,
    expected: ExpectedRevision,
    send: () => Promise<AppendOutcome>,
  ): Promise<AppendOutcome> {
    await this.pass(beforeMs);
    const unknown = async (): Promise<AppendOutcome> => {
      await this.pass(afterMs);
      return { outcome: 'unknown', message: 'a fault: the answer is lost' };
    };
    switch (fault) {
      case 'refuse':
        this.plan.count('append', fault);
        await this.pass(afterMs);
        return { outcome: 'unavailable', message: 'a fault: the store was not asked' };
      case 'executeAndTimeOut':
        this.plan.count('append', fault);
        await send();
        return unknown();
      case 'lose':
        this.plan.count('append', fault);
        return unknown();
      case 'ghost':
        this.plan.count('append', fault);
        this.later(send, dice);
        return unknown();
      case 'duplicate': {
        if (expected === 'any') break;
        this.plan.count('append', fault);
        const answer = await this.twice(send, dice);
        await this.pass(afterMs);
        return answer;
      }
    }
    const answer = await send();
    await this.pass(afterMs);
    return answer;
  }

  /** Both at once, the caller with one of the two answers; or the second time when the caller has long had its answer. */
  private async twice(send: () => Promise<AppendOutcome>, dice: number): Promise<AppendOutcome> {
    if (dice < 1 / 3) {
      const answer = await send();
      // Sent again after any other answer it might be written after all, and the caller was told that it is not.
      if (answer.outcome === 'appended') this.later(send, dice * 3);
      return answer;
    }
    const answers = await Promise.all([send(), send()]);
    const [answer, other] = dice < 2 / 3 ? answers : [answers[1], answers[0]];
    // One may have been written where the other was not: what the caller hears covers both.
    for (const outcome of ['appended', 'unknown'] as const) {
      if (answer.outcome !== outcome && other.outcome === outcome) return other;
    }
    return answer;
  }

  private later(send: () => Promise<unknown>, dice: number): void {
    if (this.closing !== null) return;
    const [shortest, longest] = this.ghostMs;
    const land = async (): Promise<void> => {
      this.ghosts.delete(land);
      // Nobody waits for it, so nobody could handle its failure.
      await this.track(send().catch(() => undefined));
    };
    const timer = this.ports.clock.setTimer(shortest + dice * (longest - shortest), () => void land(), {
      name: 'ghost',
      keepAlive: false,
    });
    this.ghosts.set(land, timer);
  }

  private call<T>(
    method: Exclude<FaultyMethod, 'append' | 'subscribe' | 'deliver'>,
    ask: () => Promise<T>,
    stream: string | null = null,
  ): Promise<T> {
    if (this.closing !== null) {
      return Promise.reject(new StoreUnavailableError('the store is closed', 'closed', 'Open it again.'));
    }
    return this.track(this.faultyCall(this.plan.next({ method, stream, types: [] }), method, ask));
  }

  private async faultyCall<T>(planned: Planned, method: FaultyMethod, ask: () => Promise<T>): Promise<T> {
    const { fault, beforeMs, afterMs, dice } = planned;
    await this.pass(beforeMs);
    if (fault !== null) this.plan.count(method, fault);
    if (fault === 'refuse') {
      await this.pass(afterMs);
      throw new StoreUnavailableError('a fault: the store was not asked');
    }
    const answer = fault === 'duplicate' ? await this.bothOf(ask, dice) : await ask();
    await this.pass(afterMs);
    if (fault === 'executeAndTimeOut') throw new StoreUnavailableError('a fault: the answer is lost');
    return answer;
  }

  private async bothOf<T>(ask: () => Promise<T>, dice: number): Promise<T> {
    const [first, second] = await Promise.all([ask(), ask()]);
    return dice < 0.5 ? first : second;
  }

  private async pass(ms: number): Promise<void> {
    if (ms > 0) await this.ports.clock.sleep(ms, this.hurry.signal);
  }

  private track<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<void> = work.then(
      () => undefined,
      () => undefined,
    );
    this.underWay.add(settled);
    void settled.then(() => this.underWay.delete(settled));
    return work;
  }
}

function endedWith(end: Awaited<Subscription['ended']>): Subscription {
  return { ended: Promise.resolve(end), close: () => Promise.resolve() };
}
