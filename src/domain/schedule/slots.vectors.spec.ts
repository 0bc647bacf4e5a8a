import { countSlots, defineSchedule, type AnchoredSchedule, preview, previousSlot } from '.';

/** [pattern, zone, after, slots]; instants in UTC without their Z. */
type Vector = readonly [pattern: string, zone: string, after: string, slots: readonly string[]];

const berlin = 'Europe/Berlin';
const newYork = 'America/New_York';
const lordHowe = 'Australia/Lord_Howe';
const saoPaulo = 'America/Sao_Paulo';
const casablanca = 'Africa/Casablanca';
const apia = 'Pacific/Apia';

const vectors: readonly (readonly [title: string, ...of: Vector[]])[] = [
  [
    'a gap gives one slot right after it',
    ['30 2 * * *', berlin, '2026-03-28T12:00', ['2026-03-29T01:00', '2026-03-30T00:30']],
  ],
  [
    'a fold gives the first occurrence',
    ['0 30 2 * * *', berlin, '2026-10-24T12:00', ['2026-10-25T00:30', '2026-10-26T01:30']],
  ],
  [
    'a list in a gap is one slot, beside the regular ones',
    [
      '15,45 1-3 * * *',
      berlin,
      '2026-03-28T23:30',
      ['2026-03-29T00:15', '2026-03-29T00:45', '2026-03-29T01:00', '2026-03-29T01:15', '2026-03-29T01:45'],
    ],
  ],
  [
    'a list in a fold is taken once',
    [
      '15,45 1-3 * * *',
      berlin,
      '2026-10-24T23:30',
      [
        '2026-10-24T23:45',
        '2026-10-25T00:15',
        '2026-10-25T00:45',
        '2026-10-25T02:15',
        '2026-10-25T02:45',
        '2026-10-26T00:15',
      ],
    ],
  ],
  [
    'a wildcard keeps its pace through fold and gap',
    [
      '*/15 * * * *',
      berlin,
      '2026-10-25T00:40',
      ['00:45', '01:00', '01:15', '01:30', '01:45', '02:00'].map((t) => `2026-10-25T${t}`),
    ],
    ['*/15 * * * *', berlin, '2026-03-29T00:40', ['00:45', '01:00', '01:15'].map((t) => `2026-03-29T${t}`)],
  ],
  [
    'an hourly pattern keeps its pace',
    ['0 * * * *', newYork, '2026-11-01T04:30', ['05:00', '06:00', '07:00', '08:00'].map((t) => `2026-11-01T${t}`)],
  ],
  [
    'every second hour follows the wall clock',
    ['0 */2 * * *', berlin, '2026-03-28T22:30', ['2026-03-28T23:00', '2026-03-29T02:00', '2026-03-29T04:00']],
    [
      '0 */2 * * *',
      berlin,
      '2026-10-24T21:30',
      ['2026-10-24T22:00', '2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T03:00'],
    ],
  ],
  [
    'the same in New York',
    ['30 1 * * *', newYork, '2026-10-31T12:00', ['2026-11-01T05:30', '2026-11-02T06:30']],
    ['30 2 * * *', newYork, '2026-03-07T12:00', ['2026-03-08T07:00', '2026-03-09T06:30']],
  ],
  [
    'gap and fold of half an hour',
    ['15 2 * * *', lordHowe, '2026-10-03T12:00', ['2026-10-03T15:30', '2026-10-04T15:15']],
    ['45 1 * * *', lordHowe, '2026-04-04T12:00', ['2026-04-04T14:45', '2026-04-05T15:15']],
  ],
  [
    'an hourly pattern on half an hour',
    ['0 * * * *', lordHowe, '2026-10-03T14:00', ['14:30', '16:00', '17:00'].map((t) => `2026-10-03T${t}`)],
  ],
  [
    'a gap from midnight, a fold over it',
    ['0 0 * * *', saoPaulo, '2018-11-03T12:00', ['2018-11-04T03:00', '2018-11-05T02:00']],
    ['30 23 * * *', saoPaulo, '2018-02-17T12:00', ['2018-02-18T01:30', '2018-02-19T02:30']],
  ],
  [
    'the summer time that Ramadan interrupts',
    ['30 2 * * *', casablanca, '2026-02-14T12:00', ['2026-02-15T01:30', '2026-02-16T02:30']],
    ['30 2 * * *', casablanca, '2026-03-21T12:00', ['2026-03-22T02:00', '2026-03-23T01:30']],
  ],
  [
    'a day that does not exist',
    ['30 2 * * *', apia, '2011-12-29T09:00', ['2011-12-29T12:30', '2011-12-30T10:00', '2011-12-30T12:30']],
    ['0 * * * *', apia, '2011-12-30T08:30', ['09:00', '10:00', '11:00'].map((t) => `2011-12-30T${t}`)],
  ],
  [
    'a gap that ends at midnight',
    ['30 23 * * *', 'America/Nuuk', '2026-03-28T12:00', ['2026-03-29T01:00', '2026-03-30T00:30']],
  ],
  [
    'midnight in Havana, Cairo and Kathmandu',
    ['0 0 * * *', 'America/Havana', '2026-10-31T12:00', ['2026-11-01T04:00', '2026-11-02T05:00']],
    ['0 0 * * *', 'Africa/Cairo', '2026-04-23T12:00', ['2026-04-23T22:00', '2026-04-24T21:00']],
    ['0 0 * * *', 'Asia/Kathmandu', '2026-06-01T00:00', ['2026-06-01T18:15']],
  ],
  [
    'the last day, and the last Friday',
    ['0 9 L * *', berlin, '2026-02-01T00:00', ['2026-02-28T08:00', '2026-03-31T07:00', '2026-04-30T07:00']],
    ['0 9 * * 5L', berlin, '2026-03-01T00:00', ['2026-03-27T08:00', '2026-04-24T07:00']],
  ],
  [
    'the first Monday, and nearest weekdays',
    ['0 9 * * MON#1', newYork, '2026-10-01T00:00', ['2026-10-05T13:00', '2026-11-02T14:00']],
    ['0 9 15W * *', berlin, '2026-02-01T00:00', ['2026-02-16T08:00', '2026-03-16T08:00', '2026-04-15T07:00']],
    ['0 9 1W * *', 'UTC', '2026-07-15T00:00', ['2026-08-03T09:00']],
  ],
  [
    'either of two restricted days',
    ['0 0 13 * FRI', 'UTC', '2026-03-10T00:00', ['2026-03-13T00:00', '2026-03-20T00:00', '2026-03-27T00:00']],
  ],
  ['a leap day across 2100', ['0 0 29 2 *', 'UTC', '2096-03-01T00:00', ['2104-02-29T00:00']]],
];

const instant = (text: string) => Date.parse(`${text}:00Z`);
const text = (at: number) => new Date(at).toISOString().slice(0, 16);

describe.each(vectors.map(([title, ...of], i) => [i + 1, title, of] as const))('vector %i: %s', (_, _title, of) => {
  it.each(of)('%s in %s after %s', (pattern, zone, after, slots) => {
    const defined = defineSchedule({ kind: 'cron', pattern, zone }, instant(after));
    if (!defined.ok) throw new Error(defined.refusal.rule);
    const anchored: AnchoredSchedule = { schedule: defined.value, anchor: instant(after) };
    expect(preview(anchored, instant(after), slots.length).map(text)).toEqual(slots);

    const backwards: number[] = [];
    let before: number | null = instant(slots[slots.length - 1]) + 1;
    while (backwards.length < slots.length && (before = previousSlot(anchored, before)) !== null)
      backwards.unshift(before);
    expect(backwards.map(text)).toEqual(slots);
    expect(countSlots(anchored, instant(after), instant(slots[slots.length - 1]))).toBe(slots.length);
  });
});

it('vector 19: refuses a day that never comes', () => {
  const defined = defineSchedule({ kind: 'cron', pattern: '0 0 31 2 *' });
  expect(defined).toMatchObject({ ok: false, refusal: { code: 'never-fires', field: 'schedule.pattern' } });
});
