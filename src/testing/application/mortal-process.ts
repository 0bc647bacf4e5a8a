import { sleepBy, type Clock, type Instant, type Timer } from '../../clock';
import type { EventStore, Subscription, SubscriptionEnd } from '../../event-store';

/** One for each who waits: a promise that all share would keep all who ever waited for it. */
const never = (): Promise<never> => new Promise(() => undefined);

/**
 * What a process has of the world: a clock and a connection to the log. Killed, its timers are gone, and no answer, event or append passes
 * any more, in either direction: as after SIGKILL. (What it was computing at that moment goes on, and reaches nobody.)
 */
export class MortalProcess {
  private readonly timers = new Set<Timer>();
  private readonly subscriptions = new Set<Subscription>();
  private dead = false;
  readonly clock: Clock;
  readonly store: EventStore;

  constructor(clock: Clock, store: EventStore) {
    this.clock = this.clockOf(clock);
    this.store = this.storeOf(store);
  }

  get killed(): boolean {
    return this.dead;
  }

  kill(): void {
    this.dead = true;
    for (const timer of this.timers) timer.cancel();
    for (const subscription of this.subscriptions) void subscription.close();
    this.timers.clear();
    this.subscriptions.clear();
  }

  private clockOf(clock: Clock): Clock {
    const setTimer = (
      delayMs: number,
      callback: () => void,
      options?: { keepAlive?: boolean; name?: string },
    ): Timer => {
      if (this.dead) return { cancel: () => undefined };
      const timer = clock.setTimer(
        delayMs,
        () => {
          this.timers.delete(timer);
          callback();
        },
        options,
      );
      this.timers.add(timer);
      return {
        cancel: () => {
          this.timers.delete(timer);
          timer.cancel();
        },
      };
    };
    return {
      wall: (): Instant => clock.wall(),
      monotonic: () => clock.monotonic(),
      boot: () => clock.boot(),
      setTimer,
      sleep: (delayMs, signal) => sleepBy(setTimer, delayMs, signal),
      yield: () => clock.yield(),
    };
  }

  /** Both ways: nothing is sent by the dead, and what is on its way to it is lost. */
  private passing<T>(call: () => Promise<T>): Promise<T> {
    if (this.dead) return never();
    return call().then((answer) => (this.dead ? never() : answer));
  }

  private storeOf(store: EventStore): EventStore {
    return {
      append: (...call) => this.passing(() => store.append(...call)),
      readStream: (...call) => this.passing(() => store.readStream(...call)),
      readAll: (...call) => this.passing(() => store.readAll(...call)),
      readAt: (...call) => this.passing(() => store.readAt(...call)),
      head: () => this.passing(() => store.head()),
      keepLast: (...call) => this.passing(() => store.keepLast(...call)),
      identity: () => this.passing(() => store.identity()),
      raiseGeneration: () => this.passing(() => store.raiseGeneration()),
      // The log is not this process's to close.
      close: () => Promise.resolve(),
      subscribe: (options) => {
        if (this.dead) return { ended: never() as Promise<SubscriptionEnd>, close: () => Promise.resolve() };
        const { onEvents, onCaughtUp } = options;
        const subscription = store.subscribe({
          ...options,
          onEvents: (events, position) => (this.dead ? undefined : onEvents(events, position)),
          onCaughtUp: () => (this.dead ? undefined : onCaughtUp?.()),
        });
        this.subscriptions.add(subscription);
        void subscription.ended.then(() => this.subscriptions.delete(subscription));
        return {
          ended: subscription.ended.then((end) => (this.dead ? never() : end)),
          close: () => subscription.close(),
        };
      },
    };
  }
}
