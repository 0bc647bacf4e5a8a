import type { Clock, Timer } from '../clock';
import type { Logger } from '../logging';

const REST_AFTER_BROKEN_PASS_MS = 1_000;

/** When the worker looks at its due jobs: as often as it is woken, once at a time, and again when the armed time has come. */
export class Passes {
  private timer: Timer | null = null;
  private passing = false;
  private again = false;
  private state: 'new' | 'open' | 'closed' = 'new';
  /** Passes that were completed. */
  count = 0;
  lastMs = 0;

  constructor(
    private readonly ports: { readonly clock: Clock; readonly logger: Logger },
    private readonly worker: {
      /** @param at the begin of the pass, by the monotonic clock. */
      readonly pass: (at: number) => void;
      /** When the next job that rests may be tried again, by the monotonic clock; Infinity: none rests. */
      readonly nextRestEnd: (now: number) => number;
      readonly failed: (error: unknown) => void;
    },
  ) {}

  /** @returns false: it was open already. */
  open(): boolean {
    if (this.state !== 'new') return false;
    this.state = 'open';
    return true;
  }

  close(): void {
    this.state = 'closed';
    this.timer?.cancel();
    this.timer = null;
  }

  /** Makes a pass in a later turn; many calls make one pass. */
  wake(): void {
    if (this.state !== 'open') return;
    if (this.passing) {
      this.again = true;
      return;
    }
    this.passing = true;
    void this.loop();
  }

  /** Makes a pass after this time, or when a rest ends; null: when a rest ends. In the place of what was armed before. */
  arm(delayMs: number | null): void {
    this.timer?.cancel();
    const now = this.ports.clock.monotonic();
    const delay = Math.min(delayMs ?? Infinity, this.worker.nextRestEnd(now) - now);
    this.timer = Number.isFinite(delay)
      ? this.ports.clock.setTimer(Math.max(0, delay), () => this.wake(), { name: 'worker-due' })
      : null;
  }

  private async loop(): Promise<void> {
    const { clock, logger } = this.ports;
    try {
      do {
        this.again = false;
        await clock.yield();
        if (this.state === 'closed') return;
        const before = clock.monotonic();
        this.worker.pass(before);
        this.count++;
        this.lastMs = clock.monotonic() - before;
      } while (this.again);
    } catch (error) {
      // A pass must never end the worker: say it, and look again after a rest.
      this.worker.failed(error);
      logger.error('worker.pass-failed', { error: String(error) });
      this.arm(REST_AFTER_BROKEN_PASS_MS);
    } finally {
      this.passing = false;
    }
  }
}
