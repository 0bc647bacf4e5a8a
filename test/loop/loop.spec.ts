import { rmSync } from 'node:fs';
import { SeededRandom, SystemClock } from '../../src/clock';
import { MemoryEventStore, type EventStore } from '../../src/event-store';
import { jobType } from '../../src/commands';
import { HoldfastService, resolveOptions } from '../../src/runtime';
import type { JobContext } from '../../src/worker';

const Audit = jobType<{ goal: string }>('audit');

describe('the loop', () => {
  const clock = new SystemClock();
  let store: EventStore;
  const open: HoldfastService[] = [];

  const service = async (name: string, run: (payload: unknown, context: JobContext) => unknown) => {
    const options = resolveOptions({
      service: { name, host: 'test' },
      store: { kind: 'adapter', store },
      stateDirectory: `.holdfast/test-${process.pid}`,
      liveness: 'tuned',
      drainTimeoutMs: 500,
    });
    const made = await HoldfastService.open(options, { clock });
    made.handlers.register({ name: 'audit', run });
    await made.start();
    open.push(made);
    return made;
  };

  const until = async (what: string, condition: () => boolean) => {
    for (let waited = 0; !condition(); waited += 10) {
      if (waited > 15_000) throw new Error(`waited in vain for ${what}`);
      await clock.sleep(10);
    }
  };

  beforeEach(() => {
    store = new MemoryEventStore({ clock, random: new SeededRandom(Date.now()) });
  });
  afterAll(() => rmSync(`.holdfast/test-${process.pid}`, { recursive: true, force: true }));
  afterEach(async () => {
    await Promise.all(open.splice(0).map((s) => s.close()));
    await store.close();
  });

  it('schedules, binds, runs; hands over on a drain, and runs on elsewhere', async () => {
    const ran: string[] = [];
    const a = await service('a', (_, context) => ran.push(context.serviceId));
    await until('a is ready', () => a.membership?.mayClaim() ?? false);
    const result = await a.jobs.schedule(
      Audit,
      { goal: 'x' },
      { id: 'job-1', schedule: { kind: 'interval', every: 100 } },
    );
    expect(result.added).toBe(1);
    await until('three runs', () => ran.length >= 3);
    expect(new Set(ran)).toEqual(new Set(['a@test']));

    const b = await service('b', (_, context) => ran.push(context.serviceId));
    await until('b is ready', () => b.membership?.mayClaim() ?? false);
    expect(await a.close()).toEqual([]);
    await until('a run on b', () => ran.includes('b@test'));
    expect(b.readModel.job('job-1')).toMatchObject({ serviceId: 'b@test', epoch: 2 });
  });

  it('throws at the start when another living process bears its name and the option says so; it drains all the same', async () => {
    await service('a', () => undefined);
    const options = resolveOptions({
      service: { name: 'a', host: 'test' },
      store: { kind: 'adapter', store },
      stateDirectory: `.holdfast/test-${process.pid}`,
      liveness: 'tuned',
      onIdentityConflict: 'throw',
    });
    const twin = await HoldfastService.open(options, { clock });
    await expect(twin.start()).rejects.toThrow(/bear the id a@test/);
    expect((await twin.readiness()).ready).toBe(false);
    await twin.close();
  });

  it('ends in order when it is closed in the middle of its start', async () => {
    const options = resolveOptions({
      service: { name: 'c', host: 'test' },
      store: { kind: 'adapter', store },
      stateDirectory: `.holdfast/test-${process.pid}`,
      liveness: 'tuned',
    });
    const early = await HoldfastService.open(options, { clock });
    const starting = early.start();
    while (early.membership === null) await clock.yield();
    expect(await early.close()).toEqual([]);
    await starting;
    expect(early.membership.health().state).toBe('stopped');
    const earlier = await HoldfastService.open(options, { clock });
    const neverStarted = earlier.start();
    expect(await earlier.close()).toEqual([]);
    await neverStarted;
    expect(earlier.membership).toBeNull();
  });

  it("moves a marked service's jobs, keeps that service away, and lets it return when it is told to", async () => {
    const ran: string[] = [];
    const a = await service('a', (_, context) => ran.push(context.serviceId));
    await until('a is ready', () => a.membership?.mayClaim() ?? false);
    await a.jobs.schedule(Audit, { goal: 'x' }, { id: 'job-1', schedule: { kind: 'interval', every: 100 } });
    await until('a run on a', () => ran.length > 0);
    const b = await service('b', (_, context) => ran.push(context.serviceId));
    await until('b is ready', () => b.membership?.mayClaim() ?? false);

    await b.services.markFailed('a@test', { reason: 'maintenance' });
    await until('a run on b', () => ran.includes('b@test'));
    expect(a.membership?.health()).toMatchObject({ state: 'marked', incarnation: null });
    a.rejoin();
    await until('a is back', () => a.membership?.mayClaim() ?? false);
  });
});
