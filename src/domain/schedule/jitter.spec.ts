import fc from 'fast-check';
import { countSlots, defineSchedule, dueTime, nextSlot, preview, type ScheduleInput } from '.';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const anchor = Date.parse('2026-03-01T12:00:00Z');

function anchored(input: ScheduleInput) {
  const defined = defineSchedule(input);
  if (!defined.ok) throw new Error(defined.refusal.rule);
  return { schedule: defined.value, anchor };
}

describe('jitter', () => {
  const schedules: fc.Arbitrary<ScheduleInput> = fc.oneof(
    fc.record({ kind: fc.constant('interval' as const), every: fc.integer({ min: 1, max: 5 * HOUR }) }),
    fc.record({
      kind: fc.constant('cron' as const),
      pattern: fc.constantFrom('* * * * * *', '*/5 * * * *', '30 2 * * *', '0,1 2 * * *', '15,45 1-3 * * *'),
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
    }),
    fc.constant({ kind: 'calendar' as const, every: 'P1M', day: 'last' as const }),
  );
  const jitter = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 48 * HOUR }));

  it('never moves a slot before its instant, past its bound, or to the next slot', () => {
    const after = fc.integer({ min: anchor, max: anchor + 400 * 24 * HOUR });
    fc.assert(
      fc.property(schedules, jitter, after, fc.string(), (input, ms, at, jobId) => {
        const schedule = anchored({ ...input, jitter: ms });
        const slots = preview(schedule, at, 30);
        slots.slice(0, -1).forEach((slot, i) => {
          const due = dueTime(schedule, jobId, slot);
          expect(due).toBeGreaterThanOrEqual(slot);
          expect(due - slot).toBeLessThanOrEqual(ms);
          expect(due).toBeLessThan(slots[i + 1]);
        });
      }),
    );
  });

  it('leaves the slots where they are', () => {
    const input: ScheduleInput = { kind: 'cron', pattern: '*/7 * * * *', zone: 'Europe/Berlin' };
    const [plain, jittered] = [anchored(input), anchored({ ...input, jitter: 'PT5M' })];
    expect(preview(jittered, anchor, 50)).toEqual(preview(plain, anchor, 50));
    expect(countSlots(jittered, anchor, anchor + 1_000 * HOUR)).toBe(countSlots(plain, anchor, anchor + 1_000 * HOUR));
  });

  it('is another for each job and each slot, spread evenly, and the same every time', () => {
    const schedule = anchored({ kind: 'cron', pattern: '0 * * * *', jitter: 'PT10M' });
    const slot = nextSlot(schedule, anchor)!;
    const delays = Array.from({ length: 10_000 }, (_, i) => dueTime(schedule, `job-${i}`, slot) - slot);
    expect(delays).toEqual(delays.map((_, i) => dueTime(schedule, `job-${i}`, slot) - slot));
    const tenths = Array.from({ length: 10 }, (_, i) => delays.filter((d) => Math.floor(d / MINUTE) === i).length);
    for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
    const own = preview(schedule, anchor, 1_000).map((one) => dueTime(schedule, 'job', one) - one);
    expect(new Set(own).size).toBeGreaterThan(900);
  });

  it('is this very delay: a release that computes another one would move what is due', () => {
    const schedule = anchored({ kind: 'interval', every: 'PT1H', jitter: 'PT10M' });
    expect(preview(schedule, anchor, 3).map((slot) => dueTime(schedule, 'report', slot) - slot)).toMatchInlineSnapshot(`
     [
       513057,
       136321,
       482328,
     ]
    `);
  });

  it('is this very delay also of months: all of the 53 bits count', () => {
    const schedule = anchored({ kind: 'calendar', every: 'P1Y', jitter: 'P300D' });
    expect(preview(schedule, anchor, 3).map((slot) => dueTime(schedule, 'report', slot) - slot)).toMatchInlineSnapshot(`
     [
       7493524486,
       14320537929,
       11700911404,
     ]
    `);
  });

  it('ends before the end, and is none where none is asked for', () => {
    const end = anchor + 2 * HOUR;
    const schedule = anchored({ kind: 'interval', every: 'PT1H', end: end + 1, jitter: 'P1D' });
    for (let i = 0; i < 100; i++) expect(dueTime(schedule, `job-${i}`, end)).toBe(end);
    const once = anchored({ kind: 'once', at: anchor, jitter: 'PT1M' });
    expect(dueTime(once, 'a', anchor) - anchor).toBeLessThanOrEqual(MINUTE);
    expect(dueTime(anchored({ kind: 'once', at: anchor }), 'a', anchor)).toBe(anchor);
    const zero = defineSchedule({ kind: 'once', at: anchor, jitter: 0 });
    expect(zero.ok && 'jitterMs' in zero.value).toBe(false);
  });
});
