import { specification, specify } from '../../testing/specification';
import { evolve, fold, type JobEvent, type JobRecord } from '.';
import { decide } from './decide';
import { anna, ask, by, definition, everyMinute, fact, facts, minutely, once, run, slotAt } from './story.fixture';

const hourly = definition({ schedule: { ...everyMinute, everyMs: 3_600_000 } });
const as = (hash: string) => ({ declaration: { hash, source: 'app' } });
const declared = facts.scheduled(0, minutely, 60, as('a'));
const bound = facts.bound(1, 1, anna);
const first = run(60, 1, 1, anna);
const changed = facts.rescheduled(10, hourly, 3_610, as('b'));
const pausedByDeclaration = (seconds: number) => fact('JobPaused', seconds, { reason: 'disabled by its declaration' });
const resumedByDeclaration = (seconds: number, nextSlot: number) =>
  fact('JobResumed', seconds, {
    reason: 'its declaration has changed',
    nextSlot: slotAt(nextSlot),
    zoneData: declared.data.zoneData,
  });

describe('a declaration', () => {
  specify(it, [
    specification('of a new job schedules it')
      .when(ask.declare(0, minutely, 'a'))
      .then(by('c', declared)),
    specification('that is disabled schedules it, paused')
      .when(ask.declare(0, minutely, 'a', { disabled: true }))
      .then(by('c', declared), by('c', pausedByDeclaration(0))),
    specification('in force adds nothing')
      .given(declared, bound)
      .when(ask.declare(10, minutely, 'a'))
      .thenNothing(),
    specification('in force adds nothing, though this process would define the job otherwise')
      .given(declared, bound)
      .when(ask.declare(10, hourly, 'a'))
      .thenNothing(),
    specification('that is new reschedules the job, and its owner stays')
      .given(declared, bound)
      .when(ask.declare(10, hourly, 'b'))
      .then(by('c', changed)),
    specification('that is new with the same definition is recorded; the pending slot stays')
      .given(declared, bound)
      .when(ask.declare(10, minutely, 'b'))
      .then(by('c', facts.rescheduled(10, minutely, 60, { ...as('b'), anchor: declared.data.anchor }))),
    specification('that is new while a run is open: the run goes on')
      .given(declared, bound, facts.started(60, first, anna, 120))
      .when(ask.declare(70, hourly, 'b'))
      .then(by('c', facts.rescheduled(70, hourly, 3_670, as('b')))),
    specification('adopts a job that a caller scheduled')
      .given(facts.scheduled(0, minutely, 60), bound)
      .when(ask.declare(10, minutely, 'a'))
      .then(by('c', facts.rescheduled(10, minutely, 60, { ...as('a'), anchor: declared.data.anchor }))),
    specification('of a schedule that never fires is refused')
      .when(ask.declare(0, definition({ schedule: { ...everyMinute, end: declared.data.at } }), 'a'))
      .thenRefused('never-fires', { field: 'schedule' }),
    specification('of a job that ends with its open run is refused until then')
      .given(declared, bound, facts.started(60, first, anna, 120), facts.endSet(61))
      .when(ask.declare(70, hourly, 'b'))
      .thenRefused('job-ending'),
  ]);
});

describe('what an operator has done', () => {
  const ends = [facts.completed(70, 'succeeded'), facts.cancelled(70), facts.removed(70)];
  specify(it, [
    specification('a pause stays while the declaration is in force')
      .given(declared, bound, facts.paused(5))
      .when(ask.declare(10, minutely, 'a'))
      .thenNothing(),
    specification('a new declaration ends the pause')
      .given(declared, bound, facts.paused(5))
      .when(ask.declare(10, hourly, 'b'))
      .then(by('c', changed), by('c', resumedByDeclaration(10, 3_610))),
    specification('… also without a new definition; what fell during the pause is skipped')
      .given(declared, bound, facts.paused(5))
      .when(ask.declare(70, minutely, 'b'))
      .then(
        by('c', facts.rescheduled(70, minutely, 60, { ...as('b'), anchor: declared.data.anchor })),
        by('c', facts.skipped(70, 'paused', [60, 60, 1], 120)),
        by('c', resumedByDeclaration(70, 120)),
      ),
    specification('a new declaration that is disabled pauses')
      .given(declared, bound)
      .when(ask.declare(10, hourly, 'b', { disabled: true }))
      .then(by('c', changed), by('c', pausedByDeclaration(10))),
    specification('… and leaves a pause as it is')
      .given(declared, bound, facts.paused(5))
      .when(ask.declare(10, hourly, 'b', { disabled: true }))
      .then(by('c', changed)),
    specification('an edit stays while the declaration is in force')
      .given(declared, bound, facts.rescheduled(5, hourly, 3_605))
      .when(ask.declare(10, minutely, 'a'))
      .thenNothing(),
    specification('a resume of a disabled job stays')
      .given(declared, pausedByDeclaration(0), bound, facts.resumed(5, 60))
      .when(ask.declare(10, minutely, 'a', { disabled: true }))
      .thenNothing(),
    specification('quarantine: a new definition is applied, and it stays')
      .given(declared, bound, facts.requeued(2, 1, anna), facts.quarantined(2, 3))
      .when(ask.declare(10, hourly, 'b'))
      .then(by('c', changed)),
    specification('quarantine: pausing is refused until an operator has looked')
      .given(declared, bound, facts.requeued(2, 1, anna), facts.quarantined(2, 3))
      .when(ask.declare(10, hourly, 'b', { disabled: true }))
      .thenRefused('job-quarantined'),
    ...ends.map((end) =>
      specification(`after ${end.type} the declaration in force adds nothing`)
        .given(declared, end)
        .when(ask.declare(100, minutely, 'a'))
        .thenNothing(),
    ),
    ...ends.map((end) =>
      specification(`after ${end.type} a new declaration begins the job anew`)
        .given(declared, end)
        .when(ask.declare(100, hourly, 'b'))
        .then(by('c', facts.scheduled(100, hourly, 3_700, { ...as('b'), renewed: true }))),
    ),
  ]);
});

describe('a restart of what has completed', () => {
  const late = definition({ schedule: { ...once, at: declared.data.at + 30_000 } });
  const again = definition({ schedule: { ...once, at: declared.data.at + 130_000 } });
  const given = facts.scheduled(0, late, 30, as('a'));
  specify(it, [
    specification('begins a completed job anew, with the definition of this start')
      .given(given, facts.completed(31, 'succeeded'))
      .when(ask.declare(100, again, 'a', { restart: true }))
      .then(by('c', facts.scheduled(100, again, 130, { ...as('a'), renewed: true }))),
    specification('adds nothing while the job lives')
      .given(given)
      .when(ask.declare(10, again, 'a', { restart: true }))
      .thenNothing(),
    ...[facts.cancelled(31), facts.removed(31)].map((end) =>
      specification(`adds nothing after ${end.type}`)
        .given(given, end)
        .when(ask.declare(100, again, 'a', { restart: true }))
        .thenNothing(),
    ),
  ]);
});

describe('what is not undone by a declaration that has not changed', () => {
  specify(it, [
    specification('a cancel that waited for the open run: the job completed, but not by itself')
      .given(declared, bound, facts.started(60, first, anna, 120), facts.endSet(61), facts.succeeded(65, first))
      .given(facts.completed(65, 'succeeded'))
      .when(ask.declare(100, minutely, 'a', { restart: true }))
      .thenNothing(),
    specification('the pause of a job that a caller scheduled, when a declaration adopts it')
      .given(facts.scheduled(0, minutely, 60), facts.paused(5))
      .when(ask.declare(10, minutely, 'a'))
      .then(by('c', facts.rescheduled(10, minutely, 60, { ...as('a'), anchor: declared.data.anchor }))),
  ]);
});

describe('a rolling deploy', () => {
  specify(it, [
    specification('a replica of the former release starts again: its declaration was replaced')
      .given(declared, bound, changed)
      .when(ask.declare(20, minutely, 'a'))
      .thenNothing(),
    specification('… however many releases ago')
      .given(declared, bound, changed, facts.rescheduled(15, minutely, 75, as('c')))
      .when(ask.declare(20, minutely, 'a'))
      .thenNothing(),
    specification('… also with restart, after the job has ended')
      .given(declared, changed, facts.completed(20, 'succeeded'))
      .when(ask.declare(30, minutely, 'a', { restart: true }))
      .thenNothing(),
    specification('… and after it was removed')
      .given(declared, changed, facts.cancelled(20), facts.removed(20))
      .when(ask.declare(30, minutely, 'a'))
      .thenNothing(),
    specification('what a caller schedules anew keeps the declarations')
      .given(declared, changed, facts.cancelled(20), facts.scheduled(25, minutely, 85, { renewed: true }))
      .when(ask.declare(30, minutely, 'a'))
      .thenNothing(),
  ]);

  it('remembers the last 64 declarations', () => {
    const events: JobEvent[] = [declared];
    for (let n = 0; n < 70; n++) events.push(facts.rescheduled(n, n % 2 ? minutely : hourly, 4_000, as(`n${n}`)));
    const state = fold(events) as JobRecord;
    expect(state.declaration).toMatchObject({ hash: 'n69', source: 'app' });
    expect(state.declaration?.replaced).toHaveLength(64);
    expect(state.declaration?.replaced.at(-1)).toBe('n68');
  });

  it('is told the same by the books', () => {
    const state = fold([declared, bound, changed]) as JobRecord;
    const books: JobEvent = { type: 'JobBooksClosed', data: { schemaVersion: 1, state, at: state.scheduledAt } };
    const after = evolve(state, books, state.revision + 1);
    expect(decide(after, ask.declare(20, minutely, 'a'))).toEqual({ ok: true, events: [] });
    expect(decide(after, ask.declare(20, minutely, 'c'))).toMatchObject({ ok: true, events: [{ data: as('c') }] });
  });
});
