import { specification, specify } from '../../testing/specification';
import { aDefinition, aRun, ask, everyMinute, once, slot, t } from '../../testing/specification/a-job';
import { fact } from '../../testing/specification/facts';
import { completed, running, run1 } from '../../testing/specification/lives';

/** What counts as a slot, and what stays accounted for. */

const retry = { maxRetries: 2, initialMs: 1_000, factor: 2, maxMs: 300_000 };
const threeTimes = aDefinition({ schedule: { ...everyMinute.schedule, maxRuns: 3 } }, { retry });
const onceAt = (minutes: number) => aDefinition({ schedule: { ...once.schedule, kind: 'once', at: t(minutes) } });
const secondTry = aRun(slot(1), { attempt: 2 });

specify(it, [
  specification('another attempt is no other slot: maxRuns counts the slot once')
    .given(
      ...running(threeTimes),
      ask.fail(t(1, 10), run1),
      ask.start(t(1, 2_000)),
      ask.complete(t(1, 2_010), secondTry),
    )
    .when(ask.start(t(2)))
    .then(fact.started(t(2), aRun(slot(2)), slot(3))),
  specification('a requested run is no scheduled slot: maxRuns does not count it')
    .given(
      ...running(threeTimes),
      ask.complete(t(1, 10), run1),
      ask.runNow(t(1, 20)),
      ask.start(t(1, 30)),
      ask.complete(t(1, 40), aRun('manual:4')),
    )
    .when(ask.start(t(2)))
    .then(fact.started(t(2), aRun(slot(2)), slot(3))),
  specification('a slot of a former life stays accounted for: a renewed job cannot be rescheduled to it')
    .given(...completed(), ask.schedule(t(2), onceAt(5), { renew: true }))
    .when(ask.reschedule(t(3), onceAt(1)))
    .thenRefused('never-fires', { field: 'schedule' }),
]);
