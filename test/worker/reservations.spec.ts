import {
  BindJobToServiceCommand,
  ScheduleJobCommand,
  StartJobRunCommand,
  type ScheduleJobFields,
} from '../../src/commands';
import { Bench, Held } from './bench';

const asap = { kind: 'once', at: 'asap' } as const;

/** What the worker tells the sweep, which starts due jobs in the append that binds them; the worker's own starts go the same way. */
describe('the worker keeps a place for a start', () => {
  let bench: Bench;
  let held: Held;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
  });
  afterEach(() => bench.close());

  /** Not trusted, so that it starts nothing by itself. */
  const open = async (options: Parameters<Bench['open']>[1] = {}) => {
    await bench.open([{ name: 'audit', run: held.run }], options);
    bench.trust.fence();
  };
  const row = async (fields: Partial<ScheduleJobFields> = {}) => {
    const { id } = await bench.send(
      new ScheduleJobCommand({ jobId: 'j', handler: 'audit', schedule: asap, ...fields }),
    );
    return bench.view.job(id)!;
  };

  it('of a job whose handler it has, and of no other', async () => {
    await open();
    const strange = await row({ handler: 'strange' });
    expect(bench.worker.accepts(strange)).toBe(false);
    expect(bench.worker.reserve(strange)).toBeNull();
    const known = await row({ jobId: 'k' });
    expect(bench.worker.accepts(known)).toBe(true);
    expect(bench.worker.reserve(known)).not.toBeNull();
  });

  it('of a job at a time, also where several runs may be open: a second start would only conflict with the first', async () => {
    await open();
    const job = await row({ policies: { overlap: { allow: 2 } } });
    const first = bench.worker.reserve(job)!;
    expect(bench.worker.accepts(job)).toBe(true);
    expect(bench.worker.reserve(job)).toBeNull();
    first.cancel();
    expect(bench.worker.reserve(job)).not.toBeNull();
  });

  it('and gives it back when there is no start, once however often it is asked', async () => {
    await open({ maxConcurrentRuns: 2 });
    const job = await row();
    const first = bench.worker.reserve(job)!;
    expect(bench.worker.health()).toMatchObject({ running: 1, free: 1 });
    first.cancel();
    first.cancel();
    expect(bench.worker.health()).toMatchObject({ running: 0, free: 2 });
  });

  it('no longer than the start that landed runs: a cancel that comes too late gives nothing back', async () => {
    await open();
    const job = await row();
    const reservation = bench.worker.reserve(job)!;
    const { serviceId, incarnation } = bench;
    await bench.send(new BindJobToServiceCommand({ jobId: 'j', serviceId }));
    const started = await bench.send(new StartJobRunCommand({ jobId: 'j', serviceId, incarnation, epoch: 1 }));
    bench.trust.trustAgain();
    reservation.landed(started);
    await bench.until('the run', () => held.entered === 1);
    reservation.cancel();
    reservation.landed(started);
    await bench.clock.settle();
    expect([held.entered, bench.worker.running]).toEqual([1, 1]);
    expect(bench.worker.accepts(bench.view.job('j')!)).toBe(false);
  });

  it('none once a drain has begun, and none when it is closed', async () => {
    await open();
    const job = await row();
    void bench.worker.drain(1_000);
    expect(bench.worker.reserve(job)).toBeNull();
    const other = new Bench('b@test', bench);
    await other.open([{ name: 'audit', run: held.run }]);
    other.worker.close();
    expect(other.worker.reserve(job)).toBeNull();
    await other.close();
  });

  describe('and sends no start', () => {
    it('while it is not trusted', async () => {
      await open();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.clock.advance(10_000);
      expect(bench.sent).toEqual([]);
    });

    it('while its service drains', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      bench.draining = true;
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.clock.advance(10_000);
      expect(bench.sent).toEqual([]);
    });

    it('of an incarnation that is not its own any more when the turn has come', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      bench.before = () => {
        bench.incarnation = bench.incarnation.replace(/^./, (c) => (c === '0' ? '1' : '0'));
      };
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the attempt', () => bench.sent.length === 1);
      await bench.clock.advance(10_000);
      expect(await bench.types('j')).toEqual(['JobScheduled', 'JobBoundToService']);
    });

    it('when a drain has begun before its turn has come', async () => {
      await bench.open([{ name: 'audit', run: held.run }]);
      bench.before = () => void bench.worker.drain(1_000);
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the attempt', () => bench.sent.length === 1);
      await bench.clock.advance(10_000);
      expect(await bench.types('j')).toEqual(['JobScheduled', 'JobBoundToService']);
    });
  });
});
