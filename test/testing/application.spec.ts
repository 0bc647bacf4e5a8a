import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cron,
  CronExpression,
  history,
  JobHandler,
  JobOwnershipModule,
  Jobs,
  jobType,
  Queries,
  Services,
  verifyLog,
  type JobContext,
} from '../../src';
import { SystemClock } from '../../src/clock';
import { HoldfastTesting, HoldfastTestingModule } from '../../src/testing';

const Audit = jobType<{ goal: string }>('audit');
const real = new SystemClock();

@Injectable()
class Audits {
  readonly ran: string[] = [];
  work: (context: JobContext) => unknown = () => undefined;

  constructor(readonly jobs: Jobs) {}

  @JobHandler(Audit)
  async audit({ goal }: { goal: string }, context: JobContext): Promise<void> {
    this.ran.push(goal);
    await this.work(context);
  }

  start(schedule: Parameters<Jobs['schedule']>[2]): Promise<unknown> {
    return this.jobs.schedule(Audit, { goal: 'load' }, { id: 'audit-load', ...schedule });
  }
}

@Injectable()
class Ticks {
  readonly at: string[] = [];
  @Cron(CronExpression.EVERY_HOUR, { name: 'ticks', timeZone: 'UTC' })
  tick({ slot }: JobContext): void {
    this.at.push(slot);
  }
}

describe('HoldfastTestingModule', () => {
  let app: TestingModule;
  let testing: HoldfastTesting;
  let audits: Audits;
  let closed = false;

  const start = async (...[options, words]: Parameters<typeof HoldfastTestingModule.forRoot>) => {
    app = await Test.createTestingModule({
      imports: [HoldfastTestingModule.forRoot(options, words)],
      providers: [Audits, Ticks],
    }).compile();
    await app.init();
    closed = false;
    testing = app.get(HoldfastTesting);
    audits = app.get(Audits);
  };
  const close = async () => {
    if (!closed) await app.close();
    closed = true;
  };
  afterEach(close);

  it('calls handlers when virtual time has come to them, and not before', async () => {
    await start();
    await audits.start({ schedule: { kind: 'interval', every: 'PT30M' } });
    await testing.advance('29m');
    const before = audits.ran.length;
    await testing.advance('1h');
    expect({ before, after: audits.ran.length }).toEqual({ before: 0, after: 2 });
    await testing.expectOwner('audit-load');
    expect(await verifyLog(testing.store)).toMatchObject({ violations: [] });
  });

  it('has the declared jobs in the log, owned, when init has resolved', async () => {
    await start({}, { now: new Date('2026-03-01T11:58:00Z') });
    await testing.expectOwner('ticks', 'app@test');
    await testing.advance('1h 3m');
    expect(app.get(Ticks).at).toEqual(['2026-03-01T12:00:00.000Z', '2026-03-01T13:00:00.000Z']);
  });

  it('passes days in little time when beats are rare', async () => {
    await start({ liveness: { beatMs: 3_600_000, selfFenceAfterMs: 14_400_000, failAfterMs: 21_600_000 } });
    await testing.advance('3d');
    expect(app.get(Ticks).at).toHaveLength(72);
  });

  it('lets no time go on by itself', async () => {
    await start();
    await audits.start({ schedule: { kind: 'interval', every: 1_000 } });
    const at = testing.now();
    await real.sleep(1_200);
    expect([audits.ran, testing.now()]).toEqual([[], at]);
  });

  it('waits for what a handler does in real time, and no virtual time goes on meanwhile', async () => {
    await start();
    audits.work = () => real.sleep(100);
    await audits.start({ schedule: { kind: 'interval', every: 1_000 }, policies: { timeoutMs: 50 } });
    await testing.advance('3s');
    expect(
      testing.runs('audit-load').map(({ outcome, enteredAt, settledAt }) => [outcome, settledAt! - enteredAt]),
    ).toEqual([
      ['returned', 0],
      ['returned', 0],
      ['returned', 0],
    ]);
  });

  it('passes over a handler that waits for the test, and lets its time run out', async () => {
    await start({}, { handlerPatienceMs: 20 });
    const signals: AbortSignal[] = [];
    audits.work = ({ signal }) =>
      new Promise<void>((resolve) => {
        signals.push(signal);
        signal.addEventListener('abort', () => resolve());
      });
    await audits.start({ policies: { timeoutMs: 5_000 } });
    await testing.advance('4s');
    expect(testing.runs('audit-load')).toMatchObject([{ outcome: 'running', settledAt: null }]);
    await testing.advance('2s');
    expect(signals.map(({ reason }) => String(reason))).toEqual([expect.stringContaining('timed-out')]);
  });

  it('tells what a handler threw; retries come in virtual time', async () => {
    await start();
    let failures = 2;
    audits.work = () => {
      if (failures-- > 0) throw new Error('no answer');
    };
    await audits.start({ policies: { retry: { maxRetries: 3, initialMs: 60_000 } } });
    await testing.runUntil('a success', () => testing.runs().some(({ outcome }) => outcome === 'returned'), '1d');
    expect(
      testing.runs('audit-load').map(({ outcome, attempt, error }) => [outcome, attempt, error && String(error)]),
    ).toEqual([
      ['threw', 1, 'Error: no answer'],
      ['threw', 2, 'Error: no answer'],
      ['returned', 3, undefined],
    ]);
    expect(testing.now().getTime() - testing.runs()[0].enteredAt).toBeGreaterThanOrEqual(120_000);
  });

  it('moves the jobs of a service that is killed, not before it was silent for long enough', async () => {
    await start();
    await testing.join({ host: 'other' });
    await audits.start({ tag: { host: 'other' }, affinity: 'preferred', schedule: { kind: 'interval', every: 1_000 } });
    await testing.advance('5s');
    await testing.expectOwner('audit-load', 'app@other');
    await testing.kill('app@other');
    await testing.advance('4s');
    await testing.expectOwner('audit-load', 'app@other');
    await testing.advance('6s');
    const { epoch } = await testing.expectOwner('audit-load', 'app@test');
    expect(epoch).toBe(2);
    const services = testing.runs('audit-load').map(({ serviceId }) => serviceId);
    expect([services[0], services.at(-1)]).toEqual(['app@other', 'app@test']);
    expect(await verifyLog(testing.store)).toMatchObject({ violations: [] });
  });

  it('moves the run of a service that is killed in the middle of it; what that handler does afterwards reaches nobody', async () => {
    await start({}, { handlerPatienceMs: 20 });
    await testing.join({ host: 'other' });
    let finish = () => undefined as void;
    audits.work = ({ serviceId }) =>
      serviceId === 'app@other' ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
    await audits.start({ tag: { host: 'other' }, affinity: 'preferred' });
    await testing.advance('1s');
    await testing.kill('app@other');
    finish();
    await testing.advance('10s');
    expect(testing.runs('audit-load').map(({ serviceId, attempt }) => [serviceId, attempt])).toEqual([
      ['app@other', 1],
      ['app@test', 2],
    ]);
    const types = [];
    for await (const { type } of history(testing.store, 'audit-load')) types.push(type);
    expect(types.filter((type) => type === 'JobRunSucceeded')).toHaveLength(1);
  });

  it('hands jobs over when a service leaves in order, and takes its id again', async () => {
    await start();
    await testing.join({ host: 'other' });
    await audits.start({
      tag: { host: 'other' },
      affinity: 'preferred',
      schedule: { kind: 'interval', every: 60_000 },
    });
    await testing.advance('1s');
    await testing.leave('app@other');
    await testing.advance('1s');
    await testing.expectOwner('audit-load', 'app@test');
    await testing.join({ host: 'other' });
    await testing.advance('30s');
    await testing.expectOwner('audit-load', 'app@other');
  });

  it('says who owns a job instead, and why', async () => {
    await start();
    await testing.join({ host: 'other' });
    await audits.start({ tag: { host: 'other' }, schedule: { kind: 'interval', every: 60_000 } });
    await testing.advance('1s');
    await expect(testing.expectOwner('audit-load')).rejects.toThrow(
      /Expected app@test to own the job audit-load; app@other owns it at 2026-01-01T[^]*epoch 1: bound to app@other/,
    );
    await expect(testing.expectOwner('audit-load', null)).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
      actual: 'app@other',
      expected: null,
    });
    await expect(testing.expectOwner('nothing')).rejects.toThrow('there is no such job');
  });

  it('knows a job that nobody fits', async () => {
    await start();
    await audits.start({ tag: { rack: 'r42' } });
    await testing.advance('1m');
    await testing.expectOwner('audit-load', null);
    expect(audits.ran).toEqual([]);
  });

  it('leaves no timer when the application is closed, whatever runs', async () => {
    await start({}, { handlerPatienceMs: 20 });
    await testing.join({ host: 'other' });
    audits.work = () => new Promise(() => undefined);
    await audits.start({});
    await testing.advance('1s');
    expect(testing.pendingTimers()).not.toEqual([]);
    await close();
    expect(testing.pendingTimers()).toEqual([]);
  });

  it('runs the same test twice to the same log, byte for byte', async () => {
    const log = async () => {
      await start();
      await testing.join({ host: 'other' });
      await audits.start({ schedule: { kind: 'interval', every: 1_000 } });
      await testing.advance('10s');
      const { events } = await testing.store.readAll({ after: 'start', limit: 10_000 });
      await close();
      return events.map(({ stream, id, data }) => `${stream} ${id} ${data}`);
    };
    const [first, second] = [await log(), await log()];
    expect(first.length).toBeGreaterThan(30);
    expect(second).toEqual(first);
  });

  it('is there for commands and queries; an operator may mark a service', async () => {
    await start();
    await testing.join({ host: 'other' });
    await audits.start({
      tag: { host: 'other' },
      affinity: 'preferred',
      schedule: { kind: 'interval', every: 60_000 },
    });
    await testing.advance('1s');
    await testing.during(app.get(Services).markFailed('app@other', { reason: 'maintenance', confirmedDead: true }));
    await testing.advance('1s');
    await testing.expectOwner('audit-load', 'app@test');
    expect((await app.get(Queries).job('audit-load'))?.serviceId).toBe('app@test');
  });

  it.each([['yesterday'], [-1], ['1h and more'], [Number.NaN], ['']])(
    'refuses to advance %p, and says what may be written',
    async (wrong) => {
      await start();
      expect(() => testing.advance(wrong)).toThrow(/duration = .*Write milliseconds/);
    },
  );

  it("refuses to kill the application's own service, and one that never joined", async () => {
    await start();
    await expect(testing.kill('app@test')).rejects.toThrow(/application's own service/);
    await expect(testing.kill('app@nowhere')).rejects.toThrow(/no such service has joined/);
    await testing.join({ host: 'other' });
    await expect(testing.join({ host: 'other' })).rejects.toThrow(/bears this id/);
  });

  it('tests an application that imports JobOwnershipModule itself, without touching its log', async () => {
    const store = { kind: 'embedded', path: '/proc/no/such/log.sqlite' } as const;
    @Module({
      imports: [
        JobOwnershipModule.forRoot({ service: { name: 'shop', host: 'h' }, store, stateDirectory: '/proc/no' }),
      ],
      providers: [Audits, Ticks],
    })
    class AppModule {}
    app = await Test.createTestingModule({ imports: [AppModule, HoldfastTestingModule.forApplication()] }).compile();
    await app.init();
    closed = false;
    testing = app.get(HoldfastTesting);
    await testing.expectOwner('ticks', 'shop@h');
    await testing.advance('1h');
    expect(app.get(Ticks).at).toHaveLength(1);
  });

  it('starts where the start itself waits for virtual time: to find out that no other process bears its id', async () => {
    await start({ onIdentityConflict: 'throw' });
    await testing.expectOwner('ticks');
  });
});
