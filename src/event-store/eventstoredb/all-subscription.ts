import type { Clock, Random } from '../../clock';
import { LONGEST_OUTAGE_REST_MS } from '../outage-rest';
import type { LogIdentity, LogPosition, RecordedEvent, SubscribeOptions, Subscription, SubscriptionEnd } from '../port';
import { checkLimit } from '../read-check';
import { fromServer, positionOf } from './event-text';
import type { FoundEvent } from './log-client';
import { wants, type LogNames } from './log-names';
import type { MeasuredSlice } from './log-reader';
import { factsOf, isTooSlow, words } from './outcome';
import { SubscriptionSession, type OpenSubscription } from './subscription-session';

/** What a subscription asks of the rest of the adapter. */
export interface SubscriptionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly names: LogNames;
  /** Opens a subscription of the server behind this position, exclusive. */
  readonly open: (after: LogPosition, options: SubscribeOptions) => OpenSubscription;
  /** Where the log begins. */
  readonly origin: () => Promise<LogPosition>;
  readonly identity: () => Promise<LogIdentity>;
  readonly slice: (
    after: LogPosition,
    categories: readonly string[] | undefined,
    limit: number,
  ) => Promise<MeasuredSlice>;
  readonly readAt: (position: bigint) => Promise<RecordedEvent | null>;
  /** The newest position of the log that this process knows. */
  readonly newest: () => LogPosition;
  /** The subscription was broken off, and will be made anew. */
  readonly onBroken: (error: string, tooSlow: boolean) => void;
  /** The subscription got through to the server. */
  readonly onHeard: () => void;
  /** A subscription that is silent for so long is compared with the log, ms. */
  readonly probeMs: number;
}

/** Three looks at the log that show events which the subscription owes: it is dead. */
const MOST_OWING_LOOKS = 3;
const PROBE_LIMIT = 100;
const DEFAULT_BATCH = 500;
const FIRST_REST_MS = 100;

/** Why a subscription of the server ended. */
type Broken = { readonly error: unknown; readonly heard: boolean };

/**
 * A subscription that outlives those of the server: whatever breaks one off, the next one goes on after the last position that was *handled*, so
 * that nothing is missed and nothing comes twice. At once where the server dropped a subscriber that was too slow, which is normal under load;
 * after a rest that grows, with jitter, where anything else happened.
 *
 * Before it goes on after anything else, the log must still be the one that was read (protocol §6): the same identity and generation, and the
 * newest event that was delivered where it was. Otherwise it ends with `dropped`, and whoever subscribed compares what it has.
 */
export class AllSubscription implements Subscription {
  readonly ended: Promise<SubscriptionEnd>;
  private end!: (how: SubscriptionEnd) => void;
  private readonly stop = new AbortController();
  private readonly wanted: (stream: string) => boolean;
  /** As it was told to whoever subscribed; always of an event of the log. */
  private position: LogPosition = 'start';
  /** Up to here there is nothing more to deliver: the position, or a later one of an event that is none of the log's. */
  private scanned: LogPosition = 'start';
  /** The newest event that was delivered. */
  private anchor: { readonly position: bigint; readonly id: string } | null = null;
  private log: LogIdentity | null = null;
  private session: SubscriptionSession | null = null;
  private handling: Promise<void> = Promise.resolve();
  private caughtUp = false;
  private moved = false;
  private failures = 0;
  private owing = 0;
  /** The last subscription ended in a way after which the log may be another one. */
  private suspicious = false;

  /** @param after where it begins, as soon as that is known. */
  constructor(
    private readonly ports: SubscriptionPorts,
    private readonly options: SubscribeOptions,
    after: Promise<LogPosition>,
  ) {
    if (options.batch !== undefined) checkLimit('batch', options.batch);
    this.wanted = wants(options.categories);
    this.ended = new Promise((resolve) => (this.end = resolve));
    void this.run(after);
  }

  async close(): Promise<void> {
    this.finish({ reason: 'closed' });
    await this.handling;
  }

  private get over(): boolean {
    return this.stop.signal.aborted;
  }

  private finish(how: SubscriptionEnd): void {
    this.end(how);
    this.stop.abort();
    this.session?.close();
  }

  private async run(after: Promise<LogPosition>): Promise<void> {
    this.position = this.scanned = await after;
    while (!this.over) {
      const broken = await this.untilBroken();
      if (this.over) return;
      const tooSlow = isTooSlow(broken.error);
      this.suspicious ||= !tooSlow;
      this.ports.onBroken(words(factsOf(broken.error)), tooSlow);
      if (broken.heard) this.failures = 0;
      // Too slow without having been given anything: that is no progress, and must not turn in a circle.
      if (tooSlow && broken.heard) await this.ports.clock.yield();
      else await this.rest();
    }
  }

  private async untilBroken(): Promise<Broken> {
    const { ports, options } = this;
    const trial = { heard: false };
    try {
      await this.compare();
      const from = this.scanned === 'start' ? await ports.origin() : this.scanned;
      if (!this.over) {
        this.session = new SubscriptionSession(ports.clock, ports.open(from, options));
        return { error: await this.follow(this.session, trial), ...trial };
      }
      return { error: null, ...trial };
    } catch (error) {
      return { error, ...trial };
    } finally {
      this.session?.close();
      this.session = null;
    }
  }

  /** @returns why it ended. */
  private async follow(session: SubscriptionSession, trial: { heard: boolean }): Promise<unknown> {
    const { ports, options } = this;
    let looked = false;
    while (!this.over) {
      const found = session.take(options.batch ?? DEFAULT_BATCH);
      if (found.length > 0) await this.deliver(found);
      if (!this.over) await this.pass(session);
      if (!trial.heard && (found.length > 0 || session.live)) {
        trial.heard = true;
        ports.onHeard();
      }
      if (found.length > 0 || this.over) continue;
      if (session.ended !== null) return session.ended.error;
      const before = session.signs;
      // Once at once: what others have appended before the events that are to come is passed over without waiting for silence.
      const first: boolean = session.live && !looked;
      looked ||= first;
      if (await session.news(first ? 0 : ports.probeMs)) await session.gathered();
      else if (!this.over) await this.probe(session, before);
    }
    return null;
  }

  private async deliver(found: readonly FoundEvent[]): Promise<void> {
    const events: RecordedEvent[] = [];
    let { position } = this;
    for (const one of found) {
      const at = positionOf(one);
      // The server begins behind the position that it was given; this holds whatever it does.
      if (this.scanned !== 'start' && at <= this.scanned) continue;
      this.scanned = at;
      const event = fromServer(one, this.ports.names);
      if (event === null) continue;
      position = at;
      if (this.wanted(event.stream)) events.push(event);
    }
    if (position !== this.position && position !== 'start') await this.hand(events, position);
  }

  private async hand(events: readonly RecordedEvent[], position: bigint): Promise<void> {
    if (this.over) return;
    const handled = (async () => this.options.onEvents(events, position))();
    this.handling = handled.then(
      () => undefined,
      () => undefined,
    );
    try {
      await handled;
    } catch (error) {
      return this.finish({ reason: 'handler', error });
    }
    this.position = position;
    this.anchor = events.at(-1) ?? this.anchor;
    if (this.scanned === 'start' || this.scanned < position) this.scanned = position;
    this.moved = true;
    this.owing = 0;
  }

  /** What the server said behind the events that have been handled. */
  private async pass(session: SubscriptionSession): Promise<void> {
    const { checkpoint } = session;
    if (checkpoint !== null && (this.scanned === 'start' || checkpoint > this.scanned)) {
      this.scanned = checkpoint;
      await this.advance(this.ports.newest());
    }
    if (session.live && session.waiting === 0) this.tellCaughtUp();
  }

  /** Up to an event of the log behind which nothing was passed over. A checkpoint may lie at an event that is none of the log's. */
  private async advance(newest: LogPosition): Promise<void> {
    if (newest === 'start' || this.scanned === 'start' || newest > this.scanned) return;
    if (this.position === 'start' || newest > this.position) await this.hand([], newest);
  }

  private tellCaughtUp(): void {
    if (this.over || (this.caughtUp && !this.moved)) return;
    this.caughtUp = true;
    this.moved = false;
    try {
      this.options.onCaughtUp?.();
    } catch (error) {
      this.finish({ reason: 'handler', error });
    }
  }

  /**
   * Nothing came for a while. The log itself tells whether there is nothing to come (then the position moves past what others have appended),
   * or whether the subscription has died without saying so.
   * @throws Error it has.
   */
  private async probe(session: SubscriptionSession, before: number): Promise<void> {
    let slice: MeasuredSlice;
    try {
      slice = await this.ports.slice(this.scanned, this.options.categories, PROBE_LIMIT);
    } catch {
      // The store does not answer: that says nothing about the subscription. A connection that is dead is noticed by keep-alive.
      return;
    }
    if (this.over || session.signs !== before) return;
    if (slice.events.length > 0) {
      if (++this.owing >= MOST_OWING_LOOKS) {
        this.owing = 0;
        throw new Error('the subscription is silent, though there are events that it should have delivered');
      }
      return;
    }
    this.owing = 0;
    if (slice.position !== 'start' && (this.scanned === 'start' || slice.position > this.scanned))
      this.scanned = slice.position;
    await this.advance(slice.head);
    // Servers before 23.10 do not say so themselves.
    if (slice.end) this.tellCaughtUp();
  }

  /** Whether the log is still the one that was read; the first time, what it is. Rejects when it cannot be told now. */
  private async compare(): Promise<void> {
    const { identity, readAt } = this.ports;
    if (this.log !== null && !this.suspicious) return;
    const log = await identity();
    if (this.log === null) {
      // With what the subscription is found again after it was broken off.
      if (this.position !== 'start') this.anchor = await readAt(this.position);
    } else if (log.id !== this.log.id || log.generation !== this.log.generation) {
      return this.finish({ reason: 'dropped', message: `the log is another one now (${log.id}/${log.generation})` });
    } else if (this.anchor !== null && (await readAt(this.anchor.position))?.id !== this.anchor.id) {
      const { position } = this.anchor;
      return this.finish({
        reason: 'dropped',
        message: `the log has not the event any more that it had at ${position}`,
      });
    }
    this.log = log;
    this.suspicious = false;
  }

  private async rest(): Promise<void> {
    const { clock, random } = this.ports;
    const longest = Math.min(LONGEST_OUTAGE_REST_MS, FIRST_REST_MS * 2 ** Math.min(this.failures, 20));
    this.failures++;
    await clock.sleep(longest * (0.5 + random.next() / 2), this.stop.signal);
  }
}
