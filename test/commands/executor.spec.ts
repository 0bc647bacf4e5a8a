import {
  CancelJobCommand,
  BindJobToServiceCommand,
  PauseJobCommand,
  RemoveJobCommand,
  RescheduleJobCommand,
  ResumeJobCommand,
  RunJobNowCommand,
  ScheduleJobCommand,
  MarkServiceFailedCommand,
  RegisterServiceCommand,
  withOptions,
  CommandRefusedError,
  CommandUnavailableError,
  FencedError,
  OutcomeUnknownError,
  jobIdOfCommand,
} from '../../src/commands';
import type { JobRecord } from '../../src/domain/job';
import { VirtualClock } from '../../src/clock';
import { Bench, candidate, why } from './bench';

const hourly = { kind: 'interval', every: 3_600_000 } as const;
const schedule = (jobId = 'j', commandId?: string): ScheduleJobCommand =>
  new ScheduleJobCommand({
    jobId,
    handler: 'audit',
    schedule: hourly,
    ...(commandId === undefined ? {} : { commandId }),
  });
const runNow = (commandId: string): RunJobNowCommand => new RunJobNowCommand({ jobId: 'j', commandId });
const pause = (commandId = 'p'): PauseJobCommand => new PauseJobCommand({ jobId: 'j', commandId });

async function scheduled(more?: ConstructorParameters<typeof Bench>[0]): Promise<Bench> {
  const bench = new Bench(more);
  await bench.settled(bench.executor.execute(schedule()));
  bench.store.appends.length = 0;
  bench.store.reads = 0;
  return bench;
}

describe('a command', () => {
  it('is appended at the exact revision that it was decided on, with ids and metadata', async () => {
    const bench = await scheduled();
    const result = await bench.settled(
      bench.executor.execute(pause(), { actor: 'ann', correlationId: 'c-1', causationId: 'c-0' }),
    );
    expect(result).toMatchObject({ id: 'j', revision: 1, position: 2n, added: 1, firstRevision: 1 });
    expect(result.events.map((e) => e.type)).toEqual(['JobPaused']);
    expect(result.state).toMatchObject({ stage: 'live', paused: true, revision: 1 });
    const [, event] = await bench.events('job-j');
    expect(JSON.parse(event.metadata)).toEqual({
      $correlationId: 'c-1',
      $causationId: 'c-0',
      actor: 'ann',
      schemaVersion: 1,
    });
    expect(bench.store.appends).toEqual([{ stream: 'job-j', expected: 0, ids: event.id }]);
  });

  it('carries its actor over a bus, and its metadata names the command when nothing else caused it', async () => {
    const bench = await scheduled();
    await bench.settled(bench.executor.execute(withOptions(pause('p-1'), { actor: 'bob' })));
    const [, event] = await bench.events('job-j');
    expect(JSON.parse(event.metadata)).toMatchObject({ actor: 'bob', $causationId: 'p-1', $correlationId: 'p-1' });
  });

  it('goes into the streams of its namespace', async () => {
    const bench = await scheduled({ namespace: 'acme' });
    expect(await bench.types('acme.job-j')).toEqual(['JobScheduled']);
  });

  it('is refused before the store is asked when a field is wrong', async () => {
    const bench = new Bench();
    const error = await bench.failure(bench.executor.execute(new PauseJobCommand({ jobId: 'no spaces' })));
    expect(error).toBeInstanceOf(CommandRefusedError);
    expect(error.code).toBe('bad-id');
    expect(bench.store).toMatchObject({ reads: 0, appends: [] });
  });

  it('needs one read for a job that is not known here, and none after that', async () => {
    const bench = await scheduled();
    for (let n = 0; n < 5; n += 1) await bench.settled(bench.executor.execute(runNow(`r${n}`)));
    expect(bench.store.reads).toBe(0);
    await bench.settled(bench.another().execute(runNow('other')));
    expect(bench.store.reads).toBe(1);
  });

  it('keeps no more states than it may: the least recently used goes', async () => {
    const bench = await scheduled({ options: { recentStates: 2 } });
    for (const id of ['a', 'b']) await bench.settled(bench.executor.execute(schedule(id)));
    bench.store.reads = 0;
    await bench.settled(bench.executor.execute(new PauseJobCommand({ jobId: 'b' })));
    expect(bench.store.reads).toBe(0);
    await bench.settled(bench.executor.execute(pause()));
    expect(bench.store.reads).toBe(1);
  });

  it('is decided on what the view knows, without a read', async () => {
    const bench = await scheduled();
    const before = await bench.settled(bench.another().execute(runNow('r')));
    const other = bench.another();
    bench.store.reads = 0;
    await bench.settled(other.execute(pause(), { known: before.state as JobRecord }));
    expect(bench.store.reads).toBe(0);
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobRunRequested', 'JobPaused']);
  });

  it('is not refused, and not answered as done, on a state that may be old', async () => {
    const bench = await scheduled();
    const old = await bench.settled(bench.executor.execute(pause()));
    const other = bench.another();
    await bench.settled(other.execute(new ResumeJobCommand({ jobId: 'j' })));
    // Both the view and the own memory say that it is paused; the log says that it is not.
    const again = await bench.settled(bench.executor.execute(pause('p-2'), { known: old.state as JobRecord }));
    expect(again.added).toBe(1);
    await bench.settled(other.execute(new RescheduleJobCommand({ jobId: 'j', tag: { a: 'b' } })));
    const same = await bench.settled(bench.executor.execute(new RescheduleJobCommand({ jobId: 'j', tag: {} })));
    expect(same).toMatchObject({ added: 1 });
  });

  it('says where the job stands when it is so already', async () => {
    const bench = await scheduled();
    const removed = await bench.settled(bench.executor.execute(new RemoveJobCommand({ jobId: 'j' })));
    const again = await bench.settled(bench.executor.execute(new RemoveJobCommand({ jobId: 'j' })));
    expect(again).toMatchObject({ added: 0, events: [], revision: removed.revision, position: removed.position });
  });

  it('answers its first result when its id is known', async () => {
    const bench = await scheduled();
    const first = await bench.settled(bench.executor.execute(new RemoveJobCommand({ jobId: 'j', commandId: 'gone' })));
    expect(first.added).toBe(2);
    for (const executor of [bench.executor, bench.another()]) {
      const again = await bench.settled(executor.execute(new RemoveJobCommand({ jobId: 'j', commandId: 'gone' })));
      expect(again).toMatchObject({ added: 0, revision: first.revision, position: first.position });
    }
    const after = await bench.settled(bench.executor.execute(schedule('j', 'gone')));
    expect(after).toMatchObject({ added: 0, revision: first.revision });
  });

  it('makes the job id of its command id, and new ids when it has neither; the same instance keeps them', async () => {
    const bench = new Bench();
    const named = await bench.settled(
      bench.executor.execute(new ScheduleJobCommand({ handler: 'audit', commandId: 'c-1' })),
    );
    expect(named.id).toBe(jobIdOfCommand('c-1'));
    const command = new ScheduleJobCommand({ handler: 'audit' });
    const fresh = await bench.settled(bench.executor.execute(command));
    expect(fresh.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const again = await bench.settled(bench.executor.execute(command));
    expect(again).toMatchObject({ id: fresh.id, added: 0, revision: fresh.revision, position: fresh.position });
  });

  it('binds to the service that the directory knows, and refuses one that it does not', async () => {
    const bench = await scheduled();
    const bind = (): BindJobToServiceCommand => new BindJobToServiceCommand({ jobId: 'j', serviceId: 'a' });
    expect((await bench.failure(bench.executor.execute(bind()))).code).toBe('service-unknown');
    bench.services.set('a', candidate('a'));
    const bound = await bench.settled(bench.executor.execute(bind()));
    expect(bound.events).toMatchObject([
      { type: 'JobBoundToService', data: { epoch: 1, serviceId: 'a', viewPosition: '7', why: { kind: 'operator' } } },
    ]);
  });
});

describe('a lost race', () => {
  const rival = (bench: Bench, id: string) => async () => {
    await bench.another().execute(runNow(id));
    return 'ok' as const;
  };

  it('is decided anew from a fresh read', async () => {
    const bench = await scheduled();
    const other = bench.another();
    bench.store.script = [async () => (await other.execute(pause('rival')), 'ok')];
    const error = await bench.failure(bench.executor.execute(pause()));
    expect(error.code).toBe('job-paused');
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobPaused']);
  });

  it('is waited after, with jitter, and repeated until it is won', async () => {
    const bench = await scheduled();
    const racing = [1, 2, 3].map((n) => rival(bench, `rival-${n}`));
    // A rival's own append is the next of the script, so each race takes two entries.
    bench.store.script = racing.flatMap((race) => [race, 'ok' as const]);
    const started = bench.clock.monotonic();
    const result = await bench.settled(bench.executor.execute(pause()));
    expect(result.revision).toBe(4);
    expect(bench.clock.monotonic()).toBeGreaterThan(started);
  });

  it('is given up after a bounded number of times; nothing was written', async () => {
    const bench = await scheduled({ options: { maxConflicts: 3 } });
    bench.store.script = [1, 2, 3].flatMap((n) => [rival(bench, `rival-${n}`), 'ok' as const]);
    const error = await bench.failure(bench.executor.execute(pause()));
    expect(error).toBeInstanceOf(CommandUnavailableError);
    expect(await bench.types('job-j')).not.toContain('JobPaused');
  });

  it('does not happen between commands of one process: they take turns', async () => {
    const bench = await scheduled();
    const all = Array.from({ length: 30 }, (_, n) => bench.executor.execute(runNow(`r${n}`)));
    await bench.settled(Promise.all(all));
    expect(bench.store.appends.map((a) => a.expected)).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  it('reads again until the read has reached the revision that the store reported', async () => {
    const bench = await scheduled();
    const other = bench.another();
    bench.store.script = [
      async () => {
        await other.execute(pause('rival'));
        bench.store.staleReads = 3;
        return 'ok';
      },
    ];
    const error = await bench.failure(bench.executor.execute(pause()));
    expect(error.code).toBe('job-paused');
    expect(bench.store.staleReads).toBe(0);
    // The own one and the rival's: nothing was decided on what a stale read gave.
    expect(bench.store.appends).toHaveLength(2);
  });

  it('drops a verdict of an observer: it is never decided anew', async () => {
    const bench = new Bench();
    const register = new RegisterServiceCommand({
      serviceId: 's',
      incarnation: 'i-1',
      labels: { host: 'h', name: 's' },
      capacity: { maxOwnedJobs: 1, maxConcurrentRuns: 1 },
      handlers: { audit: '1' },
      process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
      placementVersion: 1,
      reason: 'start',
      supersede: null,
    });
    await bench.settled(bench.executor.execute(register));
    const other = bench.another();
    bench.store.script = [
      async () => (
        await other.execute(new MarkServiceFailedCommand({ serviceId: 's', reason: 'seen dead', commandId: 'm' })),
        'ok'
      ),
    ];
    const verdict = new MarkServiceFailedCommand({
      by: 'observer',
      serviceId: 's',
      incarnation: 'i-1',
      observer: 'o',
      observerIncarnation: 'o-1',
      evidence: { kind: 'silence', lastBeat: 3, silenceMs: 7_000, thresholdMs: 6_000, membershipPosition: '9' },
      viewRevision: 0,
    });
    expect((await bench.failure(bench.executor.execute(verdict))).code).toBe('evidence-outdated');
    const facts = await bench.events('service-s');
    expect(facts.map((f) => f.type)).toEqual(['ServiceRegistered', 'ServiceMarkedFailed']);
    expect(JSON.parse(facts[1].data)).toMatchObject({ by: 'operator', actor: 'application', reason: 'seen dead' });
  });
});

describe('an answer that leaves the outcome open', () => {
  it('is followed by the identical append until the answer is definite', async () => {
    const bench = await scheduled();
    bench.store.script = ['lost', 'unavailable', 'landed', 'lost', 'ok'];
    const result = await bench.settled(bench.executor.execute(pause()));
    expect(result).toMatchObject({ revision: 1, added: 1 });
    expect(new Set(bench.store.appends.map((a) => a.ids)).size).toBe(1);
    expect(bench.store.appends).toHaveLength(5);
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobPaused']);
  });

  it('had landed when the ids at its revisions are its own, though others have appended since', async () => {
    const bench = await scheduled();
    bench.store.script = [
      'landed',
      async () => {
        await bench.store.memory.append('job-j', 1, [
          {
            id: '00000000-0000-4000-8000-000000000001',
            type: 'JobRunRequested',
            data: '{"at":1,"slot":"manual:2","reason":""}',
            metadata: '{}',
          },
        ]);
        // The store no longer knows the first append: only its revisions tell.
        bench.store.memory.append = async () => ({ outcome: 'conflict', actual: 2 });
        bench.store.staleReads = 2;
        return 'ok';
      },
    ];
    const result = await bench.settled(bench.executor.execute(pause()));
    expect(result).toMatchObject({ revision: 1, position: 2n, added: 1 });
    expect(result.state).toMatchObject({ revision: 1, paused: true });
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobPaused', 'JobRunRequested']);
    expect(bench.store.staleReads).toBe(0);
  });

  it('is decided anew at once when it has lost one race: no time passes', async () => {
    const bench = await scheduled();
    const other = bench.another();
    bench.store.script = [async () => (await other.execute(runNow('rival')), 'ok')];
    const before = bench.clock.monotonic();
    expect(await bench.executor.execute(pause())).toMatchObject({ added: 1, revision: 2 });
    expect(bench.clock.monotonic()).toBe(before);
  });

  it('is decided anew when another event stands at its revision, with other ids', async () => {
    const bench = await scheduled();
    const other = bench.another();
    bench.store.script = ['lost', async () => (await other.execute(runNow('rival')), 'ok')];
    const result = await bench.settled(bench.executor.execute(pause()));
    expect(result.revision).toBe(2);
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobRunRequested', 'JobPaused']);
    const ids = bench.store.appends.filter((a) => a.stream === 'job-j').map((a) => a.ids);
    expect(ids[0]).toBe(ids[1]);
    expect(ids.at(-1)).not.toBe(ids[0]);
  });

  it('adds nothing when the ghost of an earlier sending lands late', async () => {
    const bench = await scheduled();
    bench.store.script = ['ghost', 'ok'];
    await bench.settled(bench.executor.execute(pause()));
    expect(await bench.store.releaseGhosts()).toMatchObject([{ outcome: 'appended', revision: 1 }]);
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobPaused']);
  });

  it('lands nothing when the ghost arrives after somebody else', async () => {
    const bench = await scheduled();
    const other = bench.another();
    bench.store.script = ['ghost', async () => (await other.execute(runNow('rival')), 'ok')];
    await bench.settled(bench.executor.execute(pause()));
    expect(await bench.store.releaseGhosts()).toMatchObject([{ outcome: 'conflict' }]);
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobRunRequested', 'JobPaused']);
  });

  it('is told to the caller in time, goes on to be settled, and is outstanding until then', async () => {
    const bench = await scheduled();
    let down = true;
    bench.store.otherwise = () => (down ? 'lost' : 'ok');
    const error = await bench.failure(bench.executor.execute(pause('mine'), { timeoutMs: 500 }));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error).toMatchObject({ commandId: 'mine', id: 'j' });
    expect(bench.executor.outstanding('j')).toBe(true);
    down = false;
    await bench.clock.runUntil(() => !bench.executor.outstanding('j'));
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobPaused']);
    const again = await bench.settled(bench.executor.execute(pause('mine')));
    expect(again).toMatchObject({ added: 0, revision: 1 });
  });

  it('decides nothing more once its caller was answered', async () => {
    const bench = await scheduled();
    const other = bench.another();
    let down = true;
    bench.store.otherwise = () => (down ? 'lost' : 'ok');
    await bench.failure(bench.executor.execute(pause(), { timeoutMs: 500 }));
    down = false;
    await bench.settled(other.execute(runNow('rival')));
    await bench.clock.runUntil(() => !bench.executor.outstanding('j'));
    await bench.clock.advance(60_000);
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobRunRequested']);
  });

  it('does not hold up other commands of this process', async () => {
    const bench = await scheduled();
    bench.store.script = ['lost', 'ok'];
    const first = bench.executor.execute(pause());
    const second = bench.executor.execute(runNow('r'));
    await bench.settled(Promise.all([first, second]));
    expect([...(await bench.types('job-j'))].sort()).toEqual(['JobPaused', 'JobRunRequested', 'JobScheduled']);
  });

  it('ends with close: the caller learns that it is not known', async () => {
    const bench = await scheduled();
    bench.store.otherwise = () => 'lost';
    const work = bench.failure(bench.executor.execute(pause('mine'), { timeoutMs: Infinity }));
    await bench.clock.advance(100);
    await bench.executor.close();
    expect(await work).toMatchObject({ name: 'OutcomeUnknownError', commandId: 'mine' });
    expect(bench.executor.outstanding('j')).toBe(false);
    expect(await bench.failure(bench.executor.execute(pause()))).toBeInstanceOf(CommandUnavailableError);
  });
});

describe('a store that is away', () => {
  it('is tried again until it is there', async () => {
    const bench = new Bench();
    bench.store.failingReads = 5;
    bench.store.script = ['unavailable', 'unavailable', 'unavailable'];
    await bench.settled(bench.executor.execute(schedule()));
    expect(await bench.types('job-j')).toEqual(['JobScheduled']);
  });

  it.each([
    ['reads', (bench: Bench) => (bench.store.failingReads = Infinity)],
    ['appends', (bench: Bench) => (bench.store.otherwise = () => 'unavailable')],
  ])('means that certainly nothing was written when the time is over (%s)', async (_what, breakIt) => {
    const bench = new Bench();
    breakIt(bench);
    const error = await bench.failure(bench.executor.execute(schedule(), { timeoutMs: 2_000 }));
    expect(error).toBeInstanceOf(CommandUnavailableError);
    expect(bench.clock.monotonic()).toBe(2_000);
    expect(bench.executor.outstanding('j')).toBe(false);
    bench.store.failingReads = 0;
    bench.store.otherwise = () => 'ok';
    await bench.clock.advance(60_000);
    expect(await bench.types('job-j')).toEqual([]);
  });

  it('has a new decision, not an old one, when it is back', async () => {
    const bench = await scheduled();
    bench.store.script = ['unavailable', 'unavailable'];
    const before = bench.clock.wall();
    const result = await bench.settled(bench.executor.execute(pause()));
    expect(result.events[0].data.at).toBeGreaterThan(before);
    expect(result.events[0].data.at).toBe(bench.clock.wall());
  });

  it('that refuses for good is told as such', async () => {
    const bench = await scheduled();
    await bench.store.memory.close();
    const error = await bench.failure(bench.executor.execute(pause()));
    expect(error).toMatchObject({ name: 'CommandUnavailableError', message: expect.stringContaining('closed') });
  });
});

describe('the fence', () => {
  it('is looked at right before each append of a new decision', async () => {
    const bench = await scheduled();
    let may = true;
    bench.store.script = [
      async () => {
        may = false;
        return 'unavailable';
      },
    ];
    const error = await bench.failure(bench.executor.execute(pause(), { mayAppend: () => may }));
    expect(error).toBeInstanceOf(FencedError);
    expect(await bench.types('job-j')).toEqual(['JobScheduled']);
    expect(bench.store.appends).toHaveLength(1);
  });

  it('does not keep what was sent from being settled', async () => {
    const bench = await scheduled();
    let may = true;
    bench.store.script = [
      async () => {
        may = false;
        return 'landed';
      },
    ];
    const result = await bench.settled(bench.executor.execute(pause(), { mayAppend: () => may }));
    expect(result).toMatchObject({ revision: 1, added: 1 });
  });
});

describe('the books', () => {
  it('are closed by the append that crosses the number of events, and reading begins there', async () => {
    const bench = await scheduled({ options: { booksEvery: 20, recentStates: 0 } });
    for (let n = 0; n < 50; n += 1) await bench.settled(bench.executor.execute(runNow(`r${n}`)));
    const events = await bench.events('job-j');
    const books = events.filter((e) => e.type === 'JobBooksClosed').map((e) => e.revision);
    expect(books).toEqual([20, 41]);
    const last = await bench.settled(bench.executor.execute(runNow('last')));
    expect(last.state).toMatchObject({ booksRevision: 41, revision: 53 });
    expect((last.state as JobRecord).requested).toHaveLength(51);
    expect(JSON.parse(events[41].data)).toMatchObject({ schemaVersion: 1, state: { revision: 40 } });
  });

  it('are part of the first result of the command that closed them', async () => {
    const bench = await scheduled({ options: { booksEvery: 3, recentStates: 0 } });
    await bench.settled(bench.executor.execute(runNow('r1')));
    const closing = await bench.settled(bench.executor.execute(runNow('r2')));
    expect(closing.events.map((e) => e.type)).toEqual(['JobRunRequested', 'JobBooksClosed']);
    expect(closing).toMatchObject({ revision: 3, added: 2, firstRevision: 2 });
    const again = await bench.settled(bench.executor.execute(runNow('r2')));
    expect(again).toMatchObject({ revision: 3, position: closing.position, added: 0 });
  });

  it('that cannot be read are skipped backwards', async () => {
    const bench = await scheduled({ options: { booksEvery: 20, recentStates: 0 } });
    for (let n = 0; n < 25; n += 1) await bench.settled(bench.executor.execute(runNow(`r${n}`)));
    await bench.store.memory.append('job-j', 26, [
      {
        id: '00000000-0000-4000-8000-000000000002',
        type: 'JobBooksClosed',
        data: '{"at":1,"schemaVersion":99,"state":{}}',
        metadata: '{}',
      },
    ]);
    const paused = await bench.settled(bench.executor.execute(pause()));
    expect(paused).toMatchObject({ revision: 28, state: { paused: true, booksRevision: 20 } });
    expect((paused.state as JobRecord).requested).toHaveLength(25);
  });

  it('are not closed over what would make the append too large; events alone that are too large are refused', async () => {
    const bench = await scheduled({ options: { booksEvery: 2, recentStates: 0, maxAppendBytes: 1_000 } });
    const result = await bench.settled(bench.executor.execute(runNow('r')));
    expect(result.events.map((e) => e.type)).toEqual(['JobRunRequested']);
    expect(bench.lines.map((l) => l.fact)).toContain('job.books-too-large');
    const payload = 'x'.repeat(1_000);
    const large = bench.executor.execute(new RescheduleJobCommand({ jobId: 'j', payload }));
    expect((await bench.failure(large)).code).toBe('append-too-large');
    expect(await bench.types('job-j')).toHaveLength(2);
  });
});

describe('a log that went back in time', () => {
  /** A process whose store becomes another one. */
  async function restoredTo(prepare: (restored: Bench) => Promise<unknown>) {
    const bench = await scheduled();
    for (let n = 0; n < 3; n += 1) await bench.settled(bench.executor.execute(runNow(`r${n}`)));
    const restored = new Bench();
    await prepare(restored);
    let store = bench.store.port();
    const port = new Proxy(store, { get: (_, name) => Reflect.get(store, name) as unknown });
    const process = bench.another({ store: port });
    await bench.settled(process.execute(pause()));
    store = restored.store.port();
    return { bench, process };
  }

  /** The states are forgotten while an append to a log of `bench` is on its way; `then` runs first. */
  const whileSending = (bench: Bench, process: Bench['executor'], then: () => void) =>
    bench.store.script.push(() => {
      then();
      process.forget();
      return Promise.resolve('ok');
    });

  it('may have acknowledged what is in no log now: that is decided anew', async () => {
    const bench = await scheduled();
    const restored = new Bench();
    await restored.settled(restored.executor.execute(schedule()));
    let store = bench.store.port();
    const port = new Proxy(store, { get: (_, name) => Reflect.get(store, name) as unknown });
    const appended: bigint[] = [];
    const process = bench.another({ store: port, appended: (position) => appended.push(position) });
    for (const id of ['r1', 'r2']) await bench.settled(process.execute(runNow(id)));
    whileSending(bench, process, () => (store = restored.store.port()));
    const executed = await bench.settled(process.execute(pause()));
    expect(executed).toMatchObject({ revision: 1, added: 1, state: { paused: true, requested: [] } });
    expect(await restored.types('job-j')).toEqual(['JobScheduled', 'JobPaused']);
    // The position in the lost log is told to nobody.
    expect(appended).toEqual([expect.any(BigInt), expect.any(BigInt), executed.position]);
  });

  it('and what the one that took its place has acknowledged stands', async () => {
    const bench = await scheduled();
    whileSending(bench, bench.executor, () => (bench.store.failingReads = 2));
    const executed = await bench.settled(bench.executor.execute(runNow('r')));
    expect(executed).toMatchObject({ revision: 1, added: 1, position: await bench.store.memory.head() });
    expect(await bench.types('job-j')).toEqual(['JobScheduled', 'JobRunRequested']);
  });

  it('and is not known to hold what was acknowledged, until it answers', async () => {
    const bench = await scheduled();
    whileSending(bench, bench.executor, () => (bench.store.failingReads = 1_000));
    const failure = await bench.failure(bench.executor.execute(runNow('r'), { timeoutMs: 5_000 }));
    expect(failure).toBeInstanceOf(OutcomeUnknownError);
  });

  describe('while a command is under way', () => {
    /** A process of a log that has run requests of `j`, and the log that takes its place, which has its schedule and what `prepare` appends. */
    async function twoLogs(prepare: (restored: Bench) => Promise<unknown> = () => Promise.resolve()) {
      const [lost, restored] = [await scheduled(), await scheduled()];
      await prepare(restored);
      let store = lost.store.port();
      const port = new Proxy(store, { get: (_, name) => Reflect.get(store, name) as unknown });
      const process = lost.another({ store: port });
      for (const id of ['r1', 'r2', 'r3']) await lost.settled(process.execute(runNow(id)));
      const comes = () => {
        store = restored.store.port();
        process.forget();
      };
      return { lost, restored, process, comes };
    }

    it('nothing is appended to it that was decided by the lost one', async () => {
      const { lost, restored, process, comes } = await twoLogs(async (restored) => {
        await restored.settled(restored.executor.execute(runNow('r1')));
        await restored.settled(restored.executor.execute(new CancelJobCommand({ jobId: 'j', commandId: 'c' })));
      });
      const before = await restored.types('job-j');
      // As long as the stream of the lost one: only a look at it tells.
      expect(before).toHaveLength(4);
      lost.store.otherwise = () => 'unavailable';
      const waiting = lost.failure(process.execute(pause(), { timeoutMs: Infinity }));
      await lost.clock.advance(5_000);
      comes();
      expect(await waiting).toMatchObject({ code: expect.stringMatching(/^job-/) as string });
      expect(await restored.types('job-j')).toEqual(before);
    });

    it('a head that the lost one has reported is not waited for', async () => {
      const { lost, restored, process, comes } = await twoLogs();
      const rival = lost.another({ store: lost.store.memory });
      let races = 0;
      lost.store.script = [1, 2].map((n) => async () => {
        await rival.execute(runNow(`rival${n}`));
        races = n;
        return 'ok';
      });
      const waiting = process.execute(pause(), { timeoutMs: Infinity });
      // It has lost twice, and rests.
      for (let turns = 0; turns < 100 && races < 2; turns += 1) await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      comes();
      const paused = await lost.settled(waiting);
      expect(paused).toMatchObject({ revision: 1, added: 1 });
      expect(await restored.types('job-j')).toEqual(['JobScheduled', 'JobPaused']);
    });

    it('nor one that it has reported of an append whose outcome was not known', async () => {
      const { lost, restored, process, comes } = await twoLogs();
      lost.store.script = [
        'lost',
        async () => {
          await lost.another({ store: lost.store.memory }).execute(runNow('rival'));
          lost.store.failingReads = 1_000;
          return 'ok';
        },
      ];
      const waiting = lost.settled(process.execute(pause(), { timeoutMs: Infinity }));
      await lost.clock.advance(5_000);
      comes();
      expect(await waiting).toMatchObject({ revision: 1, added: 1 });
      expect(await restored.types('job-j')).toEqual(['JobScheduled', 'JobPaused']);
    });

    it('nor the first result of a command that the lost one knew', async () => {
      const { lost, restored, process, comes } = await twoLogs();
      lost.store.failingReads = 1_000;
      const again = lost.settled(process.execute(runNow('r3'), { timeoutMs: Infinity }));
      await lost.clock.advance(5_000);
      comes();
      expect(await again).toMatchObject({ revision: 1, added: 1 });
      expect(await restored.types('job-j')).toEqual(['JobScheduled', 'JobRunRequested']);
    });
  });

  it('is waited for no longer once the states were forgotten', async () => {
    const { bench, process } = await restoredTo(async () => undefined);
    const waiting = bench.failure(process.execute(new RemoveJobCommand({ jobId: 'j' }), { timeoutMs: Infinity }));
    await bench.clock.advance(5_000);
    process.forget();
    expect(await waiting).toMatchObject({ code: 'job-unknown' });
  });

  it('is read whole where another event stands in the place of the one that was known', async () => {
    const { bench, process } = await restoredTo(async (restored) => {
      await restored.settled(restored.executor.execute(schedule('elsewhere')));
      await restored.settled(restored.executor.execute(schedule()));
      for (let n = 0; n < 6; n += 1) await restored.settled(restored.executor.execute(runNow(`s${n}`)));
    });
    const removed = await bench.settled(process.execute(new RemoveJobCommand({ jobId: 'j', commandId: 'rm' })));
    expect(removed.events[0]).toMatchObject({ type: 'JobSlotsSkipped', data: { count: 6 } });
  });
});

/** Waits no longer than a turn of the event loop. */
class Hasty extends VirtualClock {
  override sleep(): Promise<void> {
    return this.yield();
  }
}

it('appends no event twice in 10,000 commands whose outcomes are lost at random', async () => {
  const bench = new Bench({ clock: new Hasty() });
  const jobs = 100;
  for (let j = 0; j < jobs; j += 1) await bench.executor.execute(schedule(`j${j}`));
  const faults = ['landed', 'lost', 'landed', 'ghost', 'ok'] as const;
  bench.store.otherwise = () => faults[Math.floor(bench.random.next() * faults.length)];
  const processes = [bench.executor, bench.another(), bench.another()];
  const commands = Array.from({ length: 10_000 }, (_, n) => ({ jobId: `j${n % jobs}`, commandId: `c${n}` }));
  const send = async (from: number): Promise<void> => {
    for (let n = from; n < commands.length; n += jobs) {
      // Every command is sent twice, as a caller would after a time-out: from one process, then from another.
      for (const offset of [0, 1]) {
        await processes[(n + offset) % processes.length].execute(new RunJobNowCommand(commands[n]), {
          timeoutMs: Infinity,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, j) => send(j)));
  await bench.store.releaseGhosts();

  const seen = new Map<string, number>();
  const ids = new Set<string>();
  let events = 0;
  for (let j = 0; j < jobs; j += 1) {
    for (const event of await bench.events(`job-j${j}`)) {
      ids.add(event.id);
      events += 1;
      if (event.type !== 'JobRunRequested') continue;
      const { commandId } = JSON.parse(event.data) as { commandId: string };
      seen.set(commandId, (seen.get(commandId) ?? 0) + 1);
    }
  }
  expect(ids.size).toBe(events);
  expect(seen.size).toBe(10_000);
  expect([...seen.values()].every((times) => times === 1)).toBe(true);
}, 240_000);

it('claims and starts in one append, for the service that asks', async () => {
  const bench = await scheduled();
  await bench.settled(bench.executor.execute(runNow('r')));
  const claim = new BindJobToServiceCommand({
    jobId: 'j',
    by: 'claim',
    service: candidate('a'),
    viewPosition: '2',
    why: why('a'),
    start: true,
  });
  const result = await bench.settled(bench.executor.execute(claim, { timeoutMs: Infinity }));
  expect(result.events.map((e) => e.type)).toEqual(['JobBoundToService', 'JobRunStarted']);
  expect(result.firstRevision).toBe(2);
});
