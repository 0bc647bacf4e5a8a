import fc from 'fast-check';
import {
  decide,
  evolve,
  openRuns,
  type JobDefinition,
  type JobEvent,
  type JobRecord,
  type JobState,
} from '../../src/domain/job';
import { columnsOf } from '../../src/read-model/job-columns';
import { ask, MINUTE } from '../../src/testing/specification/a-job';
import { manySchedules, RandomLife, type Step } from '../../src/testing/specification/random-life';
import { randomSteps } from '../../src/testing/specification/random-steps.fixture';

/** What `next_run_time` shows is what will happen, if nobody asks for anything else meanwhile. */

const steps = randomSteps({ minLength: 10, maxLength: 120 });

/** A job that nobody owns, and whose slots are missed once they are late at all: in a random life enough slots are seldom missed for good. */
const strict = ({ policies: { misfire, overlap } }: JobDefinition): boolean =>
  typeof misfire === 'object' && misfire.policy === 'skip' && misfire.thresholdMs === 0 && overlap === 'skip';
const missing: readonly Step[] = [
  [18, 0, manySchedules.findIndex(strict), 0],
  ...Array.from({ length: 16 }, (): Step => [0, 0, 0, 2.4 * MINUTE]),
];

/** What the owner does at a time, or the first that claims the job, if nobody owns it; null: it may do nothing. */
function acted(state: JobRecord, at: number): readonly JobEvent[] | null {
  const { ownership, epoch } = state;
  const command =
    ownership.kind === 'unbound'
      ? ask.claim(at)
      : ask.start(at, { serviceId: ownership.serviceId, incarnation: ownership.incarnation, epoch });
  const decision = decide(state, command);
  return decision.ok ? decision.events : null;
}

const starts = (events: readonly JobEvent[] | null) =>
  (events ?? []).filter((event) => event.type === 'JobRunStarted').map(({ data }) => data as { slot: string });

const after = (state: JobRecord, events: readonly JobEvent[]) =>
  events.reduce<JobState>((folded, event) => evolve(folded, event, folded.revision + 1), state) as JobRecord;

function check(state: JobRecord, now: number, met: Map<string, number>): void {
  const meet = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1);
  const { nextRunTime } = columnsOf(state);
  // What replaces an open run starts once its handler has settled: that is the worker's to bring about.
  if (state.definition.policies.overlap === 'replace' && openRuns(state).length > 0) return;
  if (nextRunTime === null) {
    meet('never');
    for (const later of [0, MINUTE, 400 * 24 * 60 * MINUTE]) expect(starts(acted(state, now + later))).toEqual([]);
    return;
  }
  const due = Math.max(nextRunTime, now);
  if (nextRunTime > now) {
    expect(starts(acted(state, nextRunTime - 1))).toEqual([]);
    if (state.inProgress.length === 0) {
      // Nothing but the scheduled slot is to come, and it comes in its time, that of its jitter.
      meet('scheduled');
      expect(starts(acted(state, nextRunTime)).map(({ slot }) => slot)).toEqual([state.nextSlot]);
      expect(nextRunTime).toBe(state.nextDueAt ?? Date.parse(state.nextSlot ?? ''));
      return;
    }
    meet('retry');
  }
  const events = acted(state, due) ?? [];
  if (starts(events).length > 0) return meet('started');
  // All that was due was missed for good: then the log says so, and the view shows what comes next.
  meet('skipped');
  expect(events.some(({ type }) => type === 'JobSlotsSkipped')).toBe(true);
  const next = columnsOf(after(state, events)).nextRunTime;
  if (next !== null) expect(next).toBeGreaterThan(due);
}

describe('next_run_time', () => {
  it('is when something is started, neither before nor after, whatever was done to the job', () => {
    const met = new Map<string, number>();
    fc.assert(
      fc.property(steps, fc.boolean(), (list, renew) => {
        const life = new RandomLife({ definitions: manySchedules, renew, booksEvery: 1e9 });
        for (const step of list) {
          life.step(step);
          const { state, now } = life;
          if (state.stage !== 'absent' && state.stage !== 'opaque') check(state, now, met);
        }
      }),
      { seed: 4, numRuns: 150, examples: [[[...missing], false]] },
    );
    for (const what of ['never', 'scheduled', 'retry', 'started', 'skipped']) {
      expect([what, (met.get(what) ?? 0) > 5]).toEqual([what, true]);
    }
  });
});
