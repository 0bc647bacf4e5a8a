import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cron, history, JobHandler, Jobs, jobType, Queries, verifyLog, type JobContext } from '../../src';
import { HoldfastTesting, HoldfastTestingModule } from '../../src/testing';

const Audit = jobType<null>('audit');

@Injectable()
class Audits {
  /** Of each run: resolves when its signal is aborted, or never. */
  work: (context: JobContext) => unknown = () => undefined;
  ticks = 0;

  @JobHandler(Audit)
  audit(_payload: null, context: JobContext): unknown {
    return this.work(context);
  }

  @Cron('*/10 * * * * *', { name: 'ticks', timeZone: 'UTC', overlap: { allow: 2 } })
  tick(): Promise<void> {
    this.ticks++;
    return new Promise<void>(() => undefined);
  }
}

/** Whole applications: the real worker, sweep and membership, on the log in memory. */
describe('overlap in an application', () => {
  let app: TestingModule;
  let testing: HoldfastTesting;
  let audits: Audits;

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [
        HoldfastTestingModule.forRoot(
          { drainTimeoutMs: 100, capacity: { maxConcurrentRuns: 200 } },
          { handlerPatienceMs: 5 },
        ),
      ],
      providers: [Audits],
    }).compile();
    await app.init();
    testing = app.get(HoldfastTesting);
    audits = app.get(Audits);
  });
  afterEach(() => app.close());

  const elsewhere = { tag: { host: 'other' }, affinity: 'preferred' } as const;
  const every = { schedule: { kind: 'interval', every: 2_000 } } as const;
  const job = (more: object) =>
    testing.during(app.get(Jobs).schedule(Audit, null, { id: 'a', ...every, ...elsewhere, ...more }));
  const runs = () => testing.runs('a').map(({ serviceId, attempt, outcome }) => [serviceId, attempt, outcome]);
  const types = async () => {
    const all: string[] = [];
    for await (const { type } of history(testing.store, 'a')) all.push(type);
    return all;
  };

  it('an owner that dies in three runs: all are given up, and each slot is run again, never more than three', async () => {
    await testing.join({ host: 'other' });
    audits.work = () => new Promise(() => undefined);
    await job({ policies: { overlap: { allow: 3 } } });
    await testing.advance('9s');
    expect(runs()).toEqual([1, 2, 3].map(() => ['app@other', 1, 'running']));
    const lost = testing.runs('a').map(({ slot }) => slot);
    await testing.kill('app@other');
    await testing.advance('12s');
    const after = testing.runs('a').filter(({ serviceId }) => serviceId === 'app@test');
    expect(after.map(({ slot, attempt }) => [slot, attempt])).toEqual(lost.map((slot) => [slot, 2]));
    const row = await app.get(Queries).job('a');
    expect(row).toMatchObject({ status: 'running', suspect: false });
    expect((await types()).filter((type) => type === 'JobRunAbandoned')).toHaveLength(3);
    expect(await verifyLog(testing.store)).toMatchObject({ violations: [] });
  });

  it('a queued slot waits through the takeover, and runs after the one that was lost', async () => {
    await testing.join({ host: 'other' });
    audits.work = ({ serviceId }) => (serviceId === 'app@other' ? new Promise(() => undefined) : undefined);
    await job({ policies: { overlap: 'queue' } });
    await testing.advance('5s');
    expect(runs()).toEqual([['app@other', 1, 'running']]);
    await testing.kill('app@other');
    await testing.advance('12s');
    const [first, again, queued] = testing.runs('a');
    expect([again.slot, again.attempt]).toEqual([first.slot, 2]);
    expect(queued.slot).toBe(new Date(Date.parse(first.slot) + 2_000).toISOString());
    expect(await verifyLog(testing.store)).toMatchObject({ violations: [] });
  });

  it('a newer slot replaces the run of a slow one, across services too', async () => {
    await testing.join({ host: 'other' });
    audits.work = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    await job({ policies: { overlap: 'replace' } });
    await testing.advance('7s');
    expect(runs().map(([, , outcome]) => outcome)).toEqual(['threw', 'threw', 'running']);
    await testing.kill('app@other');
    await testing.advance('12s');
    const first = testing.runs('a').find(({ serviceId }) => serviceId === 'app@test')!;
    // The slot that was lost is not run again: newer ones had fallen by then.
    expect([first.attempt, Date.parse(first.slot) > Date.parse(testing.runs('a')[2].slot)]).toEqual([1, true]);
    expect(await verifyLog(testing.store)).toMatchObject({ violations: [] });
  });

  it('a declaration says it', async () => {
    await testing.advance('45s');
    expect(audits.ticks).toBe(2);
    const row = await app.get(Queries).job('ticks');
    expect(row?.state).toMatchObject({ definition: { policies: { overlap: { allow: 2 } } } });
  });

  it('a hundred runs that are lost with their owner are held in one append, and judged one by one', async () => {
    await testing.join({ host: 'other' });
    audits.work = () => new Promise(() => undefined);
    await job({
      schedule: { kind: 'interval', every: 100 },
      policies: { overlap: { allow: 100 }, onOwnerLoss: 'hold' },
    });
    await testing.advance('20s');
    const open = testing.runs('a').length;
    expect(open).toBe(100);
    await testing.kill('app@other');
    await testing.advance('12s');
    expect((await types()).filter((type) => type === 'JobHeld')).toHaveLength(open);
    await testing.during(app.get(Jobs).resolveHold('a', 'fail', {}));
    const row = await app.get(Queries).job('a');
    const state = row?.state as { held: object | null; heldNext?: object[] };
    expect([state.held !== null, state.heldNext?.length]).toEqual([true, open - 2]);
    expect(await verifyLog(testing.store)).toMatchObject({ violations: [] });
  });
});
