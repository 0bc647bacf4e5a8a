import { CommandRefusedError, StartJobRunCommand } from '../../src/commands';
import { Bench, Held } from './bench';

const MINUTE = 60_000;
const asap = { kind: 'once', at: 'asap' } as const;

describe('the passes of the worker', () => {
  let bench: Bench;
  let held: Held;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(() => bench.close());

  it('begin with its start', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { start: false });
    bench.worker.wake();
    await bench.clock.advance(1_000);
    expect(bench.worker.health().passes).toBe(0);
    bench.start();
    await bench.clock.settle();
    expect(bench.worker.health().passes).toBe(1);
  });

  it('are told to membership: a service beats only while it looks for what is due', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.clock.settle();
    const { passes } = bench;
    bench.worker.wake();
    await bench.clock.settle();
    expect(bench.passes).toBe(passes + 1);
  });

  it('are followed by another one when something came meanwhile', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.clock.settle();
    const { passes } = bench;
    let woken = false;
    bench.onDue = () => {
      if (!woken) bench.worker.wake();
      woken = true;
    };
    bench.worker.wake();
    await bench.clock.settle();
    expect(bench.passes).toBe(passes + 2);
  });

  it('read nothing that is due while every place is taken', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 1 });
    await bench.jobs(3, 'audit');
    await bench.until('the run', () => held.entered === 1);
    await bench.clock.settle();
    let reads = 0;
    bench.onDue = () => void reads++;
    bench.worker.wake();
    await bench.clock.advance(MINUTE);
    expect(reads).toBe(0);
    held.finish();
    await bench.until('the next', () => held.entered === 2);
  });

  it('end with close, also one that was called for: no timer is left, and what runs is told to stop', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 10_000 } });
    await bench.until('the run', () => held.entered === 1);
    await bench.job({ jobId: 'later', handler: 'audit', schedule: { kind: 'once', at: bench.clock.wall() + MINUTE } });
    bench.worker.wake();
    await bench.clock.settle();
    expect(bench.clock.pendingTimers()).toEqual(
      expect.arrayContaining(['worker-due', 'worker-compare', 'fence-watch']),
    );
    const { passes } = bench;
    bench.worker.wake();
    bench.worker.close();
    expect(held.contexts[0].signal.reason).toMatchObject({ reason: 'draining' });
    expect(bench.clock.pendingTimers()).toEqual(['abort-grace']);
    await bench.clock.advance(MINUTE);
    expect(bench.passes).toBe(passes);
  });

  it('see beyond jobs that run here and are due again, however many there are', async () => {
    await bench.open([{ name: 'audit', run: held.run }], { maxConcurrentRuns: 100 });
    const schedule = { kind: 'interval', every: 10_000 } as const;
    for (let n = 0; n < 60; n++) await bench.job({ jobId: `r${n}`, handler: 'audit', schedule });
    await bench.until('all to run', () => held.entered === 60, MINUTE);
    await bench.clock.advance(15_000);
    await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
    await bench.until('the other one', () => held.entered === 61, 1_000);
    expect(held.contexts[60].jobId).toBe('j');
  });

  it('leave a job alone for a short while after a single refusal, whatever was refused before it ran', async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    let refuse = 6;
    const tries: number[] = [];
    bench.before = (command) => {
      if (!(command instanceof StartJobRunCommand)) return;
      tries.push(bench.clock.monotonic());
      if (refuse-- > 0)
        throw new CommandRefusedError([{ code: 'run-open', field: '', value: '', rule: '', remedy: '' }]);
    };
    await bench.job({ jobId: 'j', handler: 'audit', schedule: { kind: 'interval', every: 10_000 } });
    await bench.until('the run', () => held.entered === 1, MINUTE);
    const rests = tries.slice(1).map((at, i) => at - tries[i]);
    expect(rests).toEqual([50, 100, 200, 400, 800, 1_000]);
    refuse = 1;
    tries.length = 0;
    held.finish();
    await bench.until('the second run', () => held.entered === 2, MINUTE);
    expect(tries[1] - tries[0]).toBe(50);
  });
});
