import { SeededRandom, VirtualClock } from '../../src/clock';
import {
  CompleteJobRunCommand,
  MarkServiceFailedCommand,
  RunJobNowCommand,
  ScheduleJobCommand,
  StartJobRunCommand,
} from '../../src/commands';
import type { JobRecord } from '../../src/domain/job';
import { MemoryEventStore, type RecordedEvent } from '../../src/event-store';
import type { SweepPorts } from '../../src/ownership';
import type { ReadModel } from '../../src/read-model';
import { Node } from './node';

const HOUR = 3_600_000;

describe('sweeps on one log', () => {
  let clock: VirtualClock;
  let store: MemoryEventStore;
  let nodes: Node[];
  beforeEach(() => {
    clock = new VirtualClock();
    store = new MemoryEventStore({ clock, random: new SeededRandom(1) });
    nodes = [];
  });
  afterEach(async () => {
    for (const node of nodes) {
      expect(node.failure).toBeNull();
      await node.close();
    }
  });

  const open = async (...serviceIds: string[]) => {
    const opened: Node[] = [];
    for (const id of serviceIds) opened.push(await Node.open({ store, clock }, id));
    nodes.push(...opened);
    return opened;
  };
  const schedule = async (by: Node, count: number, words: { tag?: Record<string, string>; at?: 'asap' } = {}) => {
    for (let n = 0; n < count; n++) {
      await by.executor.execute(
        new ScheduleJobCommand({
          jobId: `job-${n}`,
          handler: 'audit',
          schedule: { kind: 'once', at: words.at ?? clock.wall() + HOUR },
          ...(words.tag ? { tag: words.tag, affinity: 'preferred' as const } : {}),
        }),
      );
    }
  };
  const until = (condition: () => boolean, what: string) => clock.runUntil(condition, { what, limitMs: 30_000 });
  const total = (of: readonly Node[]) => of.reduce((sum, node) => sum + node.owned(), 0);
  const events = async (jobId: string): Promise<readonly RecordedEvent[]> =>
    (await store.readStream(`job-${jobId}`, { direction: 'forwards', from: 0, limit: 1_000 })).events;
  const types = async (jobId: string) => (await events(jobId)).map(({ type }) => type);

  it('three services share jobs; one is gone, and the survivors share what it had, each epoch with one owner', async () => {
    const [a, b, c] = await open('a', 'b', 'c');
    await schedule(a, 60);
    await until(() => total([a, b, c]) === 60, 'all claims');
    const lost = a.owned();
    expect(lost).toBeGreaterThan(5);
    a.kill();
    await a.fail(b);
    await until(() => b.owned() + c.owned() === 60, 'all requeues');
    let moved = 0;
    for (let n = 0; n < 60; n++) {
      const bound = (await events(`job-${n}`))
        .filter(({ type }) => type === 'JobBoundToService')
        .map(({ data }) => JSON.parse(data));
      expect(bound.map(({ epoch }) => epoch)).toEqual(bound.map((_, i) => i + 1));
      if (bound.length === 2) {
        moved += 1;
        expect(await types(`job-${n}`)).toEqual([
          'JobScheduled',
          'JobBoundToService',
          'JobRequeued',
          'JobBoundToService',
        ]);
        expect(bound[1]).toMatchObject({ why: { kind: 'requeue', rank: 0 } });
        expect(Number(bound[1].viewPosition)).toBeGreaterThan(0);
      }
    }
    expect(moved).toBe(lost);
  });

  it('a due job is started where it is bound, and again where it is requeued', async () => {
    const [a] = await open('a');
    await schedule(a, 1, { at: 'asap' });
    await until(() => a.entered.length === 1, 'the run');
    const [b] = await open('b');
    a.kill();
    await a.fail(b);
    await until(() => b.entered.length === 1, 'the run elsewhere');
    expect(await types('job-0')).toEqual(
      expect.arrayContaining(['JobBoundToService', 'JobRunStarted', 'JobRunAbandoned', 'JobRequeued']),
    );
    const started = (await events('job-0'))
      .filter(({ type }) => type === 'JobRunStarted')
      .map(({ data }) => JSON.parse(data));
    expect(started.map(({ attempt, epoch, serviceId }) => [attempt, epoch, serviceId])).toEqual([
      [1, 1, 'a'],
      [2, 2, 'b'],
    ]);
  });

  it('marked by an operator: an idle job moves at once, a running one after measured silence, without a crash', async () => {
    const [a] = await open('a');
    await schedule(a, 2);
    await until(() => a.owned() === 2, 'the claims');
    const running = a.view.job('job-1')!.state as JobRecord;
    await a.executor.execute(new RunJobNowCommand({ jobId: 'job-1' }));
    await a.executor.execute(
      new StartJobRunCommand({ jobId: 'job-1', serviceId: 'a', incarnation: a.incarnation, epoch: running.epoch }),
    );
    const [b] = await open('b');
    a.kill();
    await b.executor.execute(new MarkServiceFailedCommand({ serviceId: 'a', reason: 'maintenance' }));
    await until(() => b.owned() === 1, 'the idle job');
    await clock.advance(10_000);
    expect(b.view.job('job-1')!.serviceId).toBe('a');
    b.silent.add(a.incarnation);
    await until(() => b.owned() === 2, 'the running job');
    expect(b.entered).toHaveLength(1);
    expect((b.view.job('job-1')!.state as JobRecord).crashes).toEqual([]);
  });

  it('a preferred job goes to the survivor and returns to its home, idle, when that has been back for a while', async () => {
    const [a, b] = await open('a', 'b');
    await schedule(b, 3, { tag: { name: 'a' } });
    await until(() => a.owned() === 3, 'the claims at home');
    a.kill();
    await a.fail(b);
    await until(() => b.owned() === 3, 'the requeues');
    const [again] = await open('a');
    const back = clock.monotonic();
    await until(() => again.owned() === 3, 'the return');
    expect(clock.monotonic() - back).toBeGreaterThanOrEqual(2_000);
    expect(clock.monotonic() - back).toBeLessThan(4_000);
    expect((await types('job-0')).slice(-2)).toEqual(['JobReleased', 'JobBoundToService']);
  });

  it('two sweeps that both take everything waste work and corrupt nothing', async () => {
    const eager = (view: ReadModel): SweepPorts['readModel'] => ({
      position: () => view.position(),
      // Each sees itself alone: both rank first for every job.
      sweep: (limit, after) => {
        const snapshot = view.sweep(limit, after);
        return { ...snapshot, candidates: snapshot.candidates.filter(({ serviceId }) => serviceId === own.get(view)) };
      },
      ownJobs: (serviceId) => view.ownJobs(serviceId),
      onAdvance: (listener) => view.onAdvance(listener),
      waitFor: (position, timeoutMs) => view.waitFor(position, timeoutMs),
    });
    const own = new Map<ReadModel, string>();
    for (const id of ['a', 'b']) {
      nodes.push(
        await Node.open({ store, clock }, id, {
          seeing: (view) => {
            own.set(view, id);
            return eager(view);
          },
        }),
      );
    }
    const [a, b] = nodes;
    await schedule(a, 40);
    await until(() => total([a, b]) === 40, 'all claims');
    await clock.advance(5_000);
    for (let n = 0; n < 40; n++) expect(await types(`job-${n}`)).toEqual(['JobScheduled', 'JobBoundToService']);
    expect(a.sweep.health().claims + b.sweep.health().claims).toBe(40);
  });

  it('requeueing can be switched off from outside: a view without orphans moves nothing', async () => {
    const [a] = await open('a');
    await schedule(a, 5);
    await until(() => a.owned() === 5, 'the claims');
    const blind = (view: ReadModel): SweepPorts['readModel'] => ({
      position: () => view.position(),
      sweep: (limit, after) => ({ ...view.sweep(limit, after), orphaned: [] }),
      ownJobs: (serviceId) => view.ownJobs(serviceId),
      onAdvance: (listener) => view.onAdvance(listener),
      waitFor: (position, timeoutMs) => view.waitFor(position, timeoutMs),
    });
    const b = await Node.open({ store, clock }, 'b', { seeing: blind });
    nodes.push(b);
    a.kill();
    await a.fail(b);
    await clock.advance(20_000);
    expect(b.sweep.health()).toMatchObject({ requeues: 0, claims: 0, state: 'running' });
  });

  it('a drain gives everything back, and the others take it', async () => {
    const [a, b] = await open('a', 'b');
    await schedule(a, 30);
    await until(() => total([a, b]) === 30, 'all claims');
    const run = a.view.ownJobs('a').all(a.incarnation, null, 1)[0];
    await a.executor.execute(new RunJobNowCommand({ jobId: run.jobId }));
    const { events: startedBy } = await a.executor.execute(
      new StartJobRunCommand({ jobId: run.jobId, serviceId: 'a', incarnation: a.incarnation, epoch: run.epoch }),
    );
    let drained = false;
    void a.sweep.drain().then(() => (drained = true));
    await until(() => drained && b.owned() === 29, 'the drain');
    expect(a.owned()).toBe(1);
    const started = startedBy.find(({ type }) => type === 'JobRunStarted')!.data as {
      slot: string;
      attempt: number;
      epoch: number;
    };
    const { slot, attempt, epoch } = started;
    await a.executor.execute(
      new CompleteJobRunCommand({
        jobId: run.jobId,
        run: { slot, attempt, epoch, incarnation: a.incarnation },
        durationMs: 1,
        then: { release: null, startNext: false },
      }),
    );
    await until(() => b.owned() === 30, 'what became idle later');
  });
});
