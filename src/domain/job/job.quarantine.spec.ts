import { specification, specify } from '../../testing/specification';
import { anna, annaAgain, ask, bert, by, facts, minutely, run } from './story.fixture';

const scheduled = facts.scheduled(0, minutely, 60);
const bound = facts.bound(1, 1, anna);
const first = run(60, 1, 1, anna);
const started = facts.started(60, first, anna, 120);

describe('quarantine', () => {
  /** Two owners have died in it. */
  const crashedTwice = [
    scheduled,
    bound,
    started,
    ask.requeue(70, anna, bert),
    ask.requeue(80, bert, annaAgain),
  ] as const;
  const third = run(60, 3, 3, annaAgain);
  specify(it, [
    specification('the third crash within the window')
      .given(...crashedTwice)
      .when(ask.requeue(90, annaAgain, bert))
      .then(facts.abandoned(90, third, 'ownerFailed'), facts.requeued(90, 3, annaAgain), facts.quarantined(90, 3)),
    specification('also when nobody is eligible')
      .given(...crashedTwice)
      .when(ask.requeue(90, annaAgain, null))
      .then(facts.abandoned(90, third, 'ownerFailed'), facts.requeued(90, 3, annaAgain), facts.quarantined(90, 3)),
    specification('not when the first lies before the window')
      .given(...crashedTwice)
      .when(ask.requeue(3_670, annaAgain, bert))
      .then(
        facts.abandoned(3_670, third, 'ownerFailed'),
        facts.requeued(3_670, 3, annaAgain),
        facts.bound(3_670, 4, bert, 'requeue'),
        facts.started(3_670, run(60, 4, 4, bert), bert, 120),
      ),
    specification('not after a success')
      .given(...crashedTwice, ask.complete(85, third), ask.start(120, 3, annaAgain))
      .when(ask.requeue(130, annaAgain, bert))
      .then(
        facts.abandoned(130, run(120, 1, 3, annaAgain), 'ownerFailed'),
        facts.requeued(130, 3, annaAgain),
        facts.bound(130, 4, bert, 'requeue'),
        facts.started(130, run(120, 2, 4, bert), bert, 180),
      ),
    specification('not when one of them was no crash: its late outcome came')
      .given(...crashedTwice, facts.late(82, first, 'succeeded', 'x'))
      .when(ask.requeue(90, annaAgain, bert))
      .then(
        facts.abandoned(90, third, 'ownerFailed'),
        facts.requeued(90, 3, annaAgain),
        facts.bound(90, 4, bert, 'requeue'),
        facts.started(90, run(60, 4, 4, bert), bert, 120),
      ),
    specification('not for an owner that was idle')
      .given(...crashedTwice, facts.abandoned(85, third, 'lostInProcess'))
      .when(ask.requeue(90, annaAgain, bert, { start: false }))
      .then(facts.requeued(90, 3, annaAgain), facts.bound(90, 4, bert, 'requeue')),
    specification('leave it: unbound, with no crashes')
      .given(...crashedTwice, ask.requeue(90, annaAgain, bert))
      .when(ask.releaseFromQuarantine(100))
      .then(by('c', facts.releasedFromQuarantine(100))),
    specification('the slot that was lost runs on')
      .given(...crashedTwice, ask.requeue(90, annaAgain, bert), ask.releaseFromQuarantine(100))
      .when(ask.claim(110, bert))
      .then(facts.bound(110, 4, bert), facts.started(110, run(60, 4, 4, bert), bert, 120)),
    specification('a crash after it is the first again')
      .given(...crashedTwice, ask.requeue(90, annaAgain, bert), ask.releaseFromQuarantine(100), ask.claim(110, bert))
      .when(ask.requeue(120, bert, null))
      .then(
        facts.abandoned(120, run(60, 4, 4, bert), 'ownerFailed'),
        facts.requeued(120, 4, bert, 'nobody has the handler'),
      ),
  ]);
});
