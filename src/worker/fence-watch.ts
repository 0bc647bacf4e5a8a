import type { Clock, Timer } from '../clock';
import type { Trust } from '../membership';

/** Between two looks, ms. */
const LOOK_MS = 150;
/** With a trust that runs for hours (tests that turn days), a part of it that no promise notices. */
const PART_OF_TRUST = 400;

/**
 * Looks at own trust while handlers run. Timers follow monotonic time, which stands while a machine is suspended; trust follows boot time too. So
 * after a suspend trust may have run out while the timer that tells has seconds to go, and handlers would go on beside those of the next owner. A look
 * that finds trust run out fences, and whoever listens aborts.
 *
 * One timer, and none while nothing runs: whoever begins something looks for himself.
 */
export class FenceWatch {
  private readonly everyMs: number;
  private timer: Timer | null = null;

  /** @param running whether a handler runs, which is to be aborted by a fence. */
  constructor(
    private readonly clock: Clock,
    private readonly trust: Pick<Trust, 'check'>,
    selfFenceAfterMs: number,
    private readonly running: () => boolean,
  ) {
    this.everyMs = Math.max(LOOK_MS, selfFenceAfterMs / PART_OF_TRUST);
  }

  /** A handler is entered. Idempotent. */
  begin(): void {
    this.timer ??= this.clock.setTimer(this.everyMs, () => this.look(), { name: 'fence-watch', keepAlive: false });
  }

  close(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private look(): void {
    this.timer = null;
    if (!this.running()) return;
    this.trust.check();
    this.begin();
  }
}
