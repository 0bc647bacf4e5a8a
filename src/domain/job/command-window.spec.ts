import { specification, specify, unreadableEvent, type Given } from '../../testing/specification';
import { aDefinition, ask, T0, t, two, zoneData } from '../../testing/specification/a-job';
import { fact } from '../../testing/specification/facts';
import { bound, cancelled, running, unbound } from '../../testing/specification/lives';
import { absentJob, decide, evolve, fold, type JobEvent, type JobRecord } from '.';

/** Callers' command ids (protocol §3.3): a known one answers its first result and adds nothing. */

const pause = ask.pause(t(0, 10));
const resume = ask.resume(t(0, 20));
const again = { ...pause, at: t(0, 30) };
const other = aDefinition({ payload: 'another' });

specify(it, [
  specification('a command that is sent again adds nothing, and gives the revision of its first result')
    .given(...bound(), pause)
    .when(again)
    .thenNothing({ knownRevision: 2 }),
  specification('… also when the job has moved on, and it would now be refused or be done')
    .given(...bound(), pause, resume)
    .when(again)
    .thenNothing({ knownRevision: 2 }),
  specification('… also when the job has ended')
    .given(...bound(), pause, ask.cancel(t(0, 40)))
    .when(again)
    .thenNothing({ knownRevision: 2 }),
  specification('… also when the job cannot be read any more')
    .given(...bound(), pause, unreadableEvent())
    .when(again)
    .thenNothing({ knownRevision: 2 }),
  specification('… also when the job has begun anew')
    .given(...bound(), pause, ask.cancel(t(0, 40)), ask.schedule(t(0, 50), undefined, { renew: true }))
    .when(again)
    .thenNothing({ knownRevision: 2 }),
  specification('… also as a command of another kind: an id is of one command')
    .given(...bound(), pause)
    .when({ ...ask.cancel(t(0, 30)), commandId: pause.commandId })
    .thenNothing({ knownRevision: 2 }),
  specification('the scheduling itself is known by its id, with whatever definition')
    .given(...unbound())
    .when({ ...ask.schedule(t(0, 30), other), commandId: ask.schedule(T0).commandId })
    .thenNothing({ knownRevision: 0 }),
  specification('an operator’s move is known by its id')
    .given(...bound(), ask.move(t(0, 10), two), ask.requeue(t(0, 20), null, { from: two }))
    .when({ ...ask.move(t(0, 30), two), commandId: ask.move(t(0, 10)).commandId ?? '' })
    .thenNothing({ knownRevision: 3 }),
  specification('the first result of several events is that of the last of them')
    .given(...running(), ask.remove(t(2, 10)))
    .when({ ...ask.remove(t(2, 10)), at: t(2, 20) })
    .thenNothing({ knownRevision: 6 }),
  specification('a command that added nothing is not known: it is decided again')
    .given(...unbound(), ask.schedule(t(0, 10)))
    .when({ ...ask.schedule(t(0, 20), other, { onConflict: 'update' }), commandId: ask.schedule(t(0, 10)).commandId })
    .then({
      ...fact.rescheduled(t(0, 20), '2026-03-02T08:01:00.000Z', other),
      data: {
        definition: other,
        definitionHash: ask.schedule(T0, other).definitionHash,
        anchor: T0,
        nextSlot: '2026-03-02T08:01:00.000Z',
        zoneData,
        commandId: ask.schedule(t(0, 10)).commandId,
        at: t(0, 20),
      },
    } as JobEvent),
  specification('another command of the same kind is another command')
    .given(...cancelled())
    .when(ask.remove(t(0, 30)))
    .then(fact.removed(t(0, 30))),
]);

/** Pauses and resumes, `count` commands in all, `everyMs` apart. */
function asks(count: number, everyMs: number): readonly Given[] {
  return Array.from({ length: count }, (_, n) => {
    const at = T0 + n * everyMs;
    return n % 2 === 0 ? ask.pause(at) : ask.resume(at);
  });
}

describe('how long they are known', () => {
  const HOUR = 3_600_000;
  /** The ids of commands 0 … n−1 that are known after all of them. */
  const knownOf = (count: number, everyMs: number): readonly number[] => {
    let record = fold([fact.scheduled(T0, '9998-01-01T00:00:00.000Z')]) as JobRecord;
    const ids: string[] = [];
    for (const command of asks(count, everyMs)) {
      if (!('kind' in command) || !('commandId' in command)) throw new Error('it is a command');
      const decision = decide(record, command);
      if (!decision.ok) throw new Error(decision.refusal.rule);
      record = decision.events.reduce((state, event) => evolve(state, event, state.revision + 1) as JobRecord, record);
      ids.push(command.commandId ?? '');
    }
    return ids.flatMap((id, n) => (record.commands.some((known) => known.id === id) ? [n] : []));
  };
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

  it.each([
    ['the last 64, however old', 70, 2 * HOUR, range(6, 70)],
    ['all of the last 24 h, however many', 100, HOUR / 10, range(0, 100)],
    ['of 24 h and the last 64 whichever are more', 200, HOUR / 4, range(200 - 96, 200)],
    ['1,000 at most', 1_010, 1, range(10, 1_010)],
  ])('%s', (_, count, everyMs, known) => expect(knownOf(count, everyMs)).toEqual(known));

  it('the decisions of sweeps and runners do not enter the window', () => {
    const state = [...running(), ask.requeue(t(1, 10), two)].reduce<typeof absentJob | JobRecord>((before, command) => {
      if (!('kind' in command)) throw new Error('it is a command');
      const decision = decide(before, command);
      if (!decision.ok) throw new Error(decision.refusal.rule);
      return decision.events.reduce((s, event) => evolve(s, event, s.revision + 1) as JobRecord, before);
    }, absentJob) as JobRecord;
    expect(state.commands.map(({ id }) => id)).toEqual([ask.schedule(T0).commandId]);
  });

  specify(it, [
    specification('a command beyond the window is decided as a new one')
      .given(fact.scheduled(T0, '9998-01-01T00:00:00.000Z'), ...asks(70, 2 * HOUR))
      .when({ ...ask.pause(T0), at: T0 + 140 * HOUR })
      .then({
        type: 'JobPaused',
        data: { reason: 'asked', commandId: ask.pause(T0).commandId, at: T0 + 140 * HOUR },
      }),
  ]);
});
