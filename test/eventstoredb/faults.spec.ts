import { createServer, type AddressInfo, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { SystemClock, SystemRandom } from '../../src/clock';
import {
  CommandExecutor,
  DrainServiceCommand,
  ReassertServiceCommand,
  RegisterServiceCommand,
  StopServiceCommand,
} from '../../src/commands';
import { placementVersion } from '../../src/domain/placement';
import {
  EventStoreDbEventStore,
  SupervisedSubscription,
  type AppendOutcome,
  type EventStore,
  type EventStoreDbOptions,
  type NewEvent,
  type RecordedEvent,
} from '../../src/event-store';
import type { LogFields, Logger } from '../../src/logging';
import { ownProcessIdentity } from '../../src/membership';
import { freshNamespace, openLog } from './log-of-its-own';
import { StandIn, type AppendFault } from './stand-in';

const clock = new SystemClock();
const random = new SystemRandom();
const event = (): NewEvent => ({ id: random.uuid(clock.wall()), type: 'Happened', data: '{}', metadata: '{}' });

class Facts implements Logger {
  readonly facts: { readonly fact: string; readonly fields?: LogFields }[] = [];
  debug(): void {}
  info(fact: string, fields?: LogFields): void {
    this.facts.push({ fact, fields });
  }
  warn(fact: string, fields?: LogFields): void {
    this.facts.push({ fact, fields });
  }
  error(fact: string, fields?: LogFields): void {
    this.facts.push({ fact, fields });
  }
  child(): Logger {
    return this;
  }
  count(name: string): number {
    return this.facts.filter(({ fact }) => fact === name).length;
  }
}

async function until(condition: () => boolean, what: string, ms = 15_000): Promise<void> {
  const begun = clock.monotonic();
  while (!condition()) {
    if (clock.monotonic() - begun > ms) throw new Error(`waited in vain for ${what}`);
    await clock.sleep(5);
  }
}

/** As whoever decides does: the identical append, until its answer is definite. */
async function settle(store: EventStore, stream: string, expected: number | 'no_stream', batch: NewEvent[]) {
  const seen: AppendOutcome['outcome'][] = [];
  for (let tries = 0; tries < 100; tries++) {
    const answer = await store.append(stream, expected, batch);
    seen.push(answer.outcome);
    if (answer.outcome !== 'unknown' && answer.outcome !== 'unavailable') return { answer, seen };
    await clock.sleep(50);
  }
  throw new Error(`never settled: ${seen.join()}`);
}

function registration(life: { readonly serviceId: string; readonly incarnation: string }): RegisterServiceCommand {
  return new RegisterServiceCommand({
    ...life,
    labels: { host: 'test', name: 'a' },
    capacity: { maxOwnedJobs: 1, maxConcurrentRuns: 1 },
    handlers: {},
    process: ownProcessIdentity(),
    placementVersion,
    reason: 'start',
    supersede: null,
  });
}

describe('the store of EventStoreDB, when things go wrong', () => {
  let server: StandIn;
  let namespace: string;
  let logger: Facts;
  const open: EventStore[] = [];
  const openStore = async (more: Partial<EventStoreDbOptions> = {}, at = server.connectionString) => {
    const store = await openLog(at, namespace, { logger, appendTimeoutMs: 1_000, probeMs: 100, ...more });
    open.push(store);
    return store;
  };
  const idsOf = async (store: EventStore, stream: string) =>
    (await store.readStream(stream, { direction: 'forwards', limit: 10_000 })).events.map(({ id }) => id);

  beforeEach(async () => {
    server = await StandIn.start();
    namespace = freshNamespace();
    logger = new Facts();
  });
  afterEach(async () => {
    server.faults.clear();
    server.faults.thaw();
    await Promise.all(open.splice(0).map((store) => store.close()));
    await server.close();
  });

  describe('with an append', () => {
    const faults: readonly (readonly [string, AppendFault, readonly AppendOutcome['outcome'][]])[] = [
      ['that nobody answers', { kind: 'silence' }, ['unknown', 'appended']],
      ['that is written and not answered', { kind: 'silence', commit: true }, ['unknown', 'appended']],
      ['whose connection is lost before it is written', { kind: 'drop-before' }, ['unknown', 'appended']],
      ['whose connection is lost after it was written', { kind: 'drop-after' }, ['unknown', 'appended']],
    ];
    it.each(faults)('%s: it lands once', async (_what, fault, expected) => {
      const store = await openStore();
      server.faults.onAppend(fault, { stream: (name) => name.endsWith('job-1') });
      const batch = [event(), event()];
      const { answer, seen } = await settle(store, 'job-1', 'no_stream', batch);
      expect(answer).toMatchObject({ outcome: 'appended', revision: 1 });
      expect(seen).toEqual(expected);
      expect(await idsOf(store, 'job-1')).toEqual(batch.map(({ id }) => id));
      expect(await store.append('job-1', 1, [event()])).toMatchObject({ outcome: 'appended', revision: 2 });
    });

    it.each(['not-ready', 'busy', 'timeout', 'no-leader'] as const)(
      'that is refused for a while (%s): it lands once',
      async (kind) => {
        const store = await openStore();
        server.faults.onAppend({ kind }, { times: 3, stream: (name) => name.endsWith('job-1') });
        const batch = [event()];
        const { answer, seen } = await settle(store, 'job-1', 'no_stream', batch);
        expect(answer.outcome).toBe('appended');
        expect(seen.slice(0, 3)).toEqual(['unknown', 'unknown', 'unknown']);
        expect(await idsOf(store, 'job-1')).toEqual(batch.map(({ id }) => id));
      },
    );

    it('to which access is denied: it was certainly not written, and says what to do', async () => {
      const store = await openStore();
      server.faults.onAppend({ kind: 'access-denied' }, { stream: (name) => name.endsWith('job-1') });
      const answer = await store.append('job-1', 'no_stream', [event()]);
      expect(answer).toMatchObject({ outcome: 'unavailable', message: expect.stringMatching(/\$admins/) });
    });

    it('that is answered late: its outcome is unknown in time, and its repetition finds it', async () => {
      const store = await openStore();
      let release = () => {};
      server.faults.onAppend({ kind: 'late', until: new Promise<void>((resolve) => (release = resolve)) });
      const batch = [event()];
      const begun = clock.monotonic();
      expect((await store.append('job-1', 'no_stream', batch)).outcome).toBe('unknown');
      expect(clock.monotonic() - begun).toBeLessThan(2_000);
      expect((await store.append('job-1', 'no_stream', batch)).outcome).toBe('appended');
      release();
      await clock.sleep(50);
      expect(await idsOf(store, 'job-1')).toHaveLength(1);
    });

    it('sends each as a call of its own, to the leader, with a deadline', async () => {
      const store = await openStore();
      await store.append('job-1', 'no_stream', [event()]);
      await store.readStream('job-1', { direction: 'forwards', limit: 1 });
      await store.head();
      const heard = new Promise((resolve) => store.subscribe({ after: 'start', onEvents: resolve }));
      await heard;
      expect(new Set(server.calls.map(({ method }) => method))).toEqual(new Set(['append', 'read', 'subscribe']));
      for (const { requiresLeader } of server.calls) {
        expect(requiresLeader).toBe(true);
      }
    });
  });

  it('a tide of appends while the server dies and returns: each lands once, none is lost', async () => {
    const store = await openStore();
    const streams = Array.from({ length: 40 }, (_, n) => `job-${n}`);
    const acknowledged: string[] = [];
    let over = false;
    const writers = streams.map(async (stream) => {
      for (let revision = -1; !over; revision++) {
        const one = event();
        const { answer } = await settle(store, stream, revision < 0 ? 'no_stream' : revision, [one]);
        expect(answer.outcome).toBe('appended');
        acknowledged.push(one.id);
      }
    });
    const flood = () => {
      const before = acknowledged.length;
      return until(() => acknowledged.length > before + streams.length, 'more than one append of every writer');
    };
    for (let round = 0; round < 3; round++) {
      await flood();
      await server.faults.kill();
      await clock.sleep(150);
      await server.faults.restart();
    }
    await flood();
    over = true;
    await Promise.all(writers);
    const found = (await Promise.all(streams.map((stream) => idsOf(store, stream)))).flat();
    expect(new Set(found).size).toBe(found.length);
    expect(found.sort()).toEqual(acknowledged.sort());
    expect(acknowledged.length).toBeGreaterThan(streams.length);
  });

  describe('with a subscription', () => {
    const heardBy = async (store: EventStore) => {
      const heard: RecordedEvent[] = [];
      const supervised = new SupervisedSubscription(
        { store, clock, random },
        { after: 'start', categories: ['job'], onEvents: (events) => void heard.push(...events) },
      );
      supervised.start();
      open.push({ close: () => supervised.close() } as EventStore);
      return heard;
    };
    const faults: readonly (readonly [string, () => Promise<void> | void])[] = [
      ['ended by the server', () => server.faults.endSubscriptions()],
      ['dropped as too slow', () => server.faults.dropSlowSubscriptions()],
      ['that falls silent', () => server.faults.muteSubscriptions()],
      ['whose connection is lost', () => server.faults.dropConnections()],
      [
        'whose server dies and returns',
        async () => {
          await server.faults.kill();
          await clock.sleep(100);
          await server.faults.restart();
        },
      ],
    ];
    it.each(faults)('%s: every event is delivered once, in order, and work goes on', async (_what, strike) => {
      const store = await openStore();
      const heard = await heardBy(store);
      let revision = -1;
      const write = async (count: number) => {
        for (let n = 0; n < count; n++) {
          const { answer } = await settle(store, 'job-1', revision < 0 ? 'no_stream' : revision, [event()]);
          if (answer.outcome !== 'appended') throw new Error(answer.outcome);
          revision = answer.revision;
        }
      };
      await write(20);
      await until(() => heard.length === 20, 'the first events');
      for (let round = 0; round < 3; round++) {
        await strike();
        await write(20);
      }
      await until(() => heard.length >= 80, `80 events (${heard.length})`);
      await clock.sleep(250);
      expect(heard.map((one) => one.revision)).toEqual(Array.from({ length: 80 }, (_, n) => n));
    });

    it('at a server that is frozen: it is noticed within 4 s, and it goes on when that is over', async () => {
      const store = await openStore({ appendTimeoutMs: 5_000 });
      const heard = await heardBy(store);
      await store.append('job-1', 'no_stream', [event()]);
      await until(() => heard.length === 1, 'the first event');
      server.faults.freeze();
      const begun = clock.monotonic();
      const answer = await store.append('job-1', 0, [event()]);
      expect(answer.outcome).toBe('unknown');
      expect(clock.monotonic() - begun).toBeLessThan(4_000);
      await until(() => logger.count('log.unreachable') > 0, 'the word about it');
      server.faults.thaw();
      await settle(store, 'job-2', 'no_stream', [event()]);
      await until(() => heard.some(({ stream }) => stream === 'job-2'), 'the event after it');
    });
  });

  it('opens without a server, says so now and then, and works when it comes', async () => {
    const { port, log } = server;
    const at = server.connectionString;
    await server.close();
    const store = await openStore({}, at);
    expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({ outcome: 'unavailable' });
    await expect(store.head()).rejects.toMatchObject({ name: 'StoreUnavailableError', code: 'unavailable' });
    const heard: RecordedEvent[] = [];
    store.subscribe({ after: 'end', onEvents: (events) => void heard.push(...events) });
    for (let n = 0; n < 10; n++) await store.head().catch(() => undefined);
    expect(logger.count('log.unreachable')).toBe(1);
    server = await StandIn.start({ port, log });
    await settle(store, 'job-1', 'no_stream', [event()]);
    await until(() => heard.length === 1, 'the event');
    expect(logger.count('log.reachable')).toBeGreaterThan(0);
  });

  it('refuses a user that may not read $all, with the remedy', async () => {
    server.faults.onRead({ kind: 'access-denied' }, { times: Infinity, stream: (name) => name === '$all' });
    await expect(openStore()).rejects.toMatchObject({
      name: 'StoreUnusableError',
      code: 'access-denied',
      remedy: expect.stringMatching(/\$admins/),
    });
  });

  it('follows the leader to another node', async () => {
    const other = await StandIn.start({ log: server.log });
    try {
      const store = await openStore();
      await store.append('job-1', 'no_stream', [event()]);
      server.faults.leader = { host: '127.0.0.1', port: other.port };
      const { answer } = await settle(store, 'job-1', 0, [event()]);
      expect(answer).toMatchObject({ outcome: 'appended', revision: 1 });
      expect((await store.readStream('job-1', { direction: 'backwards', limit: 1 })).head).toBe(1);
      expect(other.calls.length).toBeGreaterThan(0);
      // And back, with a read: whoever reads is told nothing of it.
      server.faults.leader = undefined;
      other.faults.leader = { host: '127.0.0.1', port: server.port };
      expect((await store.readStream('job-1', { direction: 'backwards', limit: 1 })).head).toBe(1);
    } finally {
      await Promise.all(open.splice(0).map((store) => store.close()));
      await other.close();
    }
  });

  it('finds another leader when the one that it was sent to is dead', async () => {
    const store = await openStore();
    server.faults.onAppend({ kind: 'not-leader', host: '127.0.0.1', port: 1 }, { times: 2 });
    const { answer } = await settle(store, 'job-1', 'no_stream', [event()]);
    expect(answer).toMatchObject({ outcome: 'appended', revision: 0 });
  });

  it('a cluster: finds the leader by gossip, and its successor when it dies in the midst of appends', async () => {
    const other = await StandIn.start({ log: server.log });
    const third = await StandIn.start({ log: server.log });
    const nodes = [server, other, third];
    const elect = (leader: StandIn, dead: readonly StandIn[] = []) => {
      for (const node of nodes) {
        node.faults.leader = node === leader ? undefined : { host: '127.0.0.1', port: leader.port };
        node.faults.members = nodes.map((one) => ({
          host: '127.0.0.1',
          port: one.port,
          state: one === leader ? ('leader' as const) : ('follower' as const),
          alive: !dead.includes(one),
        }));
      }
    };
    elect(other);
    try {
      const seeds = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
      const store = await openStore({}, `esdb://${seeds}?tls=false`);
      const heard: number[] = [];
      store.subscribe({ after: 'start', onEvents: (events) => void heard.push(...events.map((one) => one.revision)) });
      let revision = -1;
      const write = async () => {
        const { answer } = await settle(store, 'job-1', revision < 0 ? 'no_stream' : revision, [event()]);
        expect(answer).toMatchObject({ outcome: 'appended', revision: ++revision });
      };
      for (let n = 0; n < 10; n++) await write();
      expect(other.calls.some(({ method }) => method === 'append')).toBe(true);
      expect(server.calls.some(({ method }) => method === 'append')).toBe(false);
      // Its successor is elected a while after its death: until then nobody can be found who leads.
      const dies = other.faults.kill();
      for (let n = 0; n < 5; n++) void store.head().catch(() => undefined);
      await dies;
      await clock.sleep(300);
      elect(third, [other]);
      for (let n = 0; n < 10; n++) await write();
      await until(() => heard.length >= 20, `20 events (${heard.length})`);
      expect(heard).toEqual(Array.from({ length: 20 }, (_, n) => n));
      expect(third.calls.some(({ method }) => method === 'append')).toBe(true);
    } finally {
      await Promise.all(open.splice(0).map((store) => store.close()));
      await other.close();
      await third.close();
    }
  });

  it('a cluster of which no node answers: nothing ends the process, and it says so', async () => {
    const seeds = '127.0.0.1:1,127.0.0.1:2';
    const store = await openStore({}, `esdb://${seeds}?tls=false`);
    store.subscribe({ after: 'start', onEvents: () => undefined });
    expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({ outcome: 'unavailable' });
    await Promise.all(Array.from({ length: 20 }, () => store.head().catch(() => undefined)));
    await clock.sleep(300);
    expect(logger.count('log.unreachable')).toBe(1);
  });

  it('a leader that takes connections and says nothing is left after two seconds, for the next one', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const [host, { port: own }] = ['127.0.0.1', server];
    const { port } = silent.address() as AddressInfo;
    const member = (at: number, state: 'leader' | 'follower') => ({ host, port: at, state, alive: true });
    server.faults.members = [member(port, 'leader'), member(own, 'follower')];
    try {
      const begun = clock.monotonic();
      const opening = openStore({}, `esdb://${host}:${own},${host}:${own}?tls=false`);
      await until(() => sockets.length > 0, 'a connection to the silent leader');
      server.faults.members = [member(own, 'leader'), member(port, 'follower')];
      const store = await opening;
      expect((await settle(store, 'job-1', 'no_stream', [event()])).answer.outcome).toBe('appended');
      // A read has ten seconds, and the transport itself waits for twenty: neither is what ended it.
      expect(clock.monotonic() - begun).toBeLessThan(6_000);
      expect(clock.monotonic() - begun).toBeGreaterThan(1_500);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it('lets a beat pass thousands of appends that wait', async () => {
    const store = await openStore({ appendTimeoutMs: 5_000 });
    const appends = Array.from({ length: 4_000 }, (_, n) => store.append(`job-${n}`, 'no_stream', [event()]));
    const begun = clock.monotonic();
    const beat = await store.append('heartbeat-1', 'any', [event()], { lane: 'urgent' });
    const beatMs = clock.monotonic() - begun;
    const answers = await Promise.all(appends);
    const allMs = clock.monotonic() - begun;
    expect(beat.outcome).toBe('appended');
    expect(beatMs).toBeLessThan(allMs / 5);
    expect(answers.every(({ outcome }) => outcome === 'appended' || outcome === 'unavailable')).toBe(true);
  });

  it('lets what a service decides about its own life pass a queue of work that does not move', async () => {
    const store = await openStore({ appendTimeoutMs: 30_000 });
    const held = new AbortController();
    const released = new Promise((resolve) => held.signal.addEventListener('abort', resolve));
    const jobs = (name: string) => name.includes('job-');
    // As many as the adapter has under way at once are never answered until the end; the others wait behind them.
    const faults = server.faults.onAppend({ kind: 'late', until: released }, { times: Infinity, stream: jobs });
    let through = 0;
    const work = Array.from({ length: 500 }, async (_, n) => {
      const answer = await store.append(`job-${n}`, 'no_stream', [event()]);
      through++;
      return answer.outcome;
    });
    await until(() => faults.hits === 64, 'a busy lane');
    const executor = new CommandExecutor({
      ...{ store, clock, random, clusterTime: { now: () => clock.wall() }, zoneData: 'test', namespace: '' },
      ...{ directory: { candidate: () => null }, logger },
    });
    const life = { serviceId: 'a@test', incarnation: random.uuid(clock.wall()) };
    const registered = await executor.execute(registration(life));
    await executor.execute(new ReassertServiceCommand({ ...life, fencedForMs: 1 }));
    await executor.execute(new DrainServiceCommand({ ...life, reason: 'test' }));
    await executor.execute(new StopServiceCommand({ ...life, leftovers: [] }));
    expect(registered.added).toBe(1);
    expect([through, faults.hits]).toEqual([0, 64]);
    held.abort();
    expect(new Set(await Promise.all(work))).toEqual(new Set(['appended']));
    await executor.close();
  });

  it('a log that is closed while it is being made ends nothing but itself', async () => {
    for (let n = 0; n < 40; n++) {
      const store = await EventStoreDbEventStore.connect({
        ...{ connection: server.connectionString, namespace: `${namespace}_${n}`, clock, random },
      });
      const asked = store.identity().catch((error: unknown) => error);
      await clock.sleep(n / 4);
      await store.close();
      await asked;
    }
    expect((await (await openStore()).identity()).generation).toBe(1);
  });

  it('two stores share one client, and the last one leaves no connection open', async () => {
    const [one, two] = [await openStore(), await openStore()];
    two.subscribe({ after: 'start', onEvents: () => undefined });
    await one.append('job-1', 'no_stream', [event()]);
    await clock.sleep(50);
    expect(server.connected.open).toBe(1);
    await one.close();
    expect((await two.append('job-1', 0, [event()])).outcome).toBe('appended');
    await two.close();
    await until(() => server.connected.open === 0, 'the end of the connection');
  });

  it('a subscription that is closed, or was made anew, leaves none open at the server', async () => {
    const store = await openStore();
    let caughtUp = 0;
    const onCaughtUp = () => void caughtUp++;
    const subscription = store.subscribe({ after: 'start', onEvents: () => undefined, onCaughtUp });
    await until(() => caughtUp === 1, 'the end of the log');
    server.faults.muteSubscriptions();
    expect((await store.append('job-1', 'no_stream', [event()])).outcome).toBe('appended');
    await until(() => caughtUp > 1, 'the end of the log again');
    await until(() => server.faults.subscriptions.size === 1, 'the end of the one that fell silent');
    await subscription.close();
    await until(() => server.faults.subscriptions.size === 0, 'the end of the subscription');
  });

  it('shows no password: not in errors, nor in the log, nor when it is inspected', async () => {
    const secret = 's3cr3t';
    const at = `esdb://admin:${secret}@127.0.0.1:1?tls=false`;
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const store = await openStore({}, at);
    const error: unknown = await store.head().catch((thrown: unknown) => thrown);
    const answer = await store.append('job-1', 'any', [event()]);
    const shown = inspect([store, error, answer, logger.facts, warn.mock.calls], { depth: 12, showHidden: true });
    warn.mockRestore();
    expect(shown).not.toContain(secret);
    expect(shown).toContain('esdb://admin:***@127.0.0.1:1');
    expect(inspect(store)).toMatch(/^EventStoreDbEventStore \{ esdb/);
  });

  it('a stream that was deleted for good is read as none, and refuses every append', async () => {
    const store = await openStore();
    await store.append('job-1', 'no_stream', [event()]);
    server.log.tombstone(`${namespace}.job-1`, 'any');
    expect(await store.readStream('job-1', { direction: 'forwards', limit: 1 })).toEqual({
      events: [],
      head: 'no_stream',
    });
    expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({
      outcome: 'refused',
      code: 'stream-deleted',
    });
  });

  it('a stream that was soft-deleted: no_stream succeeds, numbering goes on, and a conflict says what a read says', async () => {
    const store = await openStore();
    await store.append('job-1', 'no_stream', [event(), event()]);
    server.log.delete(`${namespace}.job-1`, 'any');
    expect(await store.readStream('job-1', { direction: 'forwards', limit: 1 })).toEqual({
      events: [],
      head: 'no_stream',
    });
    expect(await store.append('job-1', 0, [event()])).toEqual({ outcome: 'conflict', actual: 'no_stream' });
    expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({ outcome: 'appended', revision: 2 });
    expect((await store.readStream('job-1', { direction: 'backwards', limit: 1 })).head).toBe(2);
  });
});
