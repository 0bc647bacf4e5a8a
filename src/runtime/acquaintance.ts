import type { Clock } from '../clock';
import { StoreUnavailableError, StoreUnusableError, type EventStore, type LogIdentity } from '../event-store';
import type { Logger } from '../logging';

/** Between two tries to reach a log that does not answer, and between two words about it. */
const REST_MS = 1_000;
const TELL_EVERY_MS = 30_000;
/** So many refusals one after the other are one: a server that is still starting may refuse whom it does not know yet. */
const REFUSALS = 3;
/** What an adapter says of a log that cannot be used as it is, however often it is asked. */
const UNUSABLE: ReadonlySet<string> = new Set(['access-denied', 'foreign'] satisfies StoreUnusableError['code'][]);

/**
 * Whether the log has answered since this process started, and who it is. Nothing that needs the log begins before that: fencing tokens have its
 * generation. A server may be started after its services, so it is asked until it answers.
 */
export class LogAcquaintance {
  private current: LogIdentity | null = null;
  private lastWords = 'it is being asked';
  private since: number | null = null;
  private toldAt = -Infinity;
  private refusals = 0;
  private asking: Promise<void> | null = null;
  /** It is known that the log is another one: what it says of itself next is no news. */
  private expecting = false;
  private readonly others = new Set<() => void>();
  private readonly stop = new AbortController();
  private readonly answered = signalOf<LogIdentity>();
  private readonly spoken = signalOf<void>();
  private readonly refused = signalOf<StoreUnusableError>();

  constructor(
    private readonly store: EventStore,
    private readonly ports: { readonly clock: Clock; readonly logger: Logger },
    /** In the log of the process. Shows no secret. */
    private readonly name: string,
  ) {}

  /** Null: it has not answered yet. */
  get identity(): LogIdentity | null {
    return this.current;
  }

  /** Why it is not known yet, for operators. */
  get words(): string {
    return this.refusals >= REFUSALS
      ? `the log cannot be used: ${this.lastWords}`
      : `the log has not answered yet: ${this.lastWords}`;
  }

  /** Somebody has asked it anyway. */
  is(identity: LogIdentity): void {
    if (this.current !== null && !this.stop.signal.aborted) this.know(identity);
  }

  /** Asks once. @throws what the store throws. */
  async ask(): Promise<LogIdentity> {
    const identity = await this.store.identity();
    // The right to read the log as a whole is another one than that to read a stream.
    await this.store.head();
    if (!this.stop.signal.aborted) this.know(identity);
    return identity;
  }

  /** Asks until it answers; in the background. */
  begin(): void {
    this.asking ??= this.askUntilAnswered().finally(() => (this.asking = null));
  }

  /** Called when the log turns out to be another one than it was, or to have been put back (a greater generation), and nobody has said so by `renew`. */
  onOther(listener: () => void): void {
    this.others.add(listener);
  }

  /** The log is another one than it was, or an older one. What was known of it holds until it has answered. */
  renew(): void {
    this.expecting = true;
    void this.askAgain();
  }

  /** Resolves with its identity as soon as it is known; null: it was closed before that. */
  async known(): Promise<LogIdentity | null> {
    return Promise.race([this.answered.promise, whenAborted(this.stop.signal).then(() => null)]);
  }

  /** Resolves with the first answer or the first failure. */
  async firstWord(): Promise<void> {
    await Promise.race([this.spoken.promise, whenAborted(this.stop.signal)]);
  }

  /** Resolves when the log has refused to be used as it is, again and again; never otherwise. It is asked on. */
  unusable(): Promise<StoreUnusableError> {
    return this.refused.promise;
  }

  close(): void {
    this.stop.abort();
  }

  private async askAgain(): Promise<void> {
    await this.asking;
    this.begin();
  }

  private async askUntilAnswered(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.ask();
        return;
      } catch (error) {
        if (this.stop.signal.aborted) return;
        this.failed(error);
      }
      await this.ports.clock.sleep(REST_MS, this.stop.signal);
    }
  }

  private know(identity: LogIdentity): void {
    const { clock, logger } = this.ports;
    if (this.since !== null)
      logger.info('service.found-log', { log: this.name, afterMs: Math.round(clock.monotonic() - this.since) });
    this.since = null;
    this.refusals = 0;
    const { current, expecting } = this;
    this.current = identity;
    this.expecting = false;
    if (current !== null && !expecting && (current.id !== identity.id || current.generation < identity.generation))
      for (const tell of this.others) tell();
    this.answered.give(identity);
    this.spoken.give();
  }

  private failed(error: unknown): void {
    const now = this.ports.clock.monotonic();
    this.since ??= now;
    this.lastWords = error instanceof Error ? error.message : String(error);
    const refusal = refusalOf(error);
    this.refusals = refusal === null ? 0 : this.refusals + 1;
    const remedy = remedyOf(error);
    if (refusal !== null && this.refusals === REFUSALS) {
      this.toldAt = -Infinity;
      this.refused.give(refusal);
    }
    this.tell(now, remedy);
    this.spoken.give();
  }

  private tell(now: number, remedy: string | undefined): void {
    if (now - this.toldAt < TELL_EVERY_MS) return;
    this.toldAt = now;
    const { logger } = this.ports;
    const fields = { log: this.name, error: this.lastWords, remedy, forMs: Math.round(now - (this.since ?? now)) };
    if (this.refusals >= REFUSALS) logger.error('service.log-unusable', fields);
    else logger.warn('service.waits-for-log', fields);
  }
}

/** Null: it may be otherwise the next time. */
function refusalOf(error: unknown): StoreUnusableError | null {
  if (error instanceof StoreUnusableError) return error;
  if (!(error instanceof StoreUnavailableError) || !UNUSABLE.has(error.code)) return null;
  return new StoreUnusableError(error.code as StoreUnusableError['code'], error.message, error.remedy, {
    cause: error,
  });
}

function remedyOf(error: unknown): string | undefined {
  return error instanceof StoreUnavailableError || error instanceof StoreUnusableError ? error.remedy : undefined;
}

function signalOf<T>(): { readonly promise: Promise<T>; readonly give: (value: T) => void } {
  let give!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (give = resolve));
  return { promise, give };
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
