import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock, SystemRandom } from '../../src/clock';
import { copyLog, isWhole } from '../../src/copy';
import { EmbeddedEventStore, type EventStore, type NewEvent } from '../../src/event-store';
import { freshNamespace, openLog } from './log-of-its-own';
import { Installation } from './services';
import { StandIn } from './stand-in';

const clock = new SystemClock();
const random = new SystemRandom();
const event = (): NewEvent => ({ id: random.uuid(clock.wall()), type: 'Happened', data: '{}', metadata: '{}' });

describe('a namespace on a server of EventStoreDB', () => {
  let server: StandIn;
  const open: { close(): Promise<unknown> }[] = [];
  const keep = <T extends { close(): Promise<unknown> }>(one: T): T => {
    open.push(one);
    return one;
  };
  const log = async (namespace: string, names: 'short' | 'full' = 'full') =>
    keep(await openLog(server.connectionString, namespace, { names, probeMs: 50 }));
  const everything = async (store: EventStore) => (await store.readAll({ after: 'start', limit: 1_000 })).events;

  beforeEach(async () => {
    server = await StandIn.start();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
    await server.close();
  });

  it('is a log of its own: identity, generation, head, reads and subscriptions', async () => {
    const [one, two] = [await log('one'), await log('two')];
    const identities = [await one.identity(), await two.identity()];
    expect(identities[0].id).not.toBe(identities[1].id);
    await two.append('two.job-1', 'no_stream', [event()]);
    expect(await one.head()).toBe('start');
    const heard: string[] = [];
    keep(one.subscribe({ after: 'start', onEvents: (events) => void heard.push(...events.map((e) => e.stream)) }));
    const given = event();
    await one.append('one.job-1', 'no_stream', [given]);
    await two.append('two.job-2', 'no_stream', [event()]);
    while (heard.length === 0) await clock.sleep(5);
    expect(heard).toEqual(['one.job-1']);
    expect((await everything(one)).map(({ id }) => id)).toEqual([given.id]);
    expect(await one.raiseGeneration()).toEqual({ ...identities[0], generation: 2 });
    expect(await two.identity()).toEqual(identities[1]);
    expect((await two.readStream('one.job-1', { direction: 'forwards', limit: 10 })).head).toBe('no_stream');
  });

  it('takes no stream of another one', async () => {
    const one = await log('one');
    for (const stream of ['two.job-1', 'job-1', 'one-1', 'one.holdfast_log-identity'])
      expect(await one.append(stream, 'no_stream', [event()])).toMatchObject({
        outcome: 'refused',
        code: 'stream-name',
      });
    await expect(one.keepLast('two.job-1', 5)).rejects.toThrow(/namespace one/);
    expect(server.log.records.filter(({ stream }) => /job-1|one-1/.test(stream))).toEqual([]);
  });

  it('knows where it begins on a server that is full of others, also after a restore', async () => {
    const others = await log('others');
    await others.append('others.job-1', 'no_stream', Array.from({ length: 2_000 }, event));
    const one = await log('one');
    const looks = async (store: EventStore) => {
      const before = server.calls.length;
      expect(await store.head()).toBe('start');
      return server.calls.slice(before).filter(({ stream }) => stream === '$all').length;
    };
    expect(await looks(one)).toBe(1);
    await one.raiseGeneration();
    expect(await looks(await log('one'))).toBe(1);
  });

  it('is the same log whether its streams are named with it or without', async () => {
    const [full, short] = [await log('one'), await log('one', 'short')];
    expect(await short.identity()).toEqual(await full.identity());
    const answer = await short.append('job-1', 'no_stream', [event()]);
    const [found] = (await full.readStream('one.job-1', { direction: 'forwards', limit: 10 })).events;
    expect(answer).toMatchObject({ outcome: 'appended', position: found.position });
    expect((await everything(short)).map(({ stream }) => stream)).toEqual(['job-1']);
  });

  it('lets two installations with equal services and jobs live side by side, each with its own facts', async () => {
    const [one, two] = [
      keep(new Installation(server.connectionString)),
      keep(new Installation(server.connectionString)),
    ];
    const [a, b] = [await one.service('a'), await two.service('a')];
    await one.schedule(a, 'job-1');
    await one.until('runs', () => one.ran.length >= 3);
    expect(two.ran).toEqual([]);
    expect(b.readModel.job('job-1')).toBeNull();
    await two.schedule(b, 'job-1');
    await two.until('runs', () => two.ran.length >= 3);
    const identity = async ({ namespace }: Installation) => (await log(namespace)).identity();
    expect((await identity(one)).id).not.toBe((await identity(two)).id);
    await a.close();
    const before = two.ran.length;
    await two.until('more runs', () => two.ran.length >= before + 3);
    expect([await one.violations(), await two.violations()]).toEqual([[], []]);
    const foreign = server.log.records.map(({ stream }) => stream).filter((stream) => !/^\$/.test(stream));
    expect(new Set(foreign.map((stream) => stream.split('.')[0]))).toEqual(new Set([one.namespace, two.namespace]));
  });

  it('can be copied to and from a file, where it is the beginning of names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-namespace-'));
    try {
      const installation = keep(new Installation(server.connectionString));
      const { namespace } = installation;
      const a = await installation.service('a');
      await installation.schedule(a, 'job-1');
      await installation.until('runs', () => installation.ran.length >= 3);
      await a.close();
      const file = keep(await EmbeddedEventStore.open({ path: join(folder, 'log.sqlite'), clock, random }));
      expect(isWhole(await copyLog(await log(namespace), file, { namespace, clock }))).toBe(true);
      const other = keep(await StandIn.start());
      const target = keep(await openLog(other.connectionString, namespace, { names: 'full' }));
      expect(isWhole(await copyLog(file, target, { namespace, clock }))).toBe(true);
      expect(
        (await target.readStream(`${namespace}.job-job-1`, { direction: 'forwards', limit: 1 })).events,
      ).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('that is none is refused', async () => {
    await expect(openLog(server.connectionString, 'a-b')).rejects.toThrow(/namespace: .*letters, digits/);
    expect(freshNamespace()).toMatch(/^[A-Za-z0-9_]{1,32}$/);
  });
});
