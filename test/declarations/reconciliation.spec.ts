import { Injectable, type Type } from '@nestjs/common';
import {
  Cron,
  decode,
  DeclarationRefusedError,
  Interval,
  MemoryEventStore,
  StoreUnavailableError,
  Timeout,
  type CronOptions,
  type DeclarationOptions,
  type JobEvent,
} from '../../src';
import { SeededRandom } from '../../src/clock';
import type { HoldfastService } from '../../src';
import { Cluster, START } from './hosts';

let cluster: Cluster;
let runs: { readonly host: string; readonly ms: number }[];
beforeEach(() => {
  cluster = new Cluster();
  runs = [];
});
afterEach(() => cluster.close());

const JOB = 'Tasks.handle';

/** A version of the application: its one provider, with one decorated method. */
function version(host: string, decorator: MethodDecorator, methodName = 'handle'): { providers: Type[] } {
  class Tasks {}
  const handle = () => void runs.push({ host, ms: cluster.clock.wall() - START });
  Object.defineProperty(Tasks.prototype, methodName, { value: handle, configurable: true, writable: true });
  decorator(Tasks.prototype, methodName, Object.getOwnPropertyDescriptor(Tasks.prototype, methodName)!);
  Injectable()(Tasks);
  return { providers: [Tasks] };
}

const unreachable = () => new StoreUnavailableError('unreachable');
const nothing: { providers: Type[] } = { providers: [] };
const start = async (host: string, decorator: MethodDecorator, changes = {}): Promise<HoldfastService> => {
  const service = await cluster.start(host, version(host, decorator), changes);
  await cluster.during(service.declarations.settled());
  return service;
};
const restart = async (host: string, decorator: MethodDecorator, changes = {}) => {
  await cluster.stop(host);
  return start(host, decorator, changes);
};
const outcome = async (service: HoldfastService) => (await service.declarations.settled()).declared[0]?.outcome;
const every = (seconds: number, options: CronOptions = {}) =>
  Cron(`*/${seconds} * * * * *`, { timeZone: 'UTC', ...options } as CronOptions);

/** The facts of the jobs, as `jobId Type`. */
async function facts(only: (type: string) => boolean = () => true): Promise<string[]> {
  const { events } = await cluster.store.readAll({ after: 'start', limit: 10_000 });
  return events
    .filter(({ stream, type }) => stream.startsWith('job-') && only(type))
    .map(({ stream, type }) => `${stream.slice('job-'.length)} ${type}`);
}

async function last(type: JobEvent['type']) {
  const { events } = await cluster.store.readAll({ after: 'start', limit: 10_000 });
  const { data, metadata } = events.filter((event) => event.type === type).at(-1)!;
  return { event: decode(type, data, metadata), metadata: JSON.parse(metadata) as Readonly<Record<string, unknown>> };
}

const definitions = (type: string) => !/Bound|Run|Released|Requeued/.test(type);

describe('a start', () => {
  it('schedules what is new, once, however many replicas start together', async () => {
    const hosts = ['r1', 'r2', 'r3', 'r4', 'r5'];
    const services = await Promise.all(hosts.map((host) => start(host, every(10))));
    expect(await facts(definitions)).toEqual([`${JOB} JobScheduled`]);
    const outcomes = await Promise.all(services.map(outcome));
    expect(outcomes.sort()).toEqual(['scheduled', 'unchanged', 'unchanged', 'unchanged', 'unchanged']);
  });

  it('writes nothing when nothing has changed', async () => {
    await start('r1', every(10));
    const again = await restart('r1', every(10));
    expect(await outcome(again)).toBe('unchanged');
    expect(await facts(definitions)).toEqual([`${JOB} JobScheduled`]);
  });

  it('reschedules what has changed, and the owner stays', async () => {
    await start('r1', every(10));
    await start('r2', every(10));
    await cluster.clock.advance(1_000);
    const owner = (await start('r3', every(7))).readModel.job(JOB);
    expect(owner).toMatchObject({ epoch: 1, serviceId: expect.stringMatching(/app@r[12]/) });
    await cluster.clock.advance(20_000);
    expect(await facts(definitions)).toEqual([`${JOB} JobScheduled`, `${JOB} JobRescheduled`]);
    expect(runs.map(({ ms }) => (ms + 100) % 7_000)).toEqual(runs.map(() => 0));
    expect(runs.length).toBeGreaterThanOrEqual(2);
  });

  it('refuses what declares no job, before anything starts', async () => {
    await expect(start('r1', Cron('61 * * * * *'))).rejects.toBeInstanceOf(DeclarationRefusedError);
    await expect(start('r2', every(1, { timeZone: 'Mars/Base' }))).rejects.toThrow(
      /@Cron on Tasks\.handle: timeZone = Mars\/Base: .* Write an IANA name/,
    );
    expect(await facts()).toEqual([]);
  });

  it('on a web-only replica declares too, and a worker runs it', async () => {
    const web = await start('web', every(1), { role: 'web-only' });
    expect(await outcome(web)).toBe('scheduled');
    await cluster.clock.advance(2_000);
    expect(runs).toEqual([]);
    await start('r1', every(1));
    await cluster.clock.advance(2_000);
    expect(runs[0]).toMatchObject({ host: 'r1' });
  });

  it('is over before the log answers, which is tried until it does, and told once a minute', async () => {
    const store = new MemoryEventStore({ clock: cluster.clock, random: new SeededRandom(7) });
    let broken = true;
    const append = store.append.bind(store);
    store.append = (stream, ...rest) =>
      broken && stream.startsWith('job-') ? Promise.reject(unreachable()) : append(stream, ...rest);
    const service = await cluster.start('r1', version('r1', every(1)), { commandTimeoutMs: 1_000 }, store);
    await cluster.clock.advance(50_000);
    expect(service.declarations.health()).toMatchObject({ settled: false, answered: 0, waitingFor: 'the log' });
    expect((await service.readiness()).declarations).toMatchObject({ settled: false, declarations: 1 });
    expect(cluster.told('declarations.waiting')).toHaveLength(1);
    await cluster.clock.advance(60_000);
    expect(cluster.told('declarations.waiting')).toHaveLength(2);
    broken = false;
    await cluster.during(service.declarations.settled());
    expect(await outcome(service)).toBe('scheduled');
    expect(service.declarations.health()).toMatchObject({ settled: true, answered: 1, waitingFor: null });
    await cluster.clock.advance(2_000);
    expect(runs.length).toBeGreaterThanOrEqual(1);
    await cluster.stop('r1');
    await store.close();
  });

  it('ends in order while the log does not answer', async () => {
    const store = new MemoryEventStore({ clock: cluster.clock, random: new SeededRandom(7) });
    const append = store.append.bind(store);
    store.append = (stream, ...rest) =>
      stream.startsWith('job-') ? Promise.reject(unreachable()) : append(stream, ...rest);
    await cluster.start('r1', version('r1', every(1)), {}, store);
    await cluster.clock.advance(3_000);
    const before = cluster.clock.wall();
    await cluster.stop('r1');
    expect(cluster.clock.wall() - before).toBeLessThan(5_000);
    await store.close();
  });
});

describe('a rolling deploy from A to B', () => {
  const a = every(10);
  const b = every(7);

  it('does not go back to A when a replica of A restarts in the middle', async () => {
    for (const host of ['r1', 'r2', 'r3']) await start(host, a);
    await restart('r1', b);
    const old = await restart('r2', a);
    expect(await outcome(old)).toBe('replaced');
    expect(cluster.told('declaration.replaced')).toMatchObject([
      { host: 'r2', fields: { jobId: JOB, where: JOB, remedy: expect.stringContaining('revision') } },
    ]);
    await restart('r2', b);
    await restart('r3', b);
    expect(await facts(definitions)).toEqual([`${JOB} JobScheduled`, `${JOB} JobRescheduled`]);
    runs.length = 0;
    await cluster.clock.advance(21_000);
    expect(runs.map(({ ms }) => (ms + 100) % 7_000)).toEqual(runs.map(() => 0));
    expect(runs.length).toBeGreaterThanOrEqual(2);
  });

  it('goes back to A with another revision', async () => {
    await start('r1', a);
    await restart('r1', b);
    const back = await restart('r1', every(10, { revision: 'rollback' }));
    expect(await outcome(back)).toBe('rescheduled');
    await cluster.clock.advance(30_000);
    expect(runs.slice(-2).map(({ ms }) => (ms + 100) % 10_000)).toEqual([0, 0]);
  });
});

describe("an operator's decision", () => {
  it('to pause survives restarts, until the declaration changes', async () => {
    const first = await start('r1', every(1));
    await cluster.during(first.jobs.pause(JOB));
    const second = await restart('r1', every(1));
    await cluster.clock.advance(3_000);
    expect(second.readModel.job(JOB)?.status).toBe('paused');
    runs.length = 0;
    await cluster.clock.advance(3_000);
    expect(runs).toEqual([]);
  });

  it('to cancel survives restarts and is told; another revision begins anew', async () => {
    const first = await start('r1', every(1));
    await cluster.during(first.jobs.cancel(JOB));
    const second = await restart('r1', every(1));
    expect(await outcome(second)).toBe('ended');
    expect(cluster.told('declaration.ended')).toMatchObject([{ fields: { jobId: JOB, status: 'cancelled' } }]);
    expect(second.readModel.job(JOB)?.status).toBe('cancelled');
    const third = await restart('r1', every(1, { revision: '2' }));
    expect(await outcome(third)).toBe('renewed');
    runs.length = 0;
    await cluster.clock.advance(3_000);
    expect(runs.length).toBeGreaterThanOrEqual(2);
  });

  it('to edit survives restarts', async () => {
    const first = await start('r1', every(1));
    const schedule = { kind: 'cron', pattern: '*/5 * * * * *' } as const;
    await cluster.during(first.jobs.reschedule(JOB, { schedule }));
    const second = await restart('r1', every(1));
    expect(await outcome(second)).toBe('unchanged');
    await cluster.clock.advance(3_000);
    runs.length = 0;
    await cluster.clock.advance(10_000);
    expect(runs.map(({ ms }) => (ms + 100) % 5_000)).toEqual([0, 0]);
  });

  it('to resume what is declared as disabled survives restarts', async () => {
    const first = await start('r1', every(1, { disabled: true }));
    await cluster.clock.advance(3_000);
    expect(runs).toEqual([]);
    await cluster.during(first.jobs.resume(JOB));
    await restart('r1', every(1, { disabled: true }));
    runs.length = 0;
    await cluster.clock.advance(3_000);
    expect(runs.length).toBeGreaterThanOrEqual(2);
  });
});

describe('what vanished from the code', () => {
  const kept = [{ jobId: JOB, action: 'kept' }];

  it('is told once per start and kept', async () => {
    await start('r1', every(1));
    await cluster.stop('r1');
    const service = await cluster.start('r1', nothing);
    expect(await cluster.during(service.declarations.settled())).toEqual({
      declared: [],
      vanished: kept,
      elsewhere: [],
    });
    await cluster.clock.advance(60_000);
    expect(cluster.told('declaration.vanished')).toMatchObject([
      { fields: { jobId: JOB, source: 'app', action: 'kept', remedy: expect.stringContaining('Jobs.remove') } },
    ]);
    expect(service.readModel.job(JOB)?.status).toBe('unbound');
  });

  it('is removed when the option says so; the log says by whom and why', async () => {
    await start('r1', every(1));
    await cluster.stop('r1');
    const service = await cluster.start('r2', nothing, { declarations: { vanished: 'remove' } });
    const { vanished } = await cluster.during(service.declarations.settled());
    expect(vanished).toEqual([{ jobId: JOB, action: 'removed' }]);
    expect(await last('JobRemoved')).toMatchObject({
      event: { data: { reason: expect.stringContaining('No longer declared by app') } },
      metadata: { actor: 'app@r2' },
    });
  });

  it('is not what another name of a service declares', async () => {
    await start('r1', every(1));
    await cluster.stop('r1');
    const service = await cluster.start('r1', nothing, { service: { name: 'other', host: 'r1' } });
    expect((await cluster.during(service.declarations.settled())).vanished).toEqual([]);
  });

  it('is not what a newer replica declares: an old one that restarts removes nothing', async () => {
    await start('new', every(1));
    const old = await cluster.start('old', nothing, { declarations: { vanished: 'remove' } });
    expect(await cluster.during(old.declarations.settled())).toEqual({ declared: [], vanished: [], elsewhere: [JOB] });
    await cluster.clock.advance(30_000);
    expect(await facts((type) => type === 'JobRemoved')).toEqual([]);
    // When nobody has it any more it has vanished.
    await cluster.stop('new');
    await cluster.clock.advance(10_000);
    expect(old.declarations.report()).toMatchObject({ vanished: [{ jobId: JOB, action: 'removed' }], elsewhere: [] });
  });

  it('is removed once by many', async () => {
    await start('r1', every(1));
    await cluster.stop('r1');
    const services = await Promise.all(
      ['r2', 'r3', 'r4'].map((host) => cluster.start(host, nothing, { declarations: { vanished: 'remove' } })),
    );
    for (const service of services) await cluster.during(service.declarations.settled());
    expect(await facts((type) => type === 'JobRemoved')).toEqual([`${JOB} JobRemoved`]);
  });
});

describe('@Timeout', () => {
  const timeout = (options?: DeclarationOptions) => Timeout(500, options);

  it('fires again when a single replica restarts', async () => {
    await start('r1', timeout());
    await cluster.clock.advance(2_000);
    const again = await restart('r1', timeout());
    await cluster.clock.advance(2_000);
    expect(await outcome(again)).toBe('renewed');
    expect(runs).toHaveLength(2);
  });

  it('fires once where five start together, also when all of them start anew', async () => {
    const hosts = ['r1', 'r2', 'r3', 'r4', 'r5'];
    await Promise.all(hosts.map((host) => start(host, timeout())));
    await cluster.clock.advance(3_000);
    expect(runs).toHaveLength(1);
    for (const host of hosts) await cluster.stop(host);
    await Promise.all(hosts.map((host) => start(host, timeout())));
    await cluster.clock.advance(3_000);
    expect(runs).toHaveLength(2);
  });

  it('does not fire when one of many restarts', async () => {
    for (const host of ['r1', 'r2', 'r3']) await start(host, timeout());
    await cluster.clock.advance(2_000);
    await restart('r2', timeout());
    await cluster.clock.advance(2_000);
    expect(runs).toHaveLength(1);
    expect(cluster.told('declaration.ended')).toEqual([]);
  });
});

describe('@Interval', () => {
  it('keeps its phase through restarts', async () => {
    await start('r1', Interval(3_000));
    await cluster.clock.advance(7_000);
    await cluster.stop('r1');
    await cluster.clock.advance(1_234);
    await start('r1', Interval(3_000));
    await cluster.clock.advance(10_000);
    const late = runs.filter(({ ms }) => ms % 3_000 !== 0);
    expect(runs.length).toBeGreaterThanOrEqual(5);
    // What fell while nobody was there runs late, once.
    expect(late.length).toBeLessThanOrEqual(1);
  });
});

describe('@Cron of a date', () => {
  it('that has passed never fires; it is warned of', async () => {
    const service = await start('r1', Cron(new Date(START - 1)));
    expect(await outcome(service)).toBe('passed');
    expect(cluster.told('declaration.passed')).toMatchObject([{ fields: { jobId: JOB, where: JOB } }]);
    await cluster.clock.advance(5_000);
    expect([runs, await facts()]).toEqual([[], []]);
  });

  it('that was declared in time and fell while nobody was there runs late', async () => {
    const date = Cron(new Date(START + 3_000));
    await start('r1', date);
    await cluster.stop('r1');
    await cluster.clock.advance(10_000);
    await start('r1', date);
    await cluster.clock.advance(2_000);
    expect(runs).toHaveLength(1);
    expect(cluster.told('declaration.passed')).toEqual([]);
  });
});
