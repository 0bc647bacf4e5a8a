import type { Instant } from '../instant';
import type { SlotRule } from './slot-rule';

export class OnceSlots implements SlotRule {
  constructor(private readonly at: Instant) {}

  next(from: Instant, until: Instant): Instant | null {
    return from <= this.at && this.at < until ? this.at : null;
  }

  previous(from: Instant, until: Instant): Instant | null {
    return this.next(from, until);
  }

  count(from: Instant, until: Instant): number {
    return this.next(from, until) === null ? 0 : 1;
  }
}
