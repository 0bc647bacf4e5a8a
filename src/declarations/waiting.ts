import { setMaxListeners } from 'node:events';
import type { Clock, Random } from '../clock';
import { CommandRefusedError } from '../commands';
import type { Logger } from '../logging';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** A log that does not answer is complained about this often at most. */
const COMPLAINTS_MS = 60_000;
const LOOKS_MS = 1_000;

/** Patience with a log that does not answer: tries again with back-off, tells rarely, ends with `end`. */
export class Waiting {
  private readonly ending = new AbortController();
  private readonly waits = new Map<string, number>();
  private lastComplaint = -Infinity;
  /** Rejects at the end. */
  private readonly whenEnded: Promise<never>;

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly logger: Logger,
  ) {
    // Everything that waits listens.
    setMaxListeners(0, this.ending.signal);
    this.whenEnded = new Promise((_, reject) => {
      this.ending.signal.addEventListener('abort', () => reject(new EndedError()), { once: true });
    });
    this.whenEnded.catch(() => undefined);
  }

  /** What is waited for, in words; null: nothing. */
  get what(): string | null {
    return this.waits.size === 0 ? null : [...this.waits.keys()].join('; ');
  }

  get ended(): boolean {
    return this.ending.signal.aborted;
  }

  end(): void {
    this.ending.abort();
  }

  /**
   * Does it, until it is done.
   * @throws CommandRefusedError at once; EndedError once ended.
   */
  async until<T>(what: string, work: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures++) {
      if (this.ended) throw new EndedError();
      try {
        const done = await Promise.race([work(), this.whenEnded]);
        if (failures > 0) this.forget(what);
        return done;
      } catch (error) {
        if (error instanceof CommandRefusedError || error instanceof EndedError) {
          if (failures > 0) this.forget(what);
          throw error;
        }
        if (failures === 0) this.note(what);
        this.complain(what, error);
      }
      const ceiling = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures, 16), LONGEST_PAUSE_MS);
      await this.pause(ceiling * (1 - this.random.next() / 2));
    }
  }

  /** Waits for a condition, which is looked at whenever `onChange` calls, and each second. @throws EndedError */
  async condition(what: string, holds: () => boolean, onChange: (look: () => void) => () => void): Promise<void> {
    if (holds()) return;
    this.note(what);
    while (!this.ended && !holds()) {
      const changed = new AbortController();
      const look = () => changed.abort();
      const stop = onChange(look);
      this.ending.signal.addEventListener('abort', look, { once: true });
      await this.clock.sleep(LOOKS_MS, changed.signal);
      this.ending.signal.removeEventListener('abort', look);
      stop();
    }
    this.forget(what);
    if (this.ended) throw new EndedError();
  }

  /** Returns early, without an error, when ended. */
  pause(ms: number): Promise<void> {
    return this.clock.sleep(ms, this.ending.signal);
  }

  private note(what: string): void {
    this.waits.set(what, (this.waits.get(what) ?? 0) + 1);
  }

  private forget(what: string): void {
    const left = (this.waits.get(what) ?? 1) - 1;
    if (left === 0) this.waits.delete(what);
    else this.waits.set(what, left);
  }

  private complain(what: string, error: unknown): void {
    const now = this.clock.monotonic();
    if (now - this.lastComplaint < COMPLAINTS_MS) return;
    this.lastComplaint = now;
    const remedy = 'It is tried again until the log answers; see whether the log can be reached from here.';
    this.logger.warn('declarations.waiting', { what, error: String(error), remedy });
  }
}

/** The process ends: nothing more is to be done. */
export class EndedError extends Error {
  override readonly name = 'EndedError';
}
