import { defineSchedule, describe as inWords, type ScheduleInput } from '.';

const words = (input: ScheduleInput) => {
  const defined = defineSchedule(input);
  if (!defined.ok) throw new Error(defined.refusal.rule);
  return inWords(defined.value);
};

describe('a schedule in plain words', () => {
  it.each<[ScheduleInput, string]>([
    [{ kind: 'once' }, 'once, as soon as possible'],
    [{ kind: 'once', at: '2026-03-29T01:00Z' }, 'once, at 2026-03-29T01:00:00.000Z'],
    [{ kind: 'interval', every: 'PT1H' }, 'every hour'],
    [{ kind: 'interval', every: 90_000 }, 'every 1 minute and 30 seconds'],
    [{ kind: 'interval', every: 1 }, 'every millisecond'],
    [{ kind: 'interval', every: 'P1D', origin: 0 }, 'every day, counted from 1970-01-01T00:00:00.000Z'],
    [
      { kind: 'interval', every: 5_000, start: 0, end: 60_000, maxRuns: 1 },
      'every 5 seconds, from 1970-01-01T00:00:00.000Z, before 1970-01-01T00:01:00.000Z, 1 time at most',
    ],
  ])('%j: %s', (input, text) => {
    expect(words(input)).toBe(text);
  });

  it.each([
    ['* * * * *', 'every minute'],
    ['* * * * * *', 'every second'],
    ['*/10 * * * * *', 'every 10 seconds'],
    ['*/15 * * * *', 'every 15 minutes'],
    ['*/7 3 * * *', 'every 7 minutes from minute 0 of hour 3'],
    ['@hourly', 'every hour'],
    ['5,10 * * * *', 'at minute 5 and 10 of every hour'],
    ['0 */2 * * *', 'every 2 hours'],
    ['15 */2 * * *', 'at minute 15 of every 2 hours'],
    ['30 * * * * *', 'at second 30 of every minute'],
    ['30 2 * * *', 'at 02:30 every day'],
    ['15 30 2 * * *', 'at 02:30:15 every day'],
    ['0 9,17 * * MON-FRI', 'at 09:00 and 17:00 on Monday to Friday'],
    ['15,45 1-3 * * *', 'at minute 15 and 45 of hour 1 to 3 every day'],
    ['0 0 13 * FRI', 'at 00:00 on day 13 and also on Friday'],
    ['0 0 13 * +FRI', 'at 00:00 on day 13 if that is Friday'],
    ['@yearly', 'at 00:00 on day 1 in January'],
    ['0 9 L * *', 'at 09:00 on the last day of the month'],
    ['0 9 LW JAN,JUL *', 'at 09:00 on the last weekday of the month in January and July'],
    ['0 9 15W * *', 'at 09:00 on the weekday nearest to day 15'],
    ['0 9 * * MON#1,5L', 'at 09:00 on the first Monday of the month and the last Friday of the month'],
    ['0 0 */2 */3 *', 'at 00:00 on every 2nd day of the month in every 3rd month'],
    ['0 0 1-7/2 * *', 'at 00:00 on day 1 to day 7 in steps of 2'],
  ])('%s: %s', (pattern, text) => {
    expect(words({ kind: 'cron', pattern, zone: 'Europe/Berlin' })).toBe(`${text} (Europe/Berlin)`);
  });
});
