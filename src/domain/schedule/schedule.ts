import type { Instant } from '../instant';

/**
 * When a job runs, in canonical form (what the log holds). `defineSchedule` makes it from what people write.
 * A schedule is evaluated together with its *anchor*: the instant of the decision that defined it.
 */
export type Schedule = OnceSchedule | IntervalSchedule | CronSchedule | CalendarSchedule;

export interface ScheduleBounds {
  /** No slot before this instant (inclusive); null: none. */
  readonly start: Instant | null;
  /** No slot at or after this instant; null: none. */
  readonly end: Instant | null;
  /** Counts slots, whatever became of them; null: no limit. Applied by the job's decider, not by `nextSlot`. */
  readonly maxRuns: number | null;
  /** A slot is due up to so many ms after its instant: see `dueTime`. Absent: at its instant. Slots themselves do not move. */
  readonly jitterMs?: number;
}

/** One slot: at the instant, or as soon as possible (at the anchor, or at `start` if that is later). */
export interface OnceSchedule extends ScheduleBounds {
  readonly kind: 'once';
  readonly at: Instant | 'asap';
}

/** Elapsed time: slots at origin + i × everyMs, i any integer; origin = `origin`, else `start`, else the anchor. The origin itself is a slot if it is after `after`. */
export interface IntervalSchedule extends ScheduleBounds {
  readonly kind: 'interval';
  readonly everyMs: number;
  readonly origin: Instant | null;
}

export interface CronSchedule extends ScheduleBounds {
  readonly kind: 'cron';
  /** Normalised: 5 fields (minute first), or 6 (second first) where the second is not 0; names as numbers, nicknames written out. */
  readonly pattern: string;
  /** IANA zone as the user wrote it, in the letter case of the zone data. */
  readonly zone: string;
  /** Day of month and day of week both restricted: `either` matches (Vixie, the default) or `both` must. */
  readonly days: 'either' | 'both';
}

/**
 * Every n days, weeks or months on the calendar of a zone, at a wall time. All is counted from the *origin* and never iterated: the 31st of
 * January and a month each are 28 February, 31 March, 30 April. The calendar reaches back before its origin without end.
 */
export interface CalendarSchedule extends ScheduleBounds {
  readonly kind: 'calendar';
  /** Every so many units. A year is twelve months, and weeks without weekdays are days. */
  readonly every: number;
  readonly unit: 'day' | 'week' | 'month';
  /** 1 (Monday) … 7 (Sunday), in order; weeks begin on Monday. Empty for days and months. */
  readonly weekdays: readonly number[];
  /** Of the month: 1 … 31, or its last; null: the day of the origin. Null for days and weeks. */
  readonly day: number | 'last' | null;
  /** What becomes of a month that lacks the day: its last day instead, or no slot. */
  readonly missing: 'last' | 'skip';
  /** Wall time `HH:MM` or `HH:MM:SS`; gap and fold as for a fixed cron pattern. */
  readonly at: string;
  readonly zone: string;
  /** A date of the zone, `YYYY-MM-DD`; null: that of `start`, else of the anchor. */
  readonly origin: string | null;
}

/** A schedule with the instant of the decision that defined it. */
export interface AnchoredSchedule {
  readonly schedule: Schedule;
  readonly anchor: Instant;
}

/** What people write. Instants: `Date`, ISO 8601 string with zone or offset, or epoch milliseconds. */
export type ScheduleInput = (OnceInput | IntervalInput | CronInput | CalendarInput) & {
  readonly start?: InstantInput;
  readonly end?: InstantInput;
  readonly maxRuns?: number;
  /**
   * Spreads what is due at the same instant: each slot is due at a time between its instant and this much later, never at or after the
   * next slot or the end. Which time is a function of job and slot, so every service knows the same. Milliseconds, or an ISO 8601 duration.
   */
  readonly jitter?: number | string;
};
export type InstantInput = Instant | string | Date;
export interface OnceInput {
  readonly kind: 'once';
  /** Default: as soon as possible. */
  readonly at?: InstantInput | 'asap';
}
export interface IntervalInput {
  readonly kind: 'interval';
  /** Milliseconds, or an ISO 8601 duration of weeks, days, hours, minutes, seconds (`PT5M`; years and months are refused: they are no elapsed time). */
  readonly every: number | string;
  readonly origin?: InstantInput;
  /** Counted from Monday, 1970-01-05T00:00Z: minutes and hours begin where those of the clock do, days and weeks where those of UTC do. */
  readonly aligned?: boolean;
}
export interface CronInput {
  readonly kind: 'cron';
  /**
   * 5 fields (minute first), 6 fields (second first) or a nickname (`@daily`). Lists, ranges, steps, names; `L` (last day), `LW`, `15W`
   * (nearest weekday), `MON#1` (first Monday), `5L` (last Friday). A `+` before the day of week says `days: 'both'`.
   */
  readonly pattern: string;
  /** Default `UTC`. */
  readonly zone?: string;
  readonly days?: 'either' | 'both';
}
export interface CalendarInput {
  readonly kind: 'calendar';
  /** An ISO 8601 duration of days, weeks, or months and years: `P3D`, `P2W`, `P1M`, `P1Y`. */
  readonly every: string;
  /** Wall time, `09:30` or `09:30:15`. Default midnight. */
  readonly at?: string;
  /** Default `UTC`. */
  readonly zone?: string;
  /** A date of the zone, `2026-01-31`, from which all is counted. Default: the day of `start`, else the day on which it is defined. */
  readonly origin?: string;
  /** With weeks only: `MON` … `SUN`, or 1 (Monday) … 7. Default: the weekday of the origin. */
  readonly weekdays?: readonly (string | number)[];
  /** With months and years only: 1 … 31, or `last`. Default: the day of the origin. */
  readonly day?: number | 'last';
  /** A month that lacks the day: its `last` day (default), or `skip` it. */
  readonly missing?: 'last' | 'skip';
}
