import type { Clock, Random } from '../clock';
import { SupervisedSubscription, type EventStore, type LogPosition, type RecordedEvent } from '../event-store';
import type { Candidate } from '../domain/service';
import type { Logger } from '../logging';
import { loadDriver } from './driver';
import { ViewClosedError } from './errors';
import { knownEvents } from './fold';
import { JobLists } from './job-lists';
import { jobRow, JobRows } from './job-rows';
import { logWentBack } from './log-check';
import { OwnedReads, SqliteOwnJobs } from './own-jobs';
import { Projector } from './projector';
import type {
  DeclaredJob,
  JobFilter,
  JobRow,
  OwnJobs,
  Page,
  ReadModel,
  ReadModelHealth,
  ServiceRow,
  SweepPlace,
  SweepSnapshot,
} from './read-model';
import { ServiceReads } from './service-reads';
import { viewCategories } from './streams';
import { SweepReads } from './sweep-reads';
import { isDamage, ViewFile, type ViewSource } from './view-file';
import { Waiters } from './waiters';

export interface SqliteReadModelOptions {
  /** The view's file, of this service alone; or `:memory:`. */
  readonly path: string;
  readonly store: EventStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Prefix of the streams; empty: none. */
  readonly namespace: string;
  readonly logger: Logger;
}

/** Events per transaction. */
const BATCH = 250;
/**
 * Under load the view rests between batches, unless somebody waits for it: what happens to a job in the meantime is written once.
 * A batch of so many events is load; the rest is so many times as long as the batch took, within bounds (ms).
 */
const BUSY_BATCH = 32;
const REST_FACTOR = 1;
const SHORTEST_REST_MS = 4;
const LONGEST_REST_MS = 15;
/** Progress of a rebuild is told after so many events. */
const TELL_EVERY = 50_000;
/** A checkpoint that moved past foreign events only is written after this long, ms. */
const IDLE_WRITE_MS = 10_000;
const REBUILD_RETRY_MS = 5_000;

/** The statements on one file: they go with it when it is rebuilt. */
interface Prepared {
  readonly projector: Projector;
  readonly rows: JobRows;
  readonly owned: OwnedReads;
  readonly services: ServiceReads;
  readonly sweep: SweepReads;
  readonly lists: JobLists;
}

/**
 * The projection of the log in one SQLite file.
 *
 * `open` takes the file and throws away what is not a view of this log; `start` subscribes; then rows follow the log until `close`.
 * Whatever is wrong with the file later, it is dropped and rebuilt; meanwhile reads see what has been projected so far.
 */
export class SqliteReadModel implements ReadModel {
  private readonly waiters: Waiters;
  private prepared: Prepared;
  private subscription: SupervisedSubscription | null = null;
  private at: LogPosition;
  private state: ReadModelHealth['state'] = 'catching-up';
  private rebuilt = 0;
  private told = 0;
  private error: string | null = null;
  private writtenAt: number;
  private rebuilding: Promise<void> | null = null;
  private checking: Promise<void> | null = null;
  private caught = false;
  private readonly catchers = new Set<{ resolve: () => void; reject: (error: Error) => void }>();
  private readonly stop = new AbortController();
  private closing: Promise<void> | null = null;

  private constructor(
    private readonly options: SqliteReadModelOptions,
    private readonly file: ViewFile,
    private source: ViewSource,
    fresh: boolean,
  ) {
    const { clock, logger } = options;
    this.prepared = this.prepare();
    this.at = file.checkpoint().position;
    this.writtenAt = clock.monotonic();
    if (fresh) this.state = 'rebuilding';
    this.waiters = new Waiters(
      clock,
      () => this.at,
      (error) => logger.error('view.listener-failed', { error: messageOf(error) }),
    );
  }

  /**
   * Takes the file and compares it with the log.
   * @throws ViewLockedError another process has the file; StoreUnusableError it cannot be used; StoreUnavailableError the log cannot be read now.
   */
  static async open(options: SqliteReadModelOptions): Promise<SqliteReadModel> {
    const { store, namespace, path, logger } = options;
    const source: ViewSource = { namespace, log: await store.identity(), knownEvents };
    const file = ViewFile.open(path, await loadDriver());
    try {
      const broken = file.attach();
      const why = broken ?? file.mismatch(source) ?? (await logWentBack(store, file.checkpoint()));
      if (why === null) file.claim(source);
      else {
        logger.info('view.rebuilding', { path, reason: why, events: 0 });
        file.rebuild(source, broken?.startsWith('it is damaged') ?? false);
      }
      return new SqliteReadModel(options, file, source, why !== null);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Follows the log from the checkpoint on. */
  async start(): Promise<void> {
    if (this.stop.signal.aborted) throw new ViewClosedError();
    if (this.subscription === null && this.rebuilding === null) this.subscribe();
  }

  /** Resolves when everything that was in the log has been applied once since the start, or since the last rebuild. */
  caughtUp(): Promise<void> {
    if (this.caught) return Promise.resolve();
    if (this.stop.signal.aborted) return Promise.reject(new ViewClosedError());
    return new Promise((resolve, reject) => this.catchers.add({ resolve, reject }));
  }

  /** Lets go of the file. Those who wait are told. Idempotent. */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  /** Drops the view and projects the log from its beginning: for one who has found that the log went back in time. */
  rebuild(reason: string): Promise<void> {
    return this.scheduleRebuild(reason, false);
  }

  position(): LogPosition {
    return this.at;
  }

  job(jobId: string): JobRow | null {
    return this.read(({ rows }) => {
      const raw = rows.byId(jobId);
      return raw === null ? null : jobRow(raw);
    });
  }

  declaredBy(source: string): readonly DeclaredJob[] {
    return this.read(({ rows }) =>
      rows.declaredBy(source).map((raw) => {
        const { jobId, status, state } = jobRow(raw);
        const record = state.stage === 'opaque' ? state.before : state;
        const hash = record.stage === 'absent' ? '' : (record.declaration?.hash ?? '');
        return { jobId, hash, status };
      }),
    );
  }

  jobs(filter: JobFilter, page: { readonly limit: number; readonly after?: string | null }): Page<JobRow> {
    return this.read(({ lists }) => lists.page(filter, page, this.at));
  }

  service(serviceId: string): ServiceRow | null {
    return this.read(({ services }) => services.service(serviceId));
  }

  services(options: { readonly includeGone?: boolean } = {}): readonly ServiceRow[] {
    return this.read(({ services }) =>
      services.services(options.includeGone === true ? null : this.options.clock.wall()),
    );
  }

  ownJobs(serviceId: string): OwnJobs {
    return new SqliteOwnJobs(
      serviceId,
      (use) => this.read(({ owned }) => use(owned)),
      () => this.at,
    );
  }

  sweep(limit: number, after: SweepPlace | null = null): SweepSnapshot {
    return this.read(({ sweep }) => sweep.snapshot(this.at, limit, after));
  }

  candidate(serviceId: string): { readonly candidate: Candidate; readonly position: LogPosition } | null {
    return this.read(({ services }) => {
      const candidate = services.candidate(serviceId);
      return candidate === null ? null : { candidate, position: this.at };
    });
  }

  waitFor(position: bigint, timeoutMs: number): Promise<void> {
    return this.waiters.waitFor(position, timeoutMs);
  }

  onAdvance(listener: (position: bigint) => void): () => void {
    return this.waiters.onAdvance(listener);
  }

  health(): ReadModelHealth {
    const subscription = this.subscription?.health();
    const failing = this.state !== 'stopped' && (this.error !== null || subscription?.state === 'resting');
    return {
      position: this.at,
      state: failing ? 'failed' : this.state,
      rebuilt: this.rebuilt,
      opaque: this.state === 'stopped' ? 0 : this.read(({ lists }) => lists.opaque()),
      lastError: this.error ?? subscription?.lastError ?? null,
    };
  }

  private prepare(): Prepared {
    const { db } = this.file;
    const rows = new JobRows(db);
    const owned = new OwnedReads(db, rows);
    const services = new ServiceReads(db, owned);
    return {
      rows,
      owned,
      services,
      sweep: new SweepReads(db, owned, services),
      lists: new JobLists(db, rows),
      projector: new Projector(db, this.options.namespace, this.options.logger),
    };
  }

  /** A read that meets damage fails, and sets a rebuild going. */
  private read<T>(use: (prepared: Prepared) => T): T {
    if (this.state === 'stopped') throw new ViewClosedError();
    try {
      return use(this.prepared);
    } catch (error) {
      if (isDamage(error)) void this.scheduleRebuild(`it is damaged (${messageOf(error)})`, true);
      throw error;
    }
  }

  private subscribe(): void {
    const { store, clock, random, namespace, logger } = this.options;
    this.subscription = new SupervisedSubscription(
      { store, clock, random },
      {
        after: this.at,
        categories: viewCategories(namespace),
        batch: BATCH,
        onEvents: (events, position) => this.onEvents(events, position),
        onCaughtUp: () => this.onCaughtUp(),
        onError: (error, kind) => {
          logger.error('view.interrupted', { by: kind, error: error.message, position: String(this.at) });
          if (kind === 'dropped') this.checkLog();
        },
      },
    );
    this.subscription.start();
  }

  private async onEvents(events: readonly RecordedEvent[], position: bigint): Promise<void> {
    await this.checking;
    if (this.rebuilding !== null) throw new Error('The view is being rebuilt.');
    const fresh = this.at === 'start' ? events : events.filter((event) => event.position > (this.at as bigint));
    const before = this.options.clock.monotonic();
    if (fresh.length > 0) this.apply(fresh, position);
    else this.pass(position);
    this.error = null;
    this.at = position;
    if (this.state === 'rebuilding') this.tell(fresh.length);
    this.waiters.advanced(position, fresh.length > 0);
    // A long way to go: others have their turn.
    if (events.length >= BATCH) await this.options.clock.yield();
    else if (fresh.length >= BUSY_BATCH && this.state === 'live') {
      const spent = this.options.clock.monotonic() - before;
      await this.waiters.rest(Math.min(LONGEST_REST_MS, Math.max(SHORTEST_REST_MS, REST_FACTOR * spent)));
    }
  }

  private apply(events: readonly RecordedEvent[], position: bigint): void {
    try {
      this.prepared.projector.apply(events, position);
      this.writtenAt = this.options.clock.monotonic();
    } catch (error) {
      if (isDamage(error)) void this.scheduleRebuild(`it is damaged (${messageOf(error)})`, true);
      else this.error = messageOf(error);
      throw error;
    }
  }

  /** Only foreign events lie up to here: kept in memory, and written now and then. */
  private pass(position: bigint): void {
    if (this.options.clock.monotonic() - this.writtenAt >= IDLE_WRITE_MS) this.apply([], position);
  }

  private tell(events: number): void {
    this.rebuilt += events;
    if (this.rebuilt - this.told < TELL_EVERY) return;
    this.told = this.rebuilt;
    this.options.logger.info('view.rebuilding', { events: this.rebuilt, position: String(this.at) });
  }

  private onCaughtUp(): void {
    if (this.rebuilding !== null) return;
    if (this.state === 'rebuilding') {
      this.options.logger.info('view.rebuilt', { events: this.rebuilt, position: String(this.at) });
    }
    this.state = 'live';
    this.caught = true;
    for (const { resolve } of this.catchers) resolve();
    this.catchers.clear();
  }

  /** After the store broke off, it may come back as another log, or as an earlier state of this one. */
  private checkLog(): void {
    this.checking ??= this.compare().finally(() => (this.checking = null));
  }

  private async compare(): Promise<void> {
    const { store, clock, logger } = this.options;
    while (!this.stop.signal.aborted && this.rebuilding === null) {
      try {
        const source = { ...this.source, log: await store.identity() };
        const checkpoint = { ...this.file.checkpoint(), position: this.at };
        const why = this.file.mismatch(source) ?? (await logWentBack(store, checkpoint));
        if (why !== null) void this.scheduleRebuild(why, false);
        return;
      } catch (error) {
        logger.warn('view.log-not-compared', { error: messageOf(error) });
        await clock.sleep(REBUILD_RETRY_MS / 10, this.stop.signal);
      }
    }
  }

  private scheduleRebuild(reason: string, damaged: boolean): Promise<void> {
    if (this.stop.signal.aborted) return Promise.reject(new ViewClosedError());
    return (this.rebuilding ??= this.rebuildNow(reason, damaged).finally(() => (this.rebuilding = null)));
  }

  private async rebuildNow(reason: string, damaged: boolean): Promise<void> {
    const { logger, path, store, clock } = this.options;
    logger.error('view.rebuilding', { path, reason, events: 0 });
    this.state = 'rebuilding';
    this.caught = false;
    this.rebuilt = this.told = 0;
    const started = this.subscription !== null;
    // Not within the delivery that may have found the damage.
    await clock.yield();
    this.waiters.wake();
    await this.subscription?.close();
    this.subscription = null;
    while (!this.stop.signal.aborted) {
      try {
        this.source = { ...this.source, log: await store.identity() };
        this.file.rebuild(this.source, damaged);
        this.prepared = this.prepare();
        this.at = 'start';
        this.error = null;
        if (started) this.subscribe();
        return;
      } catch (error) {
        this.error = messageOf(error);
        logger.error('view.rebuild-failed', { path, error: this.error });
        await clock.sleep(REBUILD_RETRY_MS, this.stop.signal);
      }
    }
  }

  private async end(): Promise<void> {
    this.stop.abort();
    await this.rebuilding;
    this.waiters.wake();
    await this.subscription?.close();
    await this.checking;
    try {
      if (this.at !== 'start') this.prepared.projector.apply([], this.at);
    } catch (error) {
      // The next start projects the few events again.
      this.options.logger.warn('view.checkpoint-not-written', { error: messageOf(error) });
    }
    this.state = 'stopped';
    this.file.close();
    this.waiters.close();
    for (const { reject } of this.catchers) reject(new ViewClosedError());
    this.catchers.clear();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
