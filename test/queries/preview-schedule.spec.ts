import { describeSchedule, previewSchedule, QueryRefusedError, type ScheduleInput } from '../../src';
import { defineSchedule, dueTime } from '../../src/domain/schedule';

const after = '2026-03-28T12:00:00Z';
const slots = (schedule: ScheduleInput, n: number) =>
  previewSchedule(schedule, n, { after }).map(({ slot, local }) => [new Date(slot).toISOString(), local]);

function refusalOf(act: () => unknown) {
  try {
    act();
  } catch (error) {
    if (error instanceof QueryRefusedError) return error.refusals[0];
  }
  throw new Error('it was not refused');
}

describe('previewSchedule', () => {
  it('shows the night on which the clocks change, by the clock on the wall', () => {
    expect(slots({ kind: 'cron', pattern: '30 2 * * *', zone: 'Europe/Berlin' }, 2)).toEqual([
      ['2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00+02:00'],
      ['2026-03-30T00:30:00.000Z', '2026-03-30T02:30:00+02:00'],
    ]);
    expect(slots({ kind: 'calendar', every: 'P1D', zone: '-03:30' }, 1)).toEqual([
      ['2026-03-29T03:30:00.000Z', '2026-03-29T00:00:00-03:30'],
    ]);
  });

  it('shows both the slot and when it is due', () => {
    const schedule: ScheduleInput = { kind: 'interval', every: 'PT1H', jitter: 'PT10M', origin: 0 };
    const defined = defineSchedule(schedule);
    if (!defined.ok) throw new Error(defined.refusal.rule);
    const shown = previewSchedule(schedule, 5, { after, jobId: 'report' });
    for (const { slot, dueAt } of shown) {
      expect(dueAt).toBe(dueTime({ schedule: defined.value, anchor: 0 }, 'report', slot));
    }
    expect(shown.some(({ slot, dueAt }) => dueAt > slot)).toBe(true);
    expect(previewSchedule(defined.value, 5, { after, jobId: 'report' })).toEqual(shown);
  });

  it('ends where the schedule does', () => {
    const hourly = { kind: 'interval', every: 'PT1H' } as const;
    expect(slots({ ...hourly, maxRuns: 2 }, 9)).toHaveLength(2);
    expect(slots({ ...hourly, end: '2026-03-28T14:00:00Z' }, 9)).toEqual([
      ['2026-03-28T13:00:00.000Z', '2026-03-28T13:00:00Z'],
    ]);
    expect(slots({ kind: 'once' }, 9)).toEqual([['2026-03-28T12:00:00.000Z', '2026-03-28T12:00:00Z']]);
    expect(slots({ kind: 'once', at: '2026-01-01T00:00:00Z' }, 9)).toHaveLength(1);
  });

  it('counts from now, and from an anchor, if one is given', () => {
    const now = Date.now();
    const [first] = previewSchedule({ kind: 'interval', every: 'PT1H' }, 1);
    expect(first.slot - now).toBeGreaterThanOrEqual(3_600_000);
    expect(first.slot - now).toBeLessThan(3_660_000);
    const anchored = { after, anchor: '2026-03-28T11:59:00Z' };
    expect(previewSchedule({ kind: 'interval', every: 'PT1H' }, 1, anchored)[0].local).toBe('2026-03-28T12:59:00Z');
  });

  it('refuses what only looks like a schedule that was read before', () => {
    const mistaken = { kind: 'interval', everyMs: 60_000 } as unknown as ScheduleInput;
    const refusal = { code: 'bad-schedule', field: 'schedule.everyMs' };
    expect(refusalOf(() => previewSchedule(mistaken, 1))).toMatchObject(refusal);
    expect(refusalOf(() => describeSchedule(mistaken))).toMatchObject(refusal);
  });

  it('refuses what a job would be refused for', () => {
    expect(refusalOf(() => previewSchedule({ kind: 'cron', pattern: '0 0 31 2 *' }, 1))).toMatchObject({
      code: 'never-fires',
      field: 'schedule.pattern',
    });
    expect(refusalOf(() => previewSchedule(null as never, 1))).toMatchObject({ code: 'bad-schedule' });
    expect(refusalOf(() => previewSchedule({ kind: 'once' }, -1)).field).toBe('n');
    expect(refusalOf(() => previewSchedule({ kind: 'once' }, 1, { after: 'now' })).field).toBe('after');
    expect(refusalOf(() => describeSchedule({ kind: 'cron', pattern: '* *' })).field).toBe('schedule.pattern');
  });

  it('has words for it', () => {
    expect(describeSchedule({ kind: 'calendar', every: 'P1M', day: 'last' })).toBe(
      'every month on the last day of the month at 00:00 (UTC)',
    );
    expect(
      describeSchedule({ kind: 'interval', everyMs: 60_000, origin: null, start: null, end: null, maxRuns: null }),
    ).toBe('every minute');
  });
});
