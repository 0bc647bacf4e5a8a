import { inspect } from 'node:util';
import type { Clock, Random } from '../../clock';
import { isNamespace, namespaceRule } from '../../domain/namespace';
import { silentLogger, type Logger } from '../../logging';
import { refuseAppend } from '../append-check';
import {
  StoreUnavailableError,
  StoreUnusableError,
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
import { checkKeepLast, checkLimit, checkReadStream } from '../read-check';
import { AllSubscription } from './all-subscription';
import { AppendLanes } from './append-lanes';
import { Appender, type Prepared } from './appender';
import { EventStoreDbConnection } from './connection-string';
import { IdenticalAppends } from './identical-appends';
import { loadClient } from './load-client';
import type { LogClient } from './log-client';
import { IdentityStream } from './log-identity';
import { LogNames } from './log-names';
import { LogReader } from './log-reader';
import { Reachability } from './reachability';
import { Retention } from './retention';
import { ServerCalls } from './server-calls';
import { takeClient } from './shared-client';
import { openSubscription } from './server-subscription';

export interface EventStoreDbOptions {
  /**
   * `esdb://user:password@host:2113`, with several hosts for a cluster, or `esdb+discover://name`; `?tls=false` for a server without TLS,
   * `?tlsCAFile=…` for the file of the authority that has signed the server's certificate.
   */
  readonly connection: string | EventStoreDbConnection;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears, now and then, that the server does not answer, and that it is back. Default: nobody. */
  readonly logger?: Logger;
  /** Only reads; appends are refused with `read-only`, and a log that does not exist is not made. Default false. */
  readonly readOnly?: boolean;
  /**
   * A log of its own on a server that holds others: its streams begin with `<namespace>.`, and it sees no others. At most 32 letters, digits
   * and `_`. Default none: the log is everything on the server but the server's own events.
   */
  readonly namespace?: string;
  /**
   * How the port names the streams of a log with a namespace: `short` (default): without it. `full`: as they are on the server; a stream that does
   * not begin with the namespace is none of the log's.
   */
  readonly names?: 'short' | 'full';
  /** Makes the log when there is none. Default: unless `readOnly`. */
  readonly make?: boolean;
  /** After so long without an answer an append's outcome is `unknown`, ms. Default 5,000: later than keep-alive finds a dead connection. */
  readonly appendTimeoutMs?: number;
  /** After so long a read has failed, ms. Default 10,000. */
  readonly readTimeoutMs?: number;
  /** A subscription that is silent for so long is compared with the log, ms. Default 1,000. */
  readonly probeMs?: number;
}

/** An append that has had no turn for so long is certainly not written, ms: before the commands that wait for it give up (30 s). */
const TURN_PATIENCE_MS = 20_000;
const CHECK_PATIENCE_MS = 5_000;
const END_REST_MS = 250;

/**
 * A log in EventStoreDB, 22.6 or later, over `@eventstore/db-client`.
 *
 * Appends go to the leader, each as a call of its own with a deadline; what decides is read from the leader. Positions are commit positions
 * of `$all`; reading it needs the rights for that.
 */
export class EventStoreDbEventStore implements EventStore {
  private readonly names: LogNames;
  private readonly calls: ServerCalls;
  private readonly who: IdentityStream;
  private readonly reader: LogReader;
  private readonly appender: Appender;
  private readonly lanes: AppendLanes;
  private readonly identical = new IdenticalAppends();
  private readonly retention: Retention;
  private readonly reachability: Reachability;
  private readonly logger: Logger;
  private readonly appendTimeoutMs: number;
  private readonly subscriptions = new Set<AllSubscription>();
  /** Subscriptions from the end that do not know yet where that is; what is appended afterwards must come after it. */
  private readonly seekingEnd = new Set<Promise<unknown>>();
  private newest: LogPosition = 'start';
  private closing: Promise<void> | null = null;

  /**
   * Takes the process's client for that server, and looks whether the server answers. One that does not is no error: whoever needs the log tries
   * again, and the log of the process tells of it.
   * @throws ConnectionStringError
   * @throws StoreUnusableError `driver-missing`: the client is not installed; `path`: a file of the connection string cannot be read;
   * `access-denied`: the user may not read `$all`; `foreign`: something else lies where the log keeps its identity.
   */
  static async open(options: EventStoreDbOptions): Promise<EventStoreDbEventStore> {
    const store = await EventStoreDbEventStore.connect(options);
    try {
      await store.look();
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  /**
   * As `open`, without a look at the server: returns at once, wherever that is. What the user may do is found out by the first read.
   * @throws ConnectionStringError
   * @throws StoreUnusableError `driver-missing`, `path`.
   */
  static async connect(options: EventStoreDbOptions): Promise<EventStoreDbEventStore> {
    const { connection: given } = options;
    const connection = typeof given === 'string' ? EventStoreDbConnection.parse(given) : given;
    if (!isNamespace(options.namespace ?? ''))
      throw new RangeError(`namespace: ${namespaceRule.rule} ${namespaceRule.remedy}`);
    const { client, release } = takeClient(await loadClient(), connection, options.clock);
    return new EventStoreDbEventStore(options, connection, client, release);
  }

  private constructor(
    private readonly options: EventStoreDbOptions,
    private readonly connection: EventStoreDbConnection,
    private readonly client: LogClient,
    private readonly release: () => Promise<void>,
  ) {
    const { clock, random, logger = silentLogger, readOnly = false, namespace = '', names, make = !readOnly } = options;
    const { appendTimeoutMs = 5_000, readTimeoutMs = 10_000 } = options;
    this.appendTimeoutMs = appendTimeoutMs;
    this.logger = logger;
    this.names = new LogNames(namespace, names);
    this.reachability = new Reachability(clock, logger, connection.shown);
    this.calls = new ServerCalls({
      client,
      clock,
      credentials: connection.credentials,
      reachability: this.reachability,
      server: connection.shown,
      readTimeoutMs,
      appendTimeoutMs,
    });
    this.who = new IdentityStream(this.calls, this.names, { clock, random, make });
    this.reader = new LogReader(this.calls, this.names, () => this.who.origin(), {
      clock,
      open: (after, categories) =>
        openSubscription(this.client, this.connection.credentials, this.names, after, {
          after,
          categories,
          onEvents: () => undefined,
        }),
    });
    this.appender = new Appender(this.calls, this.names, this.reader, (position) => this.know(position));
    this.lanes = new AppendLanes(clock, TURN_PATIENCE_MS);
    this.retention = new Retention(this.calls);
  }

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options: AppendOptions = {},
  ): Promise<AppendOutcome> {
    if (this.closing) return { outcome: 'refused', code: 'closed', message: 'the store is closed' };
    if (this.options.readOnly)
      return { outcome: 'refused', code: 'read-only', message: `${this.connection} was opened read-only` };
    const refused = refuseAppend(stream, expected, events);
    if (refused) return refused;
    const problem = this.names.problem(stream);
    if (problem !== null) return { outcome: 'refused', code: 'stream-name', message: problem };
    const prepared = this.appender.prepare(stream, expected, events);
    return this.identical.run(prepared, () => this.lanes.run(options.lane ?? 'normal', () => this.send(prepared)));
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice> {
    this.assertOpen();
    checkReadStream(options);
    return this.reading(() => this.reader.stream(stream, options));
  }

  async readAll({ after, categories, limit }: ReadAllOptions): Promise<AllSlice> {
    this.assertOpen();
    checkLimit('limit', limit);
    const { events, position, end } = await this.reading(() => this.reader.slice(after, categories, limit));
    return { events, position, end };
  }

  async readAt(position: bigint): Promise<RecordedEvent | null> {
    this.assertOpen();
    return this.reading(() => this.reader.readAt(position));
  }

  async head(): Promise<LogPosition> {
    this.assertOpen();
    return this.reading(() => this.reader.head());
  }

  subscribe(options: SubscribeOptions): Subscription {
    const { clock, random, probeMs = 1_000 } = this.options;
    const after = options.after === 'end' ? this.findEnd() : Promise.resolve(options.after);
    const subscription = new AllSubscription(
      {
        clock,
        random,
        names: this.names,
        open: (from, asked) => openSubscription(this.client, this.connection.credentials, this.names, from, asked),
        origin: () => this.who.origin(),
        identity: () => this.identity(),
        slice: (from, categories, limit) => this.reader.slice(from, categories, limit),
        readAt: (position) => this.reader.readAt(position),
        newest: () => this.newest,
        onBroken: (error, tooSlow) => this.broken(error, tooSlow),
        onHeard: () => this.reachability.answered(),
        probeMs,
      },
      options,
      after,
    );
    if (this.closing) {
      void subscription.close();
      return subscription;
    }
    this.subscriptions.add(subscription);
    void subscription.ended.then(() => this.subscriptions.delete(subscription));
    return subscription;
  }

  async keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void> {
    checkKeepLast(stream, count, maxAgeMs);
    this.assertOpen();
    if (this.options.readOnly)
      throw new StoreUnavailableError(`${this.connection} was opened read-only.`, 'read-only', 'Open it for writing.');
    const problem = this.names.problem(stream);
    if (problem !== null) throw new RangeError(`stream ${stream}: ${problem}`);
    await this.retention.keepLast(this.names.onServer(stream), count, maxAgeMs);
  }

  async identity(): Promise<LogIdentity> {
    this.assertOpen();
    return this.who.identity();
  }

  async raiseGeneration(): Promise<LogIdentity> {
    this.assertOpen();
    if (this.options.readOnly)
      throw new StoreUnavailableError(`${this.connection} was opened read-only.`, 'read-only', 'Open it for writing.');
    return this.who.raise();
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  /** Shows no secret, and not the client, which has some. */
  [inspect.custom](): string {
    return `EventStoreDbEventStore { ${this.connection} }`;
  }

  private async end(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    // Each has its deadline.
    await this.lanes.idle();
    this.calls.close();
    await this.release();
  }

  /** Whether the log can be used, if the server tells within a few seconds. */
  private async look(): Promise<void> {
    const { clock } = this.options;
    const stop = new AbortController();
    const looked = (async () => {
      await this.who.origin();
      await this.reader.head();
    })().catch((error: unknown) => {
      const { code, message, remedy } = this.calls.unreadable(error);
      if (code === 'access-denied' || code === 'foreign')
        throw new StoreUnusableError(code, message, remedy, { cause: error });
      // Not now: that has been told.
    });
    try {
      await Promise.race([looked, clock.sleep(CHECK_PATIENCE_MS, stop.signal)]);
    } finally {
      stop.abort();
      looked.catch(() => undefined);
    }
  }

  private async send(prepared: Prepared): Promise<AppendOutcome> {
    try {
      // The identity is the first event of a log.
      await this.who.origin();
      if (this.seekingEnd.size > 0) await this.endsFound();
    } catch (error) {
      return { outcome: 'unavailable', message: error instanceof Error ? error.message : String(error) };
    }
    return this.appender.send(prepared);
  }

  /** Those that seek the end do so until the server answers; an append has its deadline all the same. @throws Error it has passed. */
  private async endsFound(): Promise<void> {
    const { clock } = this.options;
    const patience = new AbortController();
    const late = clock.sleep(this.appendTimeoutMs, patience.signal).then(() => {
      if (!patience.signal.aborted) throw new Error('it was not sent: the server does not say where the log ends');
    });
    const found = async (): Promise<void> => {
      while (this.seekingEnd.size > 0 && !patience.signal.aborted) await Promise.all(this.seekingEnd);
    };
    try {
      await Promise.race([found(), late]);
    } finally {
      patience.abort();
    }
  }

  /** Where the log ends now: read again and again until the server answers. Appends of this store wait for it, no longer than their deadline. */
  private findEnd(): Promise<LogPosition> {
    const { clock } = this.options;
    const seek = async (): Promise<LogPosition> => {
      while (!this.closing) {
        try {
          return await this.reader.head();
        } catch {
          await clock.sleep(END_REST_MS);
        }
      }
      return 'start';
    };
    const sought = seek();
    this.seekingEnd.add(sought);
    void sought.then(() => this.seekingEnd.delete(sought));
    return sought;
  }

  private broken(error: string, tooSlow: boolean): void {
    if (tooSlow) return this.logger.debug('log.subscriber-dropped', { error });
    // The server may come back as an earlier one.
    this.reader.forget();
    this.newest = 'start';
    this.reachability.failed(error);
  }

  private know(position: bigint): void {
    if (this.newest === 'start' || position > this.newest) this.newest = position;
  }

  private async reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw error instanceof RangeError ? error : this.calls.unreadable(error);
    }
  }

  private assertOpen(): void {
    if (this.closing) throw new StoreUnavailableError(`${this.connection} is closed.`, 'closed', 'Open it again.');
  }
}
