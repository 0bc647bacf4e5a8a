import { specification, specify, unreadableEvent } from '../../testing/specification';
import { anna, ask, bert, annaAgain, definition, everyMinute, facts, minutely, onceOnly, run } from './story.fixture';

const scheduled = facts.scheduled(0, minutely, 60);
const bound = facts.bound(1, 1, anna);
const first = run(60, 1, 1, anna);
const started = facts.started(60, first, anna, 120);
const running = [scheduled, bound, started] as const;
const onlyRun = run(0, 1, 1, anna);
const runningOnce = [facts.scheduled(0, onceOnly, 0), bound, facts.started(2, onlyRun, anna, null)] as const;
const noRetry = { maxRetries: 0, initialMs: 10_000, factor: 2, maxMs: 300_000 };
const runningWithoutRetry = [facts.scheduled(0, definition({}, { retry: noRetry }), 60), bound, started] as const;

describe('start', () => {
  specify(it, [
    specification('due')
      .given(scheduled, bound)
      .when(ask.start(60, 1, anna))
      .then(started),
    specification('never early')
      .given(scheduled, bound)
      .when(ask.start(59.999, 1, anna))
      .thenRefused('nothing-due'),
    specification('several due: the latest, the earlier are coalesced into it')
      .given(scheduled, bound)
      .when(ask.start(185, 1, anna))
      .then(facts.skipped(185, 'coalesced', [60, 120, 2], 180), facts.started(185, run(180, 1, 1, anna), anna, 240)),
    specification('a slot that waits for its retry, at its time')
      .given(...running, facts.failed(65, first, 1, 75))
      .when(ask.start(75, 1, anna))
      .then(facts.started(75, run(60, 2, 1, anna), anna, 120)),
    specification('not before the retry, and no other slot in its stead')
      .given(...running, facts.failed(65, first, 1, 500))
      .when(ask.start(130, 1, anna))
      .thenRefused('nothing-due'),
    specification('a slot that was lost in the process starts again at once')
      .given(...running, facts.abandoned(62, first, 'lostInProcess'))
      .when(ask.start(62, 1, anna))
      .then(facts.started(62, run(60, 2, 1, anna), anna, 120)),
    specification('not while a run is open')
      .given(...running)
      .when(ask.start(130, 1, anna))
      .thenRefused('run-open'),
    specification('not while paused')
      .given(scheduled, bound, facts.paused(5))
      .when(ask.start(60, 1, anna))
      .thenRefused('job-paused'),
    specification('not while held')
      .given(...running, facts.abandoned(62, first, 'hold'), facts.held(62, first))
      .when(ask.start(130, 1, anna))
      .thenRefused('job-held'),
    specification('not by another service')
      .given(scheduled, bound)
      .when(ask.start(60, 1, bert))
      .thenRefused('wrong-owner', { field: 'incarnation' }),
    specification('not by another life of the owner')
      .given(scheduled, bound)
      .when(ask.start(60, 1, annaAgain))
      .thenRefused('wrong-owner'),
    specification('not by the owner under another name')
      .given(scheduled, bound)
      .when(ask.start(60, 1, { ...anna, serviceId: 'anton@host' }))
      .thenRefused('wrong-owner', { field: 'serviceId' }),
    specification('not of an epoch that has ended')
      .given(scheduled, bound, facts.released(2, 1, anna, 'drain'), facts.bound(3, 2, anna))
      .when(ask.start(60, 1, anna))
      .thenRefused('wrong-epoch', { field: 'epoch' }),
    specification('not when nobody owns the job')
      .given(scheduled)
      .when(ask.start(60, 1, anna))
      .thenRefused('job-unbound'),
    specification('a slot that is accounted for never starts again, though the clock went back')
      .given(...running, facts.succeeded(61, first))
      .when(ask.start(30, 1, anna))
      .thenRefused('nothing-due'),
  ]);
});

describe('succeed', () => {
  specify(it, [
    specification('recurring')
      .given(...running)
      .when(ask.complete(65, first))
      .then(facts.succeeded(65, first)),
    specification('slots that fell meanwhile are skipped')
      .given(...running)
      .when(ask.complete(250, first))
      .then(facts.succeeded(250, first), facts.skipped(250, 'overlap', [120, 240, 3], 300)),
    specification('… also those that fell while it waited for its retry')
      .given(...running, facts.failed(65, first, 1, 75), facts.started(130, run(60, 2, 1, anna), anna, 120))
      .when(ask.complete(135, run(60, 2, 1, anna)))
      .then(facts.succeeded(135, run(60, 2, 1, anna)), facts.skipped(135, 'overlap', [120, 120, 1], 180)),
    specification('the owner drains: released in the same append')
      .given(...running)
      .when(ask.complete(130, first, { release: 'drain' }))
      .then(
        facts.succeeded(130, first),
        facts.skipped(130, 'overlap', [120, 120, 1], 180),
        facts.released(130, 1, anna, 'drain'),
      ),
    specification('no longer eligible: released in the same append')
      .given(...running)
      .when(ask.complete(65, first, { release: 'ineligible' }))
      .then(facts.succeeded(65, first), facts.released(65, 1, anna, 'ineligible')),
    specification('a release goes before a start')
      .given(...running, facts.requested(61, 3))
      .when(ask.complete(65, first, { release: 'drain', startNext: true }))
      .then(facts.succeeded(65, first), facts.released(65, 1, anna, 'drain')),
    specification('due again at once: started in the same append')
      .given(...running, facts.requested(61, 3))
      .when(ask.complete(130, first, { startNext: true }))
      .then(
        facts.succeeded(130, first),
        facts.skipped(130, 'overlap', [120, 120, 1], 180),
        facts.started(130, run('manual:3', 1, 1, anna), anna, 180),
      ),
    specification('… not when that is not wished')
      .given(...running, facts.requested(61, 3))
      .when(ask.complete(65, first))
      .then(facts.succeeded(65, first)),
    specification('… not while paused')
      .given(...running, facts.requested(61, 3), facts.paused(62))
      .when(ask.complete(65, first, { startNext: true }))
      .then(facts.succeeded(65, first)),
    specification('nothing due: nothing started')
      .given(...running)
      .when(ask.complete(65, first, { startNext: true }))
      .then(facts.succeeded(65, first)),
    specification('a paused job may end its run')
      .given(...running, facts.paused(62))
      .when(ask.complete(65, first))
      .then(facts.succeeded(65, first)),
    specification('once: completed')
      .given(...runningOnce)
      .when(ask.complete(5, onlyRun, { release: 'drain', startNext: true }))
      .then(facts.succeeded(5, onlyRun), facts.completed(5, 'succeeded')),
    specification('the last of maxRuns: completed')
      .given(
        facts.scheduled(0, definition({ schedule: { ...everyMinute, maxRuns: 1 } }), 60),
        bound,
        facts.started(60, first, anna, null),
      )
      .when(ask.complete(500, first))
      .then(facts.succeeded(500, first), facts.completed(500, 'succeeded')),
    specification('the slots left fell meanwhile: skipped, completed')
      .given(
        facts.scheduled(0, definition({ schedule: { ...everyMinute, maxRuns: 3 } }), 60),
        bound,
        facts.started(60, first, anna, 120),
      )
      .when(ask.complete(500, first))
      .then(
        facts.succeeded(500, first),
        facts.skipped(500, 'overlap', [120, 180, 2], null),
        facts.completed(500, 'succeeded'),
      ),
    specification('a job that was to end after its run: completed')
      .given(...running, facts.endSet(62))
      .when(ask.complete(250, first))
      .then(facts.succeeded(250, first), facts.completed(250, 'succeeded')),
  ]);
});

describe('fail', () => {
  const waiting = [...running, facts.failed(65, first, 1, 75)] as const;
  const again = run(60, 2, 1, anna);
  const last = run(60, 3, 1, anna);
  const beforeLast = [
    ...waiting,
    facts.started(75, again, anna, 120),
    facts.failed(80, again, 2, 100),
    facts.started(100, last, anna, 120),
  ] as const;
  specify(it, [
    specification('with a retry left: it waits')
      .given(...running)
      .when(ask.fail(65, first))
      .then(facts.failed(65, first, 1, 75)),
    specification('the wait doubles')
      .given(...waiting, facts.started(75, again, anna, 120))
      .when(ask.fail(80, again))
      .then(facts.failed(80, again, 2, 100)),
    specification('the wait is bounded')
      .given(
        facts.scheduled(
          0,
          definition({}, { retry: { maxRetries: 1_000, initialMs: 10_000, factor: 1_000, maxMs: 12_000 } }),
          60,
        ),
        bound,
        started,
        facts.failed(65, first, 900, 75),
        facts.started(75, again, anna, 120),
      )
      .when(ask.fail(80, again))
      .then(facts.failed(80, again, 901, 92)),
    specification('no retry left: final; what fell meanwhile is skipped')
      .given(...beforeLast)
      .when(ask.fail(130, last))
      .then(facts.failed(130, last, 2, null), facts.skipped(130, 'overlap', [120, 120, 1], 180)),
    specification('what falls while it waits is skipped later')
      .given(...running)
      .when(ask.fail(130, first))
      .then(facts.failed(130, first, 1, 140)),
    specification('final, once: completed as failed')
      .given(
        facts.scheduled(0, definition({ schedule: onceOnly.schedule }, { retry: noRetry }), 0),
        bound,
        facts.started(2, onlyRun, anna, null),
      )
      .when(ask.fail(5, onlyRun))
      .then(facts.failed(5, onlyRun, 0, null), facts.completed(5, 'failed')),
    specification('the owner drains: the slot waits elsewhere')
      .given(...running)
      .when(ask.fail(65, first, { release: 'drain' }))
      .then(facts.failed(65, first, 1, 75), facts.released(65, 1, anna, 'drain')),
    specification('a lost owner costs no retry')
      .given(...running, ask.requeue(70, anna, bert))
      .when(ask.fail(75, run(60, 2, 2, bert)))
      .then(facts.failed(75, run(60, 2, 2, bert), 1, 85)),
    specification('a job that is to end after its run is not retried')
      .given(...running, facts.endSet(62))
      .when(ask.fail(65, first))
      .then(facts.failed(65, first, 0, null), facts.completed(65, 'failed')),
    specification('a paused job keeps its retry')
      .given(...running, facts.paused(62))
      .when(ask.fail(65, first))
      .then(facts.failed(65, first, 1, 75)),
    specification('timed out, with a retry left')
      .given(...running)
      .when(ask.timeOut(90, first))
      .then(facts.timedOut(90, first, 1, 100)),
    specification('timed out, final')
      .given(...runningWithoutRetry)
      .when(ask.timeOut(90, first))
      .then(facts.timedOut(90, first, 0, null)),
    specification('a time-out counts like a failure')
      .given(...waiting, facts.started(75, again, anna, 120))
      .when(ask.timeOut(80, again))
      .then(facts.timedOut(80, again, 2, 100)),
  ]);
});

describe('abandon', () => {
  const overdue = { durationMs: 5, timeoutMs: 30_000 };
  specify(it, [
    specification('lost in process: no retry, no crash')
      .given(...running)
      .when(ask.abandon(70, first, 'lostInProcess'))
      .then(facts.abandoned(70, first, 'lostInProcess')),
    specification('drain: released in the same append')
      .given(...running)
      .when(ask.abandon(130, first, 'drain'))
      .then(facts.abandoned(130, first, 'drain'), facts.released(130, 1, anna, 'drain')),
    specification('stuck: released in the same append')
      .given(...running)
      .when(ask.abandon(70, first, 'stuck'))
      .then(facts.abandoned(70, first, 'stuck'), facts.released(70, 1, anna, 'stuck')),
    specification('stuck after a time-out')
      .given(...running)
      .when(ask.abandon(70, first, 'stuck', overdue))
      .then(facts.timedOut(70, first, 1, 80), facts.released(70, 1, anna, 'stuck')),
    specification('stuck after a time-out, final: what fell meanwhile is skipped')
      .given(...runningWithoutRetry)
      .when(ask.abandon(130, first, 'stuck', overdue))
      .then(
        facts.timedOut(130, first, 0, null),
        facts.skipped(130, 'overlap', [120, 120, 1], 180),
        facts.released(130, 1, anna, 'stuck'),
      ),
    specification('stuck after a time-out, final and last: completed')
      .given(...running, facts.endSet(62))
      .when(ask.abandon(70, first, 'stuck', overdue))
      .then(facts.timedOut(70, first, 0, null), facts.completed(70, 'failed')),
    specification('stuck, where a stuck handler is waited for: nothing')
      .given(facts.scheduled(0, definition({}, { onStuck: 'wait' }), 60), bound, started)
      .when(ask.abandon(70, first, 'stuck'))
      .thenNothing(),
    specification('a lost run was closed already: nothing')
      .given(...running, facts.abandoned(70, first, 'lostInProcess'))
      .when(ask.abandon(71, first, 'lostInProcess'))
      .thenNothing(),
    specification('others have given it up: its process lives, so it was no crash')
      .given(...running, ask.requeue(70, anna, bert))
      .when(ask.abandon(71, first, 'lostInProcess'))
      .then(facts.late(71, first, 'abandoned', 'the run had ended: ownerFailed')),
    specification('a run that was never started')
      .given(...running)
      .when(ask.abandon(70, run(60, 2, 1, anna), 'drain'))
      .thenRefused('run-unknown', { field: 'run' }),
    specification('a run of another owner')
      .given(...running)
      .when(ask.abandon(70, run(60, 1, 1, bert), 'drain'))
      .thenRefused('wrong-owner'),
  ]);
});

describe('late outcomes', () => {
  const taken = [...running, ask.requeue(70, anna, bert)] as const;
  const why = 'the run had ended: ownerFailed';
  specify(it, [
    specification('a success of a run that others have given up')
      .given(...taken)
      .when(ask.complete(75, first))
      .then(facts.late(75, first, 'succeeded', why)),
    specification('a failure')
      .given(...taken)
      .when(ask.fail(75, first))
      .then(facts.late(75, first, 'failed', why)),
    specification('a time-out')
      .given(...taken)
      .when(ask.timeOut(75, first))
      .then(facts.late(75, first, 'timedOut', why)),
    specification('what its owner wants besides is not done')
      .given(...taken)
      .when(ask.complete(75, first, { release: 'drain', startNext: true }))
      .then(facts.late(75, first, 'succeeded', why)),
    specification('recorded once')
      .given(...taken, ask.complete(75, first))
      .when(ask.complete(76, first))
      .thenNothing(),
    specification('… whatever it says')
      .given(...taken, ask.complete(75, first))
      .when(ask.fail(76, first))
      .thenNothing(),
    specification('the accepted outcome again adds nothing')
      .given(...running, ask.complete(65, first))
      .when(ask.complete(66, first))
      .thenNothing(),
    specification('another outcome of a run that has its own')
      .given(...running, ask.complete(65, first))
      .when(ask.fail(66, first))
      .then(facts.late(66, first, 'failed', 'the run had ended: succeeded')),
    specification('the new run is not touched')
      .given(...taken, ask.complete(75, first))
      .when(ask.complete(80, run(60, 2, 2, bert)))
      .then(facts.succeeded(80, run(60, 2, 2, bert))),
    specification('of a completed job')
      .given(...runningOnce, ask.requeue(3, anna, bert), ask.complete(4, run(0, 2, 2, bert)))
      .when(ask.complete(5, onlyRun))
      .then(facts.late(5, onlyRun, 'succeeded', why)),
    specification('of a cancelled job')
      .given(...running, ask.cancel(70))
      .when(ask.complete(75, first))
      .then(facts.late(75, first, 'succeeded', 'the run had ended: cancelled')),
    specification('of a removed job')
      .given(...running, ask.remove(70))
      .when(ask.fail(75, first))
      .then(facts.late(75, first, 'failed', 'the run had ended: cancelled')),
    specification('of a quarantined job')
      .given(...running, ask.requeue(70, anna, bert, { crashes: 1 }))
      .when(ask.complete(75, first))
      .then(facts.late(75, first, 'succeeded', why)),
    specification('of a job that cannot be read')
      .given(...running, unreadableEvent())
      .when(ask.complete(75, first))
      .then(facts.late(75, first, 'succeeded', 'the run is not open')),
    specification('… once')
      .given(...running, unreadableEvent(), ask.complete(75, first))
      .when(ask.complete(76, first))
      .thenNothing(),
    specification('of a run so old that it is forgotten')
      .given(...running, ask.complete(65, first))
      .given(
        ...Array.from({ length: 8 }, (_, n) => [
          ask.start(120 + n * 60, 1, anna),
          ask.complete(121 + n * 60, run(120 + n * 60, 1, 1, anna)),
        ]).flat(),
      )
      .when(ask.fail(700, first))
      .then(facts.late(700, first, 'failed', 'the run is not open')),
    specification('of an epoch that never was')
      .given(...running)
      .when(ask.complete(70, run(60, 1, 2, anna)))
      .thenRefused('run-unknown', { field: 'run' }),
    specification('of an attempt that never was')
      .given(...running)
      .when(ask.complete(70, run(60, 2, 1, anna)))
      .thenRefused('run-unknown'),
    specification('of the same slot and attempt by another')
      .given(...running)
      .when(ask.complete(70, run(60, 1, 1, bert)))
      .thenRefused('wrong-owner', { field: 'run.incarnation' }),
    specification('of the same slot and attempt in another epoch')
      .given(
        scheduled,
        bound,
        facts.released(2, 1, anna, 'drain'),
        facts.bound(3, 2, anna),
        facts.started(60, run(60, 1, 2, anna), anna, 120),
      )
      .when(ask.complete(70, first))
      .thenRefused('wrong-epoch', { field: 'run.epoch' }),
    specification('of a job that never ran').given(scheduled).when(ask.complete(70, first)).thenRefused('run-unknown'),
  ]);
});
