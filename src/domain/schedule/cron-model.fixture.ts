import fc from 'fast-check';
import type { WallClockRule } from './wall-clock.fixture';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** A pattern whose meaning is known without a parser. */
export interface Model {
  readonly text: string;
  readonly days: 'either' | 'both';
  readonly fixed: boolean;
  readonly seconds: readonly number[];
  readonly minute: Field;
  readonly hour: Field;
  readonly dayOfMonth: DayField;
  readonly month: Field;
  readonly dayOfWeek: DayField;
}
interface Field {
  readonly text: string;
  readonly holds: (value: number) => boolean;
}
interface DayField {
  readonly text: string;
  readonly holds: (day: Day) => boolean;
}
export interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const any: Field = { text: '*', holds: () => true };

function field(from: number, to: number): fc.Arbitrary<Field> {
  const value = fc.integer({ min: from, max: to });
  const list = fc
    .uniqueArray(value, { minLength: 1, maxLength: 4 })
    .map((values): Field => ({ text: values.join(','), holds: (v) => values.includes(v) }));
  const range = fc
    .tuple(value, value)
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)])
    .map(([a, b]): Field => ({ text: `${a}-${b}`, holds: (v) => a <= v && v <= b }));
  const step = fc
    .integer({ min: 1, max: to - from + 1 })
    .map((n): Field => ({ text: `*/${n}`, holds: (v) => (v - from) % n === 0 }));
  const stepped = fc.tuple(value, value, fc.integer({ min: 1, max: 5 })).map(([a, b, n]): Field => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    return { text: `${low}-${high}/${n}`, holds: (v) => low <= v && v <= high && (v - low) % n === 0 };
  });
  return fc.oneof({ weight: 3, arbitrary: list }, range, step, stepped, fc.constant(any));
}

const lengthOf = ({ year, month }: Day) => new Date(Date.UTC(year, month, 0)).getUTCDate();
const weekdayOf = ({ year, month, day }: Day) => new Date(Date.UTC(year, month - 1, day)).getUTCDay();
const isWorkday = (day: Day) => weekdayOf(day) % 6 !== 0;

/** The workday of the month with the smallest distance; a weekend has one on its one side, at a month's edge on the other. */
function nearestWorkday(wanted: Day): number {
  for (const distance of [0, -1, 1, 2, -2]) {
    const day = { ...wanted, day: wanted.day + distance };
    if (day.day >= 1 && day.day <= lengthOf(day) && isWorkday(day)) return day.day;
  }
  return NaN;
}

const dayOfMonth: fc.Arbitrary<DayField> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ text: '*', holds: () => true }) },
  { weight: 2, arbitrary: field(1, 31).map(({ text, holds }) => ({ text, holds: ({ day }: Day) => holds(day) })) },
  fc.constant<DayField>({ text: 'L', holds: (d) => d.day === lengthOf(d) }),
  fc.constant<DayField>({ text: 'LW', holds: (d) => d.day === nearestWorkday({ ...d, day: lengthOf(d) }) }),
  fc.integer({ min: 1, max: 31 }).map((n): DayField => ({
    text: `${n}W`,
    holds: (d) => n <= lengthOf(d) && d.day === nearestWorkday({ ...d, day: n }),
  })),
);

const weekday = fc.integer({ min: 0, max: 6 });
const dayOfWeek: fc.Arbitrary<DayField> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ text: '*', holds: () => true }) },
  { weight: 2, arbitrary: field(0, 6).map(({ text, holds }) => ({ text, holds: (d: Day) => holds(weekdayOf(d)) })) },
  fc
    .tuple(weekday, fc.integer({ min: 1, max: 5 }))
    .map(([w, n]): DayField => ({ text: `${w}#${n}`, holds: (d) => weekdayOf(d) === w && Math.ceil(d.day / 7) === n })),
  weekday.map((w): DayField => ({ text: `${w}L`, holds: (d) => weekdayOf(d) === w && d.day > lengthOf(d) - 7 })),
);

export const model: fc.Arbitrary<Model> = fc
  .record({
    seconds: fc.oneof(
      fc.constant([0]),
      fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 3 }),
    ),
    minute: field(0, 59),
    hour: field(0, 23),
    dayOfMonth,
    month: fc.oneof({ weight: 6, arbitrary: fc.constant(any) }, field(1, 12)),
    dayOfWeek,
    days: fc.constantFrom('either' as const, 'both' as const),
  })
  .map((m) => ({
    ...m,
    seconds: m.seconds.toSorted((a, b) => a - b),
    text: [m.seconds.join(','), m.minute.text, m.hour.text, m.dayOfMonth.text, m.month.text, m.dayOfWeek.text].join(
      ' ',
    ),
    fixed: !/[*/]/.test(m.minute.text + m.hour.text),
  }));

function matchesDay(m: Model, dayNumber: number): boolean {
  const date = new Date(dayNumber * 24 * HOUR);
  const day = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
  if (!m.month.holds(day.month)) return false;
  const [inMonth, inWeek] = [m.dayOfMonth.holds(day), m.dayOfWeek.holds(day)];
  if (m.dayOfMonth.text === '*' || m.dayOfWeek.text === '*' || m.days === 'both') return inMonth && inWeek;
  return inMonth || inWeek;
}

/** The same pattern for the clock on the wall. */
export function ruleOf(m: Model): WallClockRule {
  const days = new Map<number, boolean>();
  const ofDay = Array.from({ length: 24 * 60 }, (_, i) => m.minute.holds(i % 60) && m.hour.holds(Math.floor(i / 60)));
  const holds = (wall: number): boolean => {
    if (!ofDay[(wall / MINUTE) % (24 * 60)]) return false;
    const day = Math.floor(wall / (24 * HOUR));
    if (!days.has(day)) days.set(day, matchesDay(m, day));
    return days.get(day) === true;
  };
  return { fixed: m.fixed, seconds: m.seconds, holds };
}
