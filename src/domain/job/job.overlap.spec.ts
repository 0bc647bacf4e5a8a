import { specification, specify } from '../../testing/specification';
import type { Schedule } from '../schedule';
import { dueAt, openRuns, type Overlap } from '.';
import { after } from './record.fixture';
import { anna, ask, at, bert, by, definition, facts, minutely, run } from './story.fixture';

/** A job every minute; slots are named by their seconds after noon. */

const bound = facts.bound(1, 1, anna);
const jobWith = (overlap: Overlap, policies: Parameters<typeof definition>[1] = {}) =>
  facts.scheduled(0, definition({}, { overlap, ...policies }), 60);
/** Attempt 1 of a slot, under epoch 1. */
const of = (slot: number | string) => run(slot, 1, 1, anna);
const startedAt = (slot: number, next = slot + 60) => facts.started(slot, of(slot), anna, next);
const noRetry = { maxRetries: 0, initialMs: 10_000, factor: 2, maxMs: 300_000 };

describe('queue', () => {
  const running = [jobWith('queue'), bound, startedAt(60)] as const;
  specify(it, [
    specification('one falls during the run: it waits, and is started when that has ended')
      .given(...running)
      .when(ask.complete(130, of(60), { startNext: true }))
      .then(facts.succeeded(130, of(60)), facts.started(130, of(120), anna, 180)),
    specification('further ones are skipped: the first is the one that waits')
      .given(...running)
      .when(ask.complete(250, of(60), { startNext: true }))
      .then(
        facts.succeeded(250, of(60)),
        facts.started(250, of(120), anna, 180),
        facts.skipped(250, 'overlap', [180, 240, 2], 300),
      ),
    specification('it waits on when the owner does not start it at once')
      .given(...running)
      .when(ask.complete(130, of(60)))
      .then(facts.succeeded(130, of(60))),
    specification('… and what falls meanwhile is a further one, not coalesced with it')
      .given(...running, facts.succeeded(130, of(60)))
      .when(ask.start(200, 1, anna))
      .then(facts.started(200, of(120), anna, 180), facts.skipped(200, 'overlap', [180, 180, 1], 240)),
    specification('what fell when nothing was in progress has not waited in the queue: coalesced, as ever')
      .given(jobWith('queue'), bound)
      .when(ask.start(185, 1, anna))
      .then(facts.skipped(185, 'coalesced', [60, 120, 2], 180), facts.started(185, of(180), anna, 240)),
    specification('not while a run is open')
      .given(...running)
      .when(ask.start(130, 1, anna))
      .thenRefused('run-open'),
    specification('a slot that waits for its retry is in progress: the queued one waits for its end')
      .given(...running, facts.failed(125, of(60), 1, 190))
      .when(ask.start(130, 1, anna))
      .thenRefused('nothing-due'),
    specification('it follows the last attempt')
      .given(...running, facts.failed(125, of(60), 1, 190), facts.started(190, run(60, 2, 1, anna), anna, 120))
      .when(ask.complete(195, run(60, 2, 1, anna), { startNext: true }))
      .then(
        facts.succeeded(195, run(60, 2, 1, anna)),
        facts.started(195, of(120), anna, 180),
        facts.skipped(195, 'overlap', [180, 180, 1], 240),
      ),
    specification('it waits through a takeover: the lost slot runs again first')
      .given(...running)
      .when(ask.requeue(130, anna, bert))
      .then(
        facts.abandoned(130, of(60), 'ownerFailed'),
        facts.requeued(130, 1, anna),
        facts.bound(130, 2, bert, 'requeue'),
        facts.started(130, run(60, 2, 2, bert), bert, 120),
      ),
    specification('… and then it')
      .given(...running, ask.requeue(130, anna, bert))
      .when(ask.complete(200, run(60, 2, 2, bert), { startNext: true }))
      .then(
        facts.succeeded(200, run(60, 2, 2, bert)),
        facts.started(200, run(120, 1, 2, bert), bert, 180),
        facts.skipped(200, 'overlap', [180, 180, 1], 240),
      ),
    specification('requested runs wait too, all of them, and go first')
      .given(...running, facts.requested(61, 3), facts.requested(62, 4))
      .when(ask.complete(130, of(60), { startNext: true }))
      .then(facts.succeeded(130, of(60)), facts.started(130, of('manual:3'), anna, 120)),
    specification('a cancel accounts for it')
      .given(...running)
      .when(ask.cancel(130))
      .then(
        by('c', facts.abandoned(130, of(60), 'cancelled')),
        by('c', facts.skipped(130, 'cancelled', [120, 120, 1], 180)),
        by('c', facts.cancelled(130)),
      ),
  ]);

  it('is not due while the run is open, and due since it fell when that has ended', () => {
    expect(dueAt(after(...running))).toBeNull();
    expect(dueAt(after(...running, ask.complete(130, of(60))))).toBe(at(120));
  });
});

describe('replace', () => {
  const running = [jobWith('replace'), bound, startedAt(60)] as const;
  const waiting = [...running, facts.failed(65, of(60), 1, 500)] as const;
  const again = run(60, 2, 1, anna);
  const hourly = definition(
    { schedule: { ...minutely.schedule, everyMs: 3_600_000 } as Schedule },
    { overlap: 'replace' },
  );
  const moved = [...running, ask.reschedule(121, hourly)] as const;
  specify(it, [
    specification('its handler has settled: the open run ends and the new slot starts')
      .given(...running)
      .when(ask.replace(121, of(60)))
      .then(facts.abandoned(121, of(60), 'replaced'), facts.started(121, of(120), anna, 180)),
    specification('never beside it')
      .given(...running)
      .when(ask.start(121, 1, anna))
      .thenRefused('run-open'),
    specification('it settled with success all the same: that counts, and the new slot starts')
      .given(...running)
      .when(ask.complete(121, of(60), { startNext: true }))
      .then(facts.succeeded(121, of(60)), facts.started(121, of(120), anna, 180)),
    specification('it does not settle: the slot is skipped as stuck, the run goes on')
      .given(...running)
      .when(ask.skipStuck(122, 1, anna))
      .then(facts.skipped(122, 'stuck', [120, 120, 1], 180)),
    specification('nothing has fallen: nothing to skip')
      .given(...running)
      .when(ask.skipStuck(90, 1, anna))
      .thenRefused('nothing-due'),
    specification('it has settled meanwhile: nothing to skip')
      .given(...running, ask.replace(121, of(60), {}))
      .when(ask.skipStuck(122, 1, anna))
      .thenRefused('nothing-due'),
    specification('only a run that is to be replaced can be stuck so')
      .given(jobWith('skip'), bound, startedAt(60))
      .when(ask.skipStuck(122, 1, anna))
      .thenRefused('nothing-due'),
    specification('the owner drains: released, and whoever takes the job starts the new slot')
      .given(...running)
      .when(ask.replace(121, of(60), { release: 'drain' }))
      .then(facts.abandoned(121, of(60), 'replaced'), facts.released(121, 1, anna, 'drain')),
    specification(
      'the newer slot was moved away meanwhile: nothing is to take its place, so it runs again, at no cost of retries',
    )
      .given(...moved)
      .when(ask.replace(122, of(60)))
      .then(
        facts.abandoned(122, of(60), 'lostInProcess'),
        facts.started(122, again, anna, 3_721, { definitionRevision: 4 }),
      ),
    specification('… also elsewhere, where the owner drains')
      .given(...moved)
      .when(ask.replace(122, of(60), { release: 'drain' }))
      .then(facts.abandoned(122, of(60), 'lostInProcess'), facts.released(122, 1, anna, 'drain')),
    specification('the job was paused meanwhile: its run may finish, so it runs again, when the job is resumed')
      .given(...running, facts.paused(121))
      .when(ask.replace(122, of(60)))
      .then(facts.abandoned(122, of(60), 'lostInProcess')),
    specification('… then')
      .given(...running, facts.paused(121), ask.replace(122, of(60)), ask.resume(130))
      .when(ask.start(131, 1, anna))
      .then(facts.started(131, again, anna, 180)),
    specification('… unless a newer one has fallen since')
      .given(...running, facts.paused(121), ask.replace(122, of(60)), ask.resume(130))
      .when(ask.start(181, 1, anna))
      .then(facts.skipped(181, 'replaced', [60, 60, 1], 180), facts.started(181, of(180), anna, 240)),
    specification('the job is to end with its run: that is not over')
      .given(...running, ask.cancel(121, 'afterRun'))
      .when(ask.replace(122, of(60)))
      .then(facts.abandoned(122, of(60), 'lostInProcess'), facts.started(122, again, anna, null)),
    specification('another policy came meanwhile, which lets the newer slot wait')
      .given(...running, ask.reschedule(121, definition({}, { overlap: 'queue' })))
      .when(ask.replace(122, of(60)))
      .then(
        facts.abandoned(122, of(60), 'lostInProcess'),
        facts.started(122, again, anna, 120, { definitionRevision: 3 }),
      ),
    specification('… or has it skipped')
      .given(...running, ask.reschedule(121, definition({}, { overlap: 'skip' })), ask.replace(122, of(60)))
      .when(ask.complete(130, again))
      .then(facts.succeeded(130, again), facts.skipped(130, 'overlap', [120, 120, 1], 180)),
    specification('the newer slots were skipped since it did not settle in time: its own has ended all the same')
      .given(...running, ask.skipStuck(122, 1, anna))
      .when(ask.replace(125, of(60)))
      .then(facts.abandoned(125, of(60), 'replaced')),
    specification('… also when the job is paused by then')
      .given(...running, ask.skipStuck(122, 1, anna), facts.paused(123))
      .when(ask.replace(125, of(60)))
      .then(facts.abandoned(125, of(60), 'replaced')),
    specification('what was skipped during an earlier run of the slot does not end a later one')
      .given(...running, ask.skipStuck(122, 1, anna), ask.requeue(130, anna, bert), facts.paused(181))
      .when(ask.replace(182, run(60, 2, 2, bert)))
      .then(facts.abandoned(182, run(60, 2, 2, bert), 'lostInProcess')),
    specification('what has ended meanwhile is not replaced')
      .given(...running, facts.abandoned(100, of(60), 'ownerFailed'), facts.requeued(100, 1, anna, 'x'))
      .when(ask.replace(121, of(60)))
      .then(facts.late(121, of(60), 'abandoned', 'the run had ended: ownerFailed')),
    specification('a slot that waits for its retry is replaced too: it is not started again')
      .given(...waiting)
      .when(ask.start(121, 1, anna))
      .then(facts.skipped(121, 'replaced', [60, 60, 1], 120), facts.started(121, of(120), anna, 180)),
    specification('… nor when its retry is due as well')
      .given(...waiting)
      .when(ask.start(550, 1, anna))
      .then(
        facts.skipped(550, 'coalesced', [120, 480, 7], 540),
        facts.skipped(550, 'replaced', [60, 60, 1], 540),
        facts.started(550, of(540), anna, 600),
      ),
    specification('its retry is started while no newer slot has fallen')
      .given(...running, facts.failed(65, of(60), 1, 75))
      .when(ask.start(80, 1, anna))
      .then(facts.started(80, run(60, 2, 1, anna), anna, 120)),
    specification('takeover: the lost slot runs again')
      .given(...running)
      .when(ask.requeue(100, anna, bert))
      .then(
        facts.abandoned(100, of(60), 'ownerFailed'),
        facts.requeued(100, 1, anna),
        facts.bound(100, 2, bert, 'requeue'),
        facts.started(100, run(60, 2, 2, bert), bert, 120),
      ),
    specification('takeover when a newer slot has fallen: that one runs')
      .given(...running)
      .when(ask.requeue(125, anna, bert))
      .then(
        facts.abandoned(125, of(60), 'ownerFailed'),
        facts.requeued(125, 1, anna),
        facts.bound(125, 2, bert, 'requeue'),
        facts.skipped(125, 'replaced', [60, 60, 1], 120),
        facts.started(125, run(120, 1, 2, bert), bert, 180),
      ),
    specification('a requested run replaces a scheduled one')
      .given(...running, facts.requested(70, 3))
      .when(ask.replace(71, of(60)))
      .then(facts.abandoned(71, of(60), 'replaced'), facts.started(71, of('manual:3'), anna, 120)),
    specification('a requested run is not replaced: what falls during it is coalesced, and follows')
      .given(jobWith('replace'), bound, facts.requested(10, 2), facts.started(10, of('manual:2'), anna, 60))
      .when(ask.complete(130, of('manual:2'), { startNext: true }))
      .then(
        facts.succeeded(130, of('manual:2')),
        facts.skipped(130, 'coalesced', [60, 60, 1], 120),
        facts.started(130, of(120), anna, 180),
      ),
  ]);

  it('is due while its run is open, unless that was requested', () => {
    expect(dueAt(after(...running))).toBe(at(120));
    const asked = [jobWith('replace'), bound, facts.requested(10, 2)] as const;
    expect(dueAt(after(...asked, facts.started(10, of('manual:2'), anna, 60)))).toBeNull();
  });

  it('costs no retry to be interrupted for nothing', () => {
    const { inProgress } = after(...moved, ask.replace(122, of(60), {}));
    expect(inProgress).toMatchObject([{ slot: of(60).slot, attempt: 1, retriesUsed: 0, run: null }]);
  });

  it('is not counted twice when it is replaced while it waits', () => {
    const before = after(...waiting);
    const replaced = after(...waiting, ask.start(121, 1, anna));
    expect([before.slotsCounted, replaced.slotsCounted]).toEqual([1, 2]);
    expect(replaced.inProgress.map(({ slot }) => slot)).toEqual(['2026-03-01T12:02:00.000Z']);
  });
});

describe('allow(n)', () => {
  const two = [jobWith({ allow: 2 }), bound, startedAt(60), startedAt(120)] as const;
  const three = [jobWith({ allow: 3 }), bound, startedAt(60), startedAt(120), startedAt(180)] as const;
  specify(it, [
    specification('a slot starts beside those in progress')
      .given(jobWith({ allow: 2 }), bound, startedAt(60))
      .when(ask.start(121, 1, anna))
      .then(facts.started(121, of(120), anna, 180)),
    specification('… up to n')
      .given(...two)
      .when(ask.start(181, 1, anna))
      .thenRefused('run-open'),
    specification('what falls while n are in progress is skipped when one ends')
      .given(...two)
      .when(ask.complete(190, of(120), { startNext: true }))
      .then(facts.succeeded(190, of(120)), facts.skipped(190, 'overlap', [180, 180, 1], 240)),
    specification('what fell before it was full is late, not skipped')
      .given(jobWith({ allow: 2 }), bound, startedAt(60))
      .when(ask.complete(130, of(60), { startNext: true }))
      .then(facts.succeeded(130, of(60)), facts.started(130, of(120), anna, 180)),
    specification('a slot that waits for its retry keeps its place')
      .given(...two, facts.failed(125, of(120), 1, 500))
      .when(ask.start(181, 1, anna))
      .thenRefused('nothing-due'),
    specification('… and has ended with its last attempt')
      .given(...two, facts.failed(125, of(120), 1, 185))
      .when(ask.start(186, 1, anna))
      .then(facts.started(186, run(120, 2, 1, anna), anna, 180)),
    specification('a requested run does not wait for a retry, and takes a run of the n')
      .given(...two, facts.failed(125, of(120), 1, 500), facts.requested(130, 5))
      .when(ask.start(131, 1, anna))
      .then(facts.started(131, of('manual:5'), anna, 180)),
    specification('… so that the retry waits for it')
      .given(
        ...two,
        facts.failed(125, of(120), 1, 135),
        facts.requested(130, 5),
        facts.started(131, of('manual:5'), anna, 180),
      )
      .when(ask.start(140, 1, anna))
      .thenRefused('run-open'),
    specification('the owner drains: released by whoever ends the last run')
      .given(...two)
      .when(ask.complete(125, of(60), { release: 'drain' }))
      .then(facts.succeeded(125, of(60))),
    specification('… that one')
      .given(...two, facts.succeeded(125, of(60)))
      .when(ask.complete(126, of(120), { release: 'drain' }))
      .then(facts.succeeded(126, of(120)), facts.released(126, 1, anna, 'drain')),
    specification('given up by a drain: as well')
      .given(...two)
      .when(ask.abandon(125, of(60), 'drain'))
      .then(facts.abandoned(125, of(60), 'drain')),
    specification('stuck: its slot is to run again, and the job stays with the others')
      .given(...two)
      .when(ask.abandon(125, of(60), 'stuck'))
      .then(facts.abandoned(125, of(60), 'stuck')),
    specification('stuck, the last: released')
      .given(...two, facts.abandoned(125, of(60), 'stuck'))
      .when(ask.abandon(126, of(120), 'stuck'))
      .then(facts.abandoned(126, of(120), 'stuck'), facts.released(126, 1, anna, 'stuck')),
    specification('not released, not moved while one is open')
      .given(...two, facts.succeeded(125, of(60)))
      .when(ask.release(126, 1, anna))
      .thenRefused('run-open'),
    specification('takeover: all are abandoned, and the slots run again, one by one')
      .given(...three)
      .when(ask.requeue(200, anna, bert))
      .then(
        facts.abandoned(200, of(60), 'ownerFailed'),
        facts.abandoned(200, of(120), 'ownerFailed'),
        facts.abandoned(200, of(180), 'ownerFailed'),
        facts.requeued(200, 1, anna),
        facts.bound(200, 2, bert, 'requeue'),
        facts.started(200, run(60, 2, 2, bert), bert, 240),
      ),
    specification('… the second')
      .given(...three, ask.requeue(200, anna, bert))
      .when(ask.start(201, 2, bert))
      .then(facts.started(201, run(120, 2, 2, bert), bert, 240)),
    specification('… and no new slot beside them')
      .given(...three, ask.requeue(200, anna, bert), ask.start(201, 2, bert), ask.start(202, 2, bert))
      .when(ask.start(241, 2, bert))
      .thenRefused('run-open'),
    specification('one dead owner is one crash, however many runs were open')
      .given(...three)
      .when(ask.requeue(200, anna, bert, { crashes: 2 }))
      .then(
        facts.abandoned(200, of(60), 'ownerFailed'),
        facts.abandoned(200, of(120), 'ownerFailed'),
        facts.abandoned(200, of(180), 'ownerFailed'),
        facts.requeued(200, 1, anna),
        facts.bound(200, 2, bert, 'requeue'),
        facts.started(200, run(60, 2, 2, bert), bert, 240),
      ),
    specification('cancel: every open run is abandoned')
      .given(...two)
      .when(ask.cancel(125))
      .then(
        by('c', facts.abandoned(125, of(60), 'cancelled')),
        by('c', facts.abandoned(125, of(120), 'cancelled')),
        by('c', facts.cancelled(125)),
      ),
    specification('cancel after the run: the last one completes the job')
      .given(...two, facts.endSet(125), facts.succeeded(126, of(60)))
      .when(ask.complete(127, of(120)))
      .then(facts.succeeded(127, of(120)), facts.completed(127, 'succeeded')),
    specification('… not the first')
      .given(...two, facts.endSet(125))
      .when(ask.complete(126, of(60)))
      .then(facts.succeeded(126, of(60))),
    specification('a policy that allows less starts nothing until fewer are open')
      .given(...two, facts.rescheduled(125, definition(), 180))
      .when(ask.complete(190, of(60), { startNext: true }))
      .then(facts.succeeded(190, of(60))),
    specification('a policy that allows more starts at once')
      .given(
        jobWith('skip'),
        bound,
        startedAt(60),
        facts.rescheduled(70, definition({}, { overlap: { allow: 2 } }), 120, { anchor: at(0) }),
      )
      .when(ask.start(121, 1, anna))
      .then(facts.started(121, of(120), anna, 180, { definitionRevision: 3 })),
    specification('lost, and the job fails then: all of its slots end')
      .given(jobWith({ allow: 2 }, { onOwnerLoss: 'fail', retry: noRetry }), bound, startedAt(60), startedAt(120))
      .when(ask.requeue(130, anna, bert))
      .then(
        facts.abandoned(130, of(60), 'fail'),
        facts.abandoned(130, of(120), 'fail'),
        facts.requeued(130, 1, anna),
        facts.bound(130, 2, bert, 'requeue'),
      ),
  ]);

  it('takes back the crash of an owner that lives, by the late outcome of any of its runs', () => {
    const lost = after(...three, ask.requeue(200, anna, bert));
    expect(lost.crashes).toHaveLength(1);
    expect(after(...three, ask.requeue(200, anna, bert), ask.complete(201, of(180))).crashes).toEqual([]);
  });

  it('knows all runs that an owner has left behind when their late outcomes come, and records each once', () => {
    const many = Array.from({ length: 12 }, (_, n) => startedAt(60 * (n + 1)));
    const lost = [jobWith({ allow: 12 }), bound, ...many, ask.requeue(730, anna, bert)] as const;
    const late = many.map((_, n) => ask.complete(740, of(60 * (n + 1))));
    const before = after(...lost);
    const first = after(...lost, ...late);
    expect(first.revision - before.revision).toBe(12);
    expect(after(...lost, ...late, ...late).revision).toBe(first.revision);
  });
});

describe('several lost runs that are held', () => {
  const held = [
    jobWith({ allow: 2 }, { onOwnerLoss: 'hold' }),
    bound,
    startedAt(60),
    startedAt(120),
    ask.requeue(130, anna, bert),
  ] as const;
  specify(it, [
    specification('each is held')
      .given(...held.slice(0, 4))
      .when(ask.requeue(130, anna, bert))
      .then(
        facts.abandoned(130, of(60), 'hold'),
        facts.held(130, of(60)),
        facts.abandoned(130, of(120), 'hold'),
        facts.held(130, of(120)),
        facts.requeued(130, 1, anna),
        facts.bound(130, 2, bert, 'requeue'),
      ),
    specification('an operator judges one after the other')
      .given(...held)
      .when(ask.resolveHold(140, 'succeeded'))
      .then(by('c', facts.holdResolved(140, of(60), 'succeeded', 180))),
    specification('nothing starts before the last')
      .given(...held, ask.resolveHold(140, 'retry'))
      .when(ask.start(141, 2, bert))
      .thenRefused('job-held'),
    specification('the second is the other slot')
      .given(...held, ask.resolveHold(140, 'retry'))
      .when(ask.resolveHold(150, 'fail', 'd'))
      .then(by('d', facts.holdResolved(150, of(120), 'fail', 180))),
    specification('then the first runs again')
      .given(...held, ask.resolveHold(140, 'retry'), ask.resolveHold(150, 'fail', 'd'))
      .when(ask.start(151, 2, bert))
      .then(facts.started(151, run(60, 2, 2, bert), bert, 180)),
  ]);

  it('leave nothing behind when the job ends', () => {
    const ended = after(...held, ask.cancel(140));
    expect([ended.held, ended.heldNext]).toEqual([null, undefined]);
    expect(openRuns(ended)).toEqual([]);
  });
});
