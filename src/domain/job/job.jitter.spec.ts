import { specification, specify } from '../../testing/specification';
import {
  aDefinition,
  aRun,
  ask,
  commandIdOf,
  everyMinute,
  slot,
  T0,
  t,
  zoneData,
} from '../../testing/specification/a-job';
import { fact } from '../../testing/specification/facts';
import { dueTime } from '../schedule';
import { decide, dueAt, evolve, fold, slotOf, type JobEvent, misfireRule, type JobRecord } from '.';

/** With jitter a slot is due later than its instant; it keeps its name and its place in every account. */

const jittered = aDefinition({ schedule: { ...everyMinute.schedule, jitterMs: 50_000 } });
const anchored = { schedule: jittered.schedule, anchor: T0 };
/** When the slot `minutes` after T0 is due. */
const due = (minutes: number) => dueTime(anchored, 'job', t(minutes));

/** The event with the time at which its pending slot, that of a minute, is due. */
function dueThen<Event extends JobEvent>(event: Event, minutes: number): Event {
  return { ...event, data: { ...event.data, nextDueAt: due(minutes) } } as Event;
}

const scheduled = dueThen(fact.scheduled(T0, slot(1), jittered), 1);
const bound = fact.claimed(T0, 1);
const started = dueThen(fact.started(due(1), aRun(slot(1)), slot(2)), 2);

it('is a delay in these specifications', () => {
  for (const minutes of [1, 2, 3, 4]) expect(due(minutes)).toBeGreaterThan(t(minutes) + 1);
});

const strict = aDefinition(
  { schedule: jittered.schedule },
  { misfire: { ...misfireRule('skip'), thresholdMs: 1_000 } },
);

describe('a slot is missed by when it was due', () => {
  specify(it, [
    specification('at the threshold it is late')
      .given(dueThen(fact.scheduled(T0, slot(1), strict), 1), bound)
      .when(ask.start(due(1) + 1_000))
      .then(dueThen(fact.started(due(1) + 1_000, aRun(slot(1)), slot(2)), 2)),
    specification('beyond it it is missed')
      .given(dueThen(fact.scheduled(T0, slot(1), strict), 1), bound)
      .when(ask.start(due(1) + 1_001))
      .then(dueThen(fact.skipped(due(1) + 1_001, 'misfire', [slot(1), slot(1), 1], slot(2)), 2)),
    specification('one that came and waits for its jitter is neither missed nor late')
      .given(dueThen(fact.scheduled(T0, slot(1), strict), 1), bound)
      .when(ask.start(due(2) - 1))
      .then(dueThen(fact.skipped(due(2) - 1, 'misfire', [slot(1), slot(1), 1], slot(2)), 2)),
  ]);
});

specify(it, [
  specification('the log says when the pending slot is due').when(ask.schedule(T0, jittered)).then(scheduled),
  specification('a slot whose jitter has not passed is not started')
    .given(scheduled, bound)
    .when(ask.start(due(1) - 1))
    .thenRefused('nothing-due'),
  specification('it is started once that has passed, under its own name')
    .given(scheduled, bound)
    .when(ask.start(due(1)))
    .then(started),
  specification('of slots that have come the last may still wait, and those before it are coalesced')
    .given(scheduled, bound)
    .when(ask.start(due(3) - 1))
    .then(
      dueThen(fact.skipped(due(3) - 1, 'coalesced', [slot(1), slot(1), 1], slot(2)), 2),
      dueThen(fact.started(due(3) - 1, aRun(slot(2)), slot(3)), 3),
    ),
  specification('a slot that came during a run, and whose jitter has not passed, is not skipped as an overlap')
    .given(scheduled, bound, started)
    .when(ask.complete(due(2) - 1, aRun(slot(1))))
    .then(fact.succeeded(due(2) - 1, aRun(slot(1)))),
  specification('one whose jitter has passed is')
    .given(scheduled, bound, started)
    .when(ask.complete(due(2), aRun(slot(1))))
    .then(
      fact.succeeded(due(2), aRun(slot(1))),
      dueThen(fact.skipped(due(2), 'overlap', [slot(2), slot(2), 1], slot(3)), 3),
    ),
  specification('a cancel accounts for a slot that has come, also while it waits for its jitter')
    .given(scheduled, bound)
    .when(ask.cancel(t(1, 1)))
    .then(
      dueThen(fact.skipped(t(1, 1), 'cancelled', [slot(1), slot(1), 1], slot(2), commandIdOf('CancelJob', t(1, 1))), 2),
      fact.cancelled(t(1, 1)),
    ),
  specification('so does another schedule')
    .given(scheduled, bound)
    .when(ask.reschedule(t(1, 1), everyMinute))
    .then(
      dueThen(
        fact.skipped(t(1, 1), 'rescheduled', [slot(1), slot(1), 1], slot(2), commandIdOf('RescheduleJob', t(1, 1))),
        2,
      ),
      fact.rescheduled(t(1, 1), slotOf(t(2, 1)), everyMinute),
    ),
  specification('a resume leaves a slot that waits for its jitter pending')
    .given(scheduled, bound, ask.pause(t(0, 30_000)))
    .when(ask.resume(t(1, 1)))
    .then(dueThen(fact.resumed(t(1, 1), slot(1)), 1)),
]);

it('is what the view waits for', () => {
  const record = fold([scheduled, bound]) as JobRecord;
  expect(dueAt(record)).toBe(due(1));
  const other = evolve(record, fact.rescheduled(t(0, 5), slot(1), everyMinute), 2) as JobRecord;
  expect([dueAt(other), 'nextDueAt' in other]).toEqual([t(1), false]);
});

describe('newer zone data', () => {
  const berlin = aDefinition({
    schedule: {
      ...{ kind: 'cron', pattern: '0 12 * * *', zone: 'Europe/Berlin', days: 'either' },
      ...{ start: null, end: null, maxRuns: null },
    },
  });
  const noon = '2026-03-02T11:00:00.000Z';
  /** As zone data that still knew summer time then would have it. */
  const formerSlot = '2026-03-02T10:00:00.000Z';
  const formerly = fact.scheduled(T0, formerSlot, berlin);
  const recomputed = (at: number): JobEvent => ({
    type: 'JobNextSlotRecomputed',
    data: { formerSlot, formerZoneData: zoneData, nextSlot: noon, zoneData: '2026b', at },
  });
  const claim = (at: number, by: string) => ({ ...ask.claim(at), zoneData: by });

  specify(it, [
    specification('makes the pending slot another one, as a fact of its own, with the next binding')
      .given(formerly)
      .when(claim(t(5), '2026b'))
      .then(recomputed(t(5)), fact.claimed(t(5), 1)),
    specification('with that of a survivor, too')
      .given(formerly, fact.claimed(T0, 1))
      .when({ ...ask.requeue(t(5)), zoneData: '2026b' })
      .then(fact.requeued(t(5)), recomputed(t(5)), fact.takenOver(t(5), 2)),
    specification('also where another payload came with it: that computed no slot anew')
      .given(formerly, { ...ask.reschedule(t(1), { ...berlin, payload: 'new' }), zoneData: '2026b' })
      .when(claim(t(5), '2026b'))
      .then(recomputed(t(5)), fact.claimed(t(5), 1)),
    specification('which is never undone by older data')
      .given(formerly)
      .when(claim(t(5), '2025c'))
      .then(fact.claimed(t(5), 1)),
    specification('or by data whose age nobody knows')
      .given(formerly)
      .when(claim(t(5), 'custom'))
      .then(fact.claimed(t(5), 1)),
  ]);

  it('leaves a slot that has come as it was promised', () => {
    const decision = decide(fold([formerly]), claim(Date.parse(formerSlot), '2026b'));
    expect(decision.ok && decision.events.map(({ type }) => type)).toEqual(['JobBoundToService', 'JobRunStarted']);
  });

  it('and one that it does not move', () => {
    const decision = decide(fold([fact.scheduled(T0, noon, berlin)]), claim(t(5), '2026b'));
    expect(decision.ok && decision.events.map(({ type }) => type)).toEqual(['JobBoundToService']);
  });
});
