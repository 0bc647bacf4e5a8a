/*
 * Days and months of the Gregorian calendar, by arithmetic. A day is the number of days since 1970-01-01, a Thursday.
 */

export const DAY_MS = 86_400_000;

export interface Month {
  readonly year: number;
  /** 0–11 */
  readonly month: number;
  /** Days since 1970-01-01. */
  readonly firstDay: number;
  /** Of the first; 0 is Sunday. */
  readonly weekday: number;
  readonly length: number;
}

export function monthOf(day: number): Month {
  const date = new Date(day * DAY_MS);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return monthFrom(year, month, day - date.getUTCDate() + 1);
}

/** Months since January 1970. */
export function monthIndexOf(day: number): number {
  const date = new Date(day * DAY_MS);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

/** Length of the month with this index. */
export function monthLength(index: number): number {
  const year = 1970 + Math.floor(index / 12);
  return lengthOf(year, index - (year - 1970) * 12);
}

/** The n-th day, from 1 on, of the month with this index. */
export function dayOfMonth(index: number, n: number): number {
  const years = Math.floor(index / 12);
  const year = 1970 + years;
  const leapDays = (before: number) => Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  let day = years * 365 + leapDays(year - 1) - leapDays(1969) + n - 1;
  for (let month = 0; month < index - years * 12; month++) day += lengthOf(year, month);
  return day;
}

export function monthAfter({ year, month, firstDay, length }: Month): Month {
  return month === 11 ? monthFrom(year + 1, 0, firstDay + length) : monthFrom(year, month + 1, firstDay + length);
}

function monthFrom(year: number, month: number, firstDay: number): Month {
  // 1970-01-01 was a Thursday.
  return { year, month, firstDay, weekday: (((firstDay + 4) % 7) + 7) % 7, length: lengthOf(year, month) };
}

function lengthOf(year: number, month: number): number {
  if (month === 1) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 3 || month === 5 || month === 8 || month === 10 ? 30 : 31;
}
