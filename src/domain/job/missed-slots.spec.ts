import { aDefinition, ask, T0, zoneData } from '../../testing/specification/a-job';
import { fact } from '../../testing/specification/facts';
import { defineSchedule, type ScheduleInput } from '../schedule';
import { CalendarWalls } from '../schedule/calendar-walls';
import { WallTimes } from '../schedule/cron-walls';
import { IntervalSlots } from '../schedule/interval-slots';
import { decide, fold, slotOf } from '.';

/** What a year without an owner costs: steps of the evaluator, which must not grow with the number of slots that were missed. */

const YEAR = 365 * 86_400_000;
const at = T0 + YEAR;

/** Calls of the evaluator while `act` runs. */
function steps<T>(act: () => T): { readonly value: T; readonly steps: number } {
  const spies = [WallTimes, CalendarWalls, IntervalSlots].flatMap(({ prototype }) =>
    (['next', 'previous', 'count'] as const).map((method) => jest.spyOn(prototype, method)),
  );
  try {
    const value = act();
    return { value, steps: spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0) };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

function start(input: ScheduleInput) {
  const defined = defineSchedule(input);
  if (!defined.ok) throw new Error(defined.refusal.rule);
  const definition = aDefinition({ schedule: defined.value });
  const scheduled = decide(fold([]), ask.schedule(T0, definition));
  if (!scheduled.ok) throw new Error(scheduled.refusal.rule);
  const state = fold([...scheduled.events, fact.claimed(T0, 1)]);
  const { value, steps: taken } = steps(() => decide(state, ask.start(at)));
  if (!value.ok) throw new Error(value.refusal.rule);
  const [skipped, started] = value.events;
  if (skipped.type !== 'JobSlotsSkipped' || started.type !== 'JobRunStarted') throw new Error(skipped.type);
  return { events: value.events.length, count: skipped.data.count, started: started.data.slot, steps: taken };
}

const secondly = { kind: 'cron', pattern: '* * * * * *' } as const;

describe('a year of missed slots', () => {
  it.each<[string, ScheduleInput, count: number]>([
    ['every second', secondly, YEAR / 1_000],
    ['in a zone', { ...secondly, zone: 'Europe/Berlin' }, YEAR / 1_000],
    ['with jitter', { ...secondly, jitter: 500 }, YEAR / 1_000],
    ['on all fixed times', { kind: 'cron', pattern: '0-59 0-59 0-23 * * *' }, YEAR / 1_000],
    ['with bounds', { ...secondly, start: T0, end: T0 + 10 * YEAR }, YEAR / 1_000],
    ['on both days', { kind: 'cron', pattern: '* * * 1-28 * +MON-SAT' }, 24_969_600],
    ['every millisecond', { kind: 'interval', every: 1 }, YEAR],
    ['aligned', { kind: 'interval', every: 7, aligned: true, jitter: 3 }, Math.floor(YEAR / 7)],
    ['every day of the calendar', { kind: 'calendar', every: 'P1D', zone: 'Africa/Casablanca' }, 365],
    ['some weekdays', { kind: 'calendar', every: 'P1W', weekdays: [1, 2, 3, 4, 5], jitter: 'PT1H' }, 260],
    ['every month', { kind: 'calendar', every: 'P1M', day: 31, missing: 'skip', jitter: 'P1D' }, 7],
  ])('%s is accounted for in two events and a few dozen steps', (_what, input, count) => {
    const found = start(input);
    expect(found.events).toBe(2);
    // The latest is run, and it may wait for its jitter.
    expect(Math.abs(found.count + 1 - count)).toBeLessThanOrEqual(1);
    expect(found.steps).toBeLessThan(100);
    expect(Date.parse(found.started)).toBeLessThanOrEqual(at);
  });

  it('takes as many steps as a year of a few slots', () => {
    expect(start({ ...secondly, zone: 'Europe/Berlin' }).steps).toBeLessThanOrEqual(
      start({ kind: 'cron', pattern: '0 0 1 * *', zone: 'Europe/Berlin' }).steps + 5,
    );
  });

  it('is found by counting, too, where maxRuns ends in the midst of it', () => {
    const found = start({ ...secondly, maxRuns: 10_000_000 });
    expect([found.count, found.started]).toEqual([9_999_999, slotOf(T0 + 10_000_000 * 1_000)]);
    // A search by halves, over all of the year.
    expect(found.steps).toBeLessThan(500);
  });

  it('is skipped as one range when it was paused', () => {
    const everySecond = { ...aDefinition().schedule, everyMs: 1_000 } as never;
    const state = fold([
      fact.scheduled(T0, slotOf(T0 + 1_000), aDefinition({ schedule: everySecond })),
      fact.paused(T0),
    ]);
    const decision = decide(state, { ...ask.resume(at), zoneData });
    expect(decision.ok && decision.events.map(({ type }) => type)).toEqual(['JobSlotsSkipped', 'JobResumed']);
  });
});
