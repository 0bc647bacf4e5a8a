import type { Instant } from '../instant';
import type { SlotRule } from './slot-rule';

export class IntervalSlots implements SlotRule {
  constructor(
    private readonly everyMs: number,
    private readonly origin: Instant,
  ) {}

  next(from: Instant, until: Instant): Instant | null {
    const slot = this.atOrAfter(from);
    return slot < until ? slot : null;
  }

  previous(from: Instant, until: Instant): Instant | null {
    const slot = this.atOrAfter(until) - this.everyMs;
    return slot >= from ? slot : null;
  }

  count(from: Instant, until: Instant): number {
    return from < until ? (this.atOrAfter(until) - this.atOrAfter(from)) / this.everyMs : 0;
  }

  /** Exact, because everything stays a safe integer. */
  private atOrAfter(instant: Instant): Instant {
    const since = (instant - this.origin) % this.everyMs;
    return instant - since + (since > 0 ? this.everyMs : 0);
  }
}
