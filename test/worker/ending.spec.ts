import { BindJobToServiceCommand, CancelJobCommand, RunJobNowCommand } from '../../src/commands';
import { JobAbortedError } from '../../src/worker';
import { Bench, Held } from './bench';

const MINUTE = 60_000;
const asap = { kind: 'once', at: 'asap' } as const;
const GRACE_MS = 1_000;

describe('the worker ends', () => {
  let bench: Bench;
  let held: Held;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(() => bench.close());

  const reason = (n = 0) => (held.contexts[n].signal.reason as JobAbortedError | undefined)?.reason;

  it('a failure with its error, and tries again as the policy says', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    const policies = { retry: { maxRetries: 1, initialMs: 500 } };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap, policies });
    await bench.until('the run', () => held.entered === 1);
    const began = bench.clock.wall();
    held.fail(new RangeError('out of it'));
    await bench.until('the second attempt', () => held.entered === 2);
    expect(bench.clock.wall() - began).toBe(500);
    expect(held.contexts[1]).toMatchObject({ attempt: 2, slot: held.contexts[0].slot });
    expect(bench.facts('job.failed')).toMatchObject([{ error: 'RangeError' }]);
    held.fail('not an error');
    await bench.until('the end', () => bench.view.job('j')?.status === 'completed');
    expect(bench.view.job('j')?.lastOutcome).toMatchObject({ outcome: 'failed', attempt: 2 });
  });

  describe('a fence', () => {
    it('aborts what runs as fenced; a handler that yields is closed as lost, and run again when trusted', async () => {
      await bench.open([{ name: 'audit', run: held.yielding }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => held.entered === 1);
      bench.trust.fence();
      expect(reason()).toBe('fenced');
      await bench.until('the end of it', () => bench.facts('job.abandoned').length === 1);
      await bench.clock.advance(MINUTE);
      expect(held.entered).toBe(1);
      bench.trust.trustAgain();
      await bench.until('the second run', () => held.entered === 2);
      expect((await bench.types('j')).slice(3)).toEqual(['JobRunAbandoned(lostInProcess)', 'JobRunStarted']);
    });

    it('a handler that finishes in spite of it has finished: its run is still open', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => held.entered === 1);
      bench.trust.fence();
      held.finish();
      await bench.until('the outcome', () => bench.facts('job.succeeded').length === 1);
      expect((await bench.types('j')).slice(3)).toEqual(['JobRunSucceeded', 'JobCompleted']);
    });

    it('a handler that ignores it is given away once trust is back, not before', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => held.entered === 1);
      bench.trust.fence();
      await bench.clock.advance(10 * GRACE_MS);
      expect(bench.worker.health().stuck).toBe(1);
      expect((await bench.types('j')).slice(3)).toEqual([]);
      bench.trust.trustAgain();
      await bench.until('the release', () => bench.view.job('j')?.serviceId === null);
      expect((await bench.types('j')).slice(3)).toEqual(['JobRunAbandoned(stuck)', 'JobReleased(stuck)']);
    });
  });

  describe('a run longer than its time-out', () => {
    const job = (policies = {}) =>
      bench.job({
        jobId: 'j',
        handler: 'audit',
        schedule: { kind: 'interval', every: 10_000 },
        policies: { timeoutMs: 2_000, retry: { maxRetries: 5, initialMs: 0 }, ...policies },
      });

    it('is aborted and recorded as timed out; the next start waits until the handler has settled', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await job();
      await bench.until('the run', () => held.entered === 1);
      await bench.clock.advance(1_999);
      expect(reason()).toBeUndefined();
      await bench.clock.advance(1);
      expect(reason()).toBe('timed-out');
      await bench.clock.advance(GRACE_MS / 2);
      expect(held.entered).toBe(1);
      expect((await bench.types('j')).slice(3)).toEqual([]);
      held.finish();
      await bench.until('the next attempt', () => held.entered === 2);
      expect((await bench.types('j')).slice(3)).toEqual(['JobRunTimedOut', 'JobRunStarted']);
      expect(bench.facts('job.timed-out')).toHaveLength(1);
    });

    it('and than the grace too: released as stuck; this process may not have it again until the handler has settled', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await job();
      await bench.until('the run', () => held.entered === 1);
      await bench.until('the release', () => bench.view.job('j')?.serviceId === null);
      expect(bench.clock.wall()).toBe(held.contexts[0].scheduledAt! + 2_000 + GRACE_MS);
      expect((await bench.types('j')).slice(3)).toEqual(['JobRunTimedOut', 'JobReleased(stuck)']);
      const row = () => bench.view.job('j')!;
      expect(bench.worker.accepts(row())).toBe(false);
      expect(bench.worker.reserve(row())).toBeNull();
      expect(bench.facts('job.stuck')).toMatchObject([{ jobId: 'j', reason: 'timed-out' }]);
      held.finish();
      await bench.until('the late result', () => bench.worker.accepts(row()));
      expect((await bench.types('j')).slice(5)).toEqual([]);
    });

    it('bound to this process all the same, nothing starts before it has settled', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await job();
      await bench.until('the run', () => held.entered === 1);
      await bench.until('the release', () => bench.view.job('j')?.serviceId === null);
      await bench.send(new BindJobToServiceCommand({ jobId: 'j', serviceId: 'a@test' }));
      await bench.clock.advance(MINUTE);
      expect(held.entered).toBe(1);
      held.finish();
      await bench.until('the next run', () => held.entered === 2);
    });

    it('is kept with onStuck: wait, and recorded when it settles', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await job({ onStuck: 'wait' });
      await bench.until('the run', () => held.entered === 1);
      await bench.clock.advance(MINUTE);
      expect((await bench.types('j')).slice(3)).toEqual([]);
      expect(bench.view.job('j')).toMatchObject({ serviceId: 'a@test', status: 'running' });
      held.finish();
      await bench.until('the next attempt', () => held.entered === 2);
      expect((await bench.types('j'))[3]).toBe('JobRunTimedOut');
    });

    it('stuck while the clock is in doubt: given away when the doubt is settled', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await job();
      await bench.until('the run', () => held.entered === 1);
      bench.trust.doubt();
      await bench.clock.advance(MINUTE);
      expect((await bench.types('j')).slice(3)).toEqual([]);
      bench.trust.settleDoubt();
      await bench.until('the release', () => bench.view.job('j')?.serviceId === null);
    });
  });

  it('leaves no timer of a run that is over', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    const policies = { timeoutMs: 60_000 };
    await bench.job({ jobId: 'one', handler: 'audit', schedule: asap, policies });
    await bench.job({ jobId: 'two', handler: 'audit', schedule: asap, policies });
    await bench.until('both run', () => held.entered === 2);
    const timers = () => bench.clock.pendingTimers().filter((name) => /run-timeout|abort-grace/.test(name));
    expect(timers()).toEqual(['run-timeout', 'run-timeout']);
    held.finish();
    await bench.clock.settle();
    expect(timers()).toEqual(['run-timeout']);
    bench.trust.fence();
    expect(timers()).toEqual(['run-timeout', 'abort-grace']);
    held.finish();
    await bench.clock.settle();
    expect(timers()).toEqual([]);
  });

  it('a run that was cancelled in the log: aborted as cancelled, its result recorded as refused, once', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 10_000 } });
    await bench.until('the run', () => held.entered === 1);
    await bench.send(new CancelJobCommand({ jobId: 'j', reason: 'test' }));
    await bench.until('the abort', () => reason() !== undefined);
    expect(reason()).toBe('cancelled');
    held.finish();
    await bench.until('the refused result', () => bench.facts('job.outcome-refused').length === 1);
    expect((await bench.types('j')).slice(3)).toEqual([
      'JobRunAbandoned(cancelled)',
      'JobCancelled',
      'JobRunOutcomeRefused',
    ]);
    expect(bench.worker.health().running).toBe(0);
  });

  it('an open run of its own that it does not execute: closed as lost in process, and run again', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    // The handler's end is known here, and its command fails for a reason of this program's own.
    bench.before = (command) => {
      if (command.constructor.name === 'CompleteJobRunCommand') throw new TypeError('a mistake');
    };
    held.finish();
    await bench.until('the second run', () => held.entered === 2);
    expect(bench.facts('job.outcome-not-recorded')).toMatchObject([{ code: 'TypeError' }]);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunAbandoned(lostInProcess)', 'JobRunStarted']);
    expect(held.contexts[1]).toMatchObject({ attempt: 2, idempotencyKey: held.contexts[0].idempotencyKey });
  });

  it('no run by a second handler of the same job, whatever the log asks for', async () => {
    let running = 0;
    let most = 0;
    await bench.open([
      {
        name: 'audit',
        run: async () => {
          most = Math.max(most, ++running);
          await bench.clock.sleep(150);
          running--;
        },
      },
    ]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 40 } });
    for (let n = 0; n < 10; n++) {
      await bench.send(new RunJobNowCommand({ jobId: 'j' }));
      await bench.clock.advance(70);
    }
    expect(most).toBe(1);
  });

  describe('a drain', () => {
    const drain = async (timeoutMs: number) => {
      let leftovers: readonly unknown[] | null = null;
      void bench.worker.drain(timeoutMs).then((left) => (leftovers = left));
      const began = bench.clock.monotonic();
      return {
        until: () => bench.until('the end of the drain', () => leftovers !== null),
        leftovers: () => leftovers,
        took: () => bench.clock.monotonic() - began,
      };
    };

    it('ends at once when nothing runs, and starts nothing more', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      const ending = await drain(10_000);
      await ending.until();
      expect(ending.took()).toBe(0);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.clock.advance(MINUTE);
      expect(held.entered).toBe(0);
    });

    it('lets what runs finish, and releases it with its outcome', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 20 } });
      await bench.until('the run', () => held.entered === 1);
      const ending = await drain(10_000);
      await bench.clock.advance(5_000);
      expect(ending.leftovers()).toBeNull();
      held.finish();
      await ending.until();
      expect(ending.leftovers()).toEqual([]);
      expect(reason()).toBeUndefined();
      const types = await bench.types('j');
      expect(types.slice(3).filter((type) => type !== 'JobSlotsSkipped')).toEqual([
        'JobRunSucceeded',
        'JobReleased(drain)',
      ]);
      expect(held.entered).toBe(1);
    });

    it('waits for all that run, not for the first that ends', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.jobs(2, 'audit');
      await bench.until('both run', () => held.entered === 2);
      const ending = await drain(10_000);
      held.finish();
      await bench.clock.advance(9_000);
      expect([ending.leftovers(), reason(0), reason(1)]).toEqual([null, undefined, undefined]);
      held.finish();
      await ending.until();
      expect(ending.leftovers()).toEqual([]);
    });

    it('does not name a handler that has settled, though the log has not taken its outcome', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => held.entered === 1);
      bench.before = () => new Promise<void>(() => undefined);
      held.finish();
      await bench.clock.settle();
      const ending = await drain(1_000);
      await ending.until();
      expect(ending.took()).toBe(1_000 + GRACE_MS);
      expect(ending.leftovers()).toEqual([]);
    });

    it('aborts after the time-out as draining; a handler that yields is handed over with its slot', async () => {
      await bench.open([{ name: 'audit', run: held.yielding }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => held.entered === 1);
      const ending = await drain(3_000);
      await ending.until();
      expect(ending.took()).toBe(3_000);
      expect(reason()).toBe('draining');
      expect(ending.leftovers()).toEqual([]);
      expect((await bench.types('j')).slice(3)).toEqual(['JobRunAbandoned(drain)', 'JobReleased(drain)']);
    });

    it('names what has not settled after the grace, within the bound', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => held.entered === 1);
      const ending = await drain(3_000);
      await ending.until();
      expect(ending.took()).toBe(3_000 + GRACE_MS);
      expect(ending.leftovers()).toEqual([{ jobId: 'j', slot: held.contexts[0].slot, attempt: 1 }]);
      expect((await bench.types('j')).slice(3)).toEqual([]);
    });
  });
});
