import type { Instant } from '../instant';

/** The slots of one kind of schedule, without its bounds. Every interval is [from, until); slots are whole milliseconds. */
export interface SlotRule {
  /** The first slot in the interval. */
  next(from: Instant, until: Instant): Instant | null;
  /** The last slot in the interval. */
  previous(from: Instant, until: Instant): Instant | null;
  /** How many slots the interval holds. */
  count(from: Instant, until: Instant): number;
}
