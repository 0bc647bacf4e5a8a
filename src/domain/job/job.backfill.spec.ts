import { specification, specify } from '../../testing/specification';
import { backfilledInstant } from './events';
import { dueAt } from './inspect';
import { fold } from './evolve';
import type { JobRecord } from './state';
import {
  anna,
  ask,
  at,
  bert,
  by,
  definition,
  everyMinute,
  facts,
  minutely,
  onceOnly,
  run,
  slotAt,
} from './story.fixture';

/** Windows of the past: seconds after noon. */

const scheduled = facts.scheduled(0, minutely, 60);
const bound = facts.bound(1, 1, anna);
const upTo = (seconds: number) => facts.skipped(seconds, 'paused', [60, 240, 4], 300);
const backfill = (revision: number, of: number) => run(`backfill:${revision}:${slotAt(of)}`, 1, 1, anna);
const scarce = definition({ schedule: { ...everyMinute, maxRuns: 5 } });

describe('backfill', () => {
  specify(it, [
    specification('a run is asked for of each slot in [from, to), the oldest first')
      .given(scheduled, bound, upTo(250))
      .when(ask.backfill(255, 60, 240))
      .then(
        by('c', facts.backfilled(255, 3, 60)),
        by('c', facts.backfilled(255, 4, 120)),
        by('c', facts.backfilled(255, 5, 180)),
      ),
    specification('the beat of an interval reaches back before the job was made')
      .given(scheduled)
      .when(ask.backfill(10, -120, 0))
      .then(by('c', facts.backfilled(10, 1, -120)), by('c', facts.backfilled(10, 2, -60))),
    specification('the same command again adds nothing')
      .given(scheduled, ask.backfill(130, 0, 120, 100, 'twice'))
      .when(ask.backfill(140, 0, 120, 100, 'twice'))
      .thenNothing({ knownRevision: 2 }),
    specification('the owner starts them one after the other')
      .given(scheduled, bound, upTo(250), ask.backfill(255, 60, 180), ask.start(256, 1, anna))
      .when(ask.complete(258, backfill(3, 60), { startNext: true }))
      .then(facts.succeeded(258, backfill(3, 60)), facts.started(258, backfill(4, 120), anna, 300)),
    specification('a scheduled slot that is due goes first')
      .given(scheduled, bound, upTo(250), ask.backfill(255, 60, 180))
      .when(ask.start(301, 1, anna))
      .then(facts.started(301, run(300, 1, 1, anna), anna, 360)),
    specification('a run on request goes first, too')
      .given(scheduled, bound, upTo(250), ask.backfill(255, 60, 180), ask.runNow(256, 'now'))
      .when(ask.start(257, 1, anna))
      .then(facts.started(257, run('manual:5', 1, 1, anna), anna, 300)),
    specification('a scheduled slot that falls during a backfill is no overlap: it is run next, late')
      .given(scheduled, bound, upTo(250), ask.backfill(255, 60, 180), ask.start(256, 1, anna))
      .when(ask.complete(305, backfill(3, 60), { startNext: true }))
      .then(facts.succeeded(305, backfill(3, 60)), facts.started(305, run(300, 1, 1, anna), anna, 360)),
    specification('it is retried like any other')
      .given(scheduled, bound, upTo(250), ask.backfill(255, 60, 180), ask.start(256, 1, anna))
      .when(ask.fail(258, backfill(3, 60)))
      .then(facts.failed(258, backfill(3, 60), 1, 268)),
    specification('it is taken over like any other')
      .given(scheduled, bound, upTo(250), ask.backfill(255, 60, 120), ask.start(256, 1, anna))
      .when(ask.requeue(262, anna, bert))
      .then(
        facts.abandoned(262, backfill(3, 60), 'ownerFailed'),
        facts.requeued(262, 1, anna),
        facts.bound(262, 2, bert, 'requeue'),
        facts.started(262, { ...backfill(3, 60), attempt: 2, epoch: 2, incarnation: bert.incarnation }, bert, 300),
      ),
    specification('it counts for nothing in maxRuns, and the job ends after it')
      .given(facts.scheduled(0, scarce, 60), bound, facts.skipped(301, 'paused', [60, 240, 4], 300))
      .given(ask.start(302, 1, anna), ask.backfill(303, 60, 120))
      .when(ask.complete(305, run(300, 1, 1, anna), { startNext: true }))
      .then(facts.succeeded(305, run(300, 1, 1, anna)), facts.started(305, backfill(4, 60), anna, null)),
    specification('it waits while the job is paused')
      .given(scheduled, bound, upTo(250), facts.paused(251), ask.backfill(255, 60, 120))
      .when(ask.start(260, 1, anna))
      .thenRefused('job-paused'),
    specification('another schedule leaves it: it was asked for by its time')
      .given(scheduled, bound, upTo(250), ask.backfill(255, 60, 120))
      .given(ask.reschedule(256, definition({ schedule: { ...everyMinute, everyMs: 3_600_000 } }), 'r'))
      .when(ask.start(257, 1, anna))
      .then(facts.started(257, backfill(3, 60), anna, slotAt(3_856), { definitionRevision: 4 })),
    specification('a cancel skips it by name')
      .given(scheduled, ask.backfill(10, -60, 0, 100, 'b'))
      .when(ask.cancel(20))
      .then(by('c', facts.skippedRequests(20, [`backfill:1:${slotAt(-60)}`], 60)), by('c', facts.cancelled(20))),
  ]);
});

describe('a backfill is refused', () => {
  specify(it, [
    specification('with an end before its beginning')
      .given(scheduled)
      .when(ask.backfill(200, 120, 120))
      .thenRefused('bad-window', { field: 'to' }),
    specification('for what is still to come')
      .given(scheduled)
      .when(ask.backfill(100, 0, 101))
      .thenRefused('bad-window', { field: 'to' }),
    specification('without a slot in the window')
      .given(scheduled)
      .when(ask.backfill(200, 61, 119))
      .thenRefused('empty-window', { field: 'from' }),
    specification('with more slots than its limit')
      .given(scheduled)
      .when(ask.backfill(200, 0, 180, 2))
      .thenRefused('window-too-large', { field: 'limit' }),
    specification('with a year of seconds in the window, in no time')
      .given(facts.scheduled(0, definition({ schedule: { ...everyMinute, everyMs: 1_000 } }), 1))
      .when(ask.backfill(200, -31_536_000, 0))
      .thenRefused('window-too-large', { field: 'limit' }),
    specification('of a job that runs once')
      .given(facts.scheduled(0, onceOnly, 0))
      .when(ask.backfill(200, -60, 10))
      .thenRefused('bad-window', { field: 'jobId' }),
    specification('of a job that has ended')
      .given(scheduled, facts.cancelled(5))
      .when(ask.backfill(200, 0, 120))
      .thenRefused('job-terminal'),
    specification('of a job that ends')
      .given(scheduled, bound, ask.start(60, 1, anna), facts.endSet(70))
      .when(ask.backfill(200, 0, 120))
      .thenRefused('job-ending'),
    specification('of a job in quarantine')
      .given(scheduled, bound, facts.requeued(2, 1, anna), facts.quarantined(2, 3))
      .when(ask.backfill(200, 0, 120))
      .thenRefused('job-quarantined'),
  ]);
});

describe('the slot of a backfill', () => {
  it('tells the time that it makes up for; no other slot does', () => {
    expect(backfilledInstant(`backfill:7:${slotAt(60)}`)).toBe(at(60));
    expect(['manual:7', slotAt(60)].map(backfilledInstant)).toEqual([null, null]);
  });
  it('is due when it was asked for', () => {
    const record = fold([scheduled, bound, by('c', facts.backfilled(10, 2, -60))]) as JobRecord;
    expect(dueAt(record)).toBe(at(10));
  });
});
