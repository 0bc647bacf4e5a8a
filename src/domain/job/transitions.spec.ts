import { specification, specify } from '../../testing/specification';
import { aDefinition, aRun, ask, commandIdOf, once, one, slot, t, T0, two } from '../../testing/specification/a-job';
import { fact } from '../../testing/specification/facts';
import { bound, held, paused, quarantined, retrying, run1, running, unbound } from '../../testing/specification/lives';

/** Each line of the table of transitions (protocol §4), by its words. */

const run2 = aRun(slot(1), { attempt: 2, epoch: 2, incarnation: two.incarnation });
const hourly = aDefinition({
  schedule: { kind: 'interval', everyMs: 3_600_000, origin: null, start: null, end: null, maxRuns: null },
});
const failing = aDefinition({}, { onOwnerLoss: 'fail' });
const onceWith = (onOwnerLoss: 'fail' | 'rerun') => aDefinition({ schedule: once.schedule }, { onOwnerLoss });

describe('by callers and claimers', () => {
  specify(it, [
    specification('schedule | caller | [JobScheduled], no stream | unbound')
      .when(ask.schedule(T0))
      .then(fact.scheduled(T0, slot(1))),

    specification('run now | caller | [JobRunRequested] | unchanged')
      .given(...bound())
      .when(ask.runNow(t(0, 5)))
      .then(fact.runRequested(t(0, 5), 2)),

    specification('bind, not due | self-claimer | [JobBoundToService e+1] | bound')
      .given(...unbound())
      .when(ask.claim(t(0, 5)))
      .then(fact.claimed(t(0, 5), 1)),

    specification(
      'bind, due, without a start | self-claimer | [(JobSlotsSkipped), JobBoundToService e+1]: what is to run stays pending',
    )
      .given(...unbound())
      .when(ask.claim(t(3), one, false))
      .then(fact.skipped(t(3), 'coalesced', [slot(1), slot(2), 2], slot(3)), fact.claimed(t(3), 1)),

    specification('bind, not due | operator | [JobBoundToService e+1] | bound')
      .given(...unbound())
      .when(ask.move(t(0, 5), two))
      .then(fact.moved(t(0, 5), 1)),

    specification('bind, due | self-claimer | [JobBoundToService e+1, JobRunStarted] | running')
      .given(...unbound())
      .when(ask.claim(t(1)))
      .then(fact.claimed(t(1), 1), fact.started(t(1), run1, slot(2))),

    specification('bind, due | self-claimer | [(JobSlotsSkipped), JobBoundToService e+1, JobRunStarted] | running')
      .given(...unbound())
      .when(ask.claim(t(3)))
      .then(
        fact.skipped(t(3), 'coalesced', [slot(1), slot(2), 2], slot(3)),
        fact.claimed(t(3), 1),
        fact.started(t(3), aRun(slot(3)), slot(4)),
      ),
  ]);
});

describe('by the owner', () => {
  specify(it, [
    specification('start | owner | [JobRunStarted] | running')
      .given(...bound())
      .when(ask.start(t(1)))
      .then(fact.started(t(1), run1, slot(2))),

    specification('start | owner | [(JobSlotsSkipped coalesced), JobRunStarted] | running')
      .given(...bound())
      .when(ask.start(t(4)))
      .then(
        fact.skipped(t(4), 'coalesced', [slot(1), slot(3), 3], slot(4)),
        fact.started(t(4), aRun(slot(4)), slot(5)),
      ),

    specification('succeed, recurring | owner | [JobRunSucceeded] | bound')
      .given(...running())
      .when(ask.complete(t(1, 10), run1))
      .then(fact.succeeded(t(1, 10), run1)),

    specification('succeed, recurring | owner | [JobRunSucceeded, (JobSlotsSkipped overlap)] | bound')
      .given(...running())
      .when(ask.complete(t(3, 10), run1))
      .then(fact.succeeded(t(3, 10), run1), fact.skipped(t(3, 10), 'overlap', [slot(2), slot(3), 2], slot(4))),

    specification('succeed, recurring | owner | [JobRunSucceeded, (JobReleased if draining)] | unbound')
      .given(...running())
      .when(ask.complete(t(1, 10), run1, { release: 'drain', startNext: true }))
      .then(fact.succeeded(t(1, 10), run1), fact.released(t(1, 10), 'drain')),

    specification('succeed, recurring | owner | [JobRunSucceeded, (JobReleased if no longer eligible)] | unbound')
      .given(...running())
      .when(ask.complete(t(2), run1, { release: 'ineligible' }))
      .then(
        fact.succeeded(t(2), run1),
        fact.skipped(t(2), 'overlap', [slot(2), slot(2), 1], slot(3)),
        fact.released(t(2), 'ineligible'),
      ),

    specification('succeed, recurring | owner | due again at once: + JobRunStarted | running')
      .given(...running(), ask.runNow(t(1, 5)))
      .when(ask.complete(t(1, 10), run1, { startNext: true }))
      .then(fact.succeeded(t(1, 10), run1), fact.started(t(1, 10), aRun('manual:3'), slot(2))),

    specification('succeed, last | owner | [JobRunSucceeded, JobCompleted] | completed')
      .given(...running(once))
      .when(ask.complete(t(1, 10), run1))
      .then(fact.succeeded(t(1, 10), run1), fact.completed(t(1, 10), 'succeeded')),

    specification('fail, retry left | owner | [JobRunFailed (absolute retryAt, retriesUsed+1)] | waiting for retry')
      .given(...running(retrying))
      .when(ask.fail(t(1, 10), run1))
      .then(fact.failed(t(1, 10), run1, 1, t(1, 1_010))),

    specification(
      'time out, retry left | owner | [JobRunTimedOut (absolute retryAt, retriesUsed+1)] | waiting for retry',
    )
      .given(...running(retrying))
      .when(ask.timeOut(t(1, 10), run1))
      .then(fact.timedOut(t(1, 10), run1, 1, t(1, 1_010))),

    specification('…, exhausted | owner | [… (final)] | bound')
      .given(...running())
      .when(ask.fail(t(1, 10), run1))
      .then(fact.failed(t(1, 10), run1)),

    specification('…, exhausted | owner | [… (final)]; once or last: + JobCompleted(failed) | completed')
      .given(...running(once))
      .when(ask.timeOut(t(1, 10), run1))
      .then(fact.timedOut(t(1, 10), run1), fact.completed(t(1, 10), 'failed')),

    specification('stuck | owner | [JobRunTimedOut, JobReleased(stuck)] | unbound')
      .given(...running())
      .when(ask.abandon(t(1, 10), run1, 'stuck', { durationMs: 6, timeoutMs: 5 }))
      .then(fact.timedOut(t(1, 10), run1), fact.released(t(1, 10), 'stuck')),

    specification('stuck | owner | [JobRunAbandoned(stuck), JobReleased(stuck)] | unbound')
      .given(...running())
      .when(ask.abandon(t(1, 10), run1, 'stuck'))
      .then(fact.abandoned(t(1, 10), run1, 'stuck'), fact.released(t(1, 10), 'stuck')),

    specification('stuck | owner | option onStuck: wait appends nothing until it settled')
      .given(...running(aDefinition({}, { onStuck: 'wait' })))
      .when(ask.abandon(t(1, 10), run1, 'stuck', { durationMs: 6, timeoutMs: 5 }))
      .thenNothing(),

    specification('lost in process | owner’s sweep | [JobRunAbandoned(lostInProcess)] | bound')
      .given(...running())
      .when(ask.abandon(t(1, 10), run1, 'lostInProcess'))
      .then(fact.abandoned(t(1, 10), run1, 'lostInProcess')),

    specification('bound, idle, no longer eligible | owner | [JobReleased(ineligible)] | unbound')
      .given(...bound())
      .when(ask.release(t(0, 5), 'ineligible'))
      .then(fact.released(t(0, 5), 'ineligible')),

    specification('drain, idle | owner | [JobReleased(drain)] | unbound')
      .given(...bound())
      .when(ask.release(t(0, 5), 'drain'))
      .then(fact.released(t(0, 5), 'drain')),

    specification('drain, running | owner | after it settled: with its outcome | unbound')
      .given(...running())
      .when(ask.fail(t(1, 10), run1, { release: 'drain' }))
      .then(fact.failed(t(1, 10), run1), fact.released(t(1, 10), 'drain')),

    specification('drain, running | owner | [JobRunAbandoned(drain), JobReleased] | unbound')
      .given(...running())
      .when(ask.abandon(t(1, 10), run1, 'drain'))
      .then(fact.abandoned(t(1, 10), run1, 'drain'), fact.released(t(1, 10), 'drain')),

    ...(['rebalance', 'home'] as const).map((reason) =>
      specification(`hand-over | owner | [JobReleased(${reason}, target)] | unbound`)
        .given(...bound())
        .when(ask.release(t(0, 5), reason, { target: 'two' }))
        .then(fact.released(t(0, 5), reason, { target: 'two' })),
    ),
  ]);
});

describe('when the owner is gone', () => {
  specify(it, [
    specification('owner gone, idle | survivor | [JobRequeued, JobBoundToService e+1] | bound')
      .given(...bound())
      .when(ask.requeue(t(0, 30)))
      .then(fact.requeued(t(0, 30)), fact.takenOver(t(0, 30), 2)),

    specification(
      'owner gone, idle | survivor | [JobRequeued, JobBoundToService e+1, (JobRunStarted if due)] | running',
    )
      .given(...bound())
      .when(ask.requeue(t(1)))
      .then(
        fact.requeued(t(1)),
        fact.takenOver(t(1), 2),
        fact.started(t(1), aRun(slot(1), { epoch: 2, incarnation: two.incarnation }), slot(2), two),
      ),

    specification(
      'owner gone, running, rerun | survivor | [JobRunAbandoned(ownerFailed), JobRequeued, JobBoundToService e+1, JobRunStarted(same slot, attempt+1)] | running',
    )
      .given(...running())
      .when(ask.requeue(t(1, 10)))
      .then(
        fact.abandoned(t(1, 10), run1, 'ownerFailed'),
        fact.requeued(t(1, 10)),
        fact.takenOver(t(1, 10), 2),
        fact.started(t(1, 10), run2, slot(2), two),
      ),

    specification('… fail | survivor | [JobRunAbandoned(fail), JobRequeued, JobBoundToService e+1] | bound')
      .given(...running(failing))
      .when(ask.requeue(t(1, 10)))
      .then(fact.abandoned(t(1, 10), run1, 'fail'), fact.requeued(t(1, 10)), fact.takenOver(t(1, 10), 2)),

    specification('… fail; once | survivor | [JobRunAbandoned(fail), JobRequeued, JobCompleted(failed)] | completed')
      .given(...running(onceWith('fail')))
      .when(ask.requeue(t(1, 10)))
      .then(fact.abandoned(t(1, 10), run1, 'fail'), fact.requeued(t(1, 10)), fact.completed(t(1, 10), 'failed')),

    specification(
      '… hold | survivor | [JobRunAbandoned(hold), JobHeld, JobRequeued, JobBoundToService e+1] | held, owned',
    )
      .given(...running(aDefinition({}, { onOwnerLoss: 'hold' })))
      .when(ask.requeue(t(1, 10)))
      .then(
        fact.abandoned(t(1, 10), run1, 'hold'),
        fact.held(t(1, 10), slot(1)),
        fact.requeued(t(1, 10)),
        fact.takenOver(t(1, 10), 2),
      ),

    ...(['retry', 'fail', 'succeeded'] as const).map((resolution) =>
      specification(`… hold | no slot starts until [JobHoldResolved(${resolution})]; slots meanwhile skipped as held`)
        .given(...held())
        .when(ask.resolve(t(3), resolution))
        .then(
          fact.skipped(t(3), 'held', [slot(2), slot(3), 2], slot(4), commandIdOf('ResolveHold', t(3))),
          fact.holdResolved(t(3), resolution, slot(1), slot(4)),
        ),
    ),

    specification('owner gone, nobody eligible | any live | [JobRunAbandoned…, JobRequeued] | unbound, with the reason')
      .given(...running())
      .when(ask.requeue(t(1, 10), null))
      .then(
        fact.abandoned(t(1, 10), run1, 'ownerFailed'),
        fact.requeued(t(1, 10), 'failed', { nobody: 'no live service has the handler' }),
      ),

    specification('quarantine | the requeuer | [JobRunAbandoned, JobRequeued, JobQuarantined] | quarantined')
      .given(...running())
      .when(ask.requeue(t(1, 10), two, { crashes: 1 }))
      .then(fact.abandoned(t(1, 10), run1, 'ownerFailed'), fact.requeued(t(1, 10)), fact.quarantined(t(1, 10), 1)),

    specification('leave quarantine | operator | [JobReleasedFromQuarantine], crashes = 0 | unbound')
      .given(...quarantined())
      .when(ask.leaveQuarantine(t(2)))
      .then(fact.leftQuarantine(t(2))),

    specification('late outcome | zombie | [JobRunOutcomeRefused] | unchanged')
      .given(...running(), ask.requeue(t(1, 10)))
      .when(ask.complete(t(1, 20), run1))
      .then(fact.outcomeRefused(t(1, 20), run1, 'succeeded', 'the run had ended: ownerFailed')),
  ]);
});

describe('by the operator', () => {
  const by = (kind: 'CancelJob' | 'RemoveJob') => commandIdOf(kind, t(2, 10));
  specify(it, [
    specification('cancel | operator | [JobRunAbandoned(cancelled)…, JobCancelled] | cancelled')
      .given(...running(once))
      .when(ask.cancel(t(2, 10)))
      .then(fact.abandoned(t(2, 10), run1, 'cancelled', by('CancelJob')), fact.cancelled(t(2, 10))),

    specification('cancel | operator | what was due is skipped before [JobCancelled] | cancelled')
      .given(...running(), ask.runNow(t(1, 5)))
      .when(ask.cancel(t(2, 10)))
      .then(
        fact.abandoned(t(2, 10), run1, 'cancelled', by('CancelJob')),
        fact.skipped(t(2, 10), 'cancelled', [slot(2), slot(2), 1], slot(3), by('CancelJob')),
        fact.requestsSkipped(t(2, 10), 'cancelled', ['manual:3'], slot(3), by('CancelJob')),
        fact.cancelled(t(2, 10)),
      ),

    specification('cancel | operator | mode: afterRun: [JobEndSet] instead')
      .given(...running())
      .when(ask.cancel(t(1, 10), 'afterRun'))
      .then(fact.endSet(t(1, 10))),

    specification('remove | operator | as cancel, + JobRemoved | removed')
      .given(...running(once))
      .when(ask.remove(t(2, 10)))
      .then(
        fact.abandoned(t(2, 10), run1, 'cancelled', by('RemoveJob')),
        fact.cancelled(t(2, 10), 'RemoveJob'),
        fact.removed(t(2, 10)),
      ),

    specification('pause | operator | [JobPaused] | paused')
      .given(...running())
      .when(ask.pause(t(1, 10)))
      .then(fact.paused(t(1, 10))),

    specification('resume | operator | [JobSlotsSkipped(paused), JobResumed] | bound')
      .given(...paused())
      .when(ask.resume(t(2, 10)))
      .then(
        fact.skipped(t(2, 10), 'paused', [slot(1), slot(2), 2], slot(3), commandIdOf('ResumeJob', t(2, 10))),
        fact.resumed(t(2, 10), slot(3)),
      ),

    specification('reschedule | operator | [JobRescheduled]; new slots > max(now, accountedThrough) | owner unchanged')
      .given(...bound())
      .when(ask.reschedule(t(0, 30_000), hourly))
      .then(fact.rescheduled(t(0, 30_000), new Date(t(60, 30_000)).toISOString(), hourly)),

    specification('reschedule | operator | [(JobSlotsSkipped old pending), JobRescheduled] | owner unchanged')
      .given(...bound())
      .when(ask.reschedule(t(2), hourly))
      .then(
        fact.skipped(t(2), 'rescheduled', [slot(1), slot(2), 2], slot(3), commandIdOf('RescheduleJob', t(2))),
        fact.rescheduled(t(2), slot(62), hourly),
      ),

    specification('operator’s move | operator | [JobReleased(moved), JobBoundToService e+1] | bound')
      .given(...bound())
      .when(ask.move(t(0, 5)))
      .then(
        fact.released(t(0, 5), 'moved', { target: 'two', commandId: commandIdOf('BindJob', t(0, 5)) }),
        fact.moved(t(0, 5), 2),
      ),

    specification('a terminal job id with renew: same stream, the epoch continues')
      .given(...bound(), ask.cancel(t(0, 5)))
      .when(ask.schedule(t(1, 500), undefined, { renew: true }))
      .then(fact.scheduled(t(1, 500), new Date(t(2, 500)).toISOString(), undefined, { renewed: true })),

    specification('the first binding after a renewal has epoch + 1')
      .given(...bound(), ask.cancel(t(0, 5)), ask.schedule(t(0, 10), undefined, { renew: true }))
      .when(ask.claim(t(0, 20)))
      .then(fact.claimed(t(0, 20), 2)),
  ]);
});
