import type { Clock, Instant, Random } from '../../clock';
import { silentLogger, type Logger } from '../../logging';
import { refuseAppend } from '../append-check';
import {
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
} from '../port';
import { PulledSubscription } from '../pulled-subscription';
import { LAST_GENERATION, checkKeepLast, checkLimit, checkReadStream, generationsUsedUp } from '../read-check';
import { Bell } from './bell';
import type { Connection } from './driver';
import { isBusy, unreadable } from './errors';
import { hasCompany, leaveNothing } from './leave-nothing';
import { readBootId, stamp } from './log-clock';
import { DEFAULT_LOCK_TIMEOUT_MS, openLog } from './open-log';
import { Statements } from './statements';
import { Tail } from './tail';
import { Turnstile } from './turnstile';
import { Writer, type Written } from './writer';

export interface EmbeddedOptions {
  /** The log file, on a local disk, in an existing directory. Beside it appear `-wal`, `-shm`, `-bell` and the directory `-turns`. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of a wall clock that differs, and of problems with the file. Default: nobody. */
  readonly logger?: Logger;
  /** Only reads, also while services write; appends are refused with `read-only`. The log must exist; no file is left beside it that was not there. Default false. */
  readonly readOnly?: boolean;
  /** How long an append or a read waits while another process holds the lock, ms; then `unavailable`. Default 5,000. */
  readonly lockTimeoutMs?: number;
  /** The file grows no further than this; appends beyond it are `unavailable`. Default: as far as the disk allows. */
  readonly maxBytes?: number;
  /** Identifies this boot of the machine; default the kernel's boot id. */
  readonly bootId?: string;
}

/** What one transaction writes. */
interface Group {
  /** Position of the head before it; 0: the log was empty. */
  readonly before: number;
  readonly created: Instant;
  /** SQLite's data version, as the transaction sees it: a commit of another connection that follows changes it, the own one does not. */
  readonly version: number;
  readonly events: RecordedEvent[];
}

/**
 * A log in one SQLite file, for all processes of one machine. Every acknowledged event is on the disk (write-ahead log, synchronous=FULL).
 *
 * Several processes may open one file: each writes in its turn, and hears of the others' commits within milliseconds.
 * SQLite works synchronously, so one commit holds up the event loop for as long as the disk takes to sync; waiting for the lock does not.
 */
export class EmbeddedEventStore implements EventStore {
  private readonly sql: Statements;
  private readonly writer: Writer;
  private readonly turnstile: Turnstile;
  private readonly bell: Bell;
  private readonly subscriptions = new Set<PulledSubscription>();
  private readonly bootId: string;
  private readonly tail = new Tail();
  /** What the open transaction has written; null: nothing yet. */
  private group: Group | null = null;
  private dataVersion = -1;
  private closing: Promise<void> | null = null;

  /**
   * Opens the log; makes it when the file does not exist or is empty.
   * @throws StoreUnusableError when it cannot be used: `damaged`, `foreign`, `newer`, `read-only`, `network-file-system`, `disk-full`,
   * `driver-missing` or `path`, each with its remedy.
   * @throws StoreUnavailableError `busy`: another process kept it locked for the whole time-out.
   */
  static async open(options: EmbeddedOptions): Promise<EmbeddedEventStore> {
    // Whoever only reads leaves no file behind that was not there.
    const tidy = options.readOnly === true && !hasCompany(options.path);
    const { db, path } = await openLog(options);
    return new EmbeddedEventStore(db, path, options, tidy);
  }

  private constructor(
    private readonly db: Connection,
    private readonly path: string,
    private readonly options: EmbeddedOptions,
    private readonly tidy: boolean,
  ) {
    const { clock, random, readOnly = false } = options;
    this.sql = new Statements(db);
    this.bootId = options.bootId ?? readBootId();
    this.turnstile = new Turnstile(`${path}-turns`);
    if (!readOnly) this.turnstile.prepare();
    this.bell = new Bell(`${path}-bell`, clock, readOnly, () => this.wakeIfChanged());
    this.writer = new Writer(db, path, this.turnstile, { clock, random }, this.lockTimeoutMs, {
      begun: () => (this.group = null),
      committed: () => {
        this.extendTail();
        this.bell.ring();
        this.wake();
      },
    });
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options: AppendOptions = {},
  ): Promise<AppendOutcome> {
    if (this.closing) return { outcome: 'refused', code: 'closed', message: 'the store is closed' };
    if (this.options.readOnly)
      return { outcome: 'refused', code: 'read-only', message: `the log ${this.path} was opened read-only` };
    const refused = refuseAppend(stream, expected, events);
    if (refused) return refused;
    // What the caller does with its array afterwards must not reach the log.
    const copy = [...events];
    const bytes = copy.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0);
    const written = await this.writer.write(() => this.decide(stream, expected, copy), bytes, options.lane ?? 'normal');
    if (written.done) return written.value;
    return { outcome: written.certain ? 'unavailable' : 'unknown', message: written.message };
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice> {
    checkReadStream(options);
    return this.read(() => this.sql.readStream(stream, options));
  }

  async readAll({ after, categories, limit }: ReadAllOptions): Promise<AllSlice> {
    checkLimit('limit', limit);
    return this.read(() => this.readOn(after, categories, limit));
  }

  readAt(position: bigint): Promise<RecordedEvent | null> {
    return this.read(() => this.sql.readAt(position));
  }

  head(): Promise<LogPosition> {
    return this.read(() => this.sql.head());
  }

  subscribe(options: SubscribeOptions): Subscription {
    let after: LogPosition = 'start';
    let broken: Error | null = null;
    try {
      if (options.after !== 'end') after = options.after;
      else if (!this.closing) after = this.sql.head();
    } catch (error) {
      broken = unreadable(this.path, error);
    }
    let breathless = false;
    const subscription = new PulledSubscription(after, options, async (position, limit) => {
      if (broken) throw broken;
      // A long catch-up leaves room for timers and sockets between its batches.
      if (breathless) await this.options.clock.yield();
      const slice = await this.read(() => this.readOn(position, options.categories, limit));
      breathless = !slice.end;
      return slice;
    });
    if (this.closing) {
      void subscription.close();
      return subscription;
    }
    if (this.subscriptions.size === 0) this.bell.listen();
    this.subscriptions.add(subscription);
    void subscription.ended.then(() => {
      this.subscriptions.delete(subscription);
      if (this.subscriptions.size === 0) this.bell.deafen();
    });
    subscription.wake();
    return subscription;
  }

  async keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void> {
    checkKeepLast(stream, count, maxAgeMs);
    const since = maxAgeMs === undefined ? null : Math.floor(this.options.clock.wall() - maxAgeMs);
    await this.mustWrite(() => this.sql.keepLast(stream, count, since));
  }

  identity(): Promise<LogIdentity> {
    return this.read(() => this.sql.identity());
  }

  async raiseGeneration(): Promise<LogIdentity> {
    const raised = await this.mustWrite(() => {
      if (this.sql.identity().generation >= LAST_GENERATION) return null;
      this.sql.raiseGeneration();
      return this.sql.identity();
    });
    if (raised === null) throw generationsUsedUp();
    return raised;
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    await this.writer.idle();
    this.turnstile.leave();
    this.bell.close();
    this.db.close();
    if (this.tidy) await leaveNothing(this.path);
  }

  private get lockTimeoutMs(): number {
    return this.options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS;
  }

  /** Inside the transaction: conflict, repetition, or the events at the next revisions. */
  private decide(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): AppendOutcome {
    const actual = this.sql.headOf(stream);
    const head = actual === 'no_stream' ? -1 : actual;
    const wanted = expected === 'any' ? head : expected === 'no_stream' ? -1 : expected;
    if (wanted !== head) return this.repeated(stream, wanted, events) ?? { outcome: 'conflict', actual };
    this.group ??= this.newGroup();
    const written = this.sql.insert(stream, head, events, this.group.created);
    this.group.events.push(...written);
    return { outcome: 'appended', revision: head + events.length, position: written[written.length - 1].position };
  }

  /** The same append again: the same ids at the same place. */
  private repeated(stream: string, wanted: number, events: readonly NewEvent[]): AppendOutcome | null {
    const found = this.sql.written(stream, wanted, events.length);
    const same = found.length === events.length && found.every(([id], index) => id === events[index].id);
    if (!same) return null;
    return { outcome: 'appended', revision: wanted + events.length, position: BigInt(found[found.length - 1][1]) };
  }

  /** What is written in one transaction was taken by the log at one time. */
  private newGroup(): Group {
    const newest = this.sql.newest();
    const created = this.now(newest?.created ?? 0);
    return { before: newest?.position ?? 0, created, version: this.sql.dataVersion(), events: [] };
  }

  private extendTail(): void {
    if (this.group !== null) this.tail.add(this.group);
    this.group = null;
  }

  private readOn(after: LogPosition, categories: readonly string[] | undefined, limit: number): AllSlice {
    return (
      this.tail.slice(after, categories, limit, this.sql.dataVersion()) ?? this.sql.readAll(after, categories, limit)
    );
  }

  private now(last: Instant): Instant {
    const { clock, logger = silentLogger } = this.options;
    const kept = this.sql.clockState();
    const reading = { wall: clock.wall(), boot: clock.boot(), bootId: this.bootId };
    const { created, state, difference, alarm } = stamp(kept, reading, last);
    if (state !== kept) this.sql.keepClockState(state);
    if (alarm === 'differs')
      logger.warn('log.clock-differs', { path: this.path, differenceMs: Math.round(difference) });
    if (alarm === 'adopted')
      logger.warn('log.clock-adopted', { path: this.path, differenceMs: Math.round(difference) });
    return created;
  }

  private async mustWrite<T>(run: () => T): Promise<T> {
    this.assertOpen();
    if (this.options.readOnly)
      throw new StoreUnavailableError(
        `The log ${this.path} was opened read-only.`,
        'read-only',
        'Open it for writing.',
      );
    const written: Written<T> = await this.writer.write(run, 0, 'normal');
    if (!written.done) throw new StoreUnavailableError(`The log ${this.path} was not written: ${written.message}.`);
    return written.value;
  }

  private async read<T>(run: () => T): Promise<T> {
    const { clock, random } = this.options;
    const deadline = clock.monotonic() + this.lockTimeoutMs;
    for (;;) {
      this.assertOpen();
      try {
        return run();
      } catch (error) {
        if (!isBusy(error) || clock.monotonic() >= deadline) throw unreadable(this.path, error);
      }
      await clock.sleep(1 + 2 * random.next());
    }
  }

  private assertOpen(): void {
    if (this.closing) throw new StoreUnavailableError(`The log ${this.path} is closed.`, 'closed', 'Open it again.');
  }

  private wakeIfChanged(): void {
    try {
      const version = this.sql.dataVersion();
      if (version === this.dataVersion) return;
      this.dataVersion = version;
    } catch {
      // Busy: what changed is found by the reads that follow.
    }
    this.wake();
  }

  private wake(): void {
    for (const subscription of this.subscriptions) subscription.wake();
  }
}
