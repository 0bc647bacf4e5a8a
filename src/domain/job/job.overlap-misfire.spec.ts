import { specification, specify } from '../../testing/specification';
import { decide, dueAt, type JobCommand, type JobEvent } from '.';
import { after } from './record.fixture';
import { anna, ask, at, definition, facts, run, slotAt } from './story.fixture';

/** Both policies at once. A job every minute; slots are named by their seconds after noon. */

const bound = facts.bound(1, 1, anna);
const replacing = facts.scheduled(0, definition({}, { overlap: 'replace', misfire: 'all' }), 60);
const beside = facts.scheduled(0, definition({}, { overlap: { allow: 2 }, misfire: 'all' }), 60);
const of = (slot: number) => run(slot, 1, 1, anna);

/** The slot and the backlog of each run that the last command starts. */
function startedBy(...story: readonly (JobEvent | JobCommand)[]): readonly [string, string | undefined][] {
  const command = story.at(-1) as JobCommand;
  const decision = decide(after(...story.slice(0, -1)), command);
  if (!decision.ok) throw new Error(decision.refusal.rule);
  return decision.events.flatMap((event) =>
    event.type === 'JobRunStarted' ? [[event.data.slot, event.data.backlogTo] as [string, string | undefined]] : [],
  );
}

describe('replace, all', () => {
  const working = [replacing, bound, ask.start(250, 1, anna)] as const;
  specify(it, [
    specification('a slot of a backlog is not replaced by the next of it, or none would ever be done')
      .given(...working)
      .when(ask.start(251, 1, anna))
      .thenRefused('run-open'),
    specification('nor skipped for it as stuck')
      .given(...working)
      .when(ask.skipStuck(251, 1, anna))
      .thenRefused('nothing-due'),
  ]);
  it('they follow one another', () => {
    expect(dueAt(after(...working))).toBeNull();
    expect(startedBy(...working, ask.complete(255, of(60), { startNext: true }))).toEqual([[slotAt(120), slotAt(240)]]);
  });
  it('what falls once the backlog is done replaces as ever', () => {
    const last = [
      replacing,
      bound,
      ask.start(130, 1, anna),
      ask.complete(131, of(60)),
      ask.start(131, 1, anna),
    ] as const;
    expect(dueAt(after(...last))).toBe(at(180));
  });
});

describe('allow(2), all', () => {
  it('two slots of a backlog are run at once', () => {
    const working = [beside, bound, ask.start(250, 1, anna)] as const;
    expect(startedBy(...working, ask.start(250, 1, anna))).toEqual([[slotAt(120), slotAt(240)]]);
    expect(dueAt(after(...working, ask.start(250, 1, anna)))).toBeNull();
  });
});
