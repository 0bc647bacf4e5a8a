import { specification, specify } from '../../testing/specification';
import {
  anna,
  annaAgain,
  ask,
  at,
  bert,
  by,
  definition,
  everyMinute,
  facts,
  minutely,
  once,
  onceOnly,
  run,
} from './story.fixture';

const scheduled = facts.scheduled(0, minutely, 60);
const bound = facts.bound(1, 1, anna);
const first = run(60, 1, 1, anna);
const started = facts.started(60, first, anna, 120);
const second = run(60, 2, 2, bert);

describe('claim', () => {
  specify(it, [
    specification('not due: bound')
      .given(scheduled)
      .when(ask.claim(10, anna))
      .then(facts.bound(10, 1, anna)),
    specification('due: bound and running')
      .given(scheduled)
      .when(ask.claim(60, anna))
      .then(facts.bound(60, 1, anna), facts.started(60, run(60, 1, 1, anna), anna, 120)),
    specification('several due: the latest runs, the earlier are coalesced before the binding')
      .given(scheduled)
      .when(ask.claim(250, anna))
      .then(
        facts.skipped(250, 'coalesced', [60, 180, 3], 240),
        facts.bound(250, 1, anna),
        facts.started(250, run(240, 1, 1, anna), anna, 300),
      ),
    specification('due, but no place to run it: it accounts for what was missed, and what is to run stays pending')
      .given(scheduled)
      .when(ask.claim(250, anna, false))
      .then(facts.skipped(250, 'coalesced', [60, 180, 3], 240), facts.bound(250, 1, anna)),
    specification('epochs are consecutive')
      .given(scheduled, bound, facts.released(2, 1, anna, 'drain'))
      .when(ask.claim(10, bert))
      .then(facts.bound(10, 2, bert)),
    specification('a slot that waits for its retry is taken over, with its attempts')
      .given(scheduled, bound, started, facts.failed(65, first, 1, 75), facts.released(66, 1, anna, 'drain'))
      .when(ask.claim(80, bert))
      .then(facts.bound(80, 2, bert), facts.started(80, second, bert, 120)),
    specification('… and not started before its time')
      .given(scheduled, bound, started, facts.failed(65, first, 1, 75), facts.released(66, 1, anna, 'drain'))
      .when(ask.claim(70, bert))
      .then(facts.bound(70, 2, bert)),
    specification('a paused job is bound and starts nothing')
      .given(scheduled, facts.paused(5))
      .when(ask.claim(60, anna))
      .then(facts.bound(60, 1, anna)),
    specification('a held job is bound and starts nothing')
      .given(
        scheduled,
        bound,
        started,
        facts.abandoned(70, first, 'hold'),
        facts.held(70, first),
        facts.requeued(70, 1, anna, 'nobody'),
      )
      .when(ask.claim(200, bert))
      .then(facts.bound(200, 2, bert)),
    specification('an owned job is not claimed')
      .given(scheduled, bound)
      .when(ask.claim(10, bert))
      .thenRefused('job-bound'),
    ...[
      { words: 'without the handler', service: { ...anna, handlers: ['other'] } },
      { words: 'that drains', service: { ...anna, life: 'draining' as const } },
      { words: 'that has failed', service: { ...anna, life: 'failed' as const } },
      { words: 'that has stopped', service: { ...anna, life: 'stopped' as const } },
    ].map(({ words, service }) =>
      specification(`a service ${words} gets nothing`)
        .given(scheduled)
        .when(ask.claim(10, service))
        .thenRefused('service-ineligible', { field: 'serviceId' }),
    ),
    specification('a service without the labels gets nothing')
      .given(facts.scheduled(0, definition({ tag: { name: 'anna' } }), 60))
      .when(ask.claim(10, bert))
      .thenRefused('service-ineligible'),
    specification('… unless the tag is only preferred')
      .given(facts.scheduled(0, definition({ tag: { name: 'anna' }, affinity: 'preferred' }), 60))
      .when(ask.claim(10, bert))
      .then(facts.bound(10, 1, bert)),
    specification('with maxRuns, slots past the last one do not exist')
      .given(facts.scheduled(0, definition({ schedule: { ...everyMinute, maxRuns: 3 } }), 60))
      .when(ask.claim(1_000, anna))
      .then(
        facts.skipped(1_000, 'coalesced', [60, 120, 2], 180),
        facts.bound(1_000, 1, anna),
        facts.started(1_000, run(180, 1, 1, anna), anna, null),
      ),
    specification('an end ends the slots too')
      .given(facts.scheduled(0, definition({ schedule: { ...everyMinute, end: at(180) } }), 60))
      .when(ask.claim(1_000, anna))
      .then(
        facts.skipped(1_000, 'coalesced', [60, 60, 1], 120),
        facts.bound(1_000, 1, anna),
        facts.started(1_000, run(120, 1, 1, anna), anna, null),
      ),
  ]);
});

describe('operator’s move', () => {
  specify(it, [
    specification('an unbound job is bound')
      .given(scheduled)
      .when(ask.move(10, bert))
      .then(by('c', facts.bound(10, 1, bert, 'operator'))),
    specification('an idle job is released for its new owner and bound, even when something is due')
      .given(scheduled, bound)
      .when(ask.move(200, bert))
      .then(
        by('c', facts.released(200, 1, anna, 'moved', bert.serviceId)),
        by('c', facts.skipped(200, 'coalesced', [60, 120, 2], 180)),
        by('c', facts.bound(200, 2, bert, 'operator')),
      ),
    specification('a job that waits for its retry is idle')
      .given(scheduled, bound, started, facts.failed(65, first, 1, 75))
      .when(ask.move(80, bert))
      .then(
        by('c', facts.released(80, 1, anna, 'moved', bert.serviceId)),
        by('c', facts.bound(80, 2, bert, 'operator')),
      ),
    specification('never with an open run')
      .given(scheduled, bound, started)
      .when(ask.move(70, bert))
      .thenRefused('run-open'),
    specification('to its owner: it is so already').given(scheduled, bound).when(ask.move(10, anna)).thenNothing(),
    specification('… also while it runs there').given(scheduled, bound, started).when(ask.move(70, anna)).thenNothing(),
    specification('to another life of its owner')
      .given(scheduled, bound)
      .when(ask.move(10, annaAgain))
      .then(
        by('c', facts.released(10, 1, anna, 'moved', anna.serviceId)),
        by('c', facts.bound(10, 2, annaAgain, 'operator')),
      ),
    specification('to a service that is not eligible')
      .given(facts.scheduled(0, definition({ tag: { name: 'anna' } }), 60), bound)
      .when(ask.move(10, bert))
      .thenRefused('service-ineligible'),
    specification('the same command again adds nothing')
      .given(scheduled, bound, ask.move(10, bert), facts.released(20, 2, bert, 'drain'), facts.bound(21, 3, anna))
      .when(ask.move(30, bert))
      .thenNothing({ knownRevision: 3 }),
  ]);
});

describe('release', () => {
  specify(it, [
    specification('drain, idle')
      .given(scheduled, bound)
      .when(ask.release(10, 1, anna))
      .then(facts.released(10, 1, anna, 'drain')),
    specification('no longer eligible, idle')
      .given(scheduled, bound)
      .when(ask.release(10, 1, anna, 'ineligible'))
      .then(facts.released(10, 1, anna, 'ineligible')),
    ...(['home', 'rebalance'] as const).map((reason) =>
      specification(`hand-over for ${reason}`)
        .given(scheduled, bound)
        .when(ask.release(10, 1, anna, reason, bert.serviceId))
        .then(facts.released(10, 1, anna, reason, bert.serviceId)),
    ),
    specification('a hand-over names its target')
      .given(scheduled, bound)
      .when(ask.release(10, 1, anna, 'home'))
      .thenRefused('target', { field: 'target' }),
    specification('… and another service than the owner')
      .given(scheduled, bound)
      .when(ask.release(10, 1, anna, 'home', anna.serviceId))
      .thenRefused('target'),
    specification('a paused job is released')
      .given(scheduled, bound, facts.paused(5))
      .when(ask.release(10, 1, anna))
      .then(facts.released(10, 1, anna, 'drain')),
    specification('never with an open run')
      .given(scheduled, bound, started)
      .when(ask.release(70, 1, anna))
      .thenRefused('run-open'),
    specification('not by another service')
      .given(scheduled, bound)
      .when(ask.release(10, 1, bert))
      .thenRefused('wrong-owner', { field: 'incarnation' }),
    specification('not by another life of the owner')
      .given(scheduled, bound)
      .when(ask.release(10, 1, annaAgain))
      .thenRefused('wrong-owner'),
    specification('not by the owner under another name')
      .given(scheduled, bound)
      .when(ask.release(10, 1, { ...anna, serviceId: 'anton@host' }))
      .thenRefused('wrong-owner', { field: 'serviceId' }),
    specification('not of another epoch')
      .given(scheduled, bound)
      .when(ask.release(10, 2, anna))
      .thenRefused('wrong-epoch', { field: 'epoch' }),
    specification('not twice')
      .given(scheduled, bound, facts.released(5, 1, anna, 'drain'))
      .when(ask.release(10, 1, anna))
      .thenRefused('job-unbound'),
  ]);
});

describe('the owner is gone', () => {
  const nobody = 'nobody has the handler';
  const onLoss = (onOwnerLoss: 'fail' | 'hold', schedule = minutely.schedule) =>
    definition({ schedule }, { onOwnerLoss });
  const running = [scheduled, bound, started];
  const runningOnce = [facts.scheduled(0, onceOnly, 0), bound, facts.started(2, run(0, 1, 1, anna), anna, null)];
  const runningUnder = (policy: 'fail' | 'hold') => [facts.scheduled(0, onLoss(policy), 60), bound, started];
  const onceUnder = (policy: 'fail' | 'hold') => [
    facts.scheduled(0, onLoss(policy, once), 0),
    bound,
    facts.started(2, run(0, 1, 1, anna), anna, null),
  ];
  specify(it, [
    specification('idle, not due')
      .given(scheduled, bound)
      .when(ask.requeue(10, anna, bert))
      .then(facts.requeued(10, 1, anna), facts.bound(10, 2, bert, 'requeue')),
    specification('idle, due')
      .given(scheduled, bound)
      .when(ask.requeue(60, anna, bert))
      .then(
        facts.requeued(60, 1, anna),
        facts.bound(60, 2, bert, 'requeue'),
        facts.started(60, run(60, 1, 2, bert), bert, 120),
      ),
    specification('idle, several due')
      .given(scheduled, bound)
      .when(ask.requeue(185, anna, bert))
      .then(
        facts.requeued(185, 1, anna),
        facts.skipped(185, 'coalesced', [60, 120, 2], 180),
        facts.bound(185, 2, bert, 'requeue'),
        facts.started(185, run(180, 1, 2, bert), bert, 240),
      ),
    specification('idle, due, but no place to run it')
      .given(scheduled, bound)
      .when(ask.requeue(60, anna, bert, { start: false }))
      .then(facts.requeued(60, 1, anna), facts.bound(60, 2, bert, 'requeue')),
    specification('idle and paused: it moves, and starts nothing')
      .given(scheduled, bound, facts.paused(5))
      .when(ask.requeue(60, anna, bert))
      .then(facts.requeued(60, 1, anna), facts.bound(60, 2, bert, 'requeue')),
    specification('waiting for a retry: it moves, and starts when that is due')
      .given(...running, facts.failed(65, first, 1, 75))
      .when(ask.requeue(70, anna, bert))
      .then(facts.requeued(70, 1, anna), facts.bound(70, 2, bert, 'requeue')),
    specification('held: it moves, and stays held')
      .given(
        ...runningUnder('hold'),
        facts.abandoned(70, first, 'hold'),
        facts.held(70, first),
        facts.requeued(70, 1, anna),
        facts.bound(70, 2, bert),
      )
      .when(ask.requeue(80, bert, annaAgain))
      .then(facts.requeued(80, 2, bert), facts.bound(80, 3, annaAgain, 'requeue')),
    specification('running: the slot runs again elsewhere')
      .given(...running)
      .when(ask.requeue(70, anna, bert))
      .then(
        facts.abandoned(70, first, 'ownerFailed'),
        facts.requeued(70, 1, anna),
        facts.bound(70, 2, bert, 'requeue'),
        facts.started(70, second, bert, 120),
      ),
    specification('running, stopped or marked: no crash')
      .given(...running)
      .when(ask.requeue(70, anna, bert, { cause: 'stopped', crashes: 1 }))
      .then(
        facts.abandoned(70, first, 'ownerStopped'),
        facts.requeued(70, 1, anna, null, 'stopped'),
        facts.bound(70, 2, bert, 'requeue'),
        facts.started(70, second, bert, 120),
      ),
    specification('running, marked by an operator')
      .given(...running)
      .when(ask.requeue(70, anna, bert, { cause: 'marked', crashes: 1 }))
      .then(
        facts.abandoned(70, first, 'ownerMarked'),
        facts.requeued(70, 1, anna, null, 'marked'),
        facts.bound(70, 2, bert, 'requeue'),
        facts.started(70, second, bert, 120),
      ),
    specification('running, of an owner that nothing registers: no crash')
      .given(...running)
      .when(ask.requeue(70, anna, bert, { cause: 'unregistered', crashes: 1 }))
      .then(
        facts.abandoned(70, first, 'ownerUnregistered'),
        facts.requeued(70, 1, anna, null, 'unregistered'),
        facts.bound(70, 2, bert, 'requeue'),
        facts.started(70, second, bert, 120),
      ),
    specification('running and paused: the slot waits for its resume')
      .given(...running, facts.paused(65))
      .when(ask.requeue(70, anna, bert))
      .then(
        facts.abandoned(70, first, 'ownerFailed'),
        facts.requeued(70, 1, anna),
        facts.bound(70, 2, bert, 'requeue'),
      ),
    specification('the last slot of a job runs again too')
      .given(...runningOnce)
      .when(ask.requeue(70, anna, bert))
      .then(
        facts.abandoned(70, run(0, 1, 1, anna), 'ownerFailed'),
        facts.requeued(70, 1, anna),
        facts.bound(70, 2, bert, 'requeue'),
        facts.started(70, run(0, 2, 2, bert), bert, null),
      ),
    specification('to another life of the same service')
      .given(...running)
      .when(ask.requeue(70, anna, annaAgain))
      .then(
        facts.abandoned(70, first, 'ownerFailed'),
        facts.requeued(70, 1, anna),
        facts.bound(70, 2, annaAgain, 'requeue'),
        facts.started(70, run(60, 2, 2, annaAgain), annaAgain, 120),
      ),
    specification('fail: the slot has ended')
      .given(...runningUnder('fail'))
      .when(ask.requeue(70, anna, bert))
      .then(facts.abandoned(70, first, 'fail'), facts.requeued(70, 1, anna), facts.bound(70, 2, bert, 'requeue')),
    specification('fail, once: the job has ended')
      .given(...onceUnder('fail'))
      .when(ask.requeue(70, anna, bert))
      .then(
        facts.abandoned(70, run(0, 1, 1, anna), 'fail'),
        facts.requeued(70, 1, anna),
        facts.completed(70, 'failed'),
      ),
    specification('fail, once, nobody eligible: the same')
      .given(...onceUnder('fail'))
      .when(ask.requeue(70, anna, null))
      .then(
        facts.abandoned(70, run(0, 1, 1, anna), 'fail'),
        facts.requeued(70, 1, anna),
        facts.completed(70, 'failed'),
      ),
    specification('hold: an operator must judge')
      .given(...runningUnder('hold'))
      .when(ask.requeue(130, anna, bert))
      .then(
        facts.abandoned(130, first, 'hold'),
        facts.held(130, first),
        facts.requeued(130, 1, anna),
        facts.bound(130, 2, bert, 'requeue'),
      ),
    specification('hold, nobody eligible')
      .given(...onceUnder('hold'))
      .when(ask.requeue(70, anna, null))
      .then(
        facts.abandoned(70, run(0, 1, 1, anna), 'hold'),
        facts.held(70, run(0, 1, 1, anna)),
        facts.requeued(70, 1, anna, nobody),
      ),
    specification('nobody eligible, idle')
      .given(scheduled, bound)
      .when(ask.requeue(70, anna, null))
      .then(facts.requeued(70, 1, anna, nobody)),
    specification('nobody eligible, running')
      .given(...running)
      .when(ask.requeue(70, anna, null))
      .then(facts.abandoned(70, first, 'ownerFailed'), facts.requeued(70, 1, anna, nobody)),
    specification('not from one who is not the owner')
      .given(...running)
      .when(ask.requeue(70, bert, anna))
      .thenRefused('wrong-owner', { field: 'incarnation' }),
    specification('not from another life of the owner')
      .given(...running)
      .when(ask.requeue(70, annaAgain, bert))
      .thenRefused('wrong-owner'),
    specification('not twice')
      .given(...running, ask.requeue(70, anna, null))
      .when(ask.requeue(71, anna, bert))
      .thenRefused('job-unbound'),
    specification('not to a service that is gone itself')
      .given(...running)
      .when(ask.requeue(70, anna, { ...bert, life: 'failed' }))
      .thenRefused('service-ineligible'),
  ]);
});
