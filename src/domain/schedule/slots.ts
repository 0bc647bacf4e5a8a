import type { Instant } from '../instant';
import { calendarWalls } from './calendar-walls';
import { wallTimes } from './cron-walls';
import { DAY_MS } from './days';
import { firstInstant, lastInstant } from './instants';
import { IntervalSlots } from './interval-slots';
import { OnceSlots } from './once-slots';
import type { AnchoredSchedule } from './schedule';
import type { SlotRule } from './slot-rule';
import { ZonedSlots } from './zoned-slots';
import { zoneOffsets } from './zone-offsets';

/*
 * The slots of a schedule. All functions are pure. `start` and `end` are honoured, `maxRuns` is not: who counts slots applies it.
 * Slots before the anchor exist too (an interval reaches back without end); the callers know from when on slots count.
 * A schedule `once` as soon as possible has its slot at the anchor, or at `start` if that is later.
 *
 * They throw a RangeError for a zone that this process's zone data does not know and a TypeError for a pattern that cannot be read.
 * `defineSchedule` lets neither pass, but a schedule may come from a log that a process with other zone data wrote.
 */

/** The first slot after `after` (exclusive), or null. */
export function nextSlot(anchored: AnchoredSchedule, after: Instant): Instant | null {
  const { from, until } = window(anchored, afterwards(after), Infinity);
  return from < until ? ruleOf(anchored).next(from, until) : null;
}

/** The last slot before `before` (exclusive), or null. */
export function previousSlot(anchored: AnchoredSchedule, before: Instant): Instant | null {
  const { from, until } = window(anchored, -Infinity, Math.ceil(valid(before)));
  return from < until ? ruleOf(anchored).previous(from, until) : null;
}

/** The slots in (from, to], the earliest first, `limit` of them at most. */
export function slotsBetween(anchored: AnchoredSchedule, from: Instant, to: Instant, limit: number): Instant[] {
  const bounds = window(anchored, afterwards(from), afterwards(to));
  const slots: Instant[] = [];
  if (bounds.from >= bounds.until) return slots;
  const rule = ruleOf(anchored);
  let slot: Instant | null = bounds.from - 1;
  while (slots.length < limit && (slot = rule.next(slot + 1, bounds.until)) !== null) slots.push(slot);
  return slots;
}

/** How many slots lie in (from, to]. The time it takes does not grow with their number. */
export function countSlots(anchored: AnchoredSchedule, from: Instant, to: Instant): number {
  const bounds = window(anchored, afterwards(from), afterwards(to));
  return bounds.from < bounds.until ? ruleOf(anchored).count(bounds.from, bounds.until) : 0;
}

/** The first `n` slots after `after` (exclusive); fewer if there are no more. */
export function preview(anchored: AnchoredSchedule, after: Instant, n: number): Instant[] {
  return slotsBetween(anchored, after, lastInstant, n);
}

/** Whether there is a slot at this very instant. */
export function isSlot(anchored: AnchoredSchedule, instant: Instant): boolean {
  return nextSlot(anchored, instant - 1) === instant;
}

/** [from, until), narrowed to where this schedule can have slots. */
function window({ schedule }: AnchoredSchedule, from: Instant, until: Instant): { from: Instant; until: Instant } {
  return {
    from: Math.max(from, schedule.start ?? firstInstant, firstInstant),
    until: Math.min(until, schedule.end ?? Infinity, lastInstant + 1),
  };
}

function afterwards(instant: Instant): Instant {
  return Math.floor(valid(instant)) + 1;
}

function valid(instant: Instant): Instant {
  if (Number.isNaN(instant)) throw new RangeError('An instant must be a number of milliseconds since 1970, not NaN.');
  return instant;
}

function ruleOf({ schedule, anchor }: AnchoredSchedule): SlotRule {
  switch (schedule.kind) {
    case 'once':
      return new OnceSlots(schedule.at === 'asap' ? Math.max(anchor, schedule.start ?? anchor) : schedule.at);
    case 'interval':
      return new IntervalSlots(schedule.everyMs, schedule.origin ?? schedule.start ?? anchor);
    case 'cron':
      return new ZonedSlots(wallTimes(schedule.pattern, schedule.days), zoneOffsets(schedule.zone));
    case 'calendar': {
      const zone = zoneOffsets(schedule.zone);
      const from = schedule.start ?? anchor;
      const today = Math.floor((from + zone.at(from).offset) / DAY_MS);
      return new ZonedSlots(calendarWalls(schedule, today), zone);
    }
  }
}
