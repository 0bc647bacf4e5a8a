import type { Clock, Random } from '../../clock';
import { refuseAppend } from '../append-check';
import { checkKeepLast, checkLimit, checkReadStream, generationsUsedUp, LAST_GENERATION } from '../read-check';
import {
  StoreUnavailableError,
  categoryOf,
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
} from '../port';
import { PulledSubscription } from '../pulled-subscription';

interface Stream {
  /** Events by revision; those that retention dropped are missing. */
  readonly events: Map<number, RecordedEvent>;
  head: number;
  first: number;
  keep: number | null;
}

/**
 * A log in memory: gone with the process. For tests, for users' own tests, and for the simulation; several services of one process may
 * share one.
 */
export class MemoryEventStore implements EventStore {
  private readonly streams = new Map<string, Stream>();
  /** By position − 1; null where retention dropped the event. */
  private readonly log: (RecordedEvent | null)[] = [];
  private readonly subscriptions = new Set<PulledSubscription>();
  private readonly self: { id: string; generation: number };
  private position = 0n;
  private created = 0;
  private closed = false;

  constructor(private readonly ports: { readonly clock: Clock; readonly random: Random }) {
    this.self = { id: ports.random.uuid(ports.clock.wall()), generation: 1 };
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    _options?: AppendOptions,
  ): Promise<AppendOutcome> {
    if (this.closed) return { outcome: 'refused', code: 'closed', message: 'the store is closed' };
    const refused = refuseAppend(stream, expected, events);
    if (refused) return refused;
    const known = this.streams.get(stream);
    const head = known?.head ?? -1;
    const wanted = expected === 'any' ? head : expected === 'no_stream' ? -1 : expected;
    if (wanted !== head) {
      return this.repeated(known, wanted, events) ?? { outcome: 'conflict', actual: head < 0 ? 'no_stream' : head };
    }
    return this.write(stream, events);
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice> {
    this.assertOpen();
    checkReadStream(options);
    const known = this.streams.get(stream);
    if (!known || known.head < 0) return { events: [], head: 'no_stream' };
    const forwards = options.direction === 'forwards';
    const from = options.from ?? (forwards ? known.first : known.head);
    const events: RecordedEvent[] = [];
    const step = forwards ? 1 : -1;
    const start = forwards ? Math.max(from, known.first) : Math.min(from, known.head);
    for (let r = start; r >= known.first && r <= known.head && events.length < options.limit; r += step) {
      const event = known.events.get(r);
      if (event) events.push(event);
    }
    return { events, head: known.head };
  }

  async readAll(options: ReadAllOptions): Promise<AllSlice> {
    this.assertOpen();
    return this.sliceAfter(options.after, options.categories, options.limit);
  }

  async readAt(position: bigint): Promise<RecordedEvent | null> {
    this.assertOpen();
    return position < 1n || position > this.position ? null : this.log[Number(position) - 1];
  }

  async head(): Promise<LogPosition> {
    this.assertOpen();
    return this.position === 0n ? 'start' : this.position;
  }

  subscribe(options: SubscribeOptions): Subscription {
    const after = options.after === 'end' ? (this.position === 0n ? 'start' : this.position) : options.after;
    const subscription = new PulledSubscription(after, options, (position, limit) =>
      Promise.resolve(this.sliceAfter(position, options.categories, limit)),
    );
    if (this.closed) {
      void subscription.close();
      return subscription;
    }
    this.subscriptions.add(subscription);
    void subscription.ended.then(() => this.subscriptions.delete(subscription));
    subscription.wake();
    return subscription;
  }

  async keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void> {
    this.assertOpen();
    checkKeepLast(stream, count, maxAgeMs);
    const known = this.streams.get(stream) ?? this.open(stream);
    known.keep = count;
    this.trim(known, known.head - count + 1);
    if (maxAgeMs === undefined) return;
    const since = this.ports.clock.wall() - maxAgeMs;
    let first = known.first;
    while (first < known.head && (known.events.get(first)?.created ?? -Infinity) < since) first++;
    this.trim(known, first);
  }

  async identity(): Promise<LogIdentity> {
    this.assertOpen();
    return { ...this.self };
  }

  async raiseGeneration(): Promise<LogIdentity> {
    this.assertOpen();
    if (this.self.generation >= LAST_GENERATION) throw generationsUsedUp();
    this.self.generation++;
    return { ...this.self };
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.subscriptions].map((s) => s.close()));
  }

  private assertOpen(): void {
    if (this.closed) throw new StoreUnavailableError('the store is closed', 'closed', 'Open it again.');
  }

  /** The same append again: the same ids at the same place. */
  private repeated(known: Stream | undefined, wanted: number, events: readonly NewEvent[]): AppendOutcome | null {
    if (!known || wanted > known.head || events.length > known.head - wanted) return null;
    const same = events.every((event, index) => known.events.get(wanted + 1 + index)?.id === event.id);
    if (!same) return null;
    const last = known.events.get(wanted + events.length);
    return last ? { outcome: 'appended', revision: last.revision, position: last.position } : null;
  }

  private write(stream: string, events: readonly NewEvent[]): AppendOutcome {
    const known = this.streams.get(stream) ?? this.open(stream);
    this.created = Math.max(this.created, Math.floor(this.ports.clock.wall()));
    for (const { id, type, data, metadata } of events) {
      this.position++;
      known.head++;
      const event: RecordedEvent = {
        id,
        type,
        data,
        metadata,
        stream,
        revision: known.head,
        position: this.position,
        created: this.created,
      };
      known.events.set(known.head, event);
      this.log.push(event);
    }
    if (known.keep !== null) this.trim(known, known.head - known.keep + 1);
    for (const subscription of this.subscriptions) subscription.wake();
    return { outcome: 'appended', revision: known.head, position: this.position };
  }

  private open(stream: string): Stream {
    const opened: Stream = { events: new Map(), head: -1, first: 0, keep: null };
    this.streams.set(stream, opened);
    return opened;
  }

  private trim(known: Stream, first: number): void {
    for (; known.first < first; known.first++) {
      const dropped = known.events.get(known.first);
      if (dropped) this.log[Number(dropped.position) - 1] = null;
      known.events.delete(known.first);
    }
  }

  private sliceAfter(after: LogPosition, categories: readonly string[] | undefined, limit: number): AllSlice {
    checkLimit('limit', limit);
    const wanted = categories && new Set(categories);
    const events: RecordedEvent[] = [];
    let index = this.indexAfter(after === 'start' ? 0n : after);
    for (; index < this.log.length && events.length < limit; index++) {
      const event = this.log[index];
      if (event && (!wanted || wanted.has(categoryOf(event.stream)))) events.push(event);
    }
    const end = index >= this.log.length;
    const looked = BigInt(index);
    const position = index === 0 || (after !== 'start' && looked < after) ? after : looked;
    return { events, position, end };
  }

  /** Index of the first event after a position: positions are 1, 2, 3, … without gaps here. */
  private indexAfter(position: bigint): number {
    return Math.max(0, Math.min(Number(position), this.log.length));
  }
}
