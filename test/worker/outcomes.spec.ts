import {
  AbandonJobRunCommand,
  BackfillJobCommand,
  CommandRefusedError,
  RunJobNowCommand,
  StartJobRunCommand,
} from '../../src/commands';
import { Bench, Held } from './bench';

const MINUTE = 60_000;
const asap = { kind: 'once', at: 'asap' } as const;

describe('what a worker tells the log of a run', () => {
  let bench: Bench;
  let held: Held;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await bench.close();
  });

  const sent = (kind: new (...fields: never[]) => unknown) =>
    bench.sent.filter((command) => command instanceof kind).length;
  const failures = async (jobId: string) => {
    const { events } = await bench.store.readStream(`job-${jobId}`, { direction: 'forwards', limit: 1_000 });
    return events
      .filter(({ type }) => type === 'JobRunFailed')
      .map(({ data }) => JSON.parse(data) as { error: string; message: string });
  };

  it('is that it has succeeded, also when the view cannot be read any more', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    bench.eligible = new Error('database disk image is malformed');
    held.finish();
    await bench.until('the outcome', () => bench.facts('job.succeeded').length === 1);
    expect((await bench.types('j')).slice(2)).toEqual(['JobRunStarted', 'JobRunSucceeded', 'JobCompleted']);
    bench.eligible = true;
  });

  describe('is how its handler failed, once, whatever that threw', () => {
    const code = Object.assign(new Error('x'), { code: 'E'.repeat(500) });
    const hostile = {
      toString(): string {
        throw new Error('not even this');
      },
    };
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    it.each<[what: string, thrown: unknown, error: unknown, message: unknown]>([
      ['an error', new RangeError('out of it'), 'RangeError', 'out of it'],
      ['an error with a code', Object.assign(new Error('gone'), { code: 'ECONNRESET' }), 'ECONNRESET', 'gone'],
      ['an error with a long code', code, 'E'.repeat(200), 'x'],
      ['an error with a long message', new Error('m'.repeat(5_000)), 'Error', 'm'.repeat(1_000)],
      ['a character that the bound cuts', new Error('m'.repeat(999) + '😀'), 'Error', expect.stringMatching(/^m{999}/)],
      ['a long text', 't'.repeat(5_000), 'string', 't'.repeat(1_000)],
      ['nothing', undefined, 'undefined', 'It has no text.'],
      ['a symbol', Symbol('s'), 'symbol', 'Symbol(s)'],
      ['an object without a text', Object.create(null), 'object', 'It has no text.'],
      ['an object that fails to give its text', hostile, 'object', 'It has no text.'],
      [
        'an error whose message is none',
        Object.assign(new Error(), { message: { of: 'a library' } }),
        'Error',
        '[object Object]',
      ],
      [
        'an error whose message is missing',
        Object.assign(new Error(), { message: undefined }),
        'Error',
        'It has no text.',
      ],
      ['what may not be looked at', revoked, 'object', 'It has no text.'],
      ['an error whose code fails to give its text', Object.assign(new Error('x'), { code: hostile }), 'Error', 'x'],
    ])('%s', async (_, thrown, error, message) => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => held.entered === 1);
      held.fail(thrown);
      await bench.until('the end', () => bench.view.job('j')?.status === 'completed');
      expect(await failures('j')).toMatchObject([{ error, message }]);
      expect(held.entered).toBe(1);
    });
  });

  it('is told as soon as the store is back, however long it was away: what has run is not run again', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    const away = jest
      .spyOn(bench.store, 'append')
      .mockImplementation(() => Promise.resolve({ outcome: 'unavailable', message: 'away' }));
    held.finish();
    await bench.clock.advance(10 * MINUTE);
    expect(away.mock.calls.length).toBeGreaterThan(100);
    away.mockRestore();
    await bench.until('the outcome', () => bench.view.job('j')?.status === 'completed', 2_000);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunSucceeded', 'JobCompleted']);
    expect(held.entered).toBe(1);
  });

  it('is told for a run that is lost, too, as soon as the store is back', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    bench.after = (command) => {
      if (command instanceof StartJobRunCommand) bench.trust.fence();
    };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('a start that is not entered', () => bench.facts('job.not-entered').length === 1);
    bench.after = () => undefined;
    const away = jest
      .spyOn(bench.store, 'append')
      .mockImplementation(() => Promise.resolve({ outcome: 'unavailable', message: 'away' }));
    bench.trust.trustAgain();
    await bench.clock.advance(10 * MINUTE);
    expect(sent(AbandonJobRunCommand)).toBe(1);
    away.mockRestore();
    await bench.until('the run', () => held.entered === 1, 5_000);
  });

  it('rests between tries that the log refuses', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    bench.before = (command) => {
      if (command instanceof StartJobRunCommand) return;
      throw new CommandRefusedError([{ code: 'x', field: '', value: '', rule: '', remedy: '' }]);
    };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    held.finish();
    await bench.clock.advance(MINUTE);
    expect(sent(AbandonJobRunCommand)).toBeGreaterThan(30);
    expect(sent(AbandonJobRunCommand)).toBeLessThan(80);
    bench.before = () => undefined;
    await bench.until('the second run', () => held.entered === 2);
  });

  describe('starts what is due at once in the same append', () => {
    it('a retry that need not wait', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      const policies = { retry: { maxRetries: 1, initialMs: 0 } };
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap, policies });
      await bench.until('the run', () => held.entered === 1);
      held.fail(new Error('x'));
      await bench.until('the retry', () => held.entered === 2);
      expect(sent(StartJobRunCommand)).toBe(1);
      const { events } = await bench.store.readStream('job-j', { direction: 'forwards', limit: 100 });
      const starts = events.filter(({ type }) => type === 'JobRunStarted').map(({ revision }) => revision);
      expect(held.contexts.map(({ fencingToken }) => fencingToken - 2 ** 44)).toEqual(starts);
      expect(starts).toEqual([2, 4]);
    });

    it('a run that was asked for before', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      bench.trust.fence();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 24 * 60 * MINUTE } });
      await bench.send(new RunJobNowCommand({ jobId: 'j' }));
      await bench.send(new RunJobNowCommand({ jobId: 'j' }));
      bench.trust.trustAgain();
      await bench.until('the first', () => held.entered === 1);
      held.finish();
      await bench.until('the second', () => held.entered === 2);
      expect(sent(StartJobRunCommand)).toBe(1);
    });
  });

  it('a handler is told which slot of the past its run makes up for', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    const from = bench.clock.wall() - 60 * MINUTE;
    const schedule = { kind: 'interval', every: 30 * MINUTE, origin: from } as const;
    await bench.job({ jobId: 'j', handler: 'audit', schedule });
    await bench.send(new BackfillJobCommand({ jobId: 'j', from: from - 1, to: from + 1 }));
    await bench.until('the run', () => held.entered === 1);
    expect(held.contexts[0]).toMatchObject({ backfill: true, scheduledAt: from });
    expect(held.contexts[0].slot).toMatch(/^backfill:/);
  });
});
