import fc from 'fast-check';
import {
  countSlots,
  defineSchedule,
  isSlot,
  nextSlot,
  preview,
  previousSlot,
  slotsBetween,
  type CalendarInput,
} from '.';
import { oracle, stretch, transitions } from './wall-clock.fixture';

const DAY = 86_400_000;
const MINUTE = 60_000;
const instant = (text: string) => Date.parse(`${text}Z`);
const text = (at: number) => new Date(at).toISOString().slice(0, 16);

function anchored(input: Omit<CalendarInput, 'kind'>, anchor: number) {
  const defined = defineSchedule({ kind: 'calendar', ...input });
  if (!defined.ok) throw new Error(`${defined.refusal.field}: ${defined.refusal.rule}`);
  return { schedule: defined.value, anchor };
}

describe('a calendar schedule', () => {
  it.each<[title: string, Omit<CalendarInput, 'kind'>, after: string, slots: readonly string[]]>([
    [
      'counts days from the day on which it is defined',
      { every: 'P3D', at: '09:00' },
      '2026-03-01T12:00',
      ['2026-03-04T09:00', '2026-03-07T09:00', '2026-03-10T09:00'],
    ],
    [
      'counts them from an origin, past or to come',
      { every: 'P3D', at: '09:00', origin: '2026-04-02' },
      '2026-03-01T12:00',
      ['2026-03-03T09:00', '2026-03-06T09:00'],
    ],
    [
      'keeps the weekday of weeks without weekdays',
      { every: 'P2W', origin: '2026-03-05', at: '08:00' },
      '2026-03-05T08:00',
      ['2026-03-19T08:00', '2026-04-02T08:00'],
    ],
    [
      'takes the weekdays of every other week',
      { every: 'P2W', weekdays: ['THU', 'MON'], origin: '2026-03-04' },
      '2026-03-01T12:00',
      ['2026-03-02T00:00', '2026-03-05T00:00', '2026-03-16T00:00', '2026-03-19T00:00'],
    ],
    [
      'counts months from the origin: a short one does not shorten those after it',
      { every: 'P1M', origin: '2026-01-31', at: '09:00' },
      '2026-01-31T09:00',
      ['2026-02-28T09:00', '2026-03-31T09:00', '2026-04-30T09:00'],
    ],
    [
      'skips them before an origin that is to come, too',
      { every: 'P2M', day: 31, missing: 'skip', origin: '2027-01-15' },
      '2026-03-01T12:00',
      ['2026-03-31T00:00', '2026-05-31T00:00', '2026-07-31T00:00', '2027-01-31T00:00', '2027-03-31T00:00'],
    ],
    [
      'skips the months that lack the day, if told so',
      { every: 'P1M', day: 31, missing: 'skip' },
      '2026-01-31T09:00',
      ['2026-03-31T00:00', '2026-05-31T00:00', '2026-07-31T00:00', '2026-08-31T00:00', '2026-10-31T00:00'],
    ],
    [
      'knows the last day of every quarter',
      { every: 'P3M', day: 'last', origin: '2026-03-01', at: '18:00' },
      '2025-10-01T00:00',
      ['2025-12-31T18:00', '2026-03-31T18:00', '2026-06-30T18:00', '2026-09-30T18:00'],
    ],
    [
      'gives a 29 February to every year',
      { every: 'P1Y', origin: '2024-02-29' },
      '2096-03-01T00:00',
      ['2097-02-28T00:00', '2098-02-28T00:00', '2099-02-28T00:00', '2100-02-28T00:00', '2101-02-28T00:00'],
    ],
    [
      'or to leap years alone, across 2100',
      { every: 'P1Y', origin: '2024-02-29', missing: 'skip' },
      '2092-03-01T00:00',
      ['2096-02-29T00:00', '2104-02-29T00:00'],
    ],
    [
      'moves a time that a gap swallows to its end',
      { every: 'P1D', at: '02:30', zone: 'Europe/Berlin' },
      '2026-03-28T12:00',
      ['2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'takes the first of two equal times',
      { every: 'P1D', at: '02:30', zone: 'Europe/Berlin' },
      '2026-10-24T12:00',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'moves a day that does not exist to the next',
      { every: 'P1M', day: 30, at: '12:00', zone: 'Pacific/Apia' },
      '2011-12-01T00:00',
      ['2011-12-30T10:00', '2012-01-29T22:00', '2012-02-28T22:00'],
    ],
    [
      'has its days where the zone has them',
      { every: 'P2D', at: '23:30', zone: 'America/New_York' },
      '2026-06-02T03:00',
      ['2026-06-02T03:30', '2026-06-04T03:30'],
    ],
  ])('%s', (_title, input, after, slots) => {
    const schedule = anchored(input, instant(after));
    expect(preview(schedule, instant(after), slots.length).map(text)).toEqual(slots);
    expect(countSlots(schedule, instant(after), instant(slots[slots.length - 1]))).toBe(slots.length);
  });

  it('counts from the day of its start', () => {
    const schedule = defineSchedule({ kind: 'calendar', every: 'P1M', start: '2026-01-31T00:00Z' });
    if (!schedule.ok) throw new Error(schedule.refusal.rule);
    const found = preview(
      { schedule: schedule.value, anchor: instant('2025-06-15T00:00') },
      instant('2025-06-15T00:00'),
      3,
    );
    expect(found.map(text)).toEqual(['2026-01-31T00:00', '2026-02-28T00:00', '2026-03-31T00:00']);
  });

  it('is counted over thousands of years in closed form', () => {
    const to = instant('9999-12-31T23:59');
    const count = (input: Omit<CalendarInput, 'kind'>) => countSlots(anchored(input, 0), -1, to);
    expect(count({ every: 'P1D' })).toBe(Math.floor(to / DAY) + 1);
    expect(count({ every: 'P1M', day: 'last' })).toBe(8_030 * 12);
    // 1972 … 9996 in fours, less the centuries that are no leap years.
    expect(count({ every: 'P1Y', origin: '1972-02-29', missing: 'skip' })).toBe(2_007 - 60);
    expect(count({ every: 'P7M', day: 31, missing: 'skip', origin: '1970-01-31' })).toBe(
      Array.from({ length: Math.ceil((8_030 * 12) / 7) }, (_, i) =>
        new Date(Date.UTC(1970, i * 7 + 1, 0)).getUTCDate(),
      ).filter((length) => length === 31).length,
    );
  });
});

const calendar: fc.Arbitrary<Omit<CalendarInput, 'kind'>> = fc
  .record({
    count: fc.integer({ min: 1, max: 13 }),
    unit: fc.constantFrom('D', 'W', 'WD', 'M', 'Y'),
    weekdays: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }),
    day: fc.oneof(fc.constant(undefined), fc.constant('last' as const), fc.integer({ min: 1, max: 31 })),
    missing: fc.constantFrom('last' as const, 'skip' as const),
    origin: fc.integer({ min: 10_000, max: 30_000 }).map((day) => new Date(day * DAY).toISOString().slice(0, 10)),
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
  })
  .map(({ count, unit, weekdays, day, missing, origin, hour, minute }) => {
    const at = [hour, minute].map((part) => String(part).padStart(2, '0')).join(':');
    const months = unit === 'M' || unit === 'Y' ? { day, missing } : {};
    return { every: `P${count}${unit[0]}`, at, origin, ...(unit === 'WD' && { weekdays }), ...months };
  });

/** The dates of a schedule between two days, one period after the other from the origin on. */
function dates(input: Omit<CalendarInput, 'kind'>, first: number, last: number): Set<number> {
  const [, count, unit] = /^P(\d+)(.)$/.exec(input.every)!;
  const origin = new Date(`${input.origin}T00:00Z`);
  const found = new Set<number>();
  const add = (at: number | null) => at !== null && at / DAY >= first && at / DAY <= last && found.add(at / DAY);
  const step = Number(count) * (unit === 'Y' ? 12 : unit === 'W' ? 7 : 1);
  const around = Math.ceil(30_000 / (unit === 'M' || unit === 'Y' ? 28 : 1) / step) + 1;
  for (let i = -around; i <= around; i++) {
    if (unit === 'D' || (unit === 'W' && input.weekdays === undefined)) add(origin.getTime() + i * step * DAY);
    else if (unit === 'W') {
      const monday = origin.getTime() - ((origin.getUTCDay() + 6) % 7) * DAY;
      input.weekdays!.forEach((weekday) => add(monday + (i * step + Number(weekday) - 1) * DAY));
    } else {
      const [year, month] = [origin.getUTCFullYear(), origin.getUTCMonth() + i * step];
      const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
      const wanted = input.day === 'last' ? length : (input.day ?? origin.getUTCDate());
      if (wanted <= length || input.missing === 'last') add(Date.UTC(year, month, Math.min(wanted, length)));
    }
  }
  return found;
}

describe('any calendar schedule', () => {
  const stretches = transitions.map(([zone, around]) => stretch(zone, around));

  it('has the slots of the clock on the wall at every transition', () => {
    let some = 0;
    fc.assert(
      fc.property(calendar, fc.constantFrom(...stretches), fc.integer({ min: -2, max: 2 }), (input, where, shift) => {
        // Near the transition, so that most of them have a slot there.
        const origin = new Date(where.from + (1 + shift) * DAY).toISOString().slice(0, 10);
        const near = { ...input, origin, zone: where.zone };
        const defined = defineSchedule({ kind: 'calendar', ...near });
        if (!defined.ok) return expect(defined.refusal.code).toBe('never-fires');
        const [first, last] = [where.walls[0], where.walls.at(-1)!].map((wall) => Math.floor(wall / DAY));
        const days = dates(near, first, last);
        const [hour, minute] = near.at!.split(':').map(Number);
        const time = (hour * 60 + minute) * MINUTE;
        const holds = (wall: number) => wall % DAY === time && days.has(Math.floor(wall / DAY));
        const expected = oracle({ fixed: true, seconds: [0], holds }, where);
        const schedule = { schedule: defined.value, anchor: 0 };
        const [from, to] = [where.from - 1, where.from + where.walls.length * MINUTE - 1];
        expect(slotsBetween(schedule, from, to, 100)).toEqual(expected);
        expect(countSlots(schedule, from, to)).toBe(expected.length);
        some += expected.length;
      }),
      { numRuns: 800 },
    );
    expect(some).toBeGreaterThan(200);
  });

  it('has increasing slots, the same backwards, none between two of them, and as many as it counts', () => {
    const zone = fc.constantFrom(...new Set(transitions.map(([name]) => name)));
    const at = fc.integer({ min: Date.UTC(1975, 0, 1), max: Date.UTC(2060, 0, 1) });
    const part = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    fc.assert(
      fc.property(calendar, zone, at, part, (input, where, after, more) => {
        const defined = defineSchedule({ kind: 'calendar', ...input, zone: where });
        if (!defined.ok) return expect(defined.refusal.code).toBe('never-fires');
        const schedule = { schedule: defined.value, anchor: 0 };
        const slots = preview(schedule, after, 5);
        slots.forEach((slot, i) => {
          const before = i === 0 ? after : slots[i - 1];
          expect(slot).toBeGreaterThan(before);
          expect(nextSlot(schedule, before)).toBe(slot);
          if (i === 0) return;
          expect(previousSlot(schedule, slot)).toBe(before);
          const between = before + 1 + Math.floor(more * (slot - before - 1));
          expect(isSlot(schedule, between)).toBe(between === slot);
          expect(countSlots(schedule, after, slot)).toBe(i + 1);
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe('calendar schedules that differ in one thing only', () => {
  const anchor = instant('2026-03-01T12:00');
  const origin = '2026-02-10';
  const first = (input: Omit<CalendarInput, 'kind'>) => text(nextSlot(anchored({ origin, ...input }, anchor), anchor)!);

  it.each<
    [thing: string, one: Omit<CalendarInput, 'kind'>, other: Omit<CalendarInput, 'kind'>, slots: [string, string]]
  >([
    ['every', { every: 'P5D' }, { every: 'P7D' }, ['2026-03-02T00:00', '2026-03-03T00:00']],
    ['unit', { every: 'P2D' }, { every: 'P2M' }, ['2026-03-02T00:00', '2026-04-10T00:00']],
    [
      'unit, without an origin',
      { every: 'P2D', origin: undefined },
      { every: 'P2M', origin: undefined },
      ['2026-03-03T00:00', '2026-05-01T00:00'],
    ],
    [
      'weekdays',
      { every: 'P2W', weekdays: ['TUE'] },
      { every: 'P2W', weekdays: ['FRI'] },
      ['2026-03-10T00:00', '2026-03-13T00:00'],
    ],
    ['day', { every: 'P2M', day: 5 }, { every: 'P2M', day: 20 }, ['2026-04-05T00:00', '2026-04-20T00:00']],
    [
      'missing',
      { every: 'P2M', day: 31, missing: 'last' },
      { every: 'P2M', day: 31, missing: 'skip' },
      ['2026-04-30T00:00', '2026-08-31T00:00'],
    ],
    ['at', { every: 'P9D', at: '01:00' }, { every: 'P9D', at: '02:00' }, ['2026-03-09T01:00', '2026-03-09T02:00']],
    [
      'origin',
      { every: 'P11D', origin: '2026-02-10' },
      { every: 'P11D', origin: '2026-02-11' },
      ['2026-03-04T00:00', '2026-03-05T00:00'],
    ],
  ])('have slots of their own: %s', (_, one, other, slots) => {
    expect([first(one), first(other)]).toEqual(slots);
  });
});

it('a calendar schedule takes a time of day to the second', () => {
  const schedule = anchored({ every: 'P1D', at: '09:30:45' }, instant('2026-03-01T00:00'));
  expect(preview(schedule, instant('2026-03-01T09:30:44'), 2)).toEqual([
    instant('2026-03-01T09:30:45'),
    instant('2026-03-02T09:30:45'),
  ]);
});

describe('slots are counted as they are listed', () => {
  it('up to an instant at which the clock shows a time for the second time', () => {
    const schedule = anchored({ every: 'P1D', at: '02:30', zone: 'Europe/Berlin' }, instant('2026-10-01T00:00'));
    const from = instant('2026-10-20T00:00');
    // 02:00 to 03:00 is shown from 00:00Z on and again from 01:00Z on.
    for (let to = instant('2026-10-24T22:00'); to <= instant('2026-10-25T04:00'); to += 5 * MINUTE) {
      expect(countSlots(schedule, from, to)).toBe(slotsBetween(schedule, from, to, 100).length);
    }
  });
});
