import { hashText } from '../hash';
import type { Instant } from '../instant';
import type { AnchoredSchedule } from './schedule';
import { nextSlot } from './slots';

/**
 * When a slot is due: at its instant, or with jitter up to `jitterMs` later, always before the next slot and before the end. Which delay is
 * a hash of job and slot: the same in every service and after every restart, and spread evenly over the jobs. So due times are strictly
 * increasing, as slots are.
 *
 * @throws what `nextSlot` throws.
 */
export function dueTime(anchored: AnchoredSchedule, jobId: string, slot: Instant): Instant {
  const { jitterMs = 0, end } = anchored.schedule;
  if (jitterMs === 0) return slot;
  const room = (nextSlot(anchored, slot) ?? end ?? Infinity) - slot;
  return slot + Math.floor(fraction(`${jobId} ${slot}`) * Math.min(jitterMs + 1, room));
}

/** In [0, 1), with 53 bits. */
function fraction(text: string): number {
  const { high, low } = hashText(text);
  return ((high >>> 5) * 0x4000000 + (low >>> 6)) / 2 ** 53;
}
