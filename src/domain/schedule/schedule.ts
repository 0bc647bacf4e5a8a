import type { Instant } from '../instant';

/**
 * When a job runs, in canonical form (what the log holds). `defineSchedule` makes it from what people write.
 * A schedule is evaluated together with its *anchor*: the instant of the decision that defined it.
 */
export type Schedule = OnceSchedule | IntervalSchedule | CronSchedule;

export interface ScheduleBounds {
  /** No slot before this instant (inclusive); null: none. */
  readonly start: Instant | null;
  /** No slot at or after this instant; null: none. */
  readonly end: Instant | null;
  /** Counts slots, whatever became of them; null: no limit. Applied by the job's decider, not by `nextSlot`. */
  readonly maxRuns: number | null;
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

/** A schedule with the instant of the decision that defined it. */
export interface AnchoredSchedule {
  readonly schedule: Schedule;
  readonly anchor: Instant;
}

/** What people write. Instants: `Date`, ISO 8601 string with zone or offset, or epoch milliseconds. */
export type ScheduleInput = (OnceInput | IntervalInput | CronInput) & {
  readonly start?: InstantInput;
  readonly end?: InstantInput;
  readonly maxRuns?: number;
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
