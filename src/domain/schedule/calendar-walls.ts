import { MonthlyDays, PeriodicDays, type CalendarDays } from './calendar-days';
import { DAY_MS, monthIndexOf } from './days';
import { Recent } from './recent';
import type { CalendarSchedule } from './schedule';
import type { WallRule } from './wall-rule';

/** A time of day on days of the calendar. */
export class CalendarWalls implements WallRule {
  readonly fixed = true;

  constructor(
    private readonly days: CalendarDays,
    private readonly timeOfDay: number,
  ) {}

  next(wall: number): number | null {
    return this.nth(this.ordinal(wall));
  }

  previous(wall: number): number | null {
    return this.nth(this.ordinal(wall) - 1);
  }

  count(from: number, to: number): number {
    return from < to ? this.ordinal(to) - this.ordinal(from) : 0;
  }

  private ordinal(wall: number): number {
    return this.days.ordinal(Math.ceil((wall - this.timeOfDay) / DAY_MS));
  }

  private nth(ordinal: number): number | null {
    const day = this.days.nth(ordinal);
    return day === null ? null : day * DAY_MS + this.timeOfDay;
  }
}

const compiled = new Recent<CalendarWalls>(2_000);

/** @param today the day of the origin where the schedule names none. */
export function calendarWalls(schedule: CalendarSchedule, today: number): CalendarWalls {
  const { every, unit, weekdays, day, missing, at, origin } = schedule;
  const from = origin === null ? today : dayOfDate(origin);
  const key = [every, unit, weekdays, day, missing, at, from].join(' ');
  return compiled.get(key, () => new CalendarWalls(daysOf(schedule, from), timeOfDayMs(at)));
}

function daysOf({ every, unit, weekdays, day, missing }: CalendarSchedule, origin: number): CalendarDays {
  if (unit === 'day') return new PeriodicDays(every, origin, [0]);
  if (unit === 'week') {
    // 1970-01-01 was a Thursday.
    const monday = origin - ((((origin + 3) % 7) + 7) % 7);
    return new PeriodicDays(
      every * 7,
      monday,
      weekdays.map((weekday) => weekday - 1),
    );
  }
  const wanted = day === 'last' ? 31 : (day ?? new Date(origin * DAY_MS).getUTCDate());
  return new MonthlyDays(every, monthIndexOf(origin), wanted, missing === 'skip');
}

/** The day of a date, `2026-01-31`. */
export function dayOfDate(date: string): number {
  return Math.floor(Date.parse(`${date}T00:00:00Z`) / DAY_MS);
}

function timeOfDayMs(at: string): number {
  const [hours, minutes, seconds = 0] = at.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}
