import { AbandonJobRunCommand, StartJobRunCommand } from '../../src/commands';
import { Bench, Held } from './bench';

/** The view of a process is always a little behind what the process itself has appended. */
describe('a worker whose view is behind', () => {
  const LAG_MS = 300;
  let bench: Bench;
  let held: Held;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(() => bench.close());

  const open = (options: Parameters<Bench['open']>[1] = {}) =>
    bench.open([{ name: 'audit', run: held.run }], { viewLagMs: LAG_MS, ...options });
  const sent = (kind: new (...fields: never[]) => unknown) =>
    bench.sent.filter((command) => command instanceof kind).length;

  it('takes no run for lost that has ended, and starts none twice: it knows what it has appended itself', async () => {
    await open();
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 1_000 } });
    for (let run = 1; run <= 5; run++) {
      await bench.until('a run', () => held.entered === run);
      held.finish();
    }
    await bench.clock.advance(LAG_MS);
    expect(sent(AbandonJobRunCommand)).toBe(0);
    expect(sent(StartJobRunCommand)).toBe(5);
    expect(bench.facts('job.not-started')).toEqual([]);
    expect((await bench.types('j')).slice(2)).toEqual(
      Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? 'JobRunStarted' : 'JobRunSucceeded')),
    );
  });

  it('tells no handler to stop whose start it does not show yet', async () => {
    await open();
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'once', at: 'asap' } });
    await bench.until('the run', () => held.entered === 1);
    for (let n = 0; n < 10; n++) {
      await bench.clock.advance(LAG_MS / 5);
      bench.worker.wake();
    }
    expect(held.contexts[0].signal.aborted).toBe(false);
    held.finish();
    await bench.until('the end', () => bench.facts('job.succeeded').length === 1);
  });

  it('closes a run that was really lost once, when the view shows that nothing else was done', async () => {
    await open();
    let entered = false;
    bench.after = (command) => {
      if (command instanceof StartJobRunCommand && !entered) bench.trust.fence();
      entered = true;
    };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'once', at: 'asap' } });
    await bench.until('a start that is not entered', () => bench.facts('job.not-entered').length === 1);
    bench.trust.trustAgain();
    await bench.until('the run', () => held.entered === 1);
    await bench.clock.advance(5 * LAG_MS);
    expect(sent(AbandonJobRunCommand)).toBe(1);
    expect((await bench.types('j')).slice(2)).toEqual([
      'JobRunStarted',
      'JobRunAbandoned(lostInProcess)',
      'JobRunStarted',
    ]);
  });

  describe('finds what is due behind many jobs that it shows as due, and are not', () => {
    const MANY = 60;
    /** Many jobs are due, and one a little later. */
    const many = async () => {
      const at = bench.clock.wall() + 60_000;
      const once = (instant: number) => ({ kind: 'once', at: instant }) as const;
      for (let n = 0; n < MANY; n++) await bench.job({ jobId: `j${n}`, handler: 'audit', schedule: once(at) });
      await bench.job({ jobId: 'other', handler: 'audit', schedule: once(at + 100) });
      await bench.clock.advance(at - bench.clock.wall());
      return at;
    };
    /** Nothing of what was read is of any use any more. */
    const readAgain = async (at: number) => {
      await bench.clock.advance(at + 50 - bench.clock.wall());
      bench.worker.wake();
      await bench.clock.advance(at + 99 - bench.clock.wall());
    };

    it('they have run', async () => {
      let entered: string[] = [];
      await bench.open([{ name: 'audit', run: (_, { jobId }) => void entered.push(jobId) }], { viewLagMs: LAG_MS });
      const at = await many();
      await bench.clock.advance(20);
      expect(entered).toHaveLength(MANY);
      entered = [];
      await readAgain(at);
      await bench.clock.advance(11);
      expect(entered).toEqual(['other']);
    });

    it('their starts are on their way', async () => {
      await open({ maxConcurrentRuns: 100 });
      bench.before = (command) =>
        command instanceof StartJobRunCommand && command.jobId !== 'other' ? new Promise(() => undefined) : undefined;
      const at = await many();
      // A pass reads some of them; as nothing is answered, nothing makes it look for more.
      for (let n = 0; n < 2; n++) {
        bench.worker.wake();
        await bench.clock.advance(20);
      }
      expect(sent(StartJobRunCommand)).toBe(MANY);
      await readAgain(at);
      await bench.clock.advance(11);
      expect(held.contexts.map(({ jobId }) => jobId)).toEqual(['other']);
    });
  });
});
