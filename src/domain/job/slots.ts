import * as schedules from '../schedule';
import type { AnchoredSchedule } from '../schedule';
import type { Instant } from '../instant';

/** The schedule of a job cannot be evaluated here: it names a zone, say, that only newer zone data knows. */
export class ScheduleUnreadable extends Error {
  override readonly name = 'ScheduleUnreadable';
}

function read<T>(evaluate: () => T): T {
  try {
    return evaluate();
  } catch (error) {
    throw new ScheduleUnreadable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Does what needs the schedule, all or nothing. False: it cannot be evaluated here, so nothing was done. */
export function unlessUnreadable(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof ScheduleUnreadable) return false;
    throw error;
  }
}

/*
 * The functions of the schedule room, for decisions.
 * @throws ScheduleUnreadable; `decide` turns it into a refusal, so that one unreadable schedule affects its own job only.
 */

export function nextSlot(anchored: AnchoredSchedule, after: Instant): Instant | null {
  return read(() => schedules.nextSlot(anchored, after));
}
export function previousSlot(anchored: AnchoredSchedule, before: Instant): Instant | null {
  return read(() => schedules.previousSlot(anchored, before));
}
export function countSlots(anchored: AnchoredSchedule, from: Instant, to: Instant): number {
  return read(() => schedules.countSlots(anchored, from, to));
}
export function dueTime(anchored: AnchoredSchedule, jobId: string, slot: Instant): Instant {
  return read(() => schedules.dueTime(anchored, jobId, slot));
}
export function slotsBetween(anchored: AnchoredSchedule, from: Instant, to: Instant, limit: number): Instant[] {
  return read(() => schedules.slotsBetween(anchored, from, to, limit));
}

/**
 * The n-th slot after `from`, found by counting: a walk over millions of slots would take as long as they are many.
 * At least n slots lie in (from, to].
 */
export function nthSlotAfter(anchored: AnchoredSchedule, from: Instant, to: Instant, n: number): Instant {
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (countSlots(anchored, from, middle) >= n) high = middle;
    else low = middle;
  }
  return high;
}
