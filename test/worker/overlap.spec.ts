import {
  CancelJobCommand,
  PauseJobCommand,
  RescheduleJobCommand,
  ResumeJobCommand,
  RunJobNowCommand,
  type CommandToJob,
} from '../../src/commands';
import { openRuns, type JobRecord } from '../../src/domain/job';
import { Bench, Held } from './bench';

const every = { kind: 'interval', every: 10_000 } as const;

describe('the worker, of a job whose slots overlap', () => {
  let bench: Bench;
  let held: Held;

  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(() => bench.close());

  const slots = () => held.contexts.map(({ scheduledAt }) => (scheduledAt! - start) / 10_000);
  let start = 0;
  const schedule = async (policies: object, options: object = {}) => {
    await bench.open([{ name: 'audit', run: held.run, ...options }]);
    start = bench.clock.wall();
    await bench.job({ jobId: 'j', handler: 'audit', schedule: every, policies });
  };
  const record = () => bench.view.job('j')!.state as JobRecord;
  const open = () => openRuns(record()).length;

  describe('under allow(n)', () => {
    it('runs up to n at once, each with its own slot and signal', async () => {
      await schedule({ overlap: { allow: 3 } });
      await bench.until('three', () => held.entered === 3, 60_000);
      expect(slots()).toEqual([1, 2, 3]);
      await bench.clock.advance(25_000);
      expect([held.entered, open()]).toEqual([3, 3]);
      held.finish();
      await bench.until('the fourth', () => held.entered === 4, 60_000);
      // Two fell while it was full.
      expect(slots()).toEqual([1, 2, 3, 6]);
      expect(await bench.types('j')).toContain('JobSlotsSkipped');
      const tokens = held.contexts.map(({ fencingToken }) => fencingToken);
      expect(new Set(tokens).size).toBe(4);
    });

    it('a handler that ignores its abort is counted, though its run is closed', async () => {
      await schedule({ overlap: { allow: 2 }, timeoutMs: 3_000, retry: { maxRetries: 0 } });
      await bench.until('it to be stuck', () => bench.facts('job.abandoned').length === 1, 60_000);
      // It was the only one open: its job is given away. Here it still counts.
      expect((await bench.types('j')).slice(-2)).toEqual(['JobRunTimedOut', 'JobReleased(stuck)']);
      expect(bench.worker.accepts(bench.view.job('j')!)).toBe(true);
    });

    it('one stuck handler of two: its slot ends, the job stays with the other', async () => {
      const run = held.run;
      await bench.open([{ name: 'audit', run }]);
      await bench.job({
        jobId: 'j',
        handler: 'audit',
        schedule: every,
        policies: { overlap: { allow: 2 }, timeoutMs: 15_000, retry: { maxRetries: 0 } },
      });
      await bench.until('the first to be stuck', () => bench.facts('job.abandoned').length === 1, 60_000);
      expect((await bench.types('j')).filter((type) => type.startsWith('JobReleased'))).toEqual([]);
      expect(open()).toBe(1);
      // Two handlers are in this process: no third enters, though only one run is open.
      await bench.clock.advance(6_000);
      expect(held.entered).toBe(2);
    });

    it('closes a lost run beside one that is executed', async () => {
      await schedule({ overlap: { allow: 2 } });
      await bench.until('one', () => held.entered === 1, 60_000);
      // Acknowledged, and fenced before the handler is entered: open in the log, executed by nobody.
      bench.after = ({ constructor: { name } }) => {
        if (name === 'StartJobRunCommand') bench.trust.reason = 'trust-expired';
      };
      await bench.until('a start that is not entered', () => bench.facts('job.not-entered').length === 1, 60_000);
      bench.after = () => undefined;
      expect(held.contexts[0].signal.aborted).toBe(false);
      bench.trust.trustAgain();
      await bench.until('it runs after all', () => held.entered === 2, 60_000);
      expect(await bench.types('j')).toContain('JobRunAbandoned(lostInProcess)');
      expect(held.contexts.map(({ attempt }) => attempt)).toEqual([1, 2]);
      expect(open()).toBe(2);
    });

    it('a cancel aborts all of them', async () => {
      await schedule({ overlap: { allow: 2 } });
      await bench.until('two', () => held.entered === 2, 60_000);
      await bench.send(new CancelJobCommand({ jobId: 'j', reason: 'enough' }));
      await bench.until('the abort', () => held.contexts.every(({ signal }) => signal.aborted));
      held.finish();
      held.finish();
      await bench.until('both late', () => bench.facts('job.outcome-refused').length === 2);
    });

    it('a drain gives all of them back, and then the job', async () => {
      await bench.open([{ name: 'audit', run: held.yielding }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: every, policies: { overlap: { allow: 3 } } });
      await bench.until('three', () => held.entered === 3, 60_000);
      let left: readonly unknown[] | null = null;
      void bench.worker.drain(1_000).then((leftovers) => (left = leftovers));
      await bench.until('the drain', () => left !== null);
      expect(left).toEqual([]);
      const types = await bench.types('j');
      expect(types.filter((type) => type === 'JobRunAbandoned(drain)')).toHaveLength(3);
      expect(types.at(-1)).toBe('JobReleased(drain)');
      expect(types.filter((type) => type.startsWith('JobReleased'))).toHaveLength(1);
    });

    it('starts nothing more when it has become ineligible, and releases with the last outcome', async () => {
      await schedule({ overlap: { allow: 3 } });
      await bench.until('two', () => held.entered === 2, 60_000);
      bench.eligible = false;
      await bench.clock.advance(15_000);
      expect(held.entered).toBe(2);
      held.finish();
      await bench.until('one less', () => open() === 1);
      held.finish();
      await bench.until('the release', () => record().ownership.kind === 'unbound');
      expect((await bench.types('j')).at(-1)).toBe('JobReleased(ineligible)');
    });

    it('a run counts as one of the places of its service', async () => {
      await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 2 });
      await bench.job({ jobId: 'j', handler: 'audit', schedule: every, policies: { overlap: { allow: 5 } } });
      await bench.clock.advance(45_000);
      expect([held.entered, bench.worker.running]).toEqual([2, 2]);
      expect(bench.view.ownJobs('a@test').count(bench.incarnation)).toEqual({ owned: 1, running: 2 });
    });

    it('enters more as soon as more are allowed, while those it has run on', async () => {
      await schedule({ overlap: 'skip' });
      await bench.until('one', () => held.entered === 1, 60_000);
      await bench.send(new RescheduleJobCommand({ jobId: 'j', policies: { overlap: { allow: 2 } } }));
      await bench.until('another beside it', () => held.entered === 2, 15_000);
      expect(open()).toBe(2);
    });

    it('never enters more than fewer allow, when the policy is changed', async () => {
      await schedule({ overlap: { allow: 3 } });
      await bench.until('three', () => held.entered === 3, 60_000);
      await bench.send(new RescheduleJobCommand({ jobId: 'j', policies: { overlap: 'skip' } }));
      held.finish();
      held.finish();
      await bench.until('one is left', () => open() === 1);
      await bench.clock.advance(25_000);
      expect(held.entered).toBe(3);
      held.finish();
      await bench.until('the next', () => held.entered === 4, 60_000);
      expect(open()).toBe(1);
    });
  });

  describe('under queue', () => {
    it('starts the first that fell, when the run ends', async () => {
      await schedule({ overlap: 'queue' });
      await bench.until('one', () => held.entered === 1, 60_000);
      await bench.clock.advance(35_000);
      held.finish();
      await bench.until('the queued one', () => held.entered === 2);
      expect(slots()).toEqual([1, 2]);
      held.finish();
      await bench.until('the next in time', () => held.entered === 3, 60_000);
      expect(slots()).toEqual([1, 2, 5]);
    });
  });

  describe('under replace', () => {
    it('aborts the handler for a newer slot, and starts that when it has settled', async () => {
      await bench.open([{ name: 'audit', run: held.yielding }]);
      start = bench.clock.wall();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: every, policies: { overlap: 'replace' } });
      await bench.until('the second', () => held.entered === 2, 60_000);
      expect(slots()).toEqual([1, 2]);
      expect(held.contexts[0].signal.reason).toMatchObject({ reason: 'replaced' });
      expect((await bench.types('j')).slice(2)).toEqual([
        'JobRunStarted',
        'JobRunAbandoned(replaced)',
        'JobRunStarted',
      ]);
      expect(bench.clock.wall() - start).toBeLessThan(20_500);
    });

    it('starts that however prompt it is to be, when the handler takes its time to settle', async () => {
      await schedule({ overlap: 'replace', misfire: { policy: 'skip', thresholdMs: 0 } });
      await bench.until('the abort', () => held.contexts[0]?.signal.aborted === true, 60_000);
      await bench.clock.advance(800);
      held.fail(new Error('I was told to stop'));
      await bench.until('the second', () => held.entered === 2);
      expect(slots()).toEqual([1, 2]);
      expect((await bench.types('j')).slice(2)).toEqual([
        'JobRunStarted',
        'JobRunAbandoned(replaced)',
        'JobRunStarted',
      ]);
    });

    it('also where its handler may run once at a time, and every place is taken', async () => {
      await bench.open([{ name: 'audit', run: held.yielding, concurrency: 1 }], { maxConcurrentRuns: 1 });
      await bench.job({ jobId: 'j', handler: 'audit', schedule: every, policies: { overlap: 'replace' } });
      await bench.until('the third', () => held.entered === 3, 60_000);
    });

    it('never enters beside a handler that ignores its abort: the slots are skipped as stuck, until it settles', async () => {
      await schedule({ overlap: 'replace' });
      await bench.clock.advance(35_000);
      expect(held.entered).toBe(1);
      expect(open()).toBe(1);
      expect(record().ownership.kind).toBe('bound');
      expect(bench.facts('job.slots-skipped')).toHaveLength(2);
      expect(record().accountedThrough).toBe(start + 30_000);
      held.fail(new Error('too late'));
      await bench.until('the next slot', () => held.entered === 2, 60_000);
      expect(slots()).toEqual([1, 4]);
      expect((await bench.types('j')).slice(2)).toEqual([
        'JobRunStarted',
        'JobSlotsSkipped',
        'JobSlotsSkipped',
        'JobRunAbandoned(replaced)',
        'JobRunStarted',
      ]);
    });

    it('counts a success of the handler that was told to make room', async () => {
      await schedule({ overlap: 'replace' });
      await bench.until('the abort', () => held.contexts[0]?.signal.aborted === true, 60_000);
      held.finish();
      await bench.until('the second', () => held.entered === 2);
      expect((await bench.types('j')).slice(2, 5)).toEqual(['JobRunStarted', 'JobRunSucceeded', 'JobRunStarted']);
    });

    it('a handler that neither makes room nor keeps its time limit is given away', async () => {
      await schedule({ overlap: 'replace', timeoutMs: 25_000, retry: { maxRetries: 0 } });
      await bench.until('the release', () => bench.facts('job.abandoned').length === 1, 60_000);
      expect(bench.clock.wall() - start).toBeGreaterThanOrEqual(35_000);
      expect((await bench.types('j')).slice(-2)).toEqual(['JobRunTimedOut', 'JobReleased(stuck)']);
      expect(bench.worker.accepts(bench.view.job('j')!)).toBe(false);
    });

    it('a run on request replaces a scheduled one, and is not replaced itself', async () => {
      await bench.open([{ name: 'audit', run: held.yielding }]);
      start = bench.clock.wall();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: every, policies: { overlap: 'replace' } });
      await bench.until('one', () => held.entered === 1, 60_000);
      await bench.send(new RunJobNowCommand({ jobId: 'j', reason: 'now' }));
      await bench.until('the requested one', () => held.entered === 2);
      expect(held.contexts[1].slot).toMatch(/^manual:/);
      await bench.clock.advance(25_000);
      expect([held.entered, held.contexts[1].signal.aborted]).toEqual([2, false]);
    });

    const interruptedFor = async (command: CommandToJob) => {
      await schedule({ overlap: 'replace' });
      await bench.until('the abort', () => held.contexts[0]?.signal.aborted === true, 60_000);
      await bench.send(command);
      held.fail(new Error('I was told to stop'));
      await bench.until('its end', () => bench.facts('job.abandoned').length === 1);
    };

    it('runs the old slot again when the newer one was moved away before it had settled', async () => {
      await interruptedFor(new RescheduleJobCommand({ jobId: 'j', schedule: { kind: 'interval', every: 3_600_000 } }));
      await bench.until('it runs again', () => held.entered === 2);
      expect(held.contexts.map(({ slot, attempt }) => [slot, attempt])).toEqual([
        [held.contexts[0].slot, 1],
        [held.contexts[0].slot, 2],
      ]);
      expect((await bench.types('j')).slice(2)).toEqual([
        'JobRunStarted',
        'JobSlotsSkipped',
        'JobRescheduled',
        'JobRunAbandoned(lostInProcess)',
        'JobRunStarted',
      ]);
      await bench.clock.advance(20_000);
      expect(held.contexts[1].signal.aborted).toBe(false);
    });

    it('… and after the pause that came before it had settled', async () => {
      await interruptedFor(new PauseJobCommand({ jobId: 'j', reason: 'x' }));
      await bench.clock.advance(4_000);
      expect([held.entered, open()]).toEqual([1, 0]);
      await bench.send(new ResumeJobCommand({ jobId: 'j', reason: 'x' }));
      await bench.until('it runs again', () => held.entered === 2);
      expect(held.contexts[1]).toMatchObject({ slot: held.contexts[0].slot, attempt: 2 });
    });

    it('goes on until the newer slot is due, and while the worker drains or the clock is in doubt', async () => {
      await schedule({ overlap: 'replace' });
      await bench.until('one', () => held.entered === 1, 60_000);
      const { signal } = held.contexts[0];
      await bench.clock.advance(9_999);
      bench.worker.wake();
      await bench.clock.settle();
      expect(signal.aborted).toBe(false);
      bench.trust.doubt();
      await bench.clock.advance(5_000);
      expect(signal.aborted).toBe(false);
      bench.draining = true;
      bench.trust.settleDoubt();
      bench.worker.wake();
      await bench.clock.advance(5_000);
      expect(signal.aborted).toBe(false);
      bench.draining = false;
      bench.worker.wake();
      await bench.until('the abort', () => signal.aborted);
      expect(signal.reason).toMatchObject({ reason: 'replaced' });
    });

    describe('of a handler that ignores its abort', () => {
      const skips = () => bench.sent.filter((command) => 'stuck' in command && command.stuck === true).length;
      const stuck = async () => {
        await schedule({ overlap: 'replace' });
        await bench.until('one', () => held.entered === 1, 60_000);
        await bench.clock.advance(9_000);
      };

      it('skips a slot once, also while that is under way', async () => {
        await stuck();
        let skip: () => void = () => undefined;
        const gate = new Promise<void>((resolve) => (skip = resolve));
        bench.before = (command) => ('stuck' in command && command.stuck === true ? gate : undefined);
        await bench.clock.advance(6_000);
        for (let n = 0; n < 5; n++) {
          bench.worker.wake();
          await bench.clock.advance(200);
        }
        expect(skips()).toBe(1);
        skip();
        await bench.until('the skip', () => bench.facts('job.slots-skipped').length === 1);
        await bench.clock.advance(1_000);
        expect(skips()).toBe(1);
      });

      it('ends its slot though it settles before the skip is answered, each time: the oldest is not run for ever', async () => {
        await stuck();
        bench.after = async (command) => {
          if ('stuck' in command && command.stuck === true) await bench.clock.sleep(30);
        };
        for (let n = 1; n <= 4; n++) {
          await bench.until('the skip', () => skips() === n, 60_000);
          await bench.clock.advance(10);
          expect(bench.facts('job.slots-skipped')).toHaveLength(n - 1);
          held.fail(new Error('just too late'));
          await bench.until('the next', () => held.entered === n + 1, 60_000);
        }
        expect(slots()).toEqual([1, 3, 5, 7, 9]);
        expect(held.contexts.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1]);
        expect((await bench.types('j')).slice(2, 6)).toEqual([
          'JobRunStarted',
          'JobSlotsSkipped',
          'JobRunAbandoned(replaced)',
          'JobRunStarted',
        ]);
      });

      it('skips nothing for a run on request: that waits', async () => {
        await stuck();
        await bench.until('the skip', () => bench.facts('job.slots-skipped').length === 1);
        await bench.send(new RunJobNowCommand({ jobId: 'j', reason: 'now' }));
        await bench.clock.advance(5_000);
        expect(skips()).toBe(1);
        held.finish();
        await bench.until('the requested one', () => held.entered === 2);
        expect(held.contexts[1].slot).toMatch(/^manual:/);
      });

      it('skips nothing when it is fenced before that is appended', async () => {
        await stuck();
        bench.before = (command) => {
          if ('stuck' in command && command.stuck === true) bench.trust.reason = 'trust-expired';
        };
        await bench.clock.advance(5_000);
        expect(skips()).toBe(1);
        expect((await bench.types('j')).slice(3)).toEqual([]);
      });

      it('skips it once though the view is behind', async () => {
        await bench.open([{ name: 'audit', run: held.run }], { viewLagMs: 300 });
        await bench.job({ jobId: 'j', handler: 'audit', schedule: every, policies: { overlap: 'replace' } });
        await bench.until('one', () => held.entered === 1, 60_000);
        await bench.until('the skip', () => skips() === 1, 60_000);
        for (let n = 0; n < 20; n++) {
          bench.worker.wake();
          await bench.clock.advance(50);
        }
        expect(skips()).toBe(1);
      });
    });

    it('is not aborted for a slot of a job that is paused', async () => {
      await schedule({ overlap: 'replace' });
      await bench.until('one', () => held.entered === 1, 60_000);
      await bench.send(new PauseJobCommand({ jobId: 'j', reason: 'x' }));
      await bench.clock.advance(15_000);
      expect(held.contexts[0].signal.aborted).toBe(false);
    });
  });
});
