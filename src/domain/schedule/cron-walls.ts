import { CronPattern } from 'croner';
import { sixFields } from './cron-text';
import { DAY_MS, monthAfter, monthOf, type Month } from './days';
import { Recent } from './recent';
import type { WallRule } from './wall-rule';

const DAY_S = 86_400;
/** The calendar repeats after 400 years. */
const PERIOD_MONTHS = 4_800;
const LAST = 32;

/** The values of one field, with tables for the neighbours of each value. */
class Values {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Smallest value ≥ i, or −1. */
  readonly atOrAfter: Int8Array;
  /** Largest value < i, or −1. */
  readonly before: Int8Array;
  /** How many values are < i. */
  readonly below: Int8Array;

  constructor(flags: readonly number[]) {
    const size = flags.length;
    this.first = flags.findIndex((flag) => flag);
    this.last = flags.findLastIndex((flag) => flag);
    this.atOrAfter = new Int8Array(size + 1).fill(-1);
    this.before = new Int8Array(size + 1).fill(-1);
    this.below = new Int8Array(size + 1);
    for (let i = 0; i < size; i++) {
      this.before[i + 1] = flags[i] ? i : this.before[i];
      this.below[i + 1] = this.below[i] + (flags[i] ? 1 : 0);
      this.atOrAfter[size - 1 - i] = flags[size - 1 - i] ? size - 1 - i : this.atOrAfter[size - i];
    }
    this.count = this.below[size];
  }

  /** Between two neighbours; Infinity for a single value. */
  shortestGap(): number {
    let shortest = Infinity;
    for (let value = this.first; value < this.last;) {
      const next = this.atOrAfter[value + 1];
      shortest = Math.min(shortest, next - value);
      value = next;
    }
    return shortest;
  }

  has(value: number): boolean {
    return this.atOrAfter[value] === value;
  }
}

/** The wall times that a pattern names, as if there were no zones. */
export class WallTimes implements WallRule {
  /** Neither the minute nor the hour holds `*`, `?` or `/`: the rule for gaps and folds depends on it. */
  readonly fixed: boolean;
  private readonly hours: Values;
  private readonly minutes: Values;
  private readonly seconds: Values;
  private readonly perDay: number;
  private readonly months: readonly boolean[];
  /** By the weekday of the first (7) and the length of the month (28–31): a bit per matching day. */
  private readonly dayMasks: readonly number[];

  constructor(pattern: string, days: 'either' | 'both') {
    const fields = sixFields(pattern);
    // Only its tables are read: the object itself holds 80 KiB.
    const parsed = new CronPattern(fields.join(' '));
    this.fixed = ![fields[1], fields[2]].some((field) => /[*?/]/.test(field));
    this.seconds = new Values(parsed.second);
    this.minutes = new Values(parsed.minute);
    this.hours = new Values(parsed.hour);
    this.perDay = this.seconds.count * this.minutes.count * this.hours.count;
    this.months = Array.from(parsed.month, Boolean);
    this.dayMasks = Array.from({ length: 28 }, (_, i) => dayMask(parsed, days, i % 7, 28 + Math.floor(i / 7)));
  }

  next(wall: number): number | null {
    const second = Math.ceil(wall / 1_000);
    const day = Math.floor(second / DAY_S);
    if (this.matchesDay(day)) {
      const found = this.secondAtOrAfter(second - day * DAY_S);
      if (found >= 0) return day * DAY_MS + found * 1_000;
    }
    const later = this.dayAtOrAfter(day + 1);
    if (later === null) return null;
    return later * DAY_MS + timeOfDay(this.hours.first, this.minutes.first, this.seconds.first) * 1_000;
  }

  previous(wall: number): number | null {
    const second = Math.ceil(wall / 1_000);
    const day = Math.floor(second / DAY_S);
    if (this.matchesDay(day)) {
      const found = this.secondBefore(second - day * DAY_S);
      if (found >= 0) return day * DAY_MS + found * 1_000;
    }
    const earlier = this.dayBefore(day);
    if (earlier === null) return null;
    return earlier * DAY_MS + timeOfDay(this.hours.last, this.minutes.last, this.seconds.last) * 1_000;
  }

  count(from: number, to: number): number {
    if (from >= to) return 0;
    const [first, last] = [Math.ceil(from / 1_000), Math.ceil(to / 1_000)];
    const [firstDay, lastDay] = [Math.floor(first / DAY_S), Math.floor(last / DAY_S)];
    const before = (day: number, second: number) => (this.matchesDay(day) ? this.countBefore(second - day * DAY_S) : 0);
    return this.countDays(firstDay, lastDay) * this.perDay - before(firstDay, first) + before(lastDay, last);
  }

  /** The smallest distance between two wall times, ms; a day before the next day's first is taken to match. */
  shortestGapMs(): number {
    const { hours, minutes, seconds } = this;
    const inMinute = seconds.last - seconds.first;
    const inHour = minutes.last * 60 + inMinute - minutes.first * 60;
    const gaps = [
      seconds.shortestGap(),
      minutes.shortestGap() * 60 - inMinute,
      hours.shortestGap() * 3_600 - inHour,
      DAY_S - (hours.last - hours.first) * 3_600 - inHour,
    ];
    return Math.min(...gaps) * 1_000;
  }

  private secondAtOrAfter(second: number): number {
    const [h, m, s] = [Math.floor(second / 3_600), Math.floor(second / 60) % 60, second % 60];
    const { hours, minutes, seconds } = this;
    if (hours.has(h)) {
      if (minutes.has(m) && seconds.atOrAfter[s] >= 0) return timeOfDay(h, m, seconds.atOrAfter[s]);
      const minute = minutes.atOrAfter[m + 1];
      if (minute >= 0) return timeOfDay(h, minute, seconds.first);
    }
    const hour = hours.atOrAfter[h + 1];
    return hour < 0 ? -1 : timeOfDay(hour, minutes.first, seconds.first);
  }

  private secondBefore(second: number): number {
    const [h, m, s] = [Math.floor(second / 3_600), Math.floor(second / 60) % 60, second % 60];
    const { hours, minutes, seconds } = this;
    if (hours.has(h)) {
      if (minutes.has(m) && seconds.before[s] >= 0) return timeOfDay(h, m, seconds.before[s]);
      const minute = minutes.before[m];
      if (minute >= 0) return timeOfDay(h, minute, seconds.last);
    }
    const hour = hours.before[h];
    return hour < 0 ? -1 : timeOfDay(hour, minutes.last, seconds.last);
  }

  private countBefore(second: number): number {
    const [h, m, s] = [Math.floor(second / 3_600), Math.floor(second / 60) % 60, second % 60];
    const { hours, minutes, seconds } = this;
    const inMinute = hours.has(h) && minutes.has(m) ? seconds.below[s] : 0;
    const inHour = hours.has(h) ? minutes.below[m] * seconds.count : 0;
    return hours.below[h] * minutes.count * seconds.count + inHour + inMinute;
  }

  private matchesDay(day: number): boolean {
    const month = monthOf(day);
    return ((this.maskOf(month) >>> (day - month.firstDay)) & 1) === 1;
  }

  private dayAtOrAfter(day: number): number | null {
    let month = monthOf(day);
    let mask = this.maskOf(month) & (-1 << (day - month.firstDay));
    for (let i = 0; i <= PERIOD_MONTHS; i++) {
      if (mask !== 0) return month.firstDay + 31 - Math.clz32(mask & -mask);
      month = monthAfter(month);
      mask = this.maskOf(month);
    }
    return null;
  }

  private dayBefore(day: number): number | null {
    let month = monthOf(day);
    let mask = this.maskOf(month) & ~(-1 << (day - month.firstDay));
    for (let i = 0; i <= PERIOD_MONTHS; i++) {
      if (mask !== 0) return month.firstDay + 31 - Math.clz32(mask);
      month = monthOf(month.firstDay - 1);
      mask = this.maskOf(month);
    }
    return null;
  }

  private countDays(from: number, to: number): number {
    let days = 0;
    for (let month = monthOf(from); month.firstDay < to; month = monthAfter(month)) {
      let mask = this.maskOf(month);
      if (from > month.firstDay) mask &= -1 << (from - month.firstDay);
      if (to < month.firstDay + month.length) mask &= ~(-1 << (to - month.firstDay));
      days += bits(mask);
    }
    return days;
  }

  private maskOf(month: Month): number {
    return this.months[month.month] ? this.dayMasks[month.weekday + 7 * (month.length - 28)] : 0;
  }
}

function timeOfDay(hour: number, minute: number, second: number): number {
  return hour * 3_600 + minute * 60 + second;
}

function bits(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left &= left - 1) count++;
  return count;
}

function dayMask(parsed: CronPattern, days: 'either' | 'both', firstWeekday: number, length: number): number {
  const both = days === 'both' || parsed.useAndLogic || parsed.starDOM;
  let mask = 0;
  for (let day = 1; day <= length; day++) {
    const inMonth = matchesDayOfMonth(parsed, day, firstWeekday, length);
    const inWeek = matchesWeekday(parsed, day, firstWeekday, length);
    const matches = parsed.starDOW ? inMonth : both ? inMonth && inWeek : inMonth || inWeek;
    if (matches) mask |= 1 << (day - 1);
  }
  return mask;
}

function matchesDayOfMonth(parsed: CronPattern, day: number, firstWeekday: number, length: number): boolean {
  if (parsed.day[day - 1]) return true;
  if (parsed.lastDayOfMonth && day === length) return true;
  if (parsed.lastWeekday && day === nearestWeekday(length, firstWeekday, length)) return true;
  return parsed.nearestWeekdays.some(
    (wanted, i) => wanted && i < length && day === nearestWeekday(i + 1, firstWeekday, length),
  );
}

/** Within the month: a Saturday the first goes to the third, a Sunday the last to the Friday before. */
function nearestWeekday(day: number, firstWeekday: number, length: number): number {
  const weekday = (firstWeekday + day - 1) % 7;
  if (weekday === 6) return day === 1 ? 3 : day - 1;
  if (weekday === 0) return day === length ? day - 2 : day + 1;
  return day;
}

function matchesWeekday(parsed: CronPattern, day: number, firstWeekday: number, length: number): boolean {
  const wanted = parsed.dayOfWeek[(firstWeekday + day - 1) % 7];
  const nth = 1 << Math.floor((day - 1) / 7);
  return (wanted & nth) !== 0 || ((wanted & LAST) !== 0 && day + 7 > length);
}

const compiled = new Recent<WallTimes>(2_000);

/** @throws TypeError for a pattern that cannot be read. */
export function wallTimes(pattern: string, days: 'either' | 'both'): WallTimes {
  return compiled.get(`${days} ${pattern}`, () => new WallTimes(pattern, days));
}
