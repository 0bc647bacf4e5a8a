import { CancelJobCommand, CompleteJobRunCommand, RunJobNowCommand } from '../../src/commands';
import { JobAbortedError } from '../../src/worker';
import { Bench, Held } from './bench';

const MINUTE = 60_000;
const asap = { kind: 'once', at: 'asap' } as const;

describe('the worker starts', () => {
  let bench: Bench;
  let held: Held;
  const others: Bench[] = [];

  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(async () => {
    for (const one of [bench, ...others.splice(0)]) await one.close();
  });

  it('a due job: JobRunStarted first, then the handler, with payload and context', async () => {
    const payloads: unknown[] = [];
    await bench.open([
      { name: 'audit', run: (payload, context) => (payloads.push(payload), held.run(payload, context)) },
    ]);
    const at = bench.clock.wall() + MINUTE;
    await bench.job({
      jobId: 'j',
      handler: 'audit',
      payload: { goal: 'x' },
      tag: { name: 'a@test' },
      schedule: { kind: 'once', at },
    });
    await bench.clock.advance(MINUTE - 1);
    expect(held.entered).toBe(0);
    await bench.until('the handler', () => held.entered === 1);
    expect(bench.clock.wall()).toBe(at);
    expect(await bench.types('j')).toEqual(['JobScheduled', 'JobBoundToService', 'JobRunStarted']);
    expect(payloads).toEqual([{ goal: 'x' }]);
    const slot = new Date(at).toISOString();
    expect(held.contexts[0]).toMatchObject({
      jobId: 'j',
      handler: 'audit',
      tag: { name: 'a@test' },
      slot,
      scheduledAt: at,
      attempt: 1,
      epoch: 1,
      fencingToken: 2 ** 44 + 2,
      idempotencyKey: `j/${slot}`,
      serviceId: 'a@test',
      incarnation: bench.incarnation,
    });
    held.contexts[0].logger.info('of.the-handler');
    expect(bench.facts('of.the-handler')).toMatchObject([{ jobId: 'j', slot, attempt: 1, epoch: 1 }]);
    expect(JSON.stringify(bench.lines)).not.toContain('goal');
    held.finish();
    await bench.until('the outcome', () => bench.facts('job.succeeded').length === 1);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunSucceeded', 'JobCompleted']);
  });

  it('gives greater tokens to later starts', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 1_000 } });
    for (let run = 1; run <= 3; run++) {
      await bench.until('a run', () => held.entered === run);
      held.finish();
    }
    const tokens = held.contexts.map(({ fencingToken }) => fencingToken);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('no idle job that its service may not own any more, and others beside it', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    bench.eligible = ({ jobId }) => jobId === 'mine';
    for (const jobId of [...Array.from({ length: 40 }, (_, n) => `other-${n}`), 'mine'])
      await bench.job({ jobId, handler: 'audit', schedule: asap });
    await bench.until('the one', () => held.entered === 1);
    await bench.clock.advance(MINUTE);
    expect(held.contexts.map(({ jobId }) => jobId)).toEqual(['mine']);
    bench.eligible = true;
    await bench.until('all of them', () => held.entered === 41);
  });

  describe('nothing when it is fenced', () => {
    it('before the append: nothing is written', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      bench.before = () => bench.trust.fence();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the attempt', () => bench.sent.length === 1);
      await bench.clock.advance(5_000);
      expect(await bench.types('j')).toEqual(['JobScheduled', 'JobBoundToService']);
      expect(held.entered).toBe(0);
    });

    it('between the append and its acknowledgement: the handler is not entered; trusted again, the run is closed as lost and run anew', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      bench.after = () => bench.trust.fence();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('a start that is not entered', () => bench.facts('job.not-entered').length === 1);
      expect(await bench.types('j')).toEqual(['JobScheduled', 'JobBoundToService', 'JobRunStarted']);
      expect(held.entered).toBe(0);
      expect(bench.facts('job.not-entered')).toMatchObject([{ jobId: 'j', reason: 'trust-expired' }]);
      bench.after = () => undefined;
      bench.trust.trustAgain();
      await bench.until('the run', () => held.entered === 1);
      expect((await bench.types('j')).slice(3)).toEqual(['JobRunAbandoned(lostInProcess)', 'JobRunStarted']);
      expect(held.contexts[0].attempt).toBe(2);
    });

    it('while the clock is in doubt; an acknowledged start waits until the doubt is settled', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      bench.after = () => bench.trust.doubt();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the start', () => bench.sent.length === 1);
      await bench.clock.advance(5_000);
      expect(await bench.types('j')).toContain('JobRunStarted');
      expect(held.entered).toBe(0);
      bench.trust.settleDoubt();
      await bench.until('the run', () => held.entered === 1);
      expect(held.contexts[0].attempt).toBe(1);
    });

    it('does not enter when the doubt ends in a fence', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      bench.after = () => bench.trust.doubt();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the start', () => bench.sent.length === 1);
      await bench.clock.settle();
      bench.trust.fence();
      await bench.until('a start that is not entered', () => bench.facts('job.not-entered').length === 1);
      expect(held.entered).toBe(0);
    });

    it('looks at the fence in the turn in which the handler is entered', async () => {
      const looks: number[] = [];
      await bench.open([{ name: 'audit', run: () => void looks.push(bench.trust.looks) }]);
      let acknowledged = 0;
      bench.after = (command) => {
        if (command.constructor.name === 'StartJobRunCommand') acknowledged = bench.trust.looks;
      };
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => looks.length === 1);
      expect(looks[0]).toBeGreaterThan(acknowledged);
    });
  });

  it('a start that is acknowledged when the drain has begun is given back, not entered', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    let drained: Promise<unknown> | null = null;
    bench.after = (command) => {
      if (command.constructor.name === 'StartJobRunCommand') drained ??= bench.worker.drain(1_000);
    };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the drain', () => drained !== null);
    let leftovers: unknown = null;
    void drained!.then((left) => (leftovers = left));
    await bench.until('the end of the drain', () => leftovers !== null);
    expect(leftovers).toEqual([]);
    expect(held.entered).toBe(0);
    expect((await bench.types('j')).slice(2)).toEqual([
      'JobRunStarted',
      'JobRunAbandoned(drain)',
      'JobReleased(drain)',
    ]);
  });

  it("only what is its own: another service's due row changes nothing", async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    const other = await new Bench('b@test', bench).open([{ name: 'audit', run: held.run }]);
    others.push(other);
    other.worker.close();
    await other.job({ jobId: 'of-b', handler: 'audit', schedule: asap });
    await bench.clock.advance(MINUTE);
    expect(bench.view.job('of-b')).toMatchObject({ serviceId: 'b@test' });
    expect(bench.sent).toEqual([]);
    expect(held.entered).toBe(0);
  });

  describe('within limits', () => {
    it('of the service', async () => {
      await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 2 });
      for (const n of [1, 2, 3]) await bench.job({ jobId: `j${n}`, handler: 'audit', schedule: asap });
      await bench.until('two runs', () => held.entered === 2);
      await bench.clock.advance(MINUTE);
      expect(held.entered).toBe(2);
      expect(bench.worker.health()).toMatchObject({ running: 2, free: 0 });
      held.finish();
      await bench.until('the third', () => held.entered === 3);
    });

    it('of a handler, and a full one does not keep others waiting', async () => {
      const quick: string[] = [];
      await bench.open([
        { name: 'slow', concurrency: 1, run: held.run },
        { name: 'quick', run: (_, { jobId }) => void quick.push(jobId) },
      ]);
      bench.trust.fence();
      await bench.jobs(530, 'slow', 'slow-');
      await bench.job({ jobId: 'z', handler: 'quick', schedule: asap });
      bench.trust.trustAgain();
      await bench.until('the quick one', () => quick.length === 1);
      expect(held.entered).toBe(1);
    });

    it('a job that is due again at once does not keep the only place from one that was due before', async () => {
      await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 1 });
      await bench.job({ jobId: 'a', handler: 'audit', schedule: asap });
      await bench.until('the first run', () => held.entered === 1);
      await bench.clock.advance(10);
      await bench.job({ jobId: 'b', handler: 'audit', schedule: asap });
      await bench.clock.advance(10);
      await bench.send(new RunJobNowCommand({ jobId: 'a' }));
      for (const run of [2, 3]) {
        held.finish();
        await bench.until('the next run', () => held.entered === run);
      }
      expect(held.contexts.map(({ jobId }) => jobId)).toEqual(['a', 'b', 'a']);
    });
  });

  describe('before the outcome of the run before it is in the log', () => {
    let taken: () => void;
    beforeEach(async () => {
      const taking = new Promise<void>((resolve) => (taken = resolve));
      bench.before = (command) => (command instanceof CompleteJobRunCommand ? taking : undefined);
      await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 1 });
    });

    it('another job: the place of a handler that has settled is free', async () => {
      await bench.jobs(2, 'audit');
      await bench.until('the first', () => held.entered === 1);
      held.finish();
      await bench.until('the second', () => held.entered === 2);
      expect(bench.worker.health()).toMatchObject({ running: 1, free: 0 });
      taken();
      held.finish();
      await bench.until('both outcomes', () => bench.facts('job.succeeded').length === 2);
      expect(bench.worker.health()).toMatchObject({ running: 0, free: 1 });
    });

    it('but not the same job, whatever is asked for', async () => {
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the first', () => held.entered === 1);
      await bench.send(new RunJobNowCommand({ jobId: 'j' }));
      held.finish();
      await bench.clock.advance(MINUTE);
      expect(held.entered).toBe(1);
      taken();
      await bench.until('the run that was asked for', () => held.entered === 2);
    });

    it('but outcomes that the log does not take never pile up', async () => {
      await bench.jobs(9, 'audit');
      for (const run of [1, 2, 3]) {
        await bench.until('the next', () => held.entered === run);
        held.finish();
      }
      await bench.clock.advance(MINUTE);
      expect(held.entered).toBe(3);
      taken();
      for (const run of [4, 5, 6, 7, 8, 9]) {
        await bench.until('the rest', () => held.entered === run);
        held.finish();
      }
      await bench.until('all outcomes', () => bench.facts('job.succeeded').length === 9);
    });
  });

  it('a thousand due jobs', async () => {
    let runs = 0;
    await bench.open([{ name: 'audit', run: () => void runs++ }], { maxConcurrentRuns: 100 });
    bench.trust.fence();
    await bench.jobs(1_000, 'audit');
    bench.trust.trustAgain();
    await bench.until('all of them', () => runs === 1_000);
  });

  it('a row that was read ahead and is no longer so: the log refuses its start, and nothing is run twice', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 1 });
    bench.trust.fence();
    await bench.jobs(3, 'audit');
    bench.trust.trustAgain();
    await bench.until('the first', () => held.entered === 1);
    const [first] = held.contexts;
    const next = ['j0', 'j1', 'j2'].find((jobId) => jobId !== first.jobId)!;
    // The view does not know of it when the place is free.
    void bench.executor.execute(new CancelJobCommand({ jobId: next }));
    held.finish();
    await bench.until('the other one', () => held.entered === 2);
    held.finish();
    await bench.clock.advance(5_000);
    expect(held.contexts.map(({ jobId }) => jobId)).not.toContain(next);
    expect(held.entered).toBe(2);
    expect((await bench.types(next)).slice(2)).not.toContain('JobRunStarted');
  });

  it('two minutes of refusals is no hot loop, and ends when they do', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    let refusing = true;
    bench.before = () => {
      if (refusing) throw new Error('no');
    };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    const { passes } = bench;
    await bench.clock.advance(2 * MINUTE);
    // One a second, and the passes that its end, its rest and the timer ask for.
    expect(bench.sent.length).toBeLessThan(140);
    expect(bench.passes - passes).toBeLessThan(5 * 140);
    refusing = false;
    await bench.until('the run', () => held.entered === 1, 2_000);
  });

  it('jobs whose starts are refused do not hide those behind them', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    bench.before = (command) => {
      if ((command as { jobId?: string }).jobId !== 'z') throw new Error('no');
    };
    bench.trust.fence();
    await bench.jobs(530, 'audit');
    await bench.clock.advance(10);
    await bench.job({ jobId: 'z', handler: 'audit', schedule: asap });
    bench.trust.trustAgain();
    await bench.until('the one behind', () => held.entered === 1, 5_000);
  });

  it('goes on after an exception in a pass, says it, and has completed no pass by it', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.clock.settle();
    bench.onDue = () => {
      throw new Error('the view is gone');
    };
    const { passes } = bench;
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.clock.advance(5_000);
    expect(bench.facts('worker.pass-failed').length).toBeGreaterThan(0);
    expect(bench.facts('worker.pass-failed').length).toBeLessThan(20);
    expect(bench.worker.health().lastError).toMatch(/the view is gone/);
    expect(bench.passes).toBe(passes);
    bench.onDue = () => undefined;
    await bench.until('the run', () => held.entered === 1);
  });

  it('nothing before start, and nothing after close', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    bench.worker.close();
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.clock.advance(MINUTE);
    expect(bench.sent).toEqual([]);
  });

  it('guard() resolves when trusted, waits in doubt, rejects when fenced and after the run', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    const [context] = held.contexts;
    await context.guard();
    bench.trust.doubt();
    let answer: string | null = null;
    void context.guard().then(() => (answer = 'resolved'));
    await bench.clock.advance(5_000);
    expect(answer).toBeNull();
    expect(context.signal.aborted).toBe(false);
    bench.trust.settleDoubt();
    await bench.until('guard', () => answer !== null);
    // Expired, and nobody has told yet.
    bench.trust.reason = 'trust-expired';
    await expect(context.guard()).rejects.toMatchObject({ name: 'JobAbortedError', reason: 'fenced' });
    expect(context.signal.reason).toBeInstanceOf(JobAbortedError);
  });

  it('guard() of something that a handler left behind rejects, trusted or not', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    held.finish();
    await bench.until('the outcome', () => bench.facts('job.succeeded').length === 1);
    await expect(held.contexts[0].guard()).rejects.toBeInstanceOf(JobAbortedError);
    bench.trust.reason = 'trust-expired';
    await expect(held.contexts[0].guard()).rejects.toBeInstanceOf(JobAbortedError);
  });
});
