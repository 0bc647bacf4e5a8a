import { specification, specify } from '../../testing/specification';
import { dueAt, fold, type JobPolicies, type JobRecord } from '.';
import { anna, ask, at, definition, everyMinute, facts, run, slotAt } from './story.fixture';

/** A job every minute, and runs on request that go before its slots. What was late by then has not waited in the queue, and is no overlap. */

const bound = facts.bound(1, 1, anna);
const queued = (policies: Partial<JobPolicies>) =>
  facts.scheduled(0, definition({}, { overlap: 'queue', ...policies }), 60);
const of = (slot: number | string) => run(slot, 1, 1, anna);
const manual = of('manual:2');
/** Three slots were due when a requested run began, for want of an owner. */
const late = (policies: Partial<JobPolicies>) =>
  [queued(policies), bound, facts.requested(190, 2), facts.started(200, manual, anna, 60)] as const;

describe('a requested run goes before slots that are late, under queue', () => {
  specify(it, [
    specification('they are the misfire policy’s: each is run')
      .given(...late({ misfire: 'all' }))
      .when(ask.complete(205, manual, { startNext: true }))
      .then(facts.succeeded(205, manual), facts.started(205, of(60), anna, 120, { backlogTo: slotAt(180) })),
    specification('… one after the other: what is still to be run is not skipped as overlap')
      .given(...late({ misfire: 'all' }), ask.complete(205, manual, { startNext: true }))
      .when(ask.complete(210, of(60), { startNext: true }))
      .then(facts.succeeded(210, of(60)), facts.started(210, of(120), anna, 180, { backlogTo: slotAt(180) })),
    specification('… the latest is run, with what fell meanwhile')
      .given(...late({ misfire: 'once' }))
      .when(ask.complete(245, manual, { startNext: true }))
      .then(
        facts.succeeded(245, manual),
        facts.skipped(245, 'coalesced', [60, 180, 3], 240),
        facts.started(245, of(240), anna, 300),
      ),
    specification('… or none that was missed')
      .given(...late({ misfire: 'skip' }))
      .when(ask.complete(205, manual, { startNext: true }))
      .then(
        facts.succeeded(205, manual),
        facts.skipped(205, 'misfire', [60, 120, 2], 180),
        facts.started(205, of(180), anna, 240),
      ),
    specification('what falls during it waits in the queue')
      .given(queued({}), bound, facts.requested(30, 2), facts.started(31, manual, anna, 60))
      .when(ask.complete(190, manual, { startNext: true }))
      .then(
        facts.succeeded(190, manual),
        facts.started(190, of(60), anna, 120),
        facts.skipped(190, 'overlap', [120, 180, 2], 240),
      ),
    specification('a slot that waits in the queue stays in it while a requested run goes before it')
      .given(queued({}), bound, facts.started(60, of(60), anna, 120), facts.requested(70, 3))
      .given(facts.succeeded(125, of(60)), facts.started(130, of('manual:3'), anna, 120))
      .when(ask.complete(250, of('manual:3'), { startNext: true }))
      .then(
        facts.succeeded(250, of('manual:3')),
        facts.started(250, of(120), anna, 180),
        facts.skipped(250, 'overlap', [180, 240, 2], 300),
      ),
    specification('what falls while it waits for its retry waits in the queue, too')
      .given(queued({}), bound, facts.requested(30, 2), facts.started(31, manual, anna, 60))
      .given(facts.failed(50, manual, 1, 130), facts.started(130, run('manual:2', 2, 1, anna), anna, 60))
      .when(ask.complete(135, run('manual:2', 2, 1, anna), { startNext: true }))
      .then(
        facts.succeeded(135, run('manual:2', 2, 1, anna)),
        facts.started(135, of(60), anna, 120),
        facts.skipped(135, 'overlap', [120, 120, 1], 180),
      ),
    specification('what falls during a backfill is no overlap: it is late')
      .given(queued({}), bound, ask.backfill(10, -60, 0), ask.start(10, 1, anna))
      .when(ask.complete(250, of(`backfill:2:${slotAt(-60)}`), { startNext: true }))
      .then(
        facts.succeeded(250, of(`backfill:2:${slotAt(-60)}`)),
        facts.skipped(250, 'coalesced', [60, 180, 3], 240),
        facts.started(250, of(240), anna, 300),
      ),
    specification('the run after them is in the queue again')
      .given(...late({ misfire: 'once' }), ask.complete(205, manual, { startNext: true }))
      .when(ask.complete(310, of(180), { startNext: true }))
      .then(
        facts.succeeded(310, of(180)),
        facts.started(310, of(240), anna, 300),
        facts.skipped(310, 'overlap', [300, 300, 1], 360),
      ),
  ]);
});

describe('a requested run, under replace', () => {
  specify(it, [
    specification('takes the place of a slot that waits for its retry: that is not started again')
      .given(facts.scheduled(0, definition({}, { overlap: 'replace' }), 60), bound)
      .given(facts.started(60, of(60), anna, 120), facts.failed(65, of(60), 1, 75), facts.requested(66, 4))
      .when(ask.start(67, 1, anna))
      .then(facts.skipped(67, 'replaced', [60, 60, 1], 120), facts.started(67, of('manual:4'), anna, 120)),
  ]);
});

describe('a requested run that begins with a slot', () => {
  const begun = (policies: Partial<JobPolicies>) =>
    [
      facts.scheduled(0, definition({}, policies), 60),
      bound,
      facts.requested(30, 2),
      facts.started(60, manual, anna, 60),
    ] as const;
  specify(
    it,
    (['skip', 'queue'] as const).map((overlap) =>
      specification(`does not make it fall during a run, under ${overlap}: it is late`)
        .given(...begun({ overlap }))
        .when(ask.complete(125, manual, { startNext: true }))
        .then(
          facts.succeeded(125, manual),
          facts.skipped(125, 'coalesced', [60, 60, 1], 120),
          facts.started(125, of(120), anna, 180),
        ),
    ),
  );
});

describe('a requested run before the last slot of a job', () => {
  specify(it, [
    specification('ends the job, when that was missed for good by the end of the run')
      .given(
        facts.scheduled(0, definition({ schedule: { ...everyMinute, maxRuns: 1 } }, { misfire: 'skip' }), 60),
        bound,
      )
      .given(facts.requested(30, 2), facts.started(60, manual, anna, 60))
      .when(ask.complete(200, manual, { startNext: true }))
      .then(
        facts.succeeded(200, manual),
        facts.skipped(200, 'misfire', [60, 60, 1], null),
        facts.completed(200, 'succeeded'),
      ),
  ]);
});

it('a request shows no time at which it is started while no run may begin', () => {
  const running = (overlap: JobPolicies['overlap']) =>
    [
      facts.scheduled(0, definition({}, { overlap }), 60),
      bound,
      facts.requested(30, 2),
      facts.requested(31, 3),
    ] as const;
  for (const overlap of ['skip', 'queue', 'replace'] as const) {
    const record = fold([...running(overlap), facts.started(40, manual, anna, 60)]) as JobRecord;
    expect([overlap, dueAt(record)]).toEqual([overlap, null]);
  }
  const beside = fold([...running({ allow: 2 }), facts.started(40, manual, anna, 60)]) as JobRecord;
  expect(dueAt(beside)).toBe(at(31));
});
