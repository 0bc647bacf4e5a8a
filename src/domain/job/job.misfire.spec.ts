import { specification, specify } from '../../testing/specification';
import type { JobPolicies } from './definition';
import { canonicalMisfire, type MisfireInput } from './misfire';
import { anna, ask, at, bert, by, definition, everyMinute, facts, minutely, once, run, slotAt } from './story.fixture';

/** Slots that nobody started in time: minutes after noon, as seconds. */

const job = (misfire: MisfireInput, schedule = everyMinute, policies: Partial<JobPolicies> = {}) =>
  definition({ schedule }, { misfire: canonicalMisfire(misfire), ...policies });
const scheduled = (misfire: MisfireInput) => facts.scheduled(0, job(misfire), 60);
const bound = facts.bound(1, 1, anna);
const of = (seconds: number, epoch = 1, who = anna) => run(seconds, 1, epoch, who);
const started = (at: number, slot: number, next: number, backlogTo?: number) =>
  facts.started(at, of(slot), anna, next, backlogTo === undefined ? {} : { backlogTo: slotAt(backlogTo) });

const earliest = { policy: 'once', run: 'earliest' } as const;

describe('misfire once', () => {
  specify(it, [
    specification('the latest slot is run, and the earlier are coalesced into it')
      .given(scheduled('once'), bound)
      .when(ask.start(250, 1, anna))
      .then(facts.skipped(250, 'coalesced', [60, 180, 3], 240), started(250, 240, 300)),
    specification('the earliest slot is run, and the later are coalesced into it, in the same append')
      .given(scheduled(earliest), bound)
      .when(ask.start(250, 1, anna))
      .then(started(250, 60, 120), facts.skipped(250, 'coalesced', [120, 240, 3], 300)),
    specification('… and what falls during that run is skipped as overlap')
      .given(scheduled(earliest), bound, ask.start(250, 1, anna))
      .when(ask.complete(310, of(60)))
      .then(facts.succeeded(310, of(60)), facts.skipped(310, 'overlap', [300, 300, 1], 360)),
    specification('below the threshold nothing is missed: the latest slot is run')
      .given(scheduled({ ...earliest, thresholdMs: 190_000 }), bound)
      .when(ask.start(250, 1, anna))
      .then(facts.skipped(250, 'coalesced', [60, 180, 3], 240), started(250, 240, 300)),
    specification('maxRuns counts what was coalesced')
      .given(facts.scheduled(0, job(earliest, { ...everyMinute, maxRuns: 3 }), 60), bound)
      .when(ask.start(250, 1, anna))
      .then(started(250, 60, 120), facts.skipped(250, 'coalesced', [120, 180, 2], null)),
  ]);
});

describe('misfire skip', () => {
  const skip = { policy: 'skip', thresholdMs: 30_000 } as const;
  specify(it, [
    specification('what is due for longer than the threshold is skipped; the rest is late, and runs')
      .given(scheduled(skip), bound)
      .when(ask.start(250, 1, anna))
      .then(facts.skipped(250, 'misfire', [60, 180, 3], 240), started(250, 240, 300)),
    specification('at the threshold a slot is late, not missed')
      .given(scheduled(skip), bound)
      .when(ask.start(90, 1, anna))
      .then(started(90, 60, 120)),
    specification('a millisecond later it is missed, and nothing is started')
      .given(scheduled(skip), bound)
      .when(ask.start(90.001, 1, anna))
      .then(facts.skipped(90.001, 'misfire', [60, 60, 1], 120)),
    specification('several slots below the threshold are one run')
      .given(scheduled({ policy: 'skip', thresholdMs: 130_000 }), bound)
      .when(ask.start(250, 1, anna))
      .then(
        facts.skipped(250, 'misfire', [60, 60, 1], 120),
        facts.skipped(250, 'coalesced', [120, 180, 2], 240),
        started(250, 240, 300),
      ),
    specification('when the last slot is missed the job has ended: it has failed if it never ran')
      .given(facts.scheduled(0, job(skip, { ...everyMinute, maxRuns: 2 }), 60), bound)
      .when(ask.start(250, 1, anna))
      .then(facts.skipped(250, 'misfire', [60, 120, 2], null), facts.completed(250, 'failed')),
    specification('… and as its last run, if it did')
      .given(facts.scheduled(0, job(skip, { ...everyMinute, maxRuns: 2 }), 60), bound)
      .given(ask.start(60, 1, anna), ask.complete(61, of(60)))
      .when(ask.claim(250, bert))
      .thenRefused('job-bound'),
    specification('a claim that finds nothing left to run ends the job, and does not bind it')
      .given(facts.scheduled(0, job(skip, { ...everyMinute, maxRuns: 2 }), 60))
      .when(ask.claim(250, anna))
      .then(facts.skipped(250, 'misfire', [60, 120, 2], null), facts.completed(250, 'failed')),
    specification('the job that is asked for as soon as possible is never missed')
      .given(facts.scheduled(0, definition({ schedule: once }, { misfire: 'skip' }), 0))
      .when(ask.claim(86_400, anna))
      .then(facts.bound(86_400, 1, anna), facts.started(86_400, of(0), anna, null)),
    specification('a slot that runs already is not missed, whoever died: its next attempt is no misfire')
      .given(scheduled(skip), bound, started(60, 60, 120))
      .when(ask.requeue(600, anna, bert))
      .then(
        facts.abandoned(600, of(60), 'ownerFailed'),
        facts.requeued(600, 1, anna),
        facts.bound(600, 2, bert, 'requeue'),
        facts.started(600, run(60, 2, 2, bert), bert, 120),
      ),
  ]);
});

describe('misfire all', () => {
  specify(it, [
    specification('what falls just when the last run of a backlog begins comes after it, too')
      .given(scheduled('all'), bound, ask.start(130, 1, anna), ask.complete(180, of(60), { startNext: true }))
      .when(ask.complete(200, of(120), { startNext: true }))
      .then(facts.succeeded(200, of(120)), started(200, 180, 240)),
    specification('a slot that falls just when a run of the backlog ends fell during it: it comes after the backlog')
      .given(scheduled('all'), bound, ask.start(190, 1, anna))
      .when(ask.complete(240, of(60), { startNext: true }))
      .then(facts.succeeded(240, of(60)), started(240, 120, 180, 180)),
    specification('what is just as old as the maximal age is run')
      .given(scheduled({ policy: 'all', maxAgeMs: 130_000 }), bound)
      .when(ask.start(250, 1, anna))
      .then(facts.skipped(250, 'tooOld', [60, 60, 1], 120), started(250, 120, 180, 240)),
    specification('the oldest slot is run first, and the log says how far the backlog goes')
      .given(scheduled('all'), bound)
      .when(ask.start(250, 1, anna))
      .then(started(250, 60, 120, 240)),
    specification('the next of them is run at once after it')
      .given(scheduled('all'), bound, ask.start(250, 1, anna))
      .when(ask.complete(255, of(60), { startNext: true }))
      .then(facts.succeeded(255, of(60)), started(255, 120, 180, 240)),
    specification('what falls while the backlog is worked off waits behind it')
      .given(scheduled('all'), bound, ask.start(250, 1, anna))
      .when(ask.complete(310, of(60), { startNext: true }))
      .then(facts.succeeded(310, of(60)), started(310, 120, 180, 240)),
    specification('the last of the backlog leaves none')
      .given(scheduled('all'), bound, ask.start(190, 1, anna), ask.complete(191, of(60)))
      .given(ask.start(191, 1, anna), ask.complete(192, of(120)))
      .when(ask.start(192, 1, anna))
      .then(started(192, 180, 240)),
    specification('what fell while it was worked off is missed, too, and follows')
      .given(scheduled('all'), bound, ask.start(130, 1, anna), ask.complete(185, of(60), { startNext: true }))
      .when(ask.complete(245, of(120), { startNext: true }))
      .then(facts.succeeded(245, of(120)), started(245, 180, 240, 240)),
    specification('… but where two slots fall within one run the job would never be done: they are overlap')
      .given(scheduled('all'), bound, ask.start(130, 1, anna), ask.complete(185, of(60), { startNext: true }))
      .when(ask.complete(305, of(120), { startNext: true }))
      .then(facts.succeeded(305, of(120)), facts.skipped(305, 'overlap', [180, 300, 3], 360)),
    specification('a slot that falls during a run that was in time is overlap, as ever')
      .given(scheduled('all'), bound, started(60, 60, 120))
      .when(ask.complete(130, of(60), { startNext: true }))
      .then(facts.succeeded(130, of(60)), facts.skipped(130, 'overlap', [120, 120, 1], 180)),
    specification('more than the cap: the oldest are skipped')
      .given(scheduled({ policy: 'all', cap: 2 }), bound)
      .when(ask.start(310, 1, anna))
      .then(facts.skipped(310, 'overCap', [60, 180, 3], 240), started(310, 240, 300, 300)),
    specification('older than the maximal age: skipped')
      .given(scheduled({ policy: 'all', maxAgeMs: 120_000 }), bound)
      .when(ask.start(310, 1, anna))
      .then(facts.skipped(310, 'tooOld', [60, 180, 3], 240), started(310, 240, 300, 300)),
    specification('… also those that grew too old in the backlog')
      .given(scheduled({ policy: 'all', maxAgeMs: 120_000 }), bound, ask.start(190, 1, anna))
      .when(ask.complete(305, of(120), { startNext: true }))
      .then(
        facts.succeeded(305, of(120)),
        facts.skipped(305, 'tooOld', [180, 180, 1], 240),
        started(305, 240, 300, 300),
      ),
    specification('both: age first, then the cap')
      .given(scheduled({ policy: 'all', maxAgeMs: 200_000, cap: 1 }), bound)
      .when(ask.start(310, 1, anna))
      .then(
        facts.skipped(310, 'tooOld', [60, 60, 1], 120),
        facts.skipped(310, 'overCap', [120, 240, 3], 300),
        started(310, 300, 360),
      ),
    specification('a retry keeps its place in the backlog')
      .given(scheduled('all'), bound, ask.start(250, 1, anna), ask.fail(255, of(60)))
      .when(ask.start(265, 1, anna))
      .then(facts.started(265, run(60, 2, 1, anna), anna, 120, {})),
    specification('the next owner goes on with it')
      .given(scheduled('all'), bound, ask.start(250, 1, anna), ask.complete(255, of(60)))
      .when(ask.requeue(262, anna, bert))
      .then(
        facts.requeued(262, 1, anna),
        facts.bound(262, 2, bert, 'requeue'),
        facts.started(262, of(120, 2, bert), bert, 180, { backlogTo: slotAt(240) }),
      ),
    specification('… and what was missed while nobody owned it joins it')
      .given(scheduled('all'), bound, ask.start(250, 1, anna), ask.complete(255, of(60)))
      .when(ask.requeue(370, anna, bert))
      .then(
        facts.requeued(370, 1, anna),
        facts.bound(370, 2, bert, 'requeue'),
        facts.started(370, of(120, 2, bert), bert, 180, { backlogTo: slotAt(360) }),
      ),
    specification('a year of seconds: ranges, not slots')
      .given(
        facts.scheduled(0, job({ policy: 'all', cap: 3 }, { ...everyMinute, everyMs: 1_000 }), 1),
        facts.bound(1, 1, anna),
      )
      .when(ask.start(31_536_000, 1, anna))
      .then(
        facts.skipped(31_536_000, 'overCap', [1, 31_535_997, 31_535_997], 31_535_998),
        facts.started(31_536_000, of(31_535_998), anna, 31_535_999, { backlogTo: slotAt(31_536_000) }),
      ),
  ]);
});

describe('the next owner accounts for what was missed, in the append that binds', () => {
  const skip = { policy: 'skip', thresholdMs: 30_000 } as const;
  specify(it, [
    specification('skip, also without a start')
      .given(scheduled(skip))
      .when(ask.claim(200, anna, false))
      .then(facts.skipped(200, 'misfire', [60, 120, 2], 180), facts.bound(200, 1, anna)),
    specification('skip, with a start')
      .given(scheduled(skip), bound)
      .when(ask.requeue(200, anna, bert))
      .then(
        facts.requeued(200, 1, anna),
        facts.skipped(200, 'misfire', [60, 120, 2], 180),
        facts.bound(200, 2, bert, 'requeue'),
        facts.started(200, of(180, 2, bert), bert, 240),
      ),
    specification('all: what is beyond cap and age')
      .given(scheduled({ policy: 'all', cap: 1 }))
      .when(ask.claim(200, anna, false))
      .then(facts.skipped(200, 'overCap', [60, 120, 2], 180), facts.bound(200, 1, anna)),
    specification('earliest: nothing, for the run comes first')
      .given(scheduled(earliest))
      .when(ask.claim(200, anna, false))
      .then(facts.bound(200, 1, anna)),
    specification('not while it is paused: what falls in a pause is accounted for on resume')
      .given(scheduled(skip), facts.paused(10))
      .when(ask.claim(200, anna))
      .then(facts.bound(200, 1, anna)),
    specification('not while a slot waits for its retry: what falls then is overlap')
      .given(scheduled(skip), bound, started(60, 60, 120), facts.failed(65, of(60), 1, 500))
      .when(ask.requeue(200, anna, bert))
      .then(facts.requeued(200, 1, anna), facts.bound(200, 2, bert, 'requeue')),
    specification('a run on request goes first, and what is to be run is run after it')
      .given(scheduled('once'), facts.requested(10, 1))
      .when(ask.claim(200, anna))
      .then(
        facts.skipped(200, 'coalesced', [60, 120, 2], 180),
        facts.bound(200, 1, anna),
        facts.started(200, run('manual:1', 1, 1, anna), anna, 180),
      ),
  ]);
});

describe('a pause', () => {
  const paused = (misfire: MisfireInput) => [scheduled(misfire), bound, facts.paused(10)] as const;
  const onResume = (policy: 'skip' | 'once' | 'all', how: 'skip' | 'once' | 'all') =>
    ({ policy, onResume: how }) as const;
  specify(it, [
    specification(
      'one run for a pause is that of its earliest slot, where the policy says so, however short the threshold finds it',
    )
      .given(...paused({ ...earliest, thresholdMs: 1_000_000, onResume: 'once' }), ask.resume(190))
      .when(ask.start(200, 1, anna))
      .then(started(200, 60, 120), facts.skipped(200, 'coalesced', [120, 180, 2], 240)),
    specification('what fell in it is skipped, unless the job says otherwise, whatever it does with other missed slots')
      .given(...paused('all'))
      .when(ask.resume(190))
      .then(by('c', facts.skipped(190, 'paused', [60, 180, 3], 240)), by('c', facts.resumed(190, 240))),
    specification('onResume once: one run is to follow')
      .given(...paused(onResume('skip', 'once')))
      .when(ask.resume(190))
      .then(by('c', facts.resumed(190, 60, { to: slotAt(180), policy: 'once' }))),
    specification('… however late it is: the policy of the job does not skip it')
      .given(...paused(onResume('skip', 'once')), ask.resume(190))
      .when(ask.start(220, 1, anna))
      .then(facts.skipped(220, 'coalesced', [60, 120, 2], 180), started(220, 180, 240)),
    specification('… and what is due by then is coalesced into it')
      .given(...paused(onResume('skip', 'once')), ask.resume(190))
      .when(ask.start(300, 1, anna))
      .then(
        facts.skipped(300, 'coalesced', [60, 120, 2], 180),
        started(300, 180, 240),
        facts.skipped(300, 'coalesced', [240, 300, 2], 360),
      ),
    specification('… or run after it, where the policy of the job is all')
      .given(...paused(onResume('all', 'once')), ask.resume(190))
      .when(ask.start(300, 1, anna))
      .then(facts.skipped(300, 'coalesced', [60, 120, 2], 180), started(300, 180, 240, 300)),
    specification('… also when the job gets another owner first')
      .given(...paused(onResume('skip', 'once')), ask.resume(190), ask.requeue(500, anna, bert, { start: false }))
      .when(ask.start(500, 2, bert))
      .then(facts.started(500, of(180, 2, bert), bert, 240), facts.skipped(500, 'coalesced', [240, 480, 5], 540)),
    specification('onResume all: each is to be run')
      .given(...paused(onResume('once', 'all')), ask.resume(190))
      .when(ask.start(191, 1, anna))
      .then(started(191, 60, 120, 180)),
    specification('… one after the other, and what falls meanwhile is the policy’s of the job')
      .given(...paused({ ...onResume('once', 'all'), cap: 2 }), ask.resume(190), ask.start(191, 1, anna))
      .given(ask.complete(200, of(120), { startNext: true }))
      .when(ask.complete(310, of(180), { startNext: true }))
      .then(facts.succeeded(310, of(180)), facts.skipped(310, 'overlap', [240, 300, 2], 360)),
    specification('a pause within a backlog: onResume says what becomes of it')
      .given(scheduled('all'), bound, ask.start(250, 1, anna), ask.complete(255, of(60)), ask.pause(256, 'p'))
      .when(ask.resume(300))
      .then(by('c', facts.skipped(300, 'paused', [120, 300, 4], 360)), by('c', facts.resumed(300, 360))),
    specification('a one-time job is not lost to a pause')
      .given(facts.scheduled(0, definition({ schedule: { ...once, at: at(60) } }), 60), bound, facts.paused(10))
      .when(ask.resume(190))
      .then(by('c', facts.resumed(190, 60))),
    specification('a hold within a backlog does not skip it')
      .given(
        facts.scheduled(0, job('all', everyMinute, { onOwnerLoss: 'hold' }), 60),
        bound,
        ...[ask.start(190, 1, anna), ask.requeue(200, anna, bert)],
      )
      .when(ask.resolveHold(250, 'succeeded'))
      .then(by('c', facts.holdResolved(250, of(60), 'succeeded', 120))),
    specification('when the last slots fell during it, a job that never ran has failed')
      .given(facts.scheduled(0, job('once', { ...everyMinute, maxRuns: 2 }), 60), facts.paused(10))
      .when(ask.resume(190))
      .then(
        by('c', facts.skipped(190, 'paused', [60, 120, 2], null)),
        by('c', facts.resumed(190, null)),
        by('c', facts.completed(190, 'failed')),
      ),
    specification('… and one that ran has ended as its last run did')
      .given(facts.scheduled(0, job('once', { ...everyMinute, maxRuns: 2 }), 60), bound)
      .given(started(60, 60, 120), facts.succeeded(61, of(60)), facts.paused(70))
      .when(ask.resume(190))
      .then(
        by('c', facts.skipped(190, 'paused', [120, 120, 1], null)),
        by('c', facts.resumed(190, null)),
        by('c', facts.completed(190, 'succeeded')),
      ),
    specification('… not as that of a former life')
      .given(scheduled('once'), bound, started(60, 60, 120), facts.succeeded(61, of(60)), facts.cancelled(62))
      .given(facts.scheduled(70, job('once', { ...everyMinute, maxRuns: 1 }), 130, { renewed: true }), facts.paused(80))
      .when(ask.resume(190))
      .then(
        by('c', facts.skipped(190, 'paused', [130, 130, 1], null)),
        by('c', facts.resumed(190, null)),
        by('c', facts.completed(190, 'failed')),
      ),
  ]);
});

describe('another definition', () => {
  specify(it, [
    specification('another schedule: what was missed is skipped, a backlog, too')
      .given(scheduled('all'), bound, ask.start(250, 1, anna), ask.complete(255, of(60)))
      .when(ask.reschedule(260, job('all', { ...everyMinute, everyMs: 3_600_000 })))
      .then(
        by('c', facts.skipped(260, 'rescheduled', [120, 240, 3], 300)),
        by('c', facts.rescheduled(260, job('all', { ...everyMinute, everyMs: 3_600_000 }), 3_860)),
      ),
    specification('another policy holds at once, also for what is missed already')
      .given(scheduled('all'), bound, ask.start(250, 1, anna), ask.complete(255, of(60)))
      .given(ask.reschedule(256, job({ policy: 'skip', thresholdMs: 30_000 })))
      .when(ask.start(257, 1, anna))
      .then(
        facts.skipped(257, 'misfire', [120, 180, 2], 240),
        facts.started(257, of(240), anna, 300, { definitionRevision: 4 }),
      ),
    specification('a definition that keeps both keeps its backlog')
      .given(scheduled('all'), bound, ask.start(250, 1, anna), ask.complete(255, of(60)))
      .given(ask.reschedule(256, { ...job('all'), payload: 'other' }))
      .when(ask.start(257, 1, anna))
      .then(facts.started(257, of(120), anna, 180, { definitionRevision: 4, backlogTo: slotAt(240) })),
  ]);
});

describe('canonical form', () => {
  it('equal rules are equal, and what is as by default is a word', () => {
    expect(canonicalMisfire({ policy: 'once', run: 'latest' })).toBe('once');
    expect(canonicalMisfire({ policy: 'skip', thresholdMs: 60_000, onResume: 'skip' })).toBe('skip');
    expect(canonicalMisfire({ policy: 'all', cap: 5 })).toEqual(
      canonicalMisfire({ cap: 5, policy: 'all', maxAgeMs: null }),
    );
    expect(canonicalMisfire(canonicalMisfire(earliest))).toEqual(canonicalMisfire(earliest));
    expect(minutely.policies.misfire).toBe('once');
  });
});
