import { unreadableEvent, type Given } from '../../testing/specification';
import { aDefinition, aRun, ask, everyMinute, once, one, slot, t, T0, two } from '../../testing/specification/a-job';
import { fact } from '../../testing/specification/facts';
import { writeGiven } from '../../testing/specification/given-log';
import * as life from '../../testing/specification/lives';
import { run1 } from '../../testing/specification/lives';
import { absentJob, backoffMs, canonicalDefinition, decide, dueAt, evolve, fencingToken, fold, isTerminal } from '.';
import { instantOfSlot, openRuns, placeable, slotOf, statusOf, type JobRecord, type JobState } from '.';

/** `state = fold(events)`, nothing else: what the fold makes of a life, and what can be read off it. */

function stateOf(given: readonly Given[]): JobState {
  return writeGiven({ name: 'fold', given, when: ask.start(T0), then: { kind: 'nothing' } }, 'test').state;
}
const recordOf = (given: readonly Given[]) => stateOf(given) as JobRecord;

describe('a fold', () => {
  it('of nothing is an absent job', () => {
    expect(fold([])).toEqual({ stage: 'absent', revision: -1 });
    expect(fold([])).toBe(absentJob);
  });

  it('of a life is the whole of it', () => {
    const given = [...life.running(life.retrying), ask.fail(t(1, 10), run1), ask.runNow(t(1, 20))];
    expect(stateOf(given)).toEqual({
      stage: 'live',
      jobId: 'job',
      revision: 4,
      definition: life.retrying,
      definitionHash: ask.schedule(T0, life.retrying).definitionHash,
      definitionRevision: 0,
      anchor: T0,
      scheduledAt: T0,
      epoch: 1,
      ownership: { kind: 'bound', since: t(0, 1), serviceId: 'one', incarnation: 'one-1' },
      paused: false,
      held: null,
      nextSlot: slot(2),
      accountedThrough: t(1),
      slotsCounted: 1,
      zoneData: '2026a',
      inProgress: [
        { slot: slot(1), attempt: 1, retriesUsed: 1, run: null, retryAt: t(1, 1_010), definitionRevision: 0 },
      ],
      requested: [{ slot: 'manual:4', at: t(1, 20) }],
      crashes: [],
      closedRuns: [{ ...run1, outcome: 'failed', refused: false }],
      lastOutcome: { slot: slot(1), attempt: 1, outcome: 'failed', at: t(1, 10), detail: 'Error: no disk' },
      ending: false,
      homeReturns: [],
      commands: [
        { id: ask.schedule(T0).commandId, revision: 0, at: T0 },
        { id: ask.runNow(t(1, 20)).commandId, revision: 4, at: t(1, 20) },
      ],
      booksRevision: -1,
    });
  });

  it('keeps the zone data by which the pending slot was computed', () => {
    const later = { ...fact.paused(t(0, 2)) };
    const before = fold([fact.scheduled(T0, slot(1))]) as JobRecord;
    const resumed = { ...fact.resumed(t(0, 3), slot(1)) };
    const moved = fact.started(t(1), run1, slot(2));
    const newer = { ...moved, data: { ...moved.data, zoneData: '2027b' } } as typeof moved;
    const same = { ...resumed, data: { ...resumed.data, zoneData: '2027b' } } as typeof resumed;
    expect(fold([later, same], 1, before)).toMatchObject({ zoneData: '2026a' });
    expect(fold([newer], 1, before)).toMatchObject({ zoneData: '2027b' });
  });

  it.each([
    ['a success', fact.succeeded(t(1, 10), run1)],
    ['a failure', fact.failed(t(1, 10), run1)],
    ['a time-out', fact.timedOut(t(1, 10), run1)],
    ['an abandonment', fact.abandoned(t(1, 10), run1, 'ownerFailed')],
  ])('takes %s of a run that is not open for no change', (_, event) => {
    for (const given of [life.bound(), [...life.running(), ask.requeue(t(1, 5), two)]]) {
      const before = recordOf(given);
      expect(evolve(before, event, before.revision + 1)).toEqual({ ...before, revision: before.revision + 1 });
    }
  });

  it('counts crashes until a success, and takes back the one whose process proves to be alive', () => {
    const again = aRun(slot(1), { attempt: 2, epoch: 2, incarnation: two.incarnation });
    const crashedTwice = [...life.running(), ask.requeue(t(1, 10), two), ask.requeue(t(1, 20), one, { from: two })];
    const crash = (attempt: number, ms: number) => ({ slot: slot(1), attempt, at: t(1, ms) });
    expect(recordOf(crashedTwice).crashes).toEqual([crash(1, 10), crash(2, 20)]);
    expect(recordOf([...crashedTwice, ask.complete(t(1, 30), run1)]).crashes).toEqual([crash(2, 20)]);
    expect(recordOf([...crashedTwice, ask.abandon(t(1, 30), again, 'lostInProcess')]).crashes).toEqual([crash(1, 10)]);
    const third = aRun(slot(1), { attempt: 3, epoch: 3 });
    expect(recordOf([...crashedTwice, ask.complete(t(1, 40), third)]).crashes).toEqual([]);
  });

  it('leaves no open run in a job that has ended, whatever the log says', () => {
    const before = recordOf(life.running());
    const ended = evolve(before, fact.cancelled(t(1, 10)), before.revision + 1) as JobRecord;
    expect(openRuns(ended)).toEqual([]);
    expect(ended.closedRuns).toEqual([{ ...run1, outcome: 'cancelled', refused: false }]);
  });
});

describe('what cannot be read', () => {
  it('makes the job opaque, and keeps what was before it', () => {
    const before = stateOf(life.bound());
    const opaque = stateOf([...life.bound(), unreadableEvent('JobPaused')]);
    expect(opaque).toEqual({
      stage: 'opaque',
      revision: 2,
      unreadable: { revision: 2, type: 'JobPaused', why: expect.stringContaining('schema version') },
      before,
    });
  });

  it('stays the first one, while the revision goes on', () => {
    const opaque = stateOf([...life.bound(), unreadableEvent('A'), unreadableEvent('B'), fact.paused(t(0, 5))]);
    expect(opaque).toMatchObject({ revision: 4, unreadable: { revision: 2, type: 'A' } });
  });

  it('can be the first event', () => {
    expect(stateOf([unreadableEvent()])).toMatchObject({ stage: 'opaque', revision: 0, before: absentJob });
  });

  it('is a stream that does not begin with its beginning', () => {
    expect(fold([fact.paused(t(0, 5))])).toEqual({
      stage: 'opaque',
      revision: 0,
      unreadable: { revision: 0, type: 'JobPaused', why: 'the stream does not begin with JobScheduled' },
      before: absentJob,
    });
  });
});

describe('when something is due', () => {
  const maxRuns = (n: number) => aDefinition({ schedule: { ...everyMinute.schedule, maxRuns: n } });
  it.each<[string, readonly Given[], number | null]>([
    ['the next slot', life.bound(), t(1)],
    ['the next slot, though nobody owns it', life.unbound(), t(1)],
    ['once', life.bound(once), t(1)],
    ['nothing while a run is open', life.running(), null],
    ['the retry, and no slot before it', life.waiting(), t(1, 1_010)],
    ['a request before the retry', [...life.waiting(), ask.runNow(t(1, 20))], t(1, 20)],
    ['a request before the next slot', [...life.bound(), ask.runNow(t(0, 20))], t(0, 20)],
    ['a lost run, at once', [...life.running(), ask.abandon(t(1, 10), run1, 'lostInProcess')], t(1, 10)],
    ['nothing while paused', [...life.paused(), ask.runNow(t(0, 20))], null],
    ['nothing while held', life.held(), null],
    ['nothing in quarantine', life.quarantined(), null],
    ['nothing at the end', life.completed(), null],
    ['nothing after a cancel', life.cancelled(), null],
    ['the second of two slots', [...life.running(maxRuns(2)), ask.complete(t(1, 5), run1)], t(2)],
  ])('%s', (_, given, due) => {
    const record = recordOf(given);
    expect(dueAt(record)).toBe(due);
    if (due === null || record.ownership.kind === 'unbound') return;
    const { serviceId, incarnation } = record.ownership;
    const start = (at: number) => decide(record, ask.start(at, { serviceId, incarnation, epoch: record.epoch }));
    expect(start(due)).toMatchObject({ ok: true });
    // A request has no instant of its own: a decider whose clock is behind the caller's may start it.
    if (record.requested.length > 0) return;
    expect(start(due - 1)).toMatchObject({ ok: false, refusal: { code: 'nothing-due' } });
  });
});

describe('in a word', () => {
  it.each<[string, readonly Given[]]>([
    ['unbound', life.unbound()],
    ['bound', life.bound()],
    ['running', life.running()],
    ['running', [...life.running(), ask.pause(t(1, 5))]],
    ['waiting', life.waiting()],
    ['paused', life.paused()],
    ['paused', [...life.waiting(), ask.pause(t(1, 20))]],
    ['held', life.held()],
    ['held', [...life.held(), ask.pause(t(1, 20))]],
    ['quarantined', life.quarantined()],
    ['completed', life.completed()],
    ['cancelled', life.cancelled()],
    ['removed', life.removed()],
  ])('%s', (status, given) => {
    const record = recordOf(given);
    expect(statusOf(record)).toBe(status);
    expect(isTerminal(record)).toBe(['completed', 'cancelled', 'removed'].includes(status));
  });

  it('neither an absent nor an opaque job is at its end', () => {
    expect(isTerminal(absentJob)).toBe(false);
    expect(isTerminal(stateOf([...life.completed(), unreadableEvent()]))).toBe(false);
  });
});

describe('numbers and texts', () => {
  it('a fencing token is greater for every later start, and for every later generation', () => {
    expect(fencingToken(1, 0)).toBe(2 ** 44);
    expect(fencingToken(1, 7)).toBe(2 ** 44 + 7);
    expect(fencingToken(2, 0)).toBeGreaterThan(fencingToken(1, 2 ** 44 - 1));
    expect(Number.isSafeInteger(fencingToken(511, 2 ** 44 - 1))).toBe(true);
  });

  it.each([
    [0, 1],
    [512, 1],
    [1.5, 1],
    [NaN, 1],
    [1, -1],
    [1, 0.5],
    [1, 2 ** 44],
  ])('generation %d and revision %d make no token', (generation, revision) => {
    expect(() => fencingToken(generation, revision)).toThrow(RangeError);
  });

  it('the back-off grows to its bound', () => {
    const retry = { maxRetries: 9, initialMs: 1_000, factor: 2.5, maxMs: 10_000 };
    expect([1, 2, 3, 4, 900].map((n) => backoffMs(retry, n))).toEqual([1_000, 2_500, 6_250, 10_000, 10_000]);
    expect(backoffMs({ ...retry, factor: 1 }, 900)).toBe(1_000);
  });

  it('a slot is an instant, unless it was requested', () => {
    expect(slotOf(t(1))).toBe('2026-03-02T08:01:00.000Z');
    expect(instantOfSlot('2026-03-02T08:01:00.000Z')).toBe(t(1));
    expect(instantOfSlot('manual:7')).toBeNull();
    expect(instantOfSlot('backfill:7:2026-03-02T08:01:00.000Z')).toBeNull();
  });

  it('equal definitions are equal texts, however their keys stand', () => {
    const a = aDefinition({ tag: { host: 'h', name: 'n' }, payload: { a: [{ b: 1, c: 2 }], d: null } });
    const b = aDefinition({ payload: { d: null, a: [{ c: 2, b: 1 }] }, tag: { name: 'n', host: 'h' } });
    expect(canonicalDefinition(a)).toBe(canonicalDefinition(b));
    expect(canonicalDefinition(aDefinition({ payload: [1, 2] }))).not.toBe(
      canonicalDefinition(aDefinition({ payload: [2, 1] })),
    );
    expect(placeable(recordOf(life.bound()))).toEqual({ handler: 'audit', tag: {}, affinity: 'required' });
  });
});
