import { dayOfMonth, monthIndexOf, monthLength } from './days';

/** Days of the calendar, numbered in their order by an integer without bounds, so that everything is arithmetic. */
export interface CalendarDays {
  /** How many of them lie before `day`, counted from a fixed one: may be negative. */
  ordinal(day: number): number;
  /** The inverse: the day with this number. Null: there is no day at all. */
  nth(ordinal: number): number | null;
}

/** The days of a stretch of `period` days that repeats from `origin` on and before it. */
export class PeriodicDays implements CalendarDays {
  /** @param offsets within the period, in order, at least one. */
  constructor(
    private readonly period: number,
    private readonly origin: number,
    private readonly offsets: readonly number[],
  ) {}

  ordinal(day: number): number {
    const periods = Math.floor((day - this.origin) / this.period);
    const within = day - this.origin - periods * this.period;
    return periods * this.offsets.length + countBelow(this.offsets, within);
  }

  nth(ordinal: number): number {
    const { length } = this.offsets;
    const periods = Math.floor(ordinal / length);
    return this.origin + periods * this.period + this.offsets[ordinal - periods * length];
  }
}

/** The lengths of the months repeat after 400 years. */
const PERIOD_MONTHS = 4_800;

/** One day in every n-th month. */
export class MonthlyDays implements CalendarDays {
  /** Steps of `every` months after which the lengths of the months met repeat. */
  private readonly cycle: number;
  /** Those of one cycle whose month has the day. */
  private readonly steps: readonly number[];

  /** @param origin index of a month that counts (`monthIndexOf`). @param day 1 … 31. @param skip leaves out the months that lack it. */
  constructor(
    private readonly every: number,
    private readonly origin: number,
    private readonly day: number,
    skip: boolean,
  ) {
    const everyMonthHasIt = !skip || day <= 28;
    this.cycle = everyMonthHasIt ? 1 : PERIOD_MONTHS / greatestDivisor(every, PERIOD_MONTHS);
    const all = Array.from({ length: this.cycle }, (_, step) => step);
    this.steps = everyMonthHasIt ? all : all.filter((step) => monthLength(origin + step * every) >= day);
  }

  ordinal(day: number): number {
    if (this.steps.length === 0) return 0;
    const month = monthIndexOf(day);
    const step = Math.ceil((month - this.origin) / this.every);
    const cycles = Math.floor(step / this.cycle);
    const before = cycles * this.steps.length + countBelow(this.steps, step - cycles * this.cycle);
    const own = this.nth(before);
    return own !== null && own < day ? before + 1 : before;
  }

  nth(ordinal: number): number | null {
    const { length } = this.steps;
    if (length === 0) return null;
    const cycles = Math.floor(ordinal / length);
    const month = this.origin + (cycles * this.cycle + this.steps[ordinal - cycles * length]) * this.every;
    return dayOfMonth(month, Math.min(this.day, monthLength(month)));
  }
}

/** How many of the values, which are in order, are smaller. */
function countBelow(values: readonly number[], limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
