import { CompleteJobRunCommand, StartJobRunCommand } from '../../src/commands';
import { Bench, Held } from './bench';

const MINUTE = 60_000;
const asap = { kind: 'once', at: 'asap' } as const;
/** Always due: a slot that falls during a run waits for its end, and is started in the append that ends it. */
const always = { schedule: { kind: 'interval', every: 20 }, policies: { overlap: 'queue' } } as const;

describe('the places of the worker', () => {
  let bench: Bench;
  let held: Held;
  let open: () => void;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
    open = () => undefined;
  });
  afterEach(() => bench.close());

  /** Outcomes do not reach the log until `open` is called. */
  const holdOutcomes = () => {
    const gate = new Promise<void>((resolve) => (open = resolve));
    bench.before = (command) => (command instanceof CompleteJobRunCommand ? gate : undefined);
  };

  it('are taken by a run that starts in the append that ends the one before it', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 2 });
    await bench.job({ jobId: 'j', handler: 'audit', ...always });
    await bench.until('the run', () => held.entered === 1);
    await bench.clock.advance(100);
    held.finish();
    await bench.until('the next', () => held.entered === 2);
    expect(bench.sent.filter((command) => command instanceof StartJobRunCommand)).toHaveLength(1);
    expect(bench.worker.running).toBe(1);
    await bench.jobs(3, 'audit', 'other');
    await bench.clock.advance(MINUTE);
    expect(held.entered).toBe(3);
  });

  it('are not kept by a job that is always due, while another waits for one', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 1 });
    await bench.job({ jobId: 'always', handler: 'audit', ...always });
    await bench.until('the run', () => held.entered === 1);
    await bench.job({ jobId: 'other', handler: 'audit', schedule: asap });
    await bench.clock.advance(100);
    held.finish();
    await bench.until('the next', () => held.entered === 2);
    expect(held.contexts[1].jobId).toBe('other');
  });

  it('nor by one whose handler may run no more often at once', async () => {
    await bench.open([{ name: 'audit', run: held.run, concurrency: 1 }], { maxConcurrentRuns: 9 });
    await bench.job({ jobId: 'always', handler: 'audit', ...always });
    await bench.until('the run', () => held.entered === 1);
    await bench.job({ jobId: 'other', handler: 'audit', schedule: asap });
    await bench.clock.advance(100);
    held.finish();
    await bench.until('the next', () => held.entered === 2);
    expect(held.contexts[1].jobId).toBe('other');
  });

  it('are free as soon as a handler has settled, also after many outcomes: the next start does not wait for this one', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 1 });
    await bench.jobs(8, 'audit');
    for (let run = 1; run <= 6; run++) {
      await bench.until('a run', () => held.entered === run);
      held.finish();
    }
    await bench.until('the seventh', () => held.entered === 7);
    await bench.clock.advance(MINUTE);
    holdOutcomes();
    held.finish();
    await bench.clock.settle();
    expect(held.entered).toBe(8);
    open();
  });

  it('are free as soon as a handler has settled, also while there are others: nothing follows it', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 2 });
    await bench.jobs(1, 'audit', 'first');
    await bench.until('the run', () => held.entered === 1);
    holdOutcomes();
    held.finish();
    await bench.clock.settle();
    await bench.jobs(2, 'audit', 'other');
    await bench.until('both others', () => held.entered === 3, 1_000);
    open();
  });

  it('are not free without bound: outcomes that the log does not take keep them', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 1 });
    await bench.jobs(10, 'audit');
    await bench.until('the run', () => held.entered === 1);
    holdOutcomes();
    for (let n = 0; n < 3; n++) {
      held.finish();
      await bench.clock.advance(1_000);
    }
    expect(held.entered).toBe(3);
    open();
    await bench.until('the next', () => held.entered === 4);
  });
});
