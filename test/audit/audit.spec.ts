import { history, stateAsOf, verifyLog, type HistoryEntry, type VerifyProgress } from '../../src/audit';
import { SeededRandom, VirtualClock } from '../../src/clock';
import { fold, type JobEvent } from '../../src/domain/job';
import { MemoryEventStore, type EventStore, type RecordedEvent } from '../../src/event-store';
import { definition, healthyLog, incarnations } from './healthy-log';
import { Recorder, writeTo } from './recorder';
import { tamperings } from './tampering';

/** A clock whose wall tells what it is set to: the store stamps events with it. */
class SetClock extends VirtualClock {
  time = 0;
  override wall(): number {
    return this.time;
  }
}

async function storeOf(events: readonly RecordedEvent[], namespace = ''): Promise<EventStore> {
  const clock = new SetClock();
  const store = new MemoryEventStore({ clock, random: new SeededRandom(1) });
  for (const event of events) {
    clock.time = event.created;
    await writeTo(store, [event], namespace);
  }
  return store;
}

async function all<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const entry of entries) list.push(entry);
  return list;
}

/** A job that ran so often that its books were closed several times. */
function longLife(): Recorder {
  const log = new Recorder();
  log.register('engine@host-1', incarnations.one);
  log.schedule('j', definition());
  log.claim('j', 'engine@host-1');
  for (let n = 0; n < 700; n += 1) {
    log.now += 60_000;
    log.startRun('j');
    log.complete('j');
  }
  return log;
}

describe('the history of a job', () => {
  it('tells every fact in words, the oldest first', async () => {
    const store = await storeOf(healthyLog().events);
    const entries = await all(history(store, 'long'));
    expect(entries.map(({ revision }) => revision)).toEqual([...entries.keys()]);
    expect(entries.map(({ words }) => words)).toEqual([
      'scheduled: handler audit, every minute, tag {} (required); next slot 2020-05-01T08:01:00.000Z',
      `epoch 1: bound to engine@host-1 (incarnation ${incarnations.one}) because it claimed the job: ${rank(entries[1])}; decided at view position 7`,
      `attempt 1 of slot 2020-05-01T08:01:00.000Z (epoch 1) started on engine@host-1 (incarnation ${incarnations.one}); next slot 2020-05-01T08:02:00.000Z`,
      'attempt 1 of slot 2020-05-01T08:01:00.000Z (epoch 1) was given up: its owner was marked failed; the slot is run again',
      `epoch 1 ended: its owner engine@host-1 (incarnation ${incarnations.one}) was marked failed`,
      `epoch 2: bound to engine@host-2 (incarnation ${incarnations.two}) because it took the job over: ${rank(entries[5])}; decided at view position 19`,
      `attempt 2 of slot 2020-05-01T08:01:00.000Z (epoch 2) started on engine@host-2 (incarnation ${incarnations.two}); next slot 2020-05-01T08:02:00.000Z`,
      `too late: the result of attempt 1 of slot 2020-05-01T08:01:00.000Z (epoch 1) (succeeded, incarnation ${incarnations.one}) was refused, the run had ended: ownerFailed`,
      'attempt 2 of slot 2020-05-01T08:01:00.000Z (epoch 2) succeeded after 5 ms',
      '4 slots from 2020-05-01T08:02:00.000Z to 2020-05-01T08:05:00.000Z skipped: coalesced; next slot 2020-05-01T08:06:00.000Z',
      `attempt 1 of slot 2020-05-01T08:06:00.000Z (epoch 2) started on engine@host-2 (incarnation ${incarnations.two}); next slot 2020-05-01T08:07:00.000Z`,
      'attempt 1 of slot 2020-05-01T08:06:00.000Z (epoch 2) succeeded after 5 ms',
      'epoch 2 ended: released by engine@host-2 (it drains)',
      `epoch 3: bound to engine@host-1 (incarnation ${incarnations.oneAgain}) because it claimed the job: ${rank(entries[13])}; decided at view position 40`,
    ]);
  });
  it('has the facts as they were written, and shows no payload in words', async () => {
    const { events } = healthyLog();
    const entries = await all(history(await storeOf(events), 'pinned'));
    const own = events.filter(({ stream }) => stream === 'job-pinned');
    expect(entries.map(({ data, eventId, position, created }) => ({ data, eventId, position, created }))).toEqual(
      own.map(({ data, id, position, created }) => ({
        data: JSON.parse(data) as unknown,
        eventId: id,
        position,
        created,
      })),
    );
    expect(entries[0].metadata).toEqual({ $correlationId: 'c', $causationId: 'c', schemaVersion: 1 });
    expect(entries.map(({ words }) => words).join()).not.toContain('never shown');
  });
  it('tells of an event that cannot be read, and goes on', async () => {
    const strange = healthyLog().events.map((event) =>
      event.type === 'JobPaused' ? { ...event, type: 'JobTeleported' } : event,
    );
    const entries = await all(history(await storeOf(strange), 'pinned'));
    expect(entries[9].words).toBe('JobTeleported: cannot be read here (no event type JobTeleported is known here)');
    expect(entries).toHaveLength(13);
  });
  it('is empty for a job that does not exist, and keeps to its namespace', async () => {
    const store = await storeOf(healthyLog().events, 'acme');
    expect(await all(history(store, 'nobody'))).toEqual([]);
    expect(await all(history(store, 'long'))).toEqual([]);
    expect(await all(history(store, 'long', { namespace: 'acme' }))).toHaveLength(14);
  });
  it('is read in parts, and ends at the head that it had in the beginning', async () => {
    const log = longLife();
    const store = await storeOf(log.events);
    const own = log.events.filter(({ stream }) => stream === 'job-j');
    expect(own.length).toBeGreaterThan(1_000);
    const revisions: number[] = [];
    for await (const { revision } of history(store, 'j')) {
      if (revision === 0) await writeTo(store, [{ ...own[0], id: '00000000-0000-4000-8000-000000000001' }]);
      revisions.push(revision);
    }
    expect(revisions).toEqual([...own.keys()]);
  });
});

describe('the state of a job', () => {
  const { events } = healthyLog();
  const own = events.filter(({ stream }) => stream === 'job-long');

  it('as of a revision is the fold up to it', async () => {
    const store = await storeOf(events);
    for (const [n, { revision, position, created }] of own.entries()) {
      const facts = own
        .slice(0, n + 1)
        .map(({ type, data }) => ({ type, data: JSON.parse(data) as unknown }) as JobEvent);
      const found = await stateAsOf(store, 'long', { revision });
      expect(found.state).toEqual(fold(facts));
      expect(found.at).toEqual({ revision, position, created });
    }
  });
  it('as of a position or a time tells who owned it, and why', async () => {
    const store = await storeOf(events);
    const requeued = own[4];
    const before = await stateAsOf(store, 'long', { position: requeued.position - 2n });
    expect(before.owner).toMatchObject({
      serviceId: 'engine@host-1',
      epoch: 1,
      bound: { revision: 1, viewPosition: '7', why: { kind: 'claim' } },
    });
    expect((await stateAsOf(store, 'long', { position: requeued.position })).owner).toBeNull();
    const after = await stateAsOf(store, 'long', { time: requeued.created });
    expect(after.owner).toMatchObject({ serviceId: 'engine@host-2', epoch: 2, bound: { why: { kind: 'requeue' } } });
    expect(after.at?.revision).toBe(8);
    expect((await stateAsOf(store, 'long', { time: requeued.created - 1 })).at?.revision).toBe(2);
    expect(after.words).toMatch(
      /^bound, epoch 2; owned by engine@host-2 .* because it took the job over: rank \d of 1/,
    );
  });
  it('before it existed, and of a job that never did, is absent', async () => {
    const store = await storeOf(events);
    const nothing = { at: null, owner: null, state: { stage: 'absent' }, words: 'the job did not exist' };
    expect(await stateAsOf(store, 'long', { time: events[0].created - 1 })).toMatchObject(nothing);
    expect(await stateAsOf(store, 'long', { position: 1n })).toMatchObject(nothing);
    expect(await stateAsOf(store, 'long', { revision: -1 })).toMatchObject(nothing);
    expect(await stateAsOf(store, 'nobody', { revision: 5 })).toMatchObject(nothing);
  });
  it('after the end is as of the end', async () => {
    const store = await storeOf(events);
    const end = await stateAsOf(store, 'long', { revision: own.length - 1 });
    expect(await stateAsOf(store, 'long', { revision: 99 })).toEqual(end);
    expect(await stateAsOf(store, 'long', { position: 9_999n })).toEqual(end);
    expect(await stateAsOf(store, 'long', { time: Number.MAX_SAFE_INTEGER })).toEqual(end);
  });
  it('is read from the closed books, and is the same as from the beginning', async () => {
    const log = longLife();
    const store = await storeOf(log.events);
    const facts = log.events.filter(({ stream }) => stream === 'job-j');
    expect(facts.filter(({ type }) => type === 'JobBooksClosed').length).toBeGreaterThanOrEqual(2);
    const read = jest.spyOn(store, 'readStream');
    const found = await stateAsOf(store, 'j', { position: facts[1_100].position });
    const loaded = read.mock.calls.filter(([, { direction }]) => direction === 'backwards');
    expect(loaded.length).toBeGreaterThan(0);
    const expected = fold(
      facts.slice(0, 1_101).map(({ type, data }) => ({ type, data: JSON.parse(data) as unknown }) as JobEvent),
    );
    expect(found.state).toEqual(expected);
    expect(found.owner?.bound?.revision).toBe(1);
    // Behind an unreadable beginning too: the books say all.
    const damaged = facts.map((event) => (event.revision === 0 ? { ...event, type: 'JobTeleported' } : event));
    expect((await stateAsOf(await storeOf(damaged), 'j', { revision: 1_100 })).state).toEqual(expected);
  });
  it('is opaque behind an event that cannot be read', async () => {
    const strange = events.map((event) => (event.type === 'JobPaused' ? { ...event, type: 'JobTeleported' } : event));
    const { words, state } = await stateAsOf(await storeOf(strange), 'pinned', { revision: 9 });
    expect(state.stage).toBe('opaque');
    expect(words).toMatch(/^opaque since revision 9: JobTeleported .* bound, epoch 1; owned by engine@host-2/);
  });
});

describe('verifying a log', () => {
  it('finds a healthy one sound, and counts', async () => {
    const log = healthyLog();
    const store = await storeOf(log.events, 'acme');
    const report = await verifyLog(store, { namespace: 'acme' });
    expect(report).toMatchObject({
      events: log.events.length,
      jobs: 3,
      violations: [],
      violationCount: 0,
      unreadable: [],
      position: log.events.at(-1)?.position,
    });
    expect(report.log).toEqual(await store.identity());
    expect(await verifyLog(store)).toMatchObject({ events: 0, jobs: 0 });
  });
  it('finds an empty one sound', async () => {
    expect(await verifyLog(await storeOf([]))).toMatchObject({ events: 0, violationCount: 0, position: 'start' });
  });
  it.each(tamperings)('reports $what with the event that breaks it', async ({ tamper, invariant, words }) => {
    const { events, broken } = tamper();
    const { violations, violationCount } = await verifyLog(await storeOf(events));
    expect(violations[0]).toMatchObject({ invariant, ...broken, words: expect.stringMatching(words) as unknown });
    const event = events.find(({ stream, revision }) => stream === broken.stream && revision === broken.revision);
    expect(violations[0].eventId).toBe(event?.id);
    expect(violationCount).toBe(violations.length);
  });
  it('lists what it cannot read, apart', async () => {
    const strange = healthyLog().events.map((event) =>
      event.type === 'JobPaused' ? { ...event, type: 'JobTeleported' } : event,
    );
    expect(await verifyLog(await storeOf(strange))).toMatchObject({
      violationCount: 0,
      unreadableCount: 1,
      unreadable: [{ stream: 'job-pinned', revision: 9, type: 'JobTeleported' }],
    });
  });
  it('lists so many violations, and counts the rest', async () => {
    const bad = longLife().events.filter(({ type }) => type !== 'JobBoundToService');
    const { violations, violationCount } = await verifyLog(await storeOf(bad), { maxListed: 10 });
    expect(violations).toHaveLength(10);
    expect(violationCount).toBeGreaterThan(200);
  });
  it('lists so many that it cannot read, and counts the rest', async () => {
    const strange = longLife().events.map((event) =>
      event.type === 'JobRunSucceeded' ? { ...event, type: 'JobTeleported' } : event,
    );
    const { unreadable, unreadableCount } = await verifyLog(await storeOf(strange), { maxListed: 10 });
    expect(unreadable).toHaveLength(10);
    expect(unreadableCount).toBeGreaterThan(100);
  });
  it('shows what breaks a rule among so many neighbours on either side, and no more', async () => {
    const bad = longLife().events.filter(({ type }) => type !== 'JobBoundToService');
    const { violations } = await verifyLog(await storeOf(bad), { neighbours: 1, maxListed: 10 });
    for (const { revision, neighbours } of violations) {
      expect(neighbours.map((one) => [one.revision, one.breaks])).toEqual([
        [revision - 1, false],
        [revision, true],
        [revision + 1, false],
      ]);
    }
  });
  it('shows no more behind it where what was before is cut off', async () => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    for (let n = 1; n <= 20; n += 1) log.beat('engine@host-1', n);
    const beats = log.events.filter(({ type }) => type === 'ServiceHeartbeat');
    const store = await storeOf(
      log.events.map((event) => (event === beats[10] ? { ...log.events[0], ...at(event) } : event)),
    );
    await store.keepLast('heartbeat-engine@host-1', 10);
    const { violations } = await verifyLog(store);
    expect(violations).toMatchObject([{ invariant: 'log', revision: 10 }]);
    expect(violations[0].neighbours.map((one) => one.revision)).toEqual([10, 11, 12]);
  });
  it('finds what was forgotten at the end, too, and lists all in the order of the log', async () => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    log.register('engine@host-2', incarnations.two);
    log.schedule('j', definition());
    log.claim('j', 'engine@host-1', false);
    log.markFailed('engine@host-1', 'engine@host-2');
    const verdict = log.events.at(-1);
    for (let n = 1; n <= 30; n += 1) {
      log.now += 30_000;
      log.beat('engine@host-2', n);
    }
    log.schedule('k', definition());
    log.claim('k', 'engine@host-2', false);
    const late = log.events.map((event) =>
      event.stream === 'job-k' && event.type === 'JobBoundToService'
        ? { ...event, data: JSON.stringify({ ...(JSON.parse(event.data) as object), epoch: 2 }) }
        : event,
    );
    const { violations, violationCount } = await verifyLog(await storeOf(late));
    expect(violations.map(({ invariant, stream }) => [invariant, stream])).toEqual([
      ['I5', 'service-engine@host-1'],
      ['I1', 'job-k'],
    ]);
    expect(violations[0]).toMatchObject({ eventId: verdict?.id, position: verdict?.position });
    expect(violationCount).toBe(2);
  });
  it('tells how far it is, and ends at the head that was there in the beginning', async () => {
    const log = longLife();
    const store = await storeOf(log.events);
    const progress: VerifyProgress[] = [];
    const head = await store.head();
    const report = await verifyLog(store, {
      onProgress: (part) => {
        progress.push(part);
        if (progress.length === 1)
          void writeTo(store, [{ ...log.events[1], id: '00000000-0000-4000-8000-000000000001' }]);
      },
    });
    expect(report).toMatchObject({ position: head, events: log.events.length, violationCount: 0 });
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.at(-1)).toMatchObject({ events: log.events.length, position: head, head });
    expect(progress.every((part, n) => n === 0 || part.events >= progress[n - 1].events)).toBe(true);
  });
});

/** In the place of another event. */
function at({ stream, revision, position, id }: RecordedEvent): Partial<RecordedEvent> {
  return { stream, revision, position, id };
}

/** `rank 0 of 2 (…)` as the event says it. */
function rank({ data }: HistoryEntry): string {
  const { why } = data as { why: { rank: number; candidates: number; first: string } };
  const first = why.rank === 0 ? '' : `, first is ${why.first}`;
  return `rank ${why.rank} of ${why.candidates} (placement 1${first})`;
}
