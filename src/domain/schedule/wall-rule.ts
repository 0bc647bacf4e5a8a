/**
 * Wall times, as if there were no zones: "wall" is the milliseconds since 1970-01-01T00:00 on the clock on the wall. Knows no gap and no
 * fold; `ZonedSlots` adds them.
 */
export interface WallRule {
  /** Each of its wall times is meant once a day, so one that a gap swallows is made up for, and of two equal ones the first counts. */
  readonly fixed: boolean;
  /** The first wall time at or after `wall`; null if there is none. */
  next(wall: number): number | null;
  /** The last wall time before `wall`; null if there is none. */
  previous(wall: number): number | null;
  /** How many wall times lie in [from, to). */
  count(from: number, to: number): number;
}
