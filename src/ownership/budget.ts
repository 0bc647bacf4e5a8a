import type { Clock } from '../clock';

/** Hand-overs per second: what is not used in one second is not saved for later ones. */
export class MoveBudget {
  private tokens: number;
  private at: number;

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
  ) {
    this.tokens = perSecond;
    this.at = clock.monotonic();
  }

  /** Whether one more job may be handed over now; then it counts. */
  take(): boolean {
    if (!this.open()) return false;
    this.tokens -= 1;
    return true;
  }

  /** Something is left. */
  open(): boolean {
    const now = this.clock.monotonic();
    this.tokens = Math.min(this.perSecond, this.tokens + ((now - this.at) / 1_000) * this.perSecond);
    this.at = now;
    return this.tokens >= 1;
  }
}
