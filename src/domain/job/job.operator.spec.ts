import { deciderRunner, specification, specify } from '../../testing/specification';
import { anna, ask, bert, by, definition, everyMinute, facts, minutely, once, onceOnly, run } from './story.fixture';

const scheduled = facts.scheduled(0, minutely, 60);
const bound = facts.bound(1, 1, anna);
const first = run(60, 1, 1, anna);
const started = facts.started(60, first, anna, 120);
const running = [scheduled, bound, started] as const;
const waiting = [...running, facts.failed(65, first, 1, 75)] as const;
const twice = definition({ schedule: { ...everyMinute, maxRuns: 2 } });

describe('pause and resume', () => {
  specify(it, [
    specification('an unbound job')
      .given(scheduled)
      .when(ask.pause(5))
      .then(by('c', facts.paused(5))),
    specification('a bound job')
      .given(scheduled, bound)
      .when(ask.pause(5))
      .then(by('c', facts.paused(5))),
    specification('a running job: the run goes on')
      .given(...running)
      .when(ask.pause(65))
      .then(by('c', facts.paused(65))),
    specification('a job that waits for its retry')
      .given(...waiting)
      .when(ask.pause(70))
      .then(by('c', facts.paused(70))),
    specification('twice').given(scheduled, facts.paused(5)).when(ask.pause(6)).thenRefused('job-paused'),
    specification('resume: nothing fell')
      .given(scheduled, facts.paused(5))
      .when(ask.resume(30))
      .then(by('c', facts.resumed(30, 60))),
    specification('resume: what fell is skipped')
      .given(scheduled, bound, facts.paused(5))
      .when(ask.resume(185))
      .then(by('c', facts.skipped(185, 'paused', [60, 180, 3], 240)), by('c', facts.resumed(185, 240))),
    specification('resume: the retry is kept')
      .given(...waiting, facts.paused(66))
      .when(ask.resume(70))
      .then(by('c', facts.resumed(70, 120))),
    specification('… and starts when it is due')
      .given(...waiting, facts.paused(66), facts.resumed(90, 120))
      .when(ask.start(90, 1, anna))
      .then(facts.started(90, run(60, 2, 1, anna), anna, 120)),
    specification('resume: everything fell, so the job is complete, and has failed: it never ran')
      .given(facts.scheduled(0, twice, 60), facts.paused(5))
      .when(ask.resume(500))
      .then(
        by('c', facts.skipped(500, 'paused', [60, 120, 2], null)),
        by('c', facts.resumed(500, null)),
        by('c', facts.completed(500, 'failed')),
      ),
    specification('resume: a once is late, not lost')
      .given(facts.scheduled(0, onceOnly, 0), facts.paused(5))
      .when(ask.resume(500))
      .then(by('c', facts.resumed(500, 0))),
    specification('resume a job that is not paused').given(scheduled).when(ask.resume(6)).thenRefused('job-not-paused'),
  ]);
});

describe('cancel', () => {
  specify(it, [
    specification('an unbound job')
      .given(scheduled)
      .when(ask.cancel(5))
      .then(by('c', facts.cancelled(5))),
    specification('a bound job')
      .given(scheduled, bound)
      .when(ask.cancel(5))
      .then(by('c', facts.cancelled(5))),
    specification('a running job: the run is given up')
      .given(...running)
      .when(ask.cancel(70))
      .then(by('c', facts.abandoned(70, first, 'cancelled')), by('c', facts.cancelled(70))),
    specification('a job that waits for its retry')
      .given(...waiting)
      .when(ask.cancel(70))
      .then(by('c', facts.cancelled(70))),
    specification('a paused job')
      .given(scheduled, facts.paused(5))
      .when(ask.cancel(6))
      .then(by('c', facts.cancelled(6))),
    specification('a held job')
      .given(...running, facts.abandoned(70, first, 'hold'), facts.held(70, first))
      .when(ask.cancel(80))
      .then(by('c', facts.cancelled(80))),
    specification('a quarantined job')
      .given(...running, ask.requeue(70, anna, bert, { crashes: 1 }))
      .when(ask.cancel(80))
      .then(by('c', facts.cancelled(80))),
    specification('slots and requests that were pending are named')
      .given(...running, facts.requested(61, 3), facts.requested(62, 4))
      .when(ask.cancel(190))
      .then(
        by('c', facts.abandoned(190, first, 'cancelled')),
        by('c', facts.skipped(190, 'cancelled', [120, 180, 2], 240)),
        by('c', facts.skippedRequests(190, ['manual:3', 'manual:4'], 240)),
        by('c', facts.cancelled(190)),
      ),
    specification('after the run: it may end')
      .given(...running)
      .when(ask.cancel(70, 'afterRun'))
      .then(by('c', facts.endSet(70))),
    specification('after the run, with slots and requests pending')
      .given(...running, facts.requested(61, 3))
      .when(ask.cancel(190, 'afterRun'))
      .then(
        by('c', facts.skipped(190, 'cancelled', [120, 180, 2], 240)),
        by('c', facts.skippedRequests(190, ['manual:3'], 240)),
        by('c', facts.endSet(190)),
      ),
    specification('after the run, waiting for its retry')
      .given(...waiting)
      .when(ask.cancel(70, 'afterRun'))
      .then(by('c', facts.endSet(70))),
    specification('… which is made, and is the last')
      .given(...waiting, facts.endSet(70))
      .when(ask.start(75, 1, anna))
      .then(facts.started(75, run(60, 2, 1, anna), anna, null)),
    specification('after the run, twice')
      .given(...running, facts.endSet(70))
      .when(ask.cancel(71, 'afterRun'))
      .thenNothing(),
    specification('after the run, with none: at once')
      .given(scheduled, bound)
      .when(ask.cancel(5, 'afterRun'))
      .then(by('c', facts.cancelled(5))),
    specification('after the run, quarantined: at once')
      .given(...running, ask.requeue(70, anna, bert, { crashes: 1 }))
      .when(ask.cancel(80, 'afterRun'))
      .then(by('c', facts.cancelled(80))),
    specification('now, though it was to end after its run')
      .given(...running, facts.endSet(70))
      .when(ask.cancel(75))
      .then(by('c', facts.abandoned(75, first, 'cancelled')), by('c', facts.cancelled(75))),
    specification('the run of a job that ends is taken over like any')
      .given(...running, facts.endSet(70))
      .when(ask.requeue(75, anna, bert))
      .then(
        facts.abandoned(75, first, 'ownerFailed'),
        facts.requeued(75, 1, anna),
        facts.bound(75, 2, bert, 'requeue'),
        facts.started(75, run(60, 2, 2, bert), bert, null),
      ),
    specification('no run is requested of a job that ends')
      .given(...running, facts.endSet(70))
      .when(ask.runNow(75))
      .thenRefused('job-ending'),
    specification('the same command again adds nothing')
      .given(...running, ask.cancel(70))
      .when(ask.cancel(75))
      .thenNothing({ knownRevision: 4 }),
  ]);
});

describe('remove', () => {
  specify(it, [
    specification('a job that lives: as cancel')
      .given(...running)
      .when(ask.remove(70))
      .then(by('c', facts.abandoned(70, first, 'cancelled')), by('c', facts.cancelled(70)), by('c', facts.removed(70))),
    specification('a quarantined job')
      .given(...running, ask.requeue(70, anna, bert, { crashes: 1 }))
      .when(ask.remove(80))
      .then(by('c', facts.cancelled(80)), by('c', facts.removed(80))),
    specification('a completed job')
      .given(scheduled, facts.completed(5, 'succeeded'))
      .when(ask.remove(6))
      .then(by('c', facts.removed(6))),
    specification('a cancelled job')
      .given(scheduled, facts.cancelled(5))
      .when(ask.remove(6))
      .then(by('c', facts.removed(6))),
    specification('a removed job: it is so already')
      .given(scheduled, facts.removed(5))
      .when(ask.remove(6))
      .thenNothing(),
  ]);
});

describe('hold', () => {
  const held = [
    facts.scheduled(0, definition({}, { onOwnerLoss: 'hold' }), 60),
    bound,
    started,
    ask.requeue(70, anna, bert),
  ] as const;
  const onlyRun = run(0, 1, 1, anna);
  const heldOnce = [
    facts.scheduled(0, definition({ schedule: once }, { onOwnerLoss: 'hold' }), 0),
    bound,
    facts.started(2, onlyRun, anna, null),
    ask.requeue(10, anna, bert),
  ] as const;
  specify(it, [
    specification('retry')
      .given(...held)
      .when(ask.resolveHold(80, 'retry'))
      .then(by('c', facts.holdResolved(80, first, 'retry', 120))),
    specification('… then it starts again')
      .given(...held, ask.resolveHold(80, 'retry'))
      .when(ask.start(81, 2, bert))
      .then(facts.started(81, run(60, 2, 2, bert), bert, 120)),
    specification('fail')
      .given(...held)
      .when(ask.resolveHold(80, 'fail'))
      .then(by('c', facts.holdResolved(80, first, 'fail', 120))),
    specification('succeeded')
      .given(...held)
      .when(ask.resolveHold(80, 'succeeded'))
      .then(by('c', facts.holdResolved(80, first, 'succeeded', 120))),
    specification('slots that fell meanwhile are skipped')
      .given(...held)
      .when(ask.resolveHold(250, 'retry'))
      .then(
        by('c', facts.skipped(250, 'held', [120, 240, 3], 300)),
        by('c', facts.holdResolved(250, first, 'retry', 300)),
      ),
    specification('fail, the last slot: completed')
      .given(...heldOnce)
      .when(ask.resolveHold(80, 'fail'))
      .then(by('c', facts.holdResolved(80, onlyRun, 'fail', null)), by('c', facts.completed(80, 'failed'))),
    specification('succeeded, the last slot: completed')
      .given(...heldOnce)
      .when(ask.resolveHold(80, 'succeeded'))
      .then(by('c', facts.holdResolved(80, onlyRun, 'succeeded', null)), by('c', facts.completed(80, 'succeeded'))),
    specification('retry, the last slot: it goes on')
      .given(...heldOnce)
      .when(ask.resolveHold(80, 'retry'))
      .then(by('c', facts.holdResolved(80, onlyRun, 'retry', null))),
    specification('a requested run is pending: not yet completed')
      .given(...heldOnce, facts.requested(20, 7))
      .when(ask.resolveHold(80, 'fail'))
      .then(by('c', facts.holdResolved(80, onlyRun, 'fail', null))),
    specification('a paused job may be judged')
      .given(...held, facts.paused(75))
      .when(ask.resolveHold(80, 'fail'))
      .then(by('c', facts.holdResolved(80, first, 'fail', 120))),
    specification('a job that is not held')
      .given(...running)
      .when(ask.resolveHold(80, 'retry'))
      .thenRefused('job-not-held'),
    specification('twice')
      .given(...held, ask.resolveHold(80, 'retry', 'other'))
      .when(ask.resolveHold(81, 'fail'))
      .thenRefused('job-not-held'),
  ]);
});

describe('known commands', () => {
  const command = (n: number) => `c${n}`;
  const requests = (from: number, count: number, seconds: number) =>
    Array.from({ length: count }, (_, n) => by(command(from + n), facts.requested(seconds, 1 + from + n)));
  specify(it, [
    specification('the last 64, however old')
      .given(scheduled, ...requests(0, 64, 1))
      .when(ask.runNow(2 * 86_400, command(0)))
      .thenNothing({ knownRevision: 1 }),
    specification('all of the last day')
      .given(scheduled, ...requests(0, 200, 1))
      .when(ask.runNow(86_000, command(0)))
      .thenNothing({ knownRevision: 1 }),
    specification('an older one that 64 followed is forgotten')
      .given(scheduled, ...requests(0, 1, 1), ...requests(1, 64, 86_500))
      .when(ask.runNow(86_501, command(0)))
      .then(by(command(0), facts.requested(86_501, 66))),
    specification('the revision is that of the last event of the append')
      .given(...running, ask.remove(70, 'r'))
      .when(ask.pause(71, 'r'))
      .thenNothing({ knownRevision: 5 }),
    specification('another end keeps what is known')
      .given(
        scheduled,
        ask.pause(5),
        ask.cancel(6, 'now', 'd'),
        ask.schedule(7, minutely, { renew: true, commandId: 'e' }),
      )
      .when(ask.pause(8))
      .thenNothing({ knownRevision: 1 }),
  ]);
  // On the bus the books would be closed as well.
  specify(
    it,
    [
      specification('at most a thousand')
        .given(scheduled, ...requests(0, 1_001, 1))
        .when(ask.runNow(2, command(0)))
        .then(by(command(0), facts.requested(2, 1_002))),
    ],
    [deciderRunner],
  );
});
