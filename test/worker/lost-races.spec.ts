import { AbandonJobRunCommand, CommandUnavailableError, CompleteJobRunCommand } from '../../src/commands';
import { Bench, Held } from './bench';

const asap = { kind: 'once', at: 'asap' } as const;

/** Others decide on the job so often that a command of the worker loses all its races: nothing of it was written. */
describe('the worker, when a command loses all its races', () => {
  let bench: Bench;
  let held: Held;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(() => bench.close());

  const loses = (kind: new (...fields: never[]) => unknown, times: number) => {
    let lost = 0;
    bench.before = (command) => {
      if (!(command instanceof kind) || lost >= times) return;
      lost += 1;
      throw new CommandUnavailableError('job-j changed 8 times while this command was decided.');
    };
    return () => lost;
  };

  it('sends an outcome again: what has succeeded is not run twice', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    const lost = loses(CompleteJobRunCommand, 4);
    held.finish();
    await bench.until('the outcome', () => bench.facts('job.succeeded').length === 1);
    expect(lost()).toBe(4);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunSucceeded', 'JobCompleted']);
    await bench.clock.advance(10_000);
    expect(held.entered).toBe(1);
  });

  it('does not send it for ever: the run is closed as lost, and says so', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    const lost = loses(CompleteJobRunCommand, Infinity);
    held.finish();
    await bench.until('the second run', () => held.entered === 2);
    expect(lost()).toBe(5);
    expect(bench.facts('job.outcome-not-recorded')).toMatchObject([{ code: 'CommandUnavailableError' }]);
  });

  it('sends nothing more once it is closed, and leaves no timer', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    const lost = loses(CompleteJobRunCommand, Infinity);
    held.finish();
    await bench.until('the first try', () => lost() === 1);
    bench.worker.close();
    await bench.clock.settle();
    expect(bench.clock.pendingTimers()).toEqual([]);
    await bench.clock.advance(10_000);
    expect(lost()).toBe(1);
  });

  describe('of a run that another one was to follow', () => {
    const dueAgain = async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      const always = { schedule: { kind: 'interval', every: 20 }, policies: { overlap: 'queue' } } as const;
      await bench.job({ jobId: 'j', handler: 'audit', ...always });
      await bench.until('the run', () => held.entered === 1);
      await bench.clock.advance(100);
    };
    const anotherLife = () => (bench.incarnation = bench.incarnation.replace(/^./, (c) => (c === '0' ? '1' : '0')));
    const told = async () => {
      await bench.until('the outcome', () => bench.facts('job.succeeded').length === 1);
      return (await bench.types('j')).slice(2);
    };

    it('starts that, too, when it is sent again', async () => {
      await dueAgain();
      loses(CompleteJobRunCommand, 3);
      held.finish();
      expect((await told()).slice(0, 3)).toEqual(['JobRunStarted', 'JobRunSucceeded', 'JobRunStarted']);
    });

    it('starts nothing any more when this process has become another incarnation meanwhile', async () => {
      await dueAgain();
      const lost = loses(CompleteJobRunCommand, 1);
      held.finish();
      await bench.until('the first try', () => lost() === 1);
      anotherLife();
      expect(await told()).toEqual(['JobRunStarted', 'JobRunSucceeded']);
    });

    it('… nor by a try that had begun before', async () => {
      await dueAgain();
      const away = jest
        .spyOn(bench.store, 'append')
        .mockImplementation(() => Promise.resolve({ outcome: 'unavailable', message: 'away' }));
      held.finish();
      await bench.until('the first append', () => away.mock.calls.length > 0);
      anotherLife();
      away.mockRestore();
      expect(await told()).toEqual(['JobRunStarted', 'JobRunSucceeded']);
      expect(bench.sent.filter((command) => command instanceof CompleteJobRunCommand)).toHaveLength(2);
    });

    it('releases the job when the service has begun to drain meanwhile', async () => {
      await dueAgain();
      const lost = loses(CompleteJobRunCommand, 1);
      held.finish();
      await bench.until('the first try', () => lost() === 1);
      bench.draining = true;
      expect(await told()).toEqual(['JobRunStarted', 'JobRunSucceeded', 'JobReleased(drain)']);
    });
  });

  it('gives a job away whose handler ignores its abort, however often that is lost', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    const policies = { timeoutMs: 2_000, retry: { maxRetries: 0 } };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 10_000 }, policies });
    await bench.until('the run', () => held.entered === 1);
    const lost = loses(AbandonJobRunCommand, 3);
    await bench.until('the release', () => bench.view.job('j')?.serviceId === null);
    expect(lost()).toBe(3);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunTimedOut', 'JobReleased(stuck)']);
    await bench.clock.advance(10_000);
    expect(bench.sent.filter((command) => command instanceof AbandonJobRunCommand)).toHaveLength(4);
  });
});
