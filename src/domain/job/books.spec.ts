import { decode, encode } from '../codec';
import { specification, specify, unreadableEvent, type Given } from '../../testing/specification';
import { aRun, ask, slot, t, T0, two } from '../../testing/specification/a-job';
import { fact } from '../../testing/specification/facts';
import { writeGiven } from '../../testing/specification/given-log';
import * as life from '../../testing/specification/lives';
import { run1 } from '../../testing/specification/lives';
import { absentJob, BOOKS_EVERY, BOOKS_SCHEMA, closeBooks, evolve, fold } from '.';
import type { JobBooksClosed, JobEvent, JobRecord, JobState } from '.';

/** The whole state in one event, so that reading can begin there (protocol §8). */

function stateOf(given: readonly Given[]): JobState {
  return writeGiven({ name: 'books', given, when: ask.start(T0), then: { kind: 'nothing' } }, 'test').state;
}
function booksOf(given: readonly Given[]): JobBooksClosed {
  const books = closeBooks(stateOf(given), 0);
  if (books === null) throw new Error('there is a job');
  return books;
}

const lives: readonly (readonly [string, readonly Given[]])[] = [
  ['unbound', life.unbound()],
  ['bound', life.bound()],
  ['running', life.running()],
  ['waiting for a retry', life.waiting()],
  ['paused, with a request', [...life.paused(), ask.runNow(t(0, 5))]],
  ['held', life.held()],
  ['quarantined', life.quarantined()],
  ['released', [...life.bound(), ask.release(t(0, 5), 'home', { target: 'two' })]],
  ['ending', [...life.running(), ask.cancel(t(1, 5), 'afterRun')]],
  ['completed', life.completed()],
  ['removed', life.removed()],
];

describe('closed books', () => {
  it.each(lives)('tell the whole of a job that is %s', (_, given) => {
    const state = stateOf(given) as JobRecord;
    const { type, data } = encode(booksOf(given));
    const read = decode(type, data, '{}') as JobBooksClosed;
    const revision = state.revision + 1;
    const after = evolve(state, read, revision);
    expect(after).toEqual({ ...state, revision, booksRevision: revision });
    expect(fold([read], revision)).toEqual(after);
  });

  it('are the same to every later event', () => {
    const before = life.running();
    const books = booksOf(before);
    const later: readonly JobEvent[] = [
      fact.succeeded(t(1, 10), run1),
      fact.started(t(2), aRun(slot(2)), slot(3)),
      fact.abandoned(t(2, 10), aRun(slot(2)), 'ownerFailed'),
      fact.requeued(t(2, 10)),
      fact.takenOver(t(2, 10), 2),
      fact.paused(t(2, 20)),
    ];
    const state = stateOf(before);
    const whole = fold([books, ...later], state.revision + 1, state);
    expect(fold([books, ...later], state.revision + 1)).toEqual(whole);
    expect(whole).toMatchObject({ epoch: 2, paused: true, crashes: [{ slot: slot(2) }], revision: 9 });
  });

  it('are closed when so many events have come since the last ones', () => {
    const record = stateOf(life.bound()) as JobRecord;
    const at = (revision: number, booksRevision: number) => closeBooks({ ...record, revision, booksRevision });
    expect(BOOKS_EVERY).toBe(500);
    expect(at(498, -1)).toBeNull();
    expect(at(499, -1)).toMatchObject({ type: 'JobBooksClosed', data: { schemaVersion: BOOKS_SCHEMA } });
    expect(at(999, 500)).toBeNull();
    expect(at(1_000, 500)).not.toBeNull();
    expect(closeBooks(record, 3)).toBeNull();
    expect(closeBooks(record, 2)).not.toBeNull();
  });

  it('are dated by the newest event', () => {
    expect(booksOf(life.bound()).data.at).toBe(t(0, 1));
    expect(booksOf(life.running()).data.at).toBe(t(1));
    expect(booksOf(life.waiting()).data.at).toBe(t(1, 10));
    expect(booksOf(life.paused()).data.at).toBe(t(0, 2));
  });

  it('are not closed where there is no job, or none that can be read whole', () => {
    expect(closeBooks(absentJob, 0)).toBeNull();
    expect(closeBooks(stateOf([...life.bound(), unreadableEvent()]), 0)).toBeNull();
  });

  it('that cannot be read hide nothing: the events before them say the same', () => {
    const before = stateOf(life.running()) as JobRecord;
    expect(stateOf([...life.running(), unreadableEvent('JobBooksClosed')])).toEqual({
      ...before,
      revision: before.revision + 1,
    });
  });

  specify(it, [
    specification('a job that could not be read goes on behind books of a process that could')
      .given(...life.bound(), unreadableEvent(), booksOf(life.bound()))
      .when(ask.start(t(1)))
      .then(fact.started(t(1), run1, slot(2))),
    specification('… and cannot be read again behind the next event of the future')
      .given(...life.bound(), booksOf(life.bound()), unreadableEvent())
      .when(ask.start(t(1)))
      .thenRefused('job-opaque'),
    specification('a caller’s command is known through the books')
      .given(...life.paused(), booksOf(life.paused()))
      .when({ ...ask.pause(t(0, 2)), at: t(0, 30) })
      .thenNothing({ knownRevision: 2 }),
    specification('a late outcome is told from an unknown one through the books')
      .given(...life.running(), ask.requeue(t(1, 10), two), booksOf([...life.running(), ask.requeue(t(1, 10), two)]))
      .when(ask.fail(t(1, 20), run1))
      .then(fact.outcomeRefused(t(1, 20), run1, 'failed', 'the run had ended: ownerFailed')),
  ]);
});
