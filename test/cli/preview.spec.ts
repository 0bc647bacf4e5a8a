import { holdfast } from './installation';

const berlin = ['--zone', 'Europe/Berlin', '--after', '2026-03-28T12:00:00Z'];

describe('holdfast preview', () => {
  it('tells what a pattern means and when it fires, without a log', async () => {
    expect(await holdfast(['preview', '30 2 * * *', ...berlin, '-n', '2'])).toMatchObject({
      code: 0,
      out: [
        'at 02:30 every day (Europe/Berlin)',
        'LOCAL                      SLOT                        AFTER',
        '2026-03-29T03:00:00+02:00  2026-03-29T01:00:00.000Z',
        '2026-03-30T02:30:00+02:00  2026-03-30T00:30:00.000Z  23h 30m',
        '',
      ].join('\n'),
    });
  });

  it.each([
    [['PT15M'], 'every 15 minutes'],
    [['P1D'], 'every day'],
    [['P1D', '--at', '09:00'], 'every day at 09:00 (UTC)'],
    [
      ['P1M'],
      'every month on the day of the month on which it begins, or the last day of a shorter month, at 00:00 (UTC)',
    ],
    [['2999-01-01T00:00:00Z'], 'once, at 2999-01-01T00:00:00.000Z'],
    [['asap'], 'once, as soon as possible'],
    [['@hourly', '--jitter', 'PT1M'], 'every hour (UTC), each up to one minute later'],
    [['{"kind":"calendar","every":"P1M","day":"last"}'], 'every month on the last day of the month at 00:00 (UTC)'],
  ])('reads %j', async (args, words) => {
    const { code, out } = await holdfast(['preview', ...args, '--json', '-n', '1', '--job-id', 'a']);
    expect([code, JSON.parse(out)]).toMatchObject([0, { description: words, slots: [{}] }]);
  });

  it('shows when a slot with jitter is due', async () => {
    const { out } = await holdfast(['preview', '@daily', '--jitter', 'PT1H', ...berlin, '-n', '3']);
    expect(out).toMatch(/SLOT +DUE +AFTER\n.*Z +2026-03-28T23:\d\d:\d\d\.\d{3}Z/);
  });

  it('refuses as a job would be refused, and bad usage', async () => {
    const refused = await holdfast(['preview', '0 0 32 * *']);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining("field 3 (day of month): '32' is not in 1–31, at character 5. Write *"),
    ]);
    expect((await holdfast(['preview', '{', '-n', '1'])).code).toBe(2);
    expect((await holdfast(['preview', '@daily', '-n', '0'])).code).toBe(2);
    expect((await holdfast(['preview'])).code).toBe(2);
  });
});
