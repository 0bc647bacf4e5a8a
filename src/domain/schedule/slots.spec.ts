import fc from 'fast-check';
import {
  countSlots,
  defineSchedule,
  isSlot,
  nextSlot,
  preview,
  previousSlot,
  slotsBetween,
  type ScheduleInput,
} from '.';

const instant = (text: string) => Date.parse(text);
const anchor = instant('2026-03-01T12:00:00Z');
const second = 1_000;
const hour = 3_600_000;

function anchored(input: ScheduleInput, at = anchor) {
  const defined = defineSchedule(input);
  if (!defined.ok) throw new Error(defined.refusal.rule);
  return { schedule: defined.value, anchor: at };
}

describe('a schedule of kind once', () => {
  it('has its slot at its instant', () => {
    const once = anchored({ kind: 'once', at: anchor + 5 });
    expect([nextSlot(once, anchor), nextSlot(once, anchor + 4), nextSlot(once, anchor + 5)]).toEqual([
      anchor + 5,
      anchor + 5,
      null,
    ]);
    expect([previousSlot(once, anchor + 5), previousSlot(once, anchor + 6)]).toEqual([null, anchor + 5]);
    expect([countSlots(once, anchor, anchor + 4), countSlots(once, anchor, anchor + 5)]).toEqual([0, 1]);
  });

  it('as soon as possible has it at the anchor, or at a later start', () => {
    expect(nextSlot(anchored({ kind: 'once' }), anchor - 1)).toBe(anchor);
    expect(nextSlot(anchored({ kind: 'once', start: anchor + hour }), anchor)).toBe(anchor + hour);
    expect(nextSlot(anchored({ kind: 'once', start: anchor - hour }), anchor - 1)).toBe(anchor);
  });
});

describe('a schedule of kind interval', () => {
  it('has its slots a whole number of intervals from the anchor, the start or the origin', () => {
    expect(preview(anchored({ kind: 'interval', every: 'PT1H' }), anchor, 2)).toEqual([
      anchor + hour,
      anchor + 2 * hour,
    ]);
    const started = anchored({ kind: 'interval', every: 'PT1H', start: anchor + 7 });
    expect(preview(started, anchor, 2)).toEqual([anchor + 7, anchor + hour + 7]);
    expect(preview(anchored({ kind: 'interval', every: 'PT1H', origin: 90_000 }), anchor, 1)).toEqual([
      anchor + 90_000,
    ]);
    const future = anchored({ kind: 'interval', every: 'PT1H', origin: anchor + 10 * hour + 1 });
    expect(preview(future, anchor, 1)).toEqual([anchor + 1]);
  });

  it('goes backwards and counts by arithmetic', () => {
    const everyMs = anchored({ kind: 'interval', every: 1 });
    const year = 365 * 24 * hour;
    expect(countSlots(everyMs, anchor, anchor + year)).toBe(year);
    expect(previousSlot(everyMs, anchor + year)).toBe(anchor + year - 1);
    const every7 = anchored({ kind: 'interval', every: 7 });
    expect([previousSlot(every7, anchor + 7), previousSlot(every7, anchor + 8)]).toEqual([anchor, anchor + 7]);
    expect([countSlots(every7, anchor, anchor + 6), countSlots(every7, anchor, anchor + 7)]).toEqual([0, 1]);
  });
});

describe('an aligned interval', () => {
  const at = instant('2026-03-05T12:07:00Z');
  const first = (every: string | number, more: object = {}) =>
    preview(anchored({ kind: 'interval', every, aligned: true, ...more }, at), at, 2).map((slot) =>
      new Date(slot).toISOString().slice(0, 16),
    );

  it('begins where the clock does, and the week on Monday', () => {
    expect(first('PT15M')).toEqual(['2026-03-05T12:15', '2026-03-05T12:30']);
    expect(first('PT8H')).toEqual(['2026-03-05T16:00', '2026-03-06T00:00']);
    expect(first('P1D')).toEqual(['2026-03-06T00:00', '2026-03-07T00:00']);
    expect(first('P1W')).toEqual(['2026-03-09T00:00', '2026-03-16T00:00']);
    // No whole number of them is a day: they are counted on, over midnight.
    expect(first('PT7H')).toEqual(['2026-03-05T19:00', '2026-03-06T02:00']);
  });

  it('stays so with a start, which is no origin then', () => {
    expect(first('PT1H', { start: at })).toEqual(['2026-03-05T13:00', '2026-03-05T14:00']);
  });
});

describe('any interval', () => {
  it('has slots that increase, the same backwards, none between two of them, and as many as it counts', () => {
    const ms = fc.integer({ min: 1, max: 400_000_000 });
    const any = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
    fc.assert(
      fc.property(
        ms,
        any,
        any,
        fc.constantFrom('origin', 'start', 'anchor', 'aligned'),
        fc.nat(),
        (every, from, after, by, part) => {
          const more = by === 'aligned' ? { aligned: true } : by === 'anchor' ? {} : { [by]: from };
          const schedule = anchored({ kind: 'interval', every, ...more }, from);
          const slots = preview(schedule, after, 5);
          slots.forEach((slot, i) => {
            const before = i === 0 ? after : slots[i - 1];
            expect(slot).toBeGreaterThan(before);
            if (i === 0) return;
            expect(slot - before).toBe(every);
            expect([nextSlot(schedule, before), previousSlot(schedule, slot)]).toEqual([slot, before]);
            const between = before + 1 + (part % every);
            expect(isSlot(schedule, between)).toBe(between === slot);
            expect(countSlots(schedule, after, slot)).toBe(i + 1);
          });
        },
      ),
    );
  });
});

describe('bounds', () => {
  const start = anchor + 2 * hour;
  const end = anchor + 5 * hour;
  const bounded = anchored({ kind: 'cron', pattern: '@hourly', start, end });

  it('include the start and exclude the end', () => {
    const slots = [start, start + hour, start + 2 * hour];
    expect(preview(bounded, anchor, 10)).toEqual(slots);
    expect(slotsBetween(bounded, 0, end + hour, 10)).toEqual(slots);
    expect(countSlots(bounded, 0, end + hour)).toBe(3);
    expect(previousSlot(bounded, end + hour)).toBe(end - hour);
    expect(previousSlot(bounded, start)).toBeNull();
    expect(nextSlot(bounded, end - hour)).toBeNull();
    expect([isSlot(bounded, start - hour), isSlot(bounded, start), isSlot(bounded, end)]).toEqual([false, true, false]);
  });

  it('do not count: that is for the decider', () => {
    expect(preview(anchored({ kind: 'cron', pattern: '@hourly', maxRuns: 1 }), anchor, 3)).toHaveLength(3);
  });
});

describe('a range of time', () => {
  const hourly = anchored({ kind: 'cron', pattern: '@hourly' });

  it('excludes its beginning, includes its end, and is cut at the limit', () => {
    expect(slotsBetween(hourly, anchor, anchor + 2 * hour, 9)).toEqual([anchor + hour, anchor + 2 * hour]);
    expect(slotsBetween(hourly, anchor, anchor + 9 * hour, 1)).toEqual([anchor + hour]);
    expect(slotsBetween(hourly, anchor, anchor + 9 * hour, 0)).toEqual([]);
    expect(countSlots(hourly, anchor, anchor)).toBe(0);
    expect(countSlots(hourly, anchor + hour, anchor)).toBe(0);
  });

  it('may be without end', () => {
    expect(preview(hourly, -Infinity, 1)).toEqual([0]);
    expect(nextSlot(hourly, Infinity)).toBeNull();
    expect(previousSlot(hourly, Infinity)).toBe(instant('9999-12-31T23:00:00Z'));
    expect(nextSlot(hourly, instant('9999-12-31T23:00:00Z'))).toBeNull();
    expect(() => nextSlot(hourly, NaN)).toThrow(RangeError);
  });
});

describe('a count of missed slots', () => {
  const from = instant('2026-01-01T00:00:00Z') - 1;
  const to = instant('2036-01-01T00:00:00Z') - 1;
  const seconds = (to - from) / second;

  it('does not walk through them', () => {
    const everySecond = { kind: 'cron', pattern: '* * * * * *' } as const;
    expect(countSlots(anchored(everySecond), from, to)).toBe(seconds);
    for (const zone of ['Europe/Berlin', 'Australia/Lord_Howe', 'Africa/Casablanca']) {
      expect(countSlots(anchored({ ...everySecond, zone }), from, to)).toBe(seconds);
    }
  });

  it('takes each wall time once where the pattern is fixed', () => {
    const pattern = '0-59 0-59 0-23 * * *';
    const days = seconds / 86_400;
    // Berlin: each spring the slots of the hour that is left out become one, merged with the regular one right after it.
    const berlin = anchored({ kind: 'cron', pattern, zone: 'Europe/Berlin' });
    expect(countSlots(berlin, from, to)).toBe((days * 24 - 10) * 3_600);
    expect(countSlots(anchored({ kind: 'cron', pattern: '30 2 * * *', zone: 'Europe/Berlin' }), from, to)).toBe(days);
  });
});

it('says that zone data or pattern of a recorded schedule cannot be read here', () => {
  const { schedule } = anchored({ kind: 'cron', pattern: '@daily' });
  expect(() =>
    nextSlot({ schedule: { ...schedule, zone: 'Mars/Olympus' } as typeof schedule, anchor }, anchor),
  ).toThrow(RangeError);
  expect(() =>
    nextSlot({ schedule: { ...schedule, pattern: '0 99 * * *' } as typeof schedule, anchor }, anchor),
  ).toThrow(/./);
});

describe('the slots around an instant', () => {
  const schedules: ScheduleInput[] = [
    { kind: 'once', at: anchor },
    { kind: 'interval', every: 'PT1H' },
    { kind: 'cron', pattern: '0 12 * * *' },
    { kind: 'calendar', every: 'P1D', at: '12:00' },
  ];

  it.each(schedules)('between two milliseconds are those around it: %j', (input) => {
    const schedule = anchored(input, anchor - 24 * hour);
    expect(nextSlot(schedule, anchor - 0.5)).toBe(anchor);
    expect(previousSlot(schedule, anchor + 0.5)).toBe(anchor);
    expect(slotsBetween(schedule, anchor - 0.5, anchor + 0.5, 9)).toEqual([anchor]);
    expect(countSlots(schedule, anchor - 0.5, anchor + 0.5)).toBe(1);
    expect(countSlots(schedule, anchor + 0.25, anchor + 0.75)).toBe(0);
  });

  it.each(schedules.slice(1))('are none before the start, however near: %j', (input) => {
    const start = anchor + hour / 2;
    const schedule = anchored(input.kind === 'interval' ? { ...input, origin: anchor, start } : { ...input, start });
    expect(previousSlot(schedule, start + 1)).toBeNull();
    expect(previousSlot(schedule, start + 60 * 24 * hour)).toBeGreaterThan(start);
  });
});
