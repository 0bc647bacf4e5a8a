import type { Instant } from '../clock';
import { SupervisedSubscription, type LogIdentity, type LogPosition, type RecordedEvent } from '../event-store';
import { CaughtUp } from './caught-up';
import { loadDriver } from './driver';
import { ViewClosedError, ViewNotComparedError } from './errors';
import { checkFile, checkFileAtLast, type CheckedFile } from './file-check';
import { knownEvents } from './fold';
import { comparedWithLog } from './log-check';
import type { SqliteReadModelOptions } from './options';
import { prepare, type Prepared } from './prepared';
import type { ReadModel, ReadModelHealth } from './read-model';
import { LogChangedError, rebuildBeside, type RebuildTold } from './rebuild-beside';
import { viewCategories } from './streams';
import { isDamage, ViewFile, type ViewSource } from './view-file';
import { ViewReads } from './view-reads';
import { Waiters } from './waiters';
import { messageOf } from './words';

/** Events per transaction. */
const BATCH = 250;
const LONG_AFTER = 10_000;
/** Progress of a rebuild is told after so many events. */
const TELL_EVERY = 50_000;
/** A checkpoint that moved past foreign events only is written after this long, ms. */
const IDLE_WRITE_MS = 10_000;
const REBUILD_RETRY_MS = 5_000;

/**
 * The projection of the log in one SQLite file.
 *
 * `open` takes the file and throws away what is not a view of this log; `start` subscribes; then rows follow the log until `close`. For a log that
 * may not be there yet: `openFile` takes the file, and `start` waits for the log and compares before anything else. Until then nothing is read.
 * Whatever is wrong with the file later, it is dropped and rebuilt; meanwhile reads see what has been projected so far. When the log is long
 * they stay at an early position until the rebuilt view takes its place.
 */
export class SqliteReadModel extends ViewReads implements ReadModel {
  private readonly waiters: Waiters;
  /** Null: the view was not compared with the log yet. */
  private prepared: Prepared | null = null;
  private source: ViewSource | null = null;
  private subscription: SupervisedSubscription | null = null;
  private at: LogPosition = 'start';
  private state: ReadModelHealth['state'] = 'waiting';
  private rebuilt = 0;
  private told = 0;
  private error: string | null = null;
  private writtenAt: number;
  private started = false;
  private rebuilding: Promise<void> | null = null;
  /** Gives up the rebuild that goes on beside the view; null: none does. */
  private beside: AbortController | null = null;
  /** The fast way failed: this rebuild goes the ordinary way to its end. */
  private besideFailed = false;
  private waiting: Promise<void> | null = null;
  private checking: Promise<void> | null = null;
  private readonly caught = new CaughtUp();
  private readonly stop = new AbortController();
  private closing: Promise<void> | null = null;

  private constructor(
    private readonly options: SqliteReadModelOptions,
    private readonly file: ViewFile,
    /** Why the file alone cannot be used; null: it can. */
    private readonly broken: string | null,
  ) {
    super();
    const { clock, logger } = options;
    this.writtenAt = clock.monotonic();
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
    const view = await SqliteReadModel.openFile(options);
    try {
      view.taken(await checkFile(view.file, view.broken, options, view.stop.signal));
      return view;
    } catch (error) {
      await view.close();
      throw error;
    }
  }

  /**
   * Takes the file, and asks nothing of the log: `start` compares.
   * @throws ViewLockedError another process has the file; StoreUnusableError it cannot be used.
   */
  static async openFile(options: SqliteReadModelOptions): Promise<SqliteReadModel> {
    const file = ViewFile.open(options.path, await loadDriver());
    try {
      return new SqliteReadModel(options, file, file.attach());
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Follows the log from the checkpoint on. Resolves when it does; while the view was not compared with the log, that waits for the log.
   * @throws ViewClosedError it was closed, before or meanwhile.
   */
  async start(): Promise<void> {
    if (this.prepared === null && !this.stop.signal.aborted) await (this.waiting ??= this.comparedAtLast());
    if (this.stop.signal.aborted) throw new ViewClosedError();
    this.started = true;
    if (this.subscription !== null || this.rebuilding !== null) return;
    if (this.isLong()) this.rebuildBeside();
    else this.subscribe();
  }

  /** Resolves when everything that was in the log has been applied once since the start, or since the last rebuild. */
  caughtUp(): Promise<void> {
    return this.caught.wait();
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

  waitFor(position: bigint, timeoutMs: number): Promise<void> {
    return this.waiters.waitFor(position, timeoutMs);
  }

  onAdvance(listener: (position: bigint) => void): () => void {
    return this.waiters.onAdvance(listener);
  }

  health(): ReadModelHealth {
    const subscription = this.subscription?.health();
    const failing =
      this.state !== 'stopped' &&
      this.state !== 'waiting' &&
      (this.error !== null || subscription?.state === 'resting');
    return {
      position: this.at,
      state: failing ? 'failed' : this.state,
      rebuilt: this.rebuilt,
      opaque: this.state === 'stopped' || this.prepared === null ? 0 : this.read(({ lists }) => lists.opaque()),
      lastError: this.error ?? subscription?.lastError ?? null,
    };
  }

  protected now(): Instant {
    return this.options.clock.wall();
  }

  /**
   * A read that meets damage fails, and sets a rebuild going.
   * @internal
   */
  protected read<T>(use: (prepared: Prepared) => T): T {
    if (this.state === 'stopped') throw new ViewClosedError();
    if (this.prepared === null) throw new ViewNotComparedError();
    try {
      return use(this.prepared);
    } catch (error) {
      if (isDamage(error)) this.rebuildSoon(`it is damaged (${messageOf(error)})`, true);
      throw error;
    }
  }

  private taken({ source, fresh }: CheckedFile): void {
    this.source = source;
    this.prepared = prepare(this.file.db, this.options);
    this.at = this.file.checkpoint().position;
    this.state = fresh ? 'rebuilding' : 'catching-up';
    this.error = null;
    // Whoever has waited since before the comparison.
    if (this.at !== 'start') this.waiters.advanced(this.at, true);
  }

  private async comparedAtLast(): Promise<void> {
    const told = (words: string) => void (this.error = words);
    const checked = await checkFileAtLast(this.file, this.broken, this.options, this.stop.signal, told);
    if (checked !== null) this.taken(checked);
  }

  private sourceOf(log: LogIdentity): ViewSource {
    return { namespace: this.options.namespace, log, knownEvents };
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
    const { subscription } = this;
    await this.checking;
    // What was delivered before it was rebuilt may be of a log that is lost.
    if (this.rebuilding !== null || this.subscription !== subscription) throw new Error('The view is being rebuilt.');
    const fresh = this.at === 'start' ? events : events.filter((event) => event.position > (this.at as bigint));
    const before = this.options.clock.monotonic();
    if (fresh.length > 0) this.apply(fresh, position);
    else this.pass(position);
    this.error = null;
    this.at = position;
    if (this.state === 'rebuilding') this.tell(fresh.length);
    this.waiters.advanced(position, fresh.length > 0);
    if (events.length >= BATCH && this.isLong()) return this.rebuildBeside();
    // A long way to go: others have their turn.
    if (events.length >= BATCH) await this.options.clock.yield();
    else if (this.state === 'live') await this.waiters.restAfter(fresh.length, this.options.clock.monotonic() - before);
  }

  private apply(events: readonly RecordedEvent[], position: bigint): void {
    try {
      this.prepared?.projector.apply(events, position);
      this.writtenAt = this.options.clock.monotonic();
    } catch (error) {
      if (isDamage(error)) this.rebuildSoon(`it is damaged (${messageOf(error)})`, true);
      else this.error = messageOf(error);
      throw error;
    }
  }

  /** Only foreign events lie up to here: kept in memory, and written now and then. */
  private pass(position: bigint): void {
    if (this.options.clock.monotonic() - this.writtenAt >= IDLE_WRITE_MS) this.apply([], position);
  }

  private tell(events: number, position: LogPosition = this.at): void {
    this.rebuilt += events;
    if (this.rebuilt - this.told < TELL_EVERY) return;
    this.told = this.rebuilt;
    this.options.logger.info('view.rebuilding', { events: this.rebuilt, position: String(position) });
  }

  private onCaughtUp(): void {
    if (this.rebuilding !== null) return;
    if (this.state === 'rebuilding') {
      this.options.logger.info('view.rebuilt', { events: this.rebuilt, position: String(this.at) });
    }
    this.state = 'live';
    this.caught.yes();
  }

  /** After the store broke off, it may come back as another log, or as an earlier state of this one. */
  private checkLog(): void {
    this.checking ??= this.compare().finally(() => (this.checking = null));
  }

  private async compare(): Promise<void> {
    const view = () => ({
      differs: (log: LogIdentity) => this.file.mismatch(this.sourceOf(log)),
      checkpoint: { ...this.file.checkpoint(), position: this.at },
    });
    const why = await comparedWithLog(this.options, view, this.stop.signal);
    if (why !== null && this.rebuilding === null) this.rebuildSoon(why, false);
  }

  private isLong(): boolean {
    return this.state === 'rebuilding' && !this.besideFailed && this.rebuilt >= (this.options.longAfter ?? LONG_AFTER);
  }

  /** From the log's beginning once more, the fast way. Reads see what there is until it is finished. */
  private rebuildBeside(): void {
    if (this.rebuilding !== null || this.stop.signal.aborted) return;
    const beside = (this.beside = new AbortController());
    // At once, and not waited for: a delivery of it is what this is called from.
    const quiet = this.subscription?.close();
    this.subscription = null;
    this.rebuilding = this.besideNow(quiet, AbortSignal.any([beside.signal, this.stop.signal])).finally(() => {
      this.rebuilding = null;
      this.beside = null;
    });
  }

  private async besideNow(quiet: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
    const { logger, path } = this.options;
    const { source } = this;
    await quiet;
    if (source === null) return;
    this.rebuilt = this.told = 0;
    const told: RebuildTold = {
      taken: (events, position) => this.tell(events, position),
      interrupted: (error, by) => logger.error('view.interrupted', { by, error: error.message }),
    };
    try {
      this.at = await rebuildBeside(this.options, this.file, source, told, signal);
      this.prepared = prepare(this.file.db, this.options);
      this.writtenAt = this.options.clock.monotonic();
      this.waiters.advanced(this.at, true);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LogChangedError) return this.rebuildNow(error.message, false);
      // It goes on where it was.
      this.besideFailed = true;
      logger.error('view.rebuild-failed', {
        path,
        error: messageOf(error),
        remedy: 'It goes on the ordinary, slower way.',
      });
    }
    this.subscribe();
  }

  /** Nobody waits for it: where the view was closed meanwhile there is nothing to rebuild. */
  private rebuildSoon(reason: string, damaged: boolean): void {
    void this.scheduleRebuild(reason, damaged).catch((error: unknown) => {
      if (error instanceof ViewClosedError) return;
      this.options.logger.error('view.not-rebuilt', { error: messageOf(error) });
    });
  }

  private scheduleRebuild(reason: string, damaged: boolean): Promise<void> {
    if (this.stop.signal.aborted) return Promise.reject(new ViewClosedError());
    if (this.beside !== null && this.rebuilding !== null) {
      this.beside.abort();
      return this.rebuilding.then(() => this.scheduleRebuild(reason, damaged));
    }
    return (this.rebuilding ??= this.rebuildNow(reason, damaged).finally(() => (this.rebuilding = null)));
  }

  private async rebuildNow(reason: string, damaged: boolean): Promise<void> {
    const { logger, path, store, clock } = this.options;
    logger.error('view.rebuilding', { path, reason, events: 0 });
    this.state = 'rebuilding';
    this.caught.no();
    this.rebuilt = this.told = 0;
    this.besideFailed = false;
    // Not within the delivery that may have found the damage.
    await clock.yield();
    this.waiters.wake();
    await this.subscription?.close();
    this.subscription = null;
    while (!this.stop.signal.aborted) {
      try {
        const log = await store.identity();
        this.options.identified?.(log);
        this.source = this.sourceOf(log);
        this.file.rebuild(this.source, damaged);
        this.prepared = prepare(this.file.db, this.options);
        this.at = 'start';
        this.error = null;
        if (this.started) this.subscribe();
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
      if (this.at !== 'start') this.prepared?.projector.apply([], this.at);
    } catch (error) {
      // The next start projects the few events again.
      this.options.logger.warn('view.checkpoint-not-written', { error: messageOf(error) });
    }
    this.state = 'stopped';
    this.file.close();
    this.waiters.close();
    this.caught.never(new ViewClosedError());
  }
}
