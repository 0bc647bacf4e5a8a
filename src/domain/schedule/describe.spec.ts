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
    [{ kind: 'interval', every: 'PT15M', aligned: true }, 'every 15 minutes, aligned to the clock (UTC)'],
    [{ kind: 'interval', every: 'PT1H', jitter: 'PT1M' }, 'every hour, each up to one minute later'],
    [{ kind: 'interval', every: 'PT1H', jitter: 90_000 }, 'every hour, each up to 1 minute and 30 seconds later'],
    [{ kind: 'calendar', every: 'P1D', at: '9:30', zone: 'Europe/Berlin' }, 'every day at 09:30 (Europe/Berlin)'],
    [{ kind: 'calendar', every: 'P3D', origin: '2026-03-01' }, 'every 3 days at 00:00 (UTC), counted from 2026-03-01'],
    [
      { kind: 'calendar', every: 'P2W', weekdays: ['MON', 'THU'], origin: '2026-03-04' },
      'every 2 weeks on Monday and Thursday at 00:00 (UTC), counted from the week of 2026-03-02',
    ],
    [{ kind: 'calendar', every: 'P1M', day: 'last' }, 'every month on the last day of the month at 00:00 (UTC)'],
    [
      { kind: 'calendar', every: 'P3M', day: 31, origin: '2026-01-31' },
      'every 3 months on day 31, or the last day of a shorter month, at 00:00 (UTC), counted from January 2026',
    ],
    [
      { kind: 'calendar', every: 'P1Y', origin: '2024-02-29', missing: 'skip' },
      'every year on day 29, where the month has it, at 00:00 (UTC), counted from February 2024',
    ],
    [
      { kind: 'calendar', every: 'P1M' },
      'every month on the day of the month on which it begins, or the last day of a shorter month, at 00:00 (UTC)',
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
