import type { Clock } from 'holdfast';

/** The longest time without an acceptance that ended, or lasts, since the round's fault. */
export class Gaps {
  count = 0;
  private last: number;
  private since = Infinity;
  private longest = 0;
  private waiting: ((at: number) => void)[] = [];

  constructor(private readonly clock: Clock) {
    this.last = clock.monotonic();
  }

  took(): void {
    const now = this.clock.monotonic();
    if (now >= this.since) this.longest = Math.max(this.longest, now - this.last);
    this.last = now;
    this.count++;
    for (const tell of this.waiting.splice(0)) tell(now);
  }

  /** When the next one is accepted (monotonic). */
  next(): Promise<number> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** From now on. */
  begin(): void {
    this.since = this.clock.monotonic();
    this.longest = 0;
  }

  /** ms */
  end(): number {
    const now = this.clock.monotonic();
    return Math.round(Math.max(this.longest, now - this.last));
  }

  /** Whether something was accepted within the last `ms`. */
  flows(ms: number): boolean {
    return this.clock.monotonic() - this.last < ms;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle] : Math.round((sorted[middle - 1] + sorted[middle]) / 2);
}
