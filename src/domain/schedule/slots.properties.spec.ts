import fc from 'fast-check';
import { countSlots, defineSchedule, isSlot, nextSlot, previousSlot, slotsBetween, type AnchoredSchedule } from '.';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** A pattern whose meaning is known without a parser. */
interface Model {
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
interface Day {
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

const model: fc.Arbitrary<Model> = fc
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

/** Each minute of a stretch of time and what the clock on the wall shows, asked of Intl minute by minute. */
interface Stretch {
  readonly zone: string;
  readonly around: string;
  readonly from: number;
  readonly walls: readonly number[];
}

/** Transitions, the instants in UTC. */
const transitions: readonly (readonly [zone: string, around: string])[] = [
  ['Europe/Berlin', '2026-03-29T01:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00Z'],
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00Z'],
  ['America/Sao_Paulo', '2018-02-18T02:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00Z'],
  ['Africa/Casablanca', '2026-03-22T02:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['America/Nuuk', '2026-03-29T01:00Z'],
  ['America/Nuuk', '2026-10-25T01:00Z'],
  ['America/Havana', '2026-11-01T05:00Z'],
  ['Africa/Cairo', '2026-04-23T22:00Z'],
  ['Africa/Cairo', '2026-10-29T21:00Z'],
  ['Antarctica/Troll', '2026-03-29T01:00Z'],
  ['Antarctica/Troll', '2026-10-25T01:00Z'],
  ['Asia/Kathmandu', '1985-12-31T18:30Z'],
  ['Asia/Pyongyang', '2015-08-14T15:00Z'],
  ['Pacific/Kwajalein', '1993-08-21T12:00Z'],
  ['UTC', '2026-02-28T23:00Z'],
];

function stretch(zone: string, around: string): Stretch {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const from = Date.parse(around) - 26 * HOUR;
  const minutes = Array.from({ length: 60 * 60 }, (_, i) => from + i * MINUTE);
  return { zone, around, from, walls: minutes.map((at) => Date.parse(`${format.format(at).replace(' ', 'T')}Z`)) };
}

function matchesDay(m: Model, dayNumber: number): boolean {
  const date = new Date(dayNumber * 24 * HOUR);
  const day = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
  if (!m.month.holds(day.month)) return false;
  const [inMonth, inWeek] = [m.dayOfMonth.holds(day), m.dayOfWeek.holds(day)];
  if (m.dayOfMonth.text === '*' || m.dayOfWeek.text === '*' || m.days === 'both') return inMonth && inWeek;
  return inMonth || inWeek;
}

/** The rule in the words of the specification, minute by minute. */
function oracle(m: Model, { from, walls }: Stretch): number[] {
  const days = new Map<number, boolean>();
  const matches = (wall: number) => {
    const minutes = wall / MINUTE;
    if (!m.minute.holds(minutes % 60) || !m.hour.holds(Math.floor(minutes / 60) % 24)) return false;
    const day = Math.floor(wall / (24 * HOUR));
    if (!days.has(day)) days.set(day, matchesDay(m, day));
    return days.get(day) === true;
  };
  const slots = new Set<number>();
  let latest = walls[0] - MINUTE;
  walls.forEach((wall, i) => {
    const at = from + i * MINUTE;
    for (let swallowed = latest + MINUTE; m.fixed && swallowed < wall; swallowed += MINUTE) {
      if (matches(swallowed)) slots.add(at);
    }
    if (!(m.fixed && wall <= latest) && matches(wall)) m.seconds.forEach((second) => slots.add(at + second * 1_000));
    latest = Math.max(latest, wall);
  });
  return [...slots].sort((a, b) => a - b);
}

function anchored(m: Model, zone: string): AnchoredSchedule | null {
  const defined = defineSchedule({ kind: 'cron', pattern: m.text, zone, days: m.days });
  if (defined.ok) return { schedule: defined.value, anchor: 0 };
  expect(defined.refusal.code).toBe('never-fires');
  return null;
}

describe('cron slots and a clock on the wall', () => {
  const stretches = transitions.map(([zone, around]) => stretch(zone, around));

  it.each(transitions)('%s changes its offset at %s', (zone, around) => {
    const { walls } = stretches.find((s) => s.zone === zone && s.around === around)!;
    const changed = walls[26 * 60] - walls[26 * 60 - 1] !== MINUTE;
    expect(changed).toBe(zone !== 'UTC');
  });

  it('agree at every transition', () => {
    fc.assert(
      fc.property(model, fc.constantFrom(...stretches), (m, where) => {
        const schedule = anchored(m, where.zone);
        const expected = oracle(m, where);
        if (schedule === null) return expect(expected).toEqual([]);
        const [from, to] = [where.from - 1, where.from + where.walls.length * MINUTE - 1];
        // Compared as texts: a deep comparison of thousands of numbers is slow.
        const text = (slots: readonly number[]) => slots.join('\n');
        expect(text(slotsBetween(schedule, from, to, Infinity))).toBe(text(expected));
        expect(countSlots(schedule, from, to)).toBe(expected.length);
        const backwards: number[] = [];
        for (let at = previousSlot(schedule, to + 1); at !== null && at > from; at = previousSlot(schedule, at)) {
          backwards.push(at);
        }
        expect(text(backwards.reverse())).toBe(text(expected));
      }),
      { numRuns: 800 },
    );
  });
});

describe('any cron schedule', () => {
  const zone = fc.constantFrom(...new Set(transitions.map(([name]) => name)));
  const instant = fc.integer({ min: Date.UTC(1971, 0, 1), max: Date.UTC(2150, 0, 1) });

  const property = (check: (schedule: AnchoredSchedule, at: number, more: number) => void, numRuns: number) =>
    fc.assert(
      fc.property(
        model,
        zone,
        instant,
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (m, where, at, more) => {
          const schedule = anchored(m, where);
          if (schedule !== null) check(schedule, at, more);
        },
      ),
      { numRuns },
    );

  it('has strictly increasing slots, each after the instant asked about', () => {
    property((schedule, at) => {
      let last = at;
      for (const slot of slotsBetween(schedule, at, Date.UTC(9999, 0, 1), 20)) {
        expect(slot).toBeGreaterThan(last);
        expect(nextSlot(schedule, last)).toBe(slot);
        last = slot;
      }
      expect(last).toBeGreaterThan(at);
    }, 300);
  });

  it('finds the same slots backwards, and none between two neighbours', () => {
    property((schedule, at, more) => {
      const first = nextSlot(schedule, at)!;
      const second = nextSlot(schedule, first)!;
      expect(previousSlot(schedule, second)).toBe(first);
      expect(previousSlot(schedule, first + 1)).toBe(first);
      expect(previousSlot(schedule, first) ?? -1).toBeLessThanOrEqual(at);
      const between = first + Math.floor(more * (second - first));
      expect(nextSlot(schedule, between)).toBe(second);
      expect(isSlot(schedule, between)).toBe(between === first);
      expect(isSlot(schedule, second)).toBe(true);
    }, 600);
  });

  it('counts what it enumerates', () => {
    property((schedule, at, more) => {
      const to = at + Math.floor(more ** 8 * 1_000 * 24 * HOUR);
      const slots = slotsBetween(schedule, at, to, 20_000);
      fc.pre(slots.length < 20_000);
      expect(countSlots(schedule, at, to)).toBe(slots.length);
    }, 400);
  });
});
