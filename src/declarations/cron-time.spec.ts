import { CronExpression } from '@nestjs/schedule';
import { CronTime } from 'cron';
import { Settings } from 'luxon';
import { defineSchedule, nextSlot, type ScheduleInput } from '../domain/schedule';
import { patternOf } from './cron-time';
import { zoneOf } from './zones';

const START = Date.UTC(2026, 4, 4, 11, 59, 30);

/** What `cron` (and so `@nestjs/schedule`) says. It looks eight years ahead at most. */
function theirs(pattern: string, at: { zone?: string; offset?: number }, count: number): string[] {
  Settings.now = () => START;
  const time = at.offset === undefined ? new CronTime(pattern, at.zone) : new CronTime(pattern, null, at.offset);
  return time.sendAt(count).map((date) => date.toUTC().toISO() ?? '');
}

function ours(pattern: string, zone: string, count: number): string[] {
  const input: ScheduleInput = { kind: 'cron', pattern: patternOf(pattern), zone };
  const defined = defineSchedule(input);
  if (!defined.ok) throw new Error(`${pattern}: ${defined.refusal.rule} ${defined.refusal.remedy}`);
  let slot: number | null = START;
  return Array.from({ length: count }, () => {
    slot = slot === null ? null : nextSlot({ schedule: defined.value, anchor: START }, slot);
    return slot === null ? 'never' : new Date(slot).toISOString();
  });
}

const expressions = Object.entries(CronExpression);

afterAll(() => void (Settings.now = () => Date.now()));

describe('every CronExpression', () => {
  it.each(expressions)('%s (%s) has the same ticks', (_, pattern) => {
    for (const zone of ['UTC', 'Asia/Kolkata']) expect(ours(pattern, zone, 7)).toEqual(theirs(pattern, { zone }, 7));
  });

  it('is the whole enumeration', () => expect(expressions.length).toBeGreaterThan(70));
});

describe('patterns as the cron package reads them', () => {
  const patterns = [
    '* * * * * *',
    '45 * * * * *',
    '0 10 * * * *',
    '0 */30 9-17 * * *',
    '0 30 11 * * 1-5',
    '*/5 * * * *',
    '5 4 * * *',
    '5/15 * * * *',
    '10/20 * * * * *',
    '0 6/4 * * *',
    '0 0 3/5 * *',
    '0 0 1 2/3 *',
    '0 0 * * 1/2',
    '0 0 * * 7',
    '0 0 * * sun',
    '0 0 * * MON-FRI',
    '0 0 * JAN,JUL *',
    '0 0 * jan/3 *',
    '0 12 * * mon/3',
    '0 0 13 * 5',
    '0 0 */1 * 1',
    '0 0 1-31 * 1',
    '0 0 13 * */1',
    '0 0 13 * 0-7',
    '0 0 13 * 0-6',
    '0 0 */2 * 1',
    '0 0 * * */2',
    '0 0 * * */5',
    '0 0 1,15 * *',
    '07 08 09 * * *',
    '@yearly',
    '@monthly',
    '@weekly',
    '@daily',
    '@hourly',
    '@minutely',
    '@secondly',
    '@weekdays',
    '@weekends',
    '@Daily',
    '  0   3 * * *  ',
  ];
  it.each(patterns)('%s', (pattern) => {
    const many = pattern === '@yearly' ? 7 : 20;
    for (const zone of ['UTC', 'Asia/Tokyo']) {
      expect(ours(pattern, zone, many)).toEqual(theirs(pattern, { zone }, many));
    }
  });
});

describe('zones as the cron package and Luxon read them', () => {
  const zoneFor = (timeZone: unknown, utcOffset?: unknown) => {
    const zone = zoneOf(timeZone, utcOffset, 'Europe/Berlin');
    return zone.ok ? zone.value : zone.refusal;
  };

  it.each([
    [undefined, undefined, 'Europe/Berlin'],
    [null, null, 'Europe/Berlin'],
    ['local', undefined, 'Europe/Berlin'],
    ['System', undefined, 'Europe/Berlin'],
    ['Asia/Tokyo', undefined, 'Asia/Tokyo'],
    ['utc', undefined, 'UTC'],
    ['GMT', undefined, 'UTC'],
    ['', undefined, 'UTC'],
    ['UTC+3', undefined, '+03:00'],
    ['utc-09:30', undefined, '-09:30'],
    [undefined, 0, 'UTC'],
    [undefined, 330, '+05:30'],
    [undefined, 5, '+00:05'],
    [undefined, -30, '-00:30'],
    [undefined, -90, '-01:30'],
    [undefined, '120', '+02:00'],
  ])('timeZone %j, utcOffset %j: %s', (timeZone, utcOffset, zone) => {
    expect(zoneFor(timeZone, utcOffset)).toBe(zone);
  });

  it.each([
    ['Europe/Berlin', 60, 'utcOffset'],
    [undefined, 1.5, 'utcOffset'],
    [undefined, NaN, 'utcOffset'],
    [undefined, '+02:00', 'utcOffset'],
    [undefined, 5_000, 'utcOffset'],
    [7, undefined, 'timeZone'],
    ['UTC+99', undefined, 'timeZone'],
  ])('refuses timeZone %j with utcOffset %j', (timeZone, utcOffset, field) => {
    expect(zoneFor(timeZone, utcOffset)).toMatchObject({
      field,
      rule: expect.stringMatching(/./),
      remedy: expect.stringMatching(/./),
    });
  });
});
