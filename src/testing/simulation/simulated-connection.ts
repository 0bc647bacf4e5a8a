import type { SeededRandom } from '../../clock';
import {
  StoreUnavailableError,
  categoryOf,
  type AppendOutcome,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  type StreamSlice,
  type SubscribeOptions,
  type Subscription,
} from '../../event-store';
import type { Scheduler } from './scheduler';
import type { SimulatedLog } from './simulated-log';
import type { SimulatedProcess } from './simulated-process';
import { SimulatedSubscription } from './simulated-subscription';
import type { Troubles } from './troubles';

export interface ConnectionTraits {
  /** One way, ms: between `from` and `to`, mostly nearer to `from`. */
  readonly latency: readonly [from: number, to: number];
  /** A request without an answer is given up after so long, by the clock of the process, ms. */
  readonly timeoutMs: number;
  /** selfFenceAfterMs: for how long a process may trust itself from the start of an acknowledged heartbeat on. */
  readonly trustMs: number;
}

/** An append on its way, or what comes to a view, as those who watch see it. */
export interface AppendSeen {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  /** Of an append; or of events that come to the view, before and after they are projected. */
  readonly moment: 'sent' | 'arrived' | 'written' | 'projecting' | 'projected';
}

export type Note = (
  what: 'unknown-had-landed' | 'ghost-landed' | 'duplicate-arrived' | 'read-behind' | 'late-answer',
) => void;

/** One for each who waits: a promise that all share would keep all who ever waited for it. */
const never = (): Promise<never> => new Promise(() => undefined);
const LOST = Symbol('lost');
const REFUSED = Symbol('refused');
type Answer<T> = T | typeof LOST | typeof REFUSED;

/**
 * The way of one process to the log, as the port says it: requests take their time there and back, and whatever troubles the place of the process
 * has come over them. What a process has sent arrives although the process is gone.
 */
export class SimulatedConnection implements EventStore {
  private readonly subscriptions = new Set<SimulatedSubscription>();

  constructor(
    private readonly place: string,
    private readonly process: SimulatedProcess,
    private readonly log: SimulatedLog,
    private readonly scheduler: Scheduler,
    private readonly troubles: Troubles,
    private readonly traits: ConnectionTraits,
    private readonly random: SeededRandom,
    private readonly seen: (append: AppendSeen) => void,
    private readonly note: Note,
  ) {
    log.onWritten(({ events }) => {
      for (const subscription of this.subscriptions) subscription.written(events);
    });
  }

  async append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendOutcome> {
    if (this.process.dead) return never();
    this.seen({ stream, events, moment: 'sent' });
    if (this.process.dead) return never();
    const asked = this.process.told.asks(events);
    const decidedBy = this.process.told.decided(events);
    const perform = async () => {
      this.seen({ stream, events, moment: 'arrived' });
      const { head } = this.log;
      const outcome = await this.log.append(this.process.name, stream, expected, events, decidedBy);
      if (this.log.head > head) this.seen({ stream, events, moment: 'written' });
      return outcome;
    };
    const answer = await this.exchange(perform, {
      beat: categoryOf(stream).endsWith('heartbeat'),
      append: true,
      exact: expected !== 'any',
    });
    if (answer !== REFUSED && answer !== LOST && answer.outcome === 'appended') {
      if (asked !== null) this.process.told.appended(asked, this.traits.trustMs);
      if (!categoryOf(stream).endsWith('heartbeat')) this.process.told.knows(answer.position);
    }
    if (answer !== REFUSED && answer !== LOST && answer.outcome === 'conflict' && asked !== null)
      this.process.told.refused(asked);
    if (answer === REFUSED) return { outcome: 'unavailable', message: 'the log cannot be reached' };
    if (answer === LOST) return { outcome: 'unknown', message: 'no answer came' };
    return answer;
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice> {
    const stale = categoryOf(stream).endsWith('job') ? this.drawn('stale') : null;
    return this.read(() => {
      if (stale === null) return this.log.store.readStream(stream, options);
      this.note('read-behind');
      return this.log.readLate(stream, options, stale.ms);
    });
  }
  readAll(options: ReadAllOptions) {
    return this.read(() => this.log.store.readAll(options));
  }
  readAt(position: bigint) {
    return this.read(() => this.log.store.readAt(position));
  }
  head() {
    return this.read(() => this.log.store.head());
  }
  keepLast(stream: string, count: number, maxAgeMs?: number) {
    return this.read(() => this.log.keepLast(stream, count, maxAgeMs));
  }
  async identity() {
    const identity = await this.read(() => this.log.store.identity());
    this.process.told.isTold(identity.generation);
    return identity;
  }
  raiseGeneration() {
    return this.read(() => this.log.store.raiseGeneration());
  }
  /** The log is not the process's to close. */
  async close(): Promise<void> {}

  subscribe(options: SubscribeOptions): Subscription {
    if (this.process.dead) return { ended: never(), close: () => Promise.resolve() };
    const which = options.categories?.some((category) => category.endsWith('heartbeat')) ? 'membership' : 'view';
    const passage = {
      delay: () => {
        const lag = this.troubles.of(this.place, 'lag');
        return this.latency() + (lag !== null && (lag.of === which || lag.of === 'both') ? lag.ms : 0);
      },
      blocked: () => this.troubles.blocked(this.place, 'in') !== null,
      refused: () => (this.troubles.of(this.place, 'refuse')?.rate ?? 0) >= 1,
      delivered: (events: readonly RecordedEvent[]) => {
        if (which === 'view') return this.seen({ stream: '', events, moment: 'projecting' });
        for (const { stream, position, id } of events)
          if (categoryOf(stream).endsWith('service')) this.process.told.heard(position);
          else this.process.told.readBack(id, this.traits.trustMs);
      },
      taken: (events: readonly RecordedEvent[]) => {
        if (which === 'view') this.seen({ stream: '', events, moment: 'projected' });
      },
    };
    const subscription = new SimulatedSubscription(this.log, this.process, this.scheduler, passage, options);
    this.subscriptions.add(subscription);
    void subscription.ended.then(() => this.subscriptions.delete(subscription));
    return subscription;
  }

  /** The log breaks off every subscription of this process. */
  drop(): void {
    for (const subscription of [...this.subscriptions]) subscription.drop('the log broke off');
  }

  /** Nothing is wrong with the way any more. */
  heal(): void {
    for (const subscription of this.subscriptions) subscription.hurry();
  }

  /** The process is gone. What it has sent goes on. */
  cutOff(): void {
    for (const subscription of this.subscriptions) subscription.abandon();
    this.subscriptions.clear();
  }

  private async read<T>(perform: () => Promise<T>): Promise<T> {
    if (this.process.dead) return never();
    const answer = await this.exchange(perform, { beat: false, append: false, exact: false });
    if (answer === REFUSED || answer === LOST)
      throw new StoreUnavailableError(answer === LOST ? 'no answer came' : 'the log cannot be reached');
    return answer;
  }

  /** There, executed, and back; or given up by the process. */
  private exchange<T>(
    perform: () => Promise<T>,
    request: { readonly beat: boolean; readonly append: boolean; readonly exact: boolean },
  ): Promise<Answer<T>> {
    return new Promise((resolve) => {
      let open = true;
      const settle = (answer: Answer<T>) => {
        if (!open) return;
        open = false;
        giveUp.cancel();
        resolve(answer);
      };
      const giveUp = this.process.clock.setTimer(this.traits.timeoutMs, () => settle(LOST));
      if (this.drawn('refuse') !== null) {
        this.scheduler.after(this.latency(), () => this.process.post(() => settle(REFUSED)));
        return;
      }
      const back = (answer: Answer<T>) => this.back(() => (open ? settle(answer) : this.note('late-answer')));
      this.there(perform, request, back);
    });
  }

  private there<T>(
    perform: () => Promise<T>,
    { beat, append, exact }: { readonly beat: boolean; readonly append: boolean; readonly exact: boolean },
    back: (answer: Answer<T>) => void,
  ): void {
    const execute = (then: (answer: T) => void) => void perform().then(then, () => undefined);
    let delay = this.latency();
    const beats = beat ? this.troubles.of(this.place, 'beats') : null;
    if (beats !== null) {
      if (this.random.next() < beats.rate) return;
      delay += beats.delayMs;
    }
    const cut = this.troubles.blocked(this.place, 'out');
    if (cut !== null) {
      // Waits in a buffer until the way is open, and then arrives, or is lost with the connection.
      if (cut.lands && append)
        this.troubles.whenOpen(this.place, 'out', () =>
          this.scheduler.after(delay, () => execute(() => this.note('ghost-landed'))),
        );
      return;
    }
    if (append) {
      const ghost = this.drawn('ghost');
      if (ghost !== null) {
        this.scheduler.after(delay + ghost.delayMs, () => execute(() => this.note('ghost-landed')));
        this.scheduler.after(delay, () => back(LOST));
        return;
      }
      const unknown = this.drawn('unknown');
      if (unknown !== null) {
        // The one or the other: nobody can tell.
        if (this.random.next() < 0.7)
          this.scheduler.after(delay, () => execute(() => (this.note('unknown-had-landed'), back(LOST))));
        else this.scheduler.after(delay, () => back(LOST));
        return;
      }
      const again = exact ? this.drawn('duplicate') : null;
      if (again !== null) {
        this.scheduler.after(delay + again.delayMs, () => execute(() => this.note('duplicate-arrived')));
      }
    }
    this.scheduler.after(delay, () => execute(back));
  }

  private back(settle: () => void): void {
    if (this.process.dead) return;
    this.scheduler.after(this.latency(), () => {
      const cut = this.troubles.blocked(this.place, 'in');
      if (cut === null) this.process.post(settle);
      // Lost, or kept somewhere on the way until it is open again.
      else if (cut.lands)
        this.troubles.whenOpen(this.place, 'in', () =>
          this.scheduler.after(this.latency(), () => this.process.post(settle)),
        );
    });
  }

  private drawn<Kind extends 'refuse' | 'unknown' | 'ghost' | 'duplicate' | 'stale'>(kind: Kind) {
    const trouble = this.troubles.of(this.place, kind);
    const { rate } = (trouble as { readonly rate: number } | null) ?? { rate: 0 };
    return trouble !== null && this.random.next() < rate ? trouble : null;
  }

  private latency(): number {
    const [from, to] = this.traits.latency;
    const factor = this.troubles.of(this.place, 'slow')?.factor ?? 1;
    return (from + (to - from) * this.random.next() ** 3) * factor;
  }
}
