import fc from 'fast-check';
import { defineSchedule, describe as inWords, type ScheduleRefusalCode } from '.';

const now = Date.parse('2026-03-01T00:00:00Z');

function defined(input: unknown, at: number | null = now) {
  const result = defineSchedule(input, at);
  if (!result.ok) throw new Error(`${result.refusal.field}: ${result.refusal.rule}`);
  return result.value;
}

function refused(input: unknown, at: number | null = now) {
  const result = defineSchedule(input, at);
  if (result.ok) throw new Error(`accepted as ${JSON.stringify(result.value)}`);
  return result.refusal;
}

const calendar = (every: unknown, more: object = {}) => ({ kind: 'calendar', every, ...more });
const cron = (pattern: unknown, more: object = {}) => ({ kind: 'cron', pattern, ...more });

describe('a schedule that is accepted', () => {
  it('has all its fields, defaults filled in, always in the same order', () => {
    const unbounded = { start: null, end: null, maxRuns: null };
    expect(JSON.stringify(defined({ kind: 'once' }))).toBe(JSON.stringify({ kind: 'once', at: 'asap', ...unbounded }));
    expect(JSON.stringify(defined({ every: 5, kind: 'interval' }))).toBe(
      JSON.stringify({ kind: 'interval', everyMs: 5, origin: null, ...unbounded }),
    );
    expect(JSON.stringify(defined({ maxRuns: 3, ...cron('0 9 * * *'), start: now }))).toBe(
      JSON.stringify({
        kind: 'cron',
        pattern: '0 9 * * *',
        zone: 'UTC',
        days: 'either',
        start: now,
        end: null,
        maxRuns: 3,
      }),
    );
  });

  it.each([
    [
      'an instant as text, Date and number',
      { kind: 'once', at: '2026-04-01T02:00:00+02:00' },
      { kind: 'once', at: new Date('2026-04-01T00:00:00Z') },
    ],
    [
      'a fraction of a second',
      { kind: 'once', at: '2026-04-01T00:00:00.250000Z' },
      { kind: 'once', at: 1_775_001_600_250 },
    ],
    [
      'an interval as duration and as number',
      { kind: 'interval', every: 'PT1H30M' },
      { kind: 'interval', every: 5_400_000 },
    ],
    ['weeks, days and fractions', { kind: 'interval', every: 'P1W1DT0.5S' }, { kind: 'interval', every: 691_200_500 }],
    [
      'null and absent',
      { kind: 'interval', every: 9, start: null, origin: null, maxRuns: null },
      { kind: 'interval', every: 9 },
    ],
    [
      'an origin at the start',
      { kind: 'interval', every: 9, start: now, origin: now },
      { kind: 'interval', every: 9, start: now },
    ],
    ['white space', cron('  0   9 *\t* * '), cron('0 9 * * *')],
    ['a nickname and its pattern', cron('@Daily'), cron('0 0 * * *')],
    ['two nicknames', cron('@annually'), cron('@yearly')],
    ['names and numbers', cron('0 9 * jan,JUL Mon-Fri'), cron('0 9 * 1,7 1-5')],
    ['both Sundays', cron('0 9 * * SUN'), cron('0 9 * * 7')],
    ['a range up to Sunday', cron('0 9 * * FRI-SUN'), cron('0 9 * * 5-7')],
    ['lists in any order', cron('30,0,15,15 9 * * *'), cron('0,15,30 9 * * *')],
    ['leading zeros', cron('05 09 01 01 *'), cron('5 9 1 1 *')],
    ['? and *', cron('0 9 ? * 1'), cron('0 9 * * 1')],
    ['a second of 0', cron('0 30 2 * * *'), cron('30 2 * * *')],
    ['the prefix + and days both', cron('0 0 13 * +FRI'), cron('0 0 13 * FRI', { days: 'both' })],
    ['days that are not both restricted', cron('0 0 * * FRI', { days: 'both' }), cron('0 0 * * FRI')],
    ['the last Friday', cron('0 0 * * fri#l'), cron('0 0 * * 5L')],
    ['a range of first weekdays', cron('0 0 * * MON-TUE#1'), cron('0 0 * * 1#1,2#1')],
    ['the letter case of a zone', cron('@daily', { zone: 'europe/berlin' }), cron('@daily', { zone: 'Europe/Berlin' })],
    [
      'an aligned interval and its origin',
      { kind: 'interval', every: 9, aligned: true },
      { kind: 'interval', every: 9, origin: 345_600_000 },
    ],
    ['not aligned and nothing', { kind: 'interval', every: 9, aligned: false }, { kind: 'interval', every: 9 }],
    ['no jitter and nothing', cron('@daily', { jitter: 0 }), cron('@daily')],
    ['jitter as duration and as number', cron('@daily', { jitter: 'PT1M' }), cron('@daily', { jitter: 60_000 })],
    ['a year and twelve months', calendar('P1Y'), calendar('P12M')],
    ['a year and a half', calendar('P1Y6M'), calendar('p18m')],
    ['a week and seven days', calendar('P1W'), calendar('P7D')],
    ['all weekdays and every day', calendar('P1W', { weekdays: [7, 6, 5, 4, 3, 2, 1] }), calendar('P1D')],
    [
      'weekdays in any order and spelling',
      calendar('P1W', { weekdays: ['fri', 1, 'MON'] }),
      calendar('P1W', { weekdays: [1, 5] }),
    ],
    [
      'two days of one week',
      calendar('P2W', { weekdays: [1], origin: '2026-03-04' }),
      calendar('P2W', { weekdays: [1], origin: '2026-03-02' }),
    ],
    ['an origin of every day', calendar('P1D', { origin: '2026-03-04' }), calendar('P1D')],
    ['the day of an origin', calendar('P1M', { origin: '2026-01-31' }), calendar('P1M', { day: 31 })],
    ['a day that no month lacks', calendar('P1M', { day: 28, missing: 'skip' }), calendar('P1M', { day: 28 })],
    ['midnight and none', calendar('P1D', { at: '0:00:00' }), calendar('P1D')],
    ['the zone UTC and none', cron('@daily', { zone: 'UTC' }), cron('@daily')],
  ])('is the same for %s', (_what, one, other) => {
    expect(JSON.stringify(defined(one))).toBe(JSON.stringify(defined(other)));
  });

  it.each([
    ['days', cron('0 0 13 * FRI', { days: 'both' }), cron('0 0 13 * FRI')],
    [
      'linked zones, which may part some day',
      cron('@daily', { zone: 'Asia/Kolkata' }),
      cron('@daily', { zone: 'Asia/Calcutta' }),
    ],
    ['wildcard and fixed', cron('0 * * * *'), cron('0 0-23 * * *')],
  ])('is another for other %s', (_what, one, other) => {
    expect(JSON.stringify(defined(one))).not.toBe(JSON.stringify(defined(other)));
  });

  it('may be late, if it was to happen once', () => {
    expect(defined({ kind: 'once', at: now - 1 })).toMatchObject({ at: now - 1 });
  });

  it('may have ended already when no instant of decision is given', () => {
    const past = cron('@daily', { start: '2020-01-01T00:00Z', end: '2021-01-01T00:00Z' });
    expect(defined(past, null)).toMatchObject({ kind: 'cron' });
    expect(refused(past)).toMatchObject({ code: 'never-fires', field: 'schedule.end' });
  });
});

describe('an instant', () => {
  it.each([
    ['2026-04-01T12:00:00Z', '2026-04-01T12:00:00.000Z'],
    ['2026-04-01T12:00:00-05:30', '2026-04-01T17:30:00.000Z'],
    ['2026-04-01T12:00:00+05:30', '2026-04-01T06:30:00.000Z'],
    ['2026-04-01T00:30+0100', '2026-03-31T23:30:00.000Z'],
    ['2026-04-01 12:00:00,25z', '2026-04-01T12:00:00.250Z'],
    ['2026-04-01T12:00:00.123999Z', '2026-04-01T12:00:00.123Z'],
  ])('%s is %s', (at, utc) => {
    expect(defineSchedule({ kind: 'once', at })).toMatchObject({ ok: true, value: { at: Date.parse(utc) } });
  });
});

describe('a limit of slots per second', () => {
  const limited = (input: unknown, maxFiresPerSecond: number) => defineSchedule(input, now, { maxFiresPerSecond });

  it.each([
    [{ kind: 'interval', every: 100 }, 10],
    [cron('* * * * * *'), 1],
    [cron('0,59 * * * * *'), 1],
    [cron('*/2 * * * *'), 1 / 120],
    [cron('@daily'), 1 / 86_400],
    [cron('59 59 23 * * *'), 1 / 86_400],
    [cron('30 10,50 1-3 * * *'), 1 / 1_200],
    [cron('0 0-58 3 * * *'), 1 / 60],
    [cron('10,50 0,1 3 * * *'), 1 / 20],
    [cron('5,55 1,2 * * *'), 1 / 600],
    [cron('0 0,23 * * *'), 1 / 3_600],
    [cron('59 0,23 * * *'), 1 / 3_600],
    [calendar('P2D'), 1 / 172_800],
    [calendar('P3W', { weekdays: ['SUN', 'MON'] }), 1 / 86_400],
    [{ kind: 'once' }, 0.001],
  ])('%j is as frequent as %d a second', (input, most) => {
    expect(limited(input, most)).toMatchObject({ ok: true });
    if (input.kind !== 'once') {
      const field = input.kind === 'cron' ? 'schedule.pattern' : 'schedule.every';
      expect(limited(input, most * 0.99)).toMatchObject({ ok: false, refusal: { code: 'too-frequent', field } });
    }
  });

  it('says how long is long enough', () => {
    const result = limited({ kind: 'interval', every: 5 }, 10);
    expect(result).toMatchObject({
      ok: false,
      refusal: { value: '5 ms', rule: expect.stringContaining('100 ms') as string },
    });
  });
});

describe('a schedule that is refused', () => {
  it.each<[input: unknown, code: ScheduleRefusalCode, field: string]>([
    [undefined, 'bad-schedule', 'schedule'],
    [null, 'bad-schedule', 'schedule'],
    ['@daily', 'bad-schedule', 'schedule'],
    [[cron('@daily')], 'bad-schedule', 'schedule'],
    [{}, 'bad-schedule', 'schedule.kind'],
    [{ kind: 'lunar' }, 'bad-schedule', 'schedule.kind'],
    [{ kind: 'constructor' }, 'bad-schedule', 'schedule.kind'],
    [{ kind: 'once', zone: 'UTC' }, 'bad-schedule', 'schedule.zone'],
    [{ kind: 'interval', everyMs: 5 }, 'bad-schedule', 'schedule.everyMs'],
    [{ kind: 'interval' }, 'bad-schedule', 'schedule.every'],
    [{ kind: 'cron' }, 'bad-schedule', 'schedule.pattern'],
    [cron('@daily', { days: 'any' }), 'bad-schedule', 'schedule.days'],
    [{ kind: 'once', at: 'tomorrow' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-04-01' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-04-01T00:00:00' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-02-30T00:00:00Z' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-04-01T24:00:00Z' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-04-01T23:60:00Z' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-04-01T12:60:00Z' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-04-01T12:00:60Z' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-04-01T12:00:00+24:00' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: '2026-04-01T12:00:00+01:60' }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: 0.5 }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: -1 }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: 8.64e15 }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: new Date(NaN) }, 'bad-instant', 'schedule.at'],
    [{ kind: 'once', at: true }, 'bad-instant', 'schedule.at'],
    [{ kind: 'interval', every: 5, origin: 'x' }, 'bad-instant', 'schedule.origin'],
    [{ kind: 'interval', every: 0 }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: -5 }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 1.5 }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: NaN }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 'PT1.0005S' }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 2 ** 53 }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 'PT0S' }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 'P1M' }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 'P1Y2DT1H' }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 'PT' }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: '5m' }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 'PT0.0005S' }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: {} }, 'bad-interval', 'schedule.every'],
    [{ kind: 'interval', every: 5, jitter: -1 }, 'bad-interval', 'schedule.jitter'],
    [{ kind: 'interval', every: 5, jitter: 'P1M' }, 'bad-interval', 'schedule.jitter'],
    [{ kind: 'interval', every: 5, aligned: 'yes' }, 'bad-schedule', 'schedule.aligned'],
    [{ kind: 'interval', every: 5, aligned: true, origin: now }, 'bad-schedule', 'schedule.origin'],
    [cron('@daily', { aligned: true }), 'bad-schedule', 'schedule.aligned'],
    [{ kind: 'calendar' }, 'bad-schedule', 'schedule.every'],
    [calendar(5), 'bad-interval', 'schedule.every'],
    [calendar('P0D'), 'bad-interval', 'schedule.every'],
    [calendar('PT1H'), 'bad-interval', 'schedule.every'],
    [calendar('P1M1D'), 'bad-interval', 'schedule.every'],
    [calendar('P'), 'bad-interval', 'schedule.every'],
    [calendar('P9000Y'), 'bad-interval', 'schedule.every'],
    [calendar('P1D', { at: '24:00' }), 'bad-calendar', 'schedule.at'],
    [calendar('P1D', { at: 9 }), 'bad-calendar', 'schedule.at'],
    [calendar('P1D', { zone: 'Europe/Berln' }), 'bad-zone', 'schedule.zone'],
    [calendar('P2D', { origin: '2026-02-30' }), 'bad-calendar', 'schedule.origin'],
    [calendar('P2D', { origin: '1969-12-31' }), 'bad-calendar', 'schedule.origin'],
    [calendar('P2D', { origin: now }), 'bad-calendar', 'schedule.origin'],
    [calendar('P1D', { weekdays: ['MON'] }), 'bad-calendar', 'schedule.weekdays'],
    [calendar('P1W', { weekdays: ['MO'] }), 'bad-calendar', 'schedule.weekdays'],
    [calendar('P1W', { weekdays: [0] }), 'bad-calendar', 'schedule.weekdays'],
    [calendar('P1W', { weekdays: 'MON' }), 'bad-calendar', 'schedule.weekdays'],
    [calendar('P1W', { day: 1 }), 'bad-calendar', 'schedule.day'],
    [calendar('P1D', { missing: 'skip' }), 'bad-calendar', 'schedule.missing'],
    [calendar('P1M', { day: 32 }), 'bad-calendar', 'schedule.day'],
    [calendar('P1M', { day: 'first' }), 'bad-calendar', 'schedule.day'],
    [calendar('P1M', { missing: 'next' }), 'bad-calendar', 'schedule.missing'],
    [calendar('P1Y', { origin: '2026-02-01', day: 30, missing: 'skip' }), 'never-fires', 'schedule.day'],
    [calendar('P2Y', { origin: '2023-02-01', day: 29, missing: 'skip' }), 'never-fires', 'schedule.day'],
    [calendar('P1Y', { origin: '2026-07-01', end: now + 1 }), 'never-fires', 'schedule.end'],
    [cron('@daily', { zone: 'Europe/Berln' }), 'bad-zone', 'schedule.zone'],
    [cron('@daily', { zone: '' }), 'bad-zone', 'schedule.zone'],
    [cron('@daily', { zone: 2 }), 'bad-zone', 'schedule.zone'],
    [cron('@daily', { zone: '+2' }), 'bad-zone', 'schedule.zone'],
    [cron('@daily', { zone: 'UTC+2' }), 'bad-zone', 'schedule.zone'],
    [cron('@daily', { start: now, end: now }), 'bad-bounds', 'schedule.end'],
    [cron('@daily', { start: now, end: now - 1 }), 'bad-bounds', 'schedule.end'],
    [cron('@daily', { maxRuns: 0 }), 'bad-bounds', 'schedule.maxRuns'],
    [cron('@daily', { maxRuns: 1.5 }), 'bad-bounds', 'schedule.maxRuns'],
    [cron('@daily', { maxRuns: '3' }), 'bad-bounds', 'schedule.maxRuns'],
    [cron('0 0 31 2 *'), 'never-fires', 'schedule.pattern'],
    [cron('0 0 31 4,6,9,11 *'), 'never-fires', 'schedule.pattern'],
    [cron('0 0 30 2 MON', { days: 'both' }), 'never-fires', 'schedule.pattern'],
    [cron('@yearly', { end: '2026-12-31T00:00Z' }), 'never-fires', 'schedule.end'],
    [cron('@daily', { end: now - 1 }), 'never-fires', 'schedule.end'],
    [{ kind: 'interval', every: 'PT1H', end: now + 3_600_000 }, 'never-fires', 'schedule.end'],
    [{ kind: 'once', end: now }, 'never-fires', 'schedule.end'],
    [{ kind: 'once', at: now, end: now }, 'never-fires', 'schedule.end'],
    [{ kind: 'once', at: now, start: now + 1 }, 'never-fires', 'schedule.at'],
    [{ kind: 'interval', every: 253_402_300_799_999 }, 'never-fires', 'schedule'],
    [cron(5), 'bad-pattern', 'schedule.pattern'],
    [cron(''), 'bad-pattern', 'schedule.pattern'],
    [cron('* '.repeat(300)), 'bad-pattern', 'schedule.pattern'],
    [cron('0 0 13 * +FRI', { days: 'either' }), 'bad-pattern', 'schedule.days'],
  ])('%j is refused as %s at %s', (input, code, field) => {
    const refusal = refused(input);
    expect([refusal.code, refusal.field]).toEqual([code, field]);
    expect(refusal.rule).toMatch(/\S/);
    expect(refusal.remedy).toMatch(/\S/);
  });

  it('takes an end just behind the first slot', () => {
    expect(defined({ kind: 'interval', every: 'PT1H', end: now + 3_600_001 })).toMatchObject({ everyMs: 3_600_000 });
    expect(defined({ kind: 'once', end: now + 1 })).toMatchObject({ end: now + 1 });
  });

  it.each([
    ['0 0 32 * *', "field 3 (day of month): '32' is not in 1–31, at character 5"],
    ['0  0  1,45 * *', "field 3 (day of month): '45' is not in 1–31, at character 9"],
    ['0 0 * 0 *', "field 4 (month): '0' is not in 1–12, at character 7"],
    ['60 * * * * *', "field 1 (second): '60' is not in 0–59, at character 1"],
    ['* 60 * * * *', "field 2 (minute): '60' is not in 0–59, at character 3"],
    ['0 24 * * *', "field 2 (hour): '24' is not in 0–23, at character 3"],
    ['0 0 * * MON,8', "field 5 (day of week): '8' is not in 0–7, at character 13"],
    ['0 0 * FOO *', "field 4 (month): 'FOO' is not a month, at character 7"],
    ['0 0 * 1,,2 *', 'field 4 (month): an entry is empty, at character 9'],
    ['0 0 * * MON#6', "field 5 (day of week): 'MON#6': the # is not followed by 1–5 or L, at character 9"],
    ['*/0 * * * *', "field 1 (minute): '*/0': the step is not in 1–60, at character 1"],
    ['0 0 5L * *', "field 3 (day of month): '5L': L is not allowed here, at character 5"],
    ['0 0 L-3 * *', "field 3 (day of month): 'L-3' is not supported, at character 5"],
    ['0 0 LW,3 * *', "field 3 (day of month): 'LW,3' cannot be a list, at character 5"],
    ['* * * *', 'A pattern has five or six fields, this one has 4.'],
    ['@never', 'This nickname is not known.'],
  ])('the pattern %s for: %s', (pattern, rule) => {
    expect(refused(cron(pattern))).toMatchObject({ code: 'bad-pattern', value: pattern, rule });
  });

  it.each([
    ['5/15 * * * *', 'Write 5-59/15.'],
    ['* 22-2 * * *', 'Write 22-23,0-2.'],
    ['0 0 * * FRI-MON', 'Write 5-7,0-1.'],
    ['@reboot', "Schedule { kind: 'once' } when your program starts."],
    ['0 0 0 1 1 * 2027', 'Leave the year out; bound with start and end.'],
  ])('the pattern %s with the remedy: %s', (pattern, remedy) => {
    expect(refused(cron(pattern))).toMatchObject({ code: 'bad-pattern', remedy });
    const written = /^Write (\S+)\.$/.exec(remedy);
    const field = pattern.split(' ').findIndex((text) => /^\d+\/|[2I]-[2M]/.test(text));
    if (written) defined(cron(pattern.split(' ').with(field, written[1]).join(' ')));
  });

  it('months for elapsed time, with the kind that has them; not for jitter, which is always elapsed time', () => {
    expect(refused({ kind: 'interval', every: 'P1M' }).remedy).toContain('calendar');
    expect(refused({ kind: 'interval', every: 5, jitter: 'P1M' }).remedy).not.toContain('calendar');
  });

  it('says how a fixed offset is written', () => {
    expect(refused(cron('@daily', { zone: 'UTC+2' })).remedy).toContain('+02:00');
    expect(refused(cron('@daily', { zone: '-5' })).remedy).toContain('-05:00');
    expect(refused(cron('@daily', { zone: '+24:00' })).remedy).not.toContain('+24');
    expect(refused(cron('@daily', { zone: '+02:60' })).rule).toContain('±23:59');
  });

  it.each([
    ['+02:00', '+02:00'],
    ['-0530', '-05:30'],
    ['+23:59', '+23:59'],
    ['-00:00', 'UTC'],
    ['Z', 'UTC'],
  ])('keeps the fixed offset %s as %s', (zone, kept) => {
    expect(defined(cron('@daily', { zone }))).toMatchObject({ zone: kept });
  });

  it('shortens what it quotes', () => {
    expect(refused(cron('x'.repeat(400))).value).toHaveLength(100);
  });
});

it('never throws, whatever it is given', () => {
  const part = fc.oneof(fc.anything({ withDate: true, withBigInt: true }), fc.string());
  const input = fc.record(
    {
      kind: fc.constantFrom('once', 'interval', 'cron', 'calendar'),
      at: part,
      every: part,
      origin: part,
      pattern: fc.oneof(
        part,
        fc
          .array(fc.stringMatching(/^[0-9*/,\-#LWMON?+]{1,4}$/), { minLength: 5, maxLength: 6 })
          .map((f) => f.join(' ')),
      ),
      zone: part,
      start: part,
      end: part,
      jitter: part,
      weekdays: part,
      day: part,
      missing: part,
      aligned: part,
    },
    { requiredKeys: ['kind'] },
  );
  fc.assert(
    fc.property(fc.oneof(input, fc.anything()), (anything) => {
      const result = defineSchedule(anything, now);
      if (result.ok) expect(inWords(result.value)).toMatch(/^[a-z]/);
      else expect(Object.values(result.refusal).every((text) => typeof text === 'string')).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
