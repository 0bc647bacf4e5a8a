import { specification, specify, unreadableEvent } from '../../testing/specification';
import { decide, fold, type JobRecord } from '.';
import {
  anna,
  ask,
  at,
  by,
  definition,
  everyMinute,
  facts,
  minutely,
  once,
  onceOnly,
  run,
  slotAt,
} from './story.fixture';

const scheduled = facts.scheduled(0, minutely, 60);
const bound = facts.bound(1, 1, anna);
const first = run(60, 1, 1, anna);
const started = facts.started(60, first, anna, 120);
const hourly = definition({ schedule: { ...everyMinute, everyMs: 3_600_000 } });
const threeTimes = definition({ schedule: { ...everyMinute, maxRuns: 3 } });
const otherPayload = definition({ payload: { goal: 'save' } });

describe('schedule', () => {
  specify(it, [
    specification('a job that does not exist is scheduled, unbound')
      .when(ask.schedule(0, minutely))
      .then(by('c', scheduled)),
    specification('once, as soon as possible: its slot is the time it was scheduled')
      .when(ask.schedule(0, onceOnly))
      .then(by('c', facts.scheduled(0, onceOnly, 0))),
    specification('once, at an instant that has passed: late, not lost')
      .when(ask.schedule(0, definition({ schedule: { ...once, at: at(-90) } })))
      .then(by('c', facts.scheduled(0, definition({ schedule: { ...once, at: at(-90) } }), -90))),
    specification('an end before the first slot never fires')
      .when(ask.schedule(0, definition({ schedule: { ...everyMinute, end: at(60) } })))
      .thenRefused('never-fires', { field: 'schedule' }),
    specification('the same definition under the same id adds nothing, also while it runs')
      .given(scheduled, bound, started)
      .when(ask.schedule(70, minutely))
      .thenNothing(),
    specification('a different definition under the same id is refused')
      .given(scheduled)
      .when(ask.schedule(10, hourly))
      .thenRefused('job-exists', { field: 'jobId' }),
    specification('… or updates the job when that is wished')
      .given(scheduled)
      .when(ask.schedule(10, hourly, { onConflict: 'update' }))
      .then(by('c', facts.rescheduled(10, hourly, 3_610))),
    specification('a job that is quarantined exists')
      .given(scheduled, bound, facts.requeued(2, 1, anna), facts.quarantined(2, 3))
      .when(ask.schedule(10, hourly))
      .thenRefused('job-exists'),
    ...[facts.completed(70, 'succeeded'), facts.cancelled(70), facts.removed(70)].map((end) =>
      specification(`after ${end.type} its id is refused`)
        .given(scheduled, end)
        .when(ask.schedule(100, minutely))
        .thenRefused('job-terminal', { field: 'jobId' }),
    ),
    ...[facts.completed(70, 'succeeded'), facts.cancelled(70), facts.removed(70)].map((end) =>
      specification(`after ${end.type} it begins anew on request`)
        .given(scheduled, bound, started, facts.succeeded(65, first), end)
        .when(ask.schedule(100, hourly, { renew: true }))
        .then(by('c', facts.scheduled(100, hourly, 3_700, { renewed: true }))),
    ),
    specification('renew on a job that lives is no wish to end it')
      .given(scheduled)
      .when(ask.schedule(10, hourly, { renew: true }))
      .thenRefused('job-exists'),
    specification('a renewed job goes on with the epochs of its former life')
      .given(scheduled, bound, facts.cancelled(10), facts.scheduled(20, minutely, 80, { renewed: true }))
      .when(ask.claim(30, anna))
      .then(facts.bound(30, 2, anna)),
    specification('a renewed job does not start a slot of its former life again')
      .given(
        facts.scheduled(0, onceOnly, 0),
        facts.bound(0, 1, anna),
        facts.started(0, run(0, 1, 1, anna), anna, null),
        facts.succeeded(0, run(0, 1, 1, anna)),
        facts.completed(0, 'succeeded'),
      )
      .when(ask.schedule(0, onceOnly, { renew: true }))
      .then(by('c', facts.scheduled(0, onceOnly, slotAt(0.001), { renewed: true, anchor: at(0.001) }))),
    specification('a known command id adds nothing, whatever became of the job')
      .given(ask.schedule(0, minutely), facts.cancelled(5))
      .when(ask.schedule(10, hourly))
      .thenNothing({ knownRevision: 0 }),
    specification('a job that cannot be read is not scheduled anew')
      .given(scheduled, unreadableEvent())
      .when(ask.schedule(10, hourly, { renew: true }))
      .thenRefused('job-opaque'),
  ]);
});

describe('reschedule', () => {
  specify(it, [
    specification('new slots begin after now')
      .given(scheduled)
      .when(ask.reschedule(10, hourly))
      .then(by('c', facts.rescheduled(10, hourly, 3_610))),
    specification('slots that were due and pending are skipped')
      .given(scheduled, bound)
      .when(ask.reschedule(185, hourly))
      .then(
        by('c', facts.skipped(185, 'rescheduled', [60, 180, 3], 240)),
        by('c', facts.rescheduled(185, hourly, 3_785)),
      ),
    specification('the owner and the open run stay')
      .given(scheduled, bound, started)
      .when(ask.reschedule(70, hourly))
      .then(by('c', facts.rescheduled(70, hourly, 3_670))),
    specification('the open run ends as it began')
      .given(scheduled, bound, started, facts.rescheduled(70, hourly, 3_670))
      .when(ask.complete(80, first))
      .then(facts.succeeded(80, first)),
    specification('a slot that waits for its retry goes on, under the new definition')
      .given(scheduled, bound, started, facts.failed(65, first, 1, 75), facts.rescheduled(70, hourly, 3_670))
      .when(ask.start(80, 1, anna))
      .then(facts.started(80, run(60, 2, 1, anna), anna, 3_670, { definitionRevision: 4 })),
    specification('a definition that keeps its schedule keeps its beat')
      .given(scheduled, bound)
      .when(ask.reschedule(10, otherPayload))
      .then(by('c', facts.rescheduled(10, otherPayload, 60, { anchor: at(0) }))),
    specification('… and its slots that are due')
      .given(facts.scheduled(0, definition({ schedule: once, tag: { name: 'nobody' } }), 0))
      .when(ask.reschedule(10, onceOnly))
      .then(by('c', facts.rescheduled(10, onceOnly, 0, { anchor: at(0) }))),
    specification('… and does not bring back a slot that runs')
      .given(facts.scheduled(0, onceOnly, 0), bound, facts.started(2, run(0, 1, 1, anna), anna, null))
      .when(ask.reschedule(10, definition({ schedule: once, payload: 1 })))
      .then(by('c', facts.rescheduled(10, definition({ schedule: once, payload: 1 }), null, { anchor: at(0) }))),
    specification('… and counts on towards maxRuns')
      .given(
        facts.scheduled(0, threeTimes, 60),
        facts.skipped(130, 'paused', [60, 120, 2], 180),
        facts.rescheduled(130, definition({ schedule: threeTimes.schedule, payload: 1 }), 180, { anchor: at(0) }),
        bound,
      )
      .when(ask.start(180, 1, anna))
      .then(facts.started(180, run(180, 1, 1, anna), anna, null, { definitionRevision: 2 })),
    specification('another schedule counts from the beginning')
      .given(
        facts.scheduled(0, minutely, 60),
        facts.skipped(130, 'paused', [60, 120, 2], 180),
        facts.rescheduled(130, threeTimes, 190),
        bound,
      )
      .when(ask.start(190, 1, anna))
      .then(facts.started(190, run(190, 1, 1, anna), anna, 250, { definitionRevision: 2 })),
    specification('a schedule that never fires is refused')
      .given(scheduled)
      .when(ask.reschedule(10, definition({ schedule: { ...everyMinute, end: at(20) } })))
      .thenRefused('never-fires'),
    specification('a paused job is rescheduled, and stays paused')
      .given(scheduled, facts.paused(5))
      .when(ask.reschedule(10, hourly))
      .then(by('c', facts.rescheduled(10, hourly, 3_610))),
    specification('a quarantined job is rescheduled')
      .given(scheduled, bound, facts.requeued(2, 1, anna), facts.quarantined(2, 3))
      .when(ask.reschedule(10, hourly))
      .then(by('c', facts.rescheduled(10, hourly, 3_610))),
    specification('a job that ends takes no other schedule')
      .given(scheduled, bound, started, facts.endSet(70))
      .when(ask.reschedule(75, hourly))
      .thenRefused('job-ending'),
  ]);
});

describe('a schedule that this process cannot evaluate', () => {
  const unknownZone = definition({
    schedule: {
      kind: 'cron',
      pattern: '0 0 * * *',
      zone: 'Mars/Olympus',
      days: 'either',
      start: null,
      end: null,
      maxRuns: null,
    },
  });
  const martian = facts.scheduled(0, unknownZone, 60);
  specify(it, [
    specification('its job is opaque to a claimer that would start it')
      .given(martian)
      .when(ask.claim(70, anna))
      .thenRefused('job-opaque', { field: 'schedule' }),
    specification('… and to its owner')
      .given(martian, bound)
      .when(ask.start(70, 1, anna))
      .thenRefused('job-opaque', { field: 'schedule' }),
    specification('what needs no slot is done: it is bound, run on request, given away')
      .given(martian, ask.claim(10, anna), ask.runNow(20), ask.start(21, 1, anna))
      .given(ask.complete(22, run('manual:2', 1, 1, anna)))
      .when(ask.release(30, 1, anna))
      .then(facts.released(30, 1, anna, 'drain')),
    specification('the outcome of its run is recorded')
      .given(martian, bound, facts.started(60, first, anna, 120))
      .when(ask.complete(200, first, { startNext: true }))
      .then(facts.succeeded(200, first)),
    specification('it is given another schedule; the slot that was due is accounted for')
      .given(martian, bound)
      .when(ask.reschedule(70, minutely))
      .then(
        by('c', facts.skipped(70, 'rescheduled', [60, 60, 1], null)),
        by('c', facts.rescheduled(70, minutely, 130)),
      ),
    specification('it can be cancelled with a slot due')
      .given(martian, bound)
      .when(ask.cancel(70))
      .then(by('c', facts.skipped(70, 'cancelled', [60, 60, 1], null)), by('c', facts.cancelled(70))),
    specification('it can be cancelled')
      .given(martian, bound)
      .when(ask.cancel(10))
      .then(by('c', facts.cancelled(10))),
  ]);
});

describe('run now', () => {
  const requested = facts.requested(10, 1);
  specify(it, [
    specification('a run is requested; nothing else changes')
      .given(scheduled)
      .when(ask.runNow(10))
      .then(by('c', requested)),
    ...[
      { words: 'paused', state: [scheduled, facts.paused(5)], revision: 2 },
      { words: 'running', state: [scheduled, bound, started], revision: 3 },
    ].map(({ words, state, revision }) =>
      specification(`it stays pending while the job is ${words}`)
        .given(...state)
        .when(ask.runNow(70))
        .then(by('c', facts.requested(70, revision))),
    ),
    specification('the owner starts it as a slot of its own, and the pending slot stays')
      .given(scheduled, requested, bound)
      .when(ask.start(20, 1, anna))
      .then(facts.started(20, run('manual:1', 1, 1, anna), anna, 60)),
    specification('requests are started in their order')
      .given(scheduled, requested, facts.requested(11, 2), bound)
      .when(ask.start(20, 1, anna))
      .then(facts.started(20, run('manual:1', 1, 1, anna), anna, 60)),
    specification('a requested run may start while another slot waits for its retry')
      .given(scheduled, bound, started, facts.failed(65, first, 1, 75), facts.requested(66, 4))
      .when(ask.start(67, 1, anna))
      .then(facts.started(67, run('manual:4', 1, 1, anna), anna, 120)),
    specification('… but not before that retry, once it is due')
      .given(scheduled, bound, started, facts.failed(65, first, 1, 75), facts.requested(66, 4))
      .when(ask.start(75, 1, anna))
      .then(facts.started(75, run(60, 2, 1, anna), anna, 120)),
    specification('a requested run counts for nothing in maxRuns')
      .given(facts.scheduled(0, threeTimes, 60), requested, facts.requested(11, 2), facts.requested(12, 3), bound)
      .given(ask.start(20, 1, anna), ask.complete(21, run('manual:1', 1, 1, anna)))
      .given(ask.start(22, 1, anna), ask.complete(23, run('manual:2', 1, 1, anna)))
      .given(ask.start(24, 1, anna))
      .when(ask.complete(25, run('manual:3', 1, 1, anna)))
      .then(facts.succeeded(25, run('manual:3', 1, 1, anna))),
    specification('the job does not complete before its requests have run')
      .given(
        facts.scheduled(0, onceOnly, 0),
        bound,
        facts.started(2, run(0, 1, 1, anna), anna, null),
        facts.requested(3, 3),
      )
      .when(ask.complete(5, run(0, 1, 1, anna), { startNext: true }))
      .then(facts.succeeded(5, run(0, 1, 1, anna)), facts.started(5, run('manual:3', 1, 1, anna), anna, null)),
    specification('a slot that was due before a requested run began is run after it, not skipped')
      .given(
        facts.scheduled(0, onceOnly, 0),
        facts.requested(1, 1),
        bound,
        facts.started(2, run('manual:1', 1, 1, anna), anna, 0),
      )
      .when(ask.complete(5, run('manual:1', 1, 1, anna), { startNext: true }))
      .then(facts.succeeded(5, run('manual:1', 1, 1, anna)), facts.started(5, run(0, 1, 1, anna), anna, null)),
    specification('a slot that falls during a requested run is skipped')
      .given(scheduled, requested, bound, facts.started(20, run('manual:1', 1, 1, anna), anna, 60))
      .when(ask.complete(65, run('manual:1', 1, 1, anna), { startNext: true }))
      .then(facts.succeeded(65, run('manual:1', 1, 1, anna)), facts.skipped(65, 'overlap', [60, 60, 1], 120)),
  ]);
});

describe('run now, while thousands wait', () => {
  const waiting = (requests: number): JobRecord => {
    const record = fold([scheduled]) as JobRecord;
    const requested = Array.from({ length: requests }, (_, n) => ({ slot: `manual:${n}`, at: 0 }));
    return { ...record, requested };
  };

  it('takes the last for which there is room', () => {
    expect(decide(waiting(9_999), ask.runNow(10))).toMatchObject({ ok: true });
  });

  it('refuses a backfill that would make them too many', () => {
    expect(decide(waiting(9_998), ask.backfill(200, 0, 120))).toMatchObject({ ok: true });
    const decision = decide(waiting(9_999), ask.backfill(200, 0, 120));
    expect(decision).toMatchObject({ ok: false, refusal: { code: 'window-too-large', field: 'from' } });
  });

  it('refuses more: the state holds each, and a cancel names it', () => {
    const decision = decide(waiting(10_000), ask.runNow(10));
    expect(decision).toMatchObject({ ok: false, refusal: { code: 'too-many-requests', field: 'jobId' } });
  });
});
