import { specification, specify } from '../../testing/specification';
import { writeGiven } from '../../testing/specification/given-log';
import { decode, encode } from '../codec';
import { absentJob, closeBooks, evolve, isSuspect, openRuns, type JobBooksClosed } from '.';
import { anna, annaAgain, ask, bert, by, facts, minutely, run } from './story.fixture';

const scheduled = facts.scheduled(0, minutely, 60);
const bound = facts.bound(1, 1, anna);
const first = run(60, 1, 1, anna);
const started = facts.started(60, first, anna, 120);

/** What its start says of a job in which two owners have died. */
const asSuspect = { soleSuspect: true } as const;

const booksAt = (revision: number) => ({ revision, booksRevision: revision });

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
        facts.started(3_670, run(60, 4, 4, bert), bert, 120, asSuspect),
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
        facts.started(90, run(60, 4, 4, bert), bert, 120, asSuspect),
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

describe('a suspect', () => {
  const second = run(60, 2, 2, bert);
  const suspect = [scheduled, bound, started, ask.requeue(70, anna, bert), ask.requeue(80, bert, annaAgain)] as const;
  /** The same, but the survivor runs another suspect, so it is owned and not started. */
  const waiting = [
    scheduled,
    bound,
    started,
    ask.requeue(70, anna, bert),
    ask.requeue(80, bert, annaAgain, { soleSuspect: false }),
  ] as const;
  const third = run(60, 3, 3, annaAgain);
  specify(it, [
    specification('is not what one crash makes of a job: any survivor may start it again')
      .given(scheduled, bound, started)
      .when(ask.requeue(70, anna, bert, { soleSuspect: false }))
      .then(
        facts.abandoned(70, first, 'ownerFailed'),
        facts.requeued(70, 1, anna),
        facts.bound(70, 2, bert, 'requeue'),
        facts.started(70, second, bert, 120),
      ),
    specification('is what two make of it: a survivor that runs no other suspect starts it, and says so')
      .given(scheduled, bound, started, ask.requeue(70, anna, bert))
      .when(ask.requeue(80, bert, annaAgain))
      .then(
        facts.abandoned(80, second, 'ownerFailed'),
        facts.requeued(80, 2, bert),
        facts.bound(80, 3, annaAgain, 'requeue'),
        facts.started(80, third, annaAgain, 120, asSuspect),
      ),
    specification('a survivor that runs another one takes it, and starts it later')
      .given(scheduled, bound, started, ask.requeue(70, anna, bert))
      .when(ask.requeue(80, bert, annaAgain, { soleSuspect: false }))
      .then(
        facts.abandoned(80, second, 'ownerFailed'),
        facts.requeued(80, 2, bert),
        facts.bound(80, 3, annaAgain, 'requeue'),
      ),
    specification('its owner may not start it beside another')
      .given(...waiting)
      .when(ask.start(90, 3, annaAgain, false))
      .thenRefused('job-suspect'),
    specification('its owner starts it when no other runs')
      .given(...waiting)
      .when(ask.start(90, 3, annaAgain))
      .then(facts.started(90, third, annaAgain, 120, asSuspect)),
    specification('a claimer that runs another one binds it without a start; its slots stay pending')
      .given(...waiting, ask.release(85, 3, annaAgain))
      .when(ask.claim(90, bert, true, false))
      .then(facts.bound(90, 4, bert)),
    specification(
      'a crash that was not known to be its own does not count: an earlier release started it beside others',
    )
      .given(...waiting, facts.started(85, third, annaAgain, 120))
      .when(ask.requeue(90, annaAgain, bert))
      .then(
        facts.abandoned(90, third, 'ownerFailed'),
        facts.requeued(90, 3, annaAgain),
        facts.bound(90, 4, bert, 'requeue'),
        facts.started(90, run(60, 4, 4, bert), bert, 120, asSuspect),
      ),
    specification('and the next one as the sole suspect is the third')
      .given(...waiting, facts.started(85, third, annaAgain, 120), ask.requeue(90, annaAgain, bert))
      .when(ask.requeue(100, bert, anna))
      .then(
        facts.abandoned(100, run(60, 4, 4, bert), 'ownerFailed'),
        facts.requeued(100, 4, bert),
        facts.quarantined(100, 3),
      ),
    specification('a failure does not end it: the retry that follows at once is that of the sole suspect still')
      .given(...suspect, ask.runNow(85))
      .when(ask.fail(90, third, { startNext: true }))
      .then(
        facts.failed(90, third, 1, 100),
        facts.started(90, run('manual:11', 1, 3, annaAgain), annaAgain, 120, { ...asSuspect }),
      ),
    specification('a success ends it')
      .given(...suspect, ask.complete(85, third))
      .when(ask.start(120, 3, annaAgain, false))
      .then(facts.started(120, run(120, 1, 3, annaAgain), annaAgain, 180)),
    specification('a late outcome of one of the two runs ends it')
      .given(...waiting, facts.late(85, first, 'succeeded', 'x'))
      .when(ask.start(90, 3, annaAgain, false))
      .then(facts.started(90, third, annaAgain, 120)),
    specification('an end without an outcome of its own, told by the process that was thought dead, ends it too')
      .given(...waiting, ask.abandon(85, second, 'lostInProcess'))
      .when(ask.start(90, 3, annaAgain, false))
      .then(facts.started(90, third, annaAgain, 120)),
    specification('what is no crash makes none: the leftovers of a stop')
      .given(scheduled, bound, started, ask.requeue(70, anna, bert, { cause: 'stopped' }))
      .when(ask.requeue(80, bert, annaAgain, { cause: 'marked', soleSuspect: false }))
      .then(
        facts.abandoned(80, second, 'ownerMarked'),
        facts.requeued(80, 2, bert, null, 'marked'),
        facts.bound(80, 3, annaAgain, 'requeue'),
        facts.started(80, third, annaAgain, 120),
      ),
    specification('more crashes than are kept do not hide the one that is too many')
      .given(
        scheduled,
        bound,
        started,
        ...Array.from({ length: 17 }, (_, n) =>
          ask.requeue(70 + n * 3_600, n % 2 === 0 ? anna : bert, n % 2 === 0 ? bert : anna, { crashes: 16 }),
        ),
        ask.requeue(70 + 17 * 3_600, bert, anna, { crashes: 16 }),
      )
      .when(ask.requeue(70 + 17 * 3_600 + 1, anna, bert, { crashes: 2 }))
      .then(
        facts.abandoned(70 + 17 * 3_600 + 1, run(60, 19, 19, anna), 'ownerFailed'),
        facts.requeued(70 + 17 * 3_600 + 1, 19, anna),
        facts.quarantined(70 + 17 * 3_600 + 1, 2),
      ),
  ]);
});

describe('the suspicion in closed books', () => {
  it('is what it was: crashes and the open run keep whose they were', () => {
    const given = [scheduled, bound, started, ask.requeue(70, anna, bert), ask.requeue(80, bert, annaAgain)];
    const { state } = writeGiven(
      { name: 'books', given, when: ask.start(80, 1, anna), then: { kind: 'nothing' } },
      'c',
    );
    const books = closeBooks(state, 1)!;
    const { data } = encode(books);
    const read = decode('JobBooksClosed', data, '{}') as JobBooksClosed;
    expect(evolve(absentJob, read, state.revision + 1)).toEqual({ ...state, ...booksAt(state.revision + 1) });
    expect(isSuspect(read.data.state)).toBe(true);
    expect(openRuns(read.data.state)).toMatchObject([{ soleSuspect: true }]);
  });
});
