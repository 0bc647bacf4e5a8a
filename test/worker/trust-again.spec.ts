import {
  AbandonJobRunCommand,
  CancelJobCommand,
  CommandUnavailableError,
  RequeueJobCommand,
  RescheduleJobCommand,
  StartJobRunCommand,
} from '../../src/commands';
import { Bench, Held } from './bench';

const MINUTE = 60_000;
const asap = { kind: 'once', at: 'asap' } as const;

/** What a worker does with starts that it did not enter, and with handlers that were aborted, when it is trusted again. */
describe('the worker, trusted again', () => {
  let bench: Bench;
  let held: Held;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(() => bench.close());

  const abandons = () => bench.sent.filter((command) => command instanceof AbandonJobRunCommand);
  const anotherLife = () => (bench.incarnation = bench.incarnation.replace(/^./, (c) => (c === '0' ? '1' : '0')));
  /** So many abandonments lose all their races to other decisions on the job. */
  const losing = (times: number) => {
    bench.before = (command) => {
      if (!(command instanceof AbandonJobRunCommand) || abandons().length > times) return;
      throw new CommandUnavailableError('job-j changed 8 times while this command was decided.');
    };
  };
  /** A start is acknowledged, and what the test says happens before its handler is entered. */
  const notEntered = async (then: () => void) => {
    await bench.open([{ name: 'audit', run: held.run }]);
    bench.after = (command) => {
      if (command instanceof StartJobRunCommand) then();
    };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('a start that is not entered', () => bench.facts('job.not-entered').length === 1);
    bench.after = () => undefined;
  };

  it('closes a start that it did not enter once, and not again with the next return', async () => {
    await notEntered(() => bench.trust.fence());
    bench.trust.trustAgain();
    await bench.until('the run', () => held.entered === 1);
    expect(abandons()).toHaveLength(1);
    bench.trust.trustAgain();
    bench.trust.trustAgain();
    await bench.clock.advance(MINUTE);
    expect(abandons()).toHaveLength(1);
  });

  it('takes back a start of a former incarnation once', async () => {
    await notEntered(() => bench.trust.fence());
    anotherLife();
    bench.trust.trustAgain();
    await bench.clock.advance(MINUTE);
    bench.trust.trustAgain();
    await bench.clock.advance(MINUTE);
    expect(abandons()).toHaveLength(1);
    expect(held.entered).toBe(0);
  });

  it('… again while that loses its races: it would count as a crash', async () => {
    await notEntered(() => bench.trust.fence());
    anotherLife();
    losing(3);
    bench.trust.trustAgain();
    await bench.clock.advance(MINUTE);
    expect(abandons()).toHaveLength(4);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunAbandoned(lostInProcess)']);
  });

  it('takes back a start of a former incarnation that is acknowledged after it has returned', async () => {
    await notEntered(() => {
      anotherLife();
      bench.trust.trustAgain();
    });
    await bench.clock.advance(MINUTE);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunAbandoned(lostInProcess)']);
  });

  it('never enters the handler of a start that another incarnation of it has made', async () => {
    await notEntered(anotherLife);
    expect(bench.facts('job.not-entered')).toMatchObject([{ reason: 'other-incarnation' }]);
    expect(held.entered).toBe(0);
  });

  it('gives nothing back for a drain while it is fenced: the start that it did not enter is lost, no more', async () => {
    await notEntered(() => {
      bench.draining = true;
      bench.trust.fence();
    });
    expect(bench.facts('job.not-entered')).toMatchObject([{ reason: 'trust-expired' }]);
    await bench.clock.advance(MINUTE);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunAbandoned(lostInProcess)']);
  });

  describe('of a handler that was aborted', () => {
    const aborted = async (onStuck: 'wait' | 'release', forMs: number) => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap, policies: { onStuck } });
      await bench.until('the run', () => held.entered === 1);
      bench.trust.fence();
      await bench.clock.advance(forMs);
    };

    it('says nothing while it may settle within its grace', async () => {
      await aborted('wait', 500);
      anotherLife();
      bench.trust.trustAgain();
      await bench.clock.advance(400);
      expect(abandons()).toEqual([]);
    });

    it('says nothing when it waits for it, and is who it was', async () => {
      await aborted('wait', MINUTE);
      bench.trust.trustAgain();
      await bench.clock.advance(MINUTE);
      expect(abandons()).toEqual([]);
    });

    it('says of one that waits, once others have taken its job, that its process lives when it is somebody else', async () => {
      await aborted('wait', MINUTE);
      const gone = { serviceId: 'a@test', incarnation: bench.incarnation, cause: 'failed' } as const;
      anotherLife();
      losing(2);
      bench.trust.trustAgain();
      await bench.clock.advance(MINUTE);
      // Its job is still that of its former life: nothing is said of it yet.
      expect(abandons().length).toBeGreaterThan(10);
      expect((await bench.types('j')).slice(3)).toEqual([]);
      const quarantine = { crashes: 3, windowMs: 60 * MINUTE };
      await bench.send(
        new RequeueJobCommand({ jobId: 'j', gone, to: null, nobody: 'nobody is left', viewPosition: '1', quarantine }),
      );
      await bench.until('that', () => bench.facts('job.abandoned').length === 1);
      expect((await bench.types('j')).slice(3)).toEqual([
        'JobRunAbandoned(ownerFailed)',
        'JobRequeued',
        'JobRunOutcomeRefused',
      ]);
      const said = abandons().length;
      await bench.clock.advance(MINUTE);
      expect(abandons()).toHaveLength(said);
    });

    it('asks once for the release of one that waits by a newer policy', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap, policies: { timeoutMs: 10_000 } });
      await bench.until('the run', () => held.entered === 1);
      await bench.send(new RescheduleJobCommand({ jobId: 'j', policies: { onStuck: 'wait', timeoutMs: 10_000 } }));
      await bench.clock.advance(2 * MINUTE);
      expect(abandons()).toHaveLength(1);
      expect(await bench.types('j')).not.toContain('JobReleased(stuck)');
    });

    it('waits once for the end of a doubt, however long that lasts, and then gives its job away', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap, policies: { timeoutMs: 2_000 } });
      await bench.until('the run', () => held.entered === 1);
      const settled = jest.spyOn(bench.trust, 'settled');
      bench.trust.doubt();
      for (let n = 0; n < 100; n++) {
        await bench.clock.advance(100);
        bench.worker.wake();
      }
      expect(settled).toHaveBeenCalledTimes(1);
      bench.trust.settleDoubt();
      await bench.until('the release', () => bench.facts('job.abandoned').length === 1);
      expect(abandons()).toHaveLength(1);
    });

    it('gives nothing away that settled while the clock was in doubt', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap, policies: { timeoutMs: 2_000 } });
      await bench.until('the run', () => held.entered === 1);
      bench.trust.doubt();
      await bench.clock.advance(10_000);
      held.finish();
      await bench.until('the outcome', () => bench.facts('job.timed-out').length === 1);
      bench.trust.settleDoubt();
      await bench.clock.advance(MINUTE);
      expect(abandons()).toEqual([]);
    });

    it('says of a run that was cancelled what its handler says, and nothing before', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the run', () => held.entered === 1);
      await bench.send(new CancelJobCommand({ jobId: 'j', reason: 'test' }));
      await bench.clock.advance(MINUTE);
      expect([bench.worker.health().stuck, abandons()]).toEqual([1, []]);
      held.finish();
      await bench.until('the refused result', () => bench.facts('job.outcome-refused').length === 1);
      const { events } = await bench.store.readStream('job-j', { direction: 'backwards', limit: 1 });
      expect(JSON.parse(events[0].data)).toMatchObject({ outcome: 'succeeded' });
    });

    it('gives away what was to make room for a newer slot once it has started it in a former life', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      const schedule = { kind: 'interval', every: 10_000 } as const;
      await bench.job({ jobId: 'j', handler: 'audit', schedule, policies: { overlap: 'replace' } });
      await bench.until('it to be stuck', () => bench.worker.health().stuck === 1);
      await bench.clock.advance(MINUTE);
      expect(abandons()).toEqual([]);
      anotherLife();
      bench.trust.trustAgain();
      await bench.clock.advance(MINUTE);
      expect(abandons()).toHaveLength(1);
    });

    it('gives its job away once', async () => {
      await aborted('release', MINUTE);
      anotherLife();
      bench.trust.trustAgain();
      await bench.clock.advance(MINUTE);
      expect(abandons()).toHaveLength(1);
    });
  });

  it('starts nothing in the append that ends a run while it is fenced', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    const always = { schedule: { kind: 'interval', every: 20 }, policies: { overlap: 'queue' } } as const;
    await bench.job({ jobId: 'j', handler: 'audit', ...always });
    await bench.until('the run', () => held.entered === 1);
    await bench.clock.advance(100);
    bench.trust.fence();
    held.finish();
    await bench.clock.advance(MINUTE);
    expect((await bench.types('j')).slice(3)).toEqual(['JobRunSucceeded']);
    bench.trust.trustAgain();
    await bench.until('the next', () => held.entered === 2);
  });

  it('looks at its trust all the time while a handler runs, and no longer once that is aborted', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the run', () => held.entered === 1);
    await bench.clock.advance(1_000);
    const { looks } = bench.trust;
    await bench.clock.advance(15_000);
    expect(bench.trust.looks - looks).toBeGreaterThanOrEqual(100);
    bench.trust.fence();
    await bench.clock.advance(1_000);
    expect(bench.clock.pendingTimers()).not.toContain('fence-watch');
  });
});
