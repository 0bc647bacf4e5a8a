import fc from 'fast-check';
import { MINUTE, slot, t, T0 } from '../../testing/specification/a-job';
import {
  manySchedules,
  RandomLife,
  sameSlots,
  sameSlotsEveryMisfire,
  type Step,
} from '../../testing/specification/random-life';
import { randomSteps } from '../../testing/specification/random-steps.fixture';
import { absentJob, evolve, fold, instantOfSlot, type JobEvent, type JobEventType, type JobState } from '.';

/** Whatever several incarnations ask of a job, in whatever order, rightly and wrongly. */

const steps = randomSteps({ minLength: 30, maxLength: 200 });
const numRuns = 150;

function live(list: readonly Step[], options: ConstructorParameters<typeof RandomLife>[0]): RandomLife {
  const life = new RandomLife(options);
  for (const step of list) life.step(step);
  life.finish();
  return life;
}

describe('random lives', () => {
  const anyOptions = { definitions: manySchedules, renew: true, booksEvery: 40 };

  it('break no invariant (I1, I2, I3, I4, I8, I12, I13), and meet every kind of event', () => {
    const met = new Set<JobEventType>();
    fc.assert(
      fc.property(steps, (list) => {
        const life = live(list, anyOptions);
        expect(life.violations).toEqual([]);
        for (const event of life.events) met.add(event.type);
      }),
      { numRuns, seed: 1 },
    );
    expect([...met].sort()).toHaveLength(24);
  });

  it('have states that are the fold of their events, from the beginning and from any books', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { events, state } = live(list, anyOptions);
        expect(fold(events)).toEqual(state);
        events.forEach((event, revision) => {
          if (event.type === 'JobBooksClosed') expect(fold(events.slice(revision), revision)).toEqual(state);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('are folded without an error in any order, with events missing and twice', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(10_000), { maxLength: 200, size: 'max' }), (list, picks) => {
        const { events } = live(list, anyOptions);
        let state: JobState = absentJob;
        picks.forEach((pick, n) => {
          state = evolve(state, events[pick % events.length], n);
          expect(state.revision).toBe(n);
        });
      }),
      { numRuns: 60 },
    );
  });
});

/** How often each scheduled slot was started for the first time, or named in a range of skipped ones. */
function accounts(events: readonly JobEvent[]): ReadonlyMap<string, number> {
  const seen = new Map<string, number>();
  const count = (of: string) => seen.set(of, (seen.get(of) ?? 0) + 1);
  for (const { type, data } of events) {
    if (type === 'JobRunStarted' && data.attempt === 1) count(data.slot);
    if (type !== 'JobSlotsSkipped') continue;
    data.slots.forEach(count);
    if (data.from === null || data.to === null) continue;
    const minutes = [data.from, data.to].map((of) => ((instantOfSlot(of) ?? NaN) - T0) / MINUTE);
    expect(data.count).toBe(minutes[1] - minutes[0] + 1);
    for (let minute = minutes[0]; minute <= minutes[1]; minute++) count(slot(minute));
  }
  return seen;
}

describe('every slot (I8)', () => {
  const range = (to: number) => Array.from({ length: to }, (_, n) => slot(n + 1));

  const asToday = { words: 'coalesced', of: sameSlots };
  const byPolicy = { words: 'every misfire policy', of: sameSlotsEveryMisfire };
  it.each([
    { ...asToday, maxRuns: null },
    { ...asToday, maxRuns: 7 },
    { ...byPolicy, maxRuns: null },
    { ...byPolicy, maxRuns: 7 },
  ])('is accounted for exactly once, in order, none beyond maxRuns ($maxRuns, $words)', ({ maxRuns, of }) => {
    const ends = new Set<string>();
    fc.assert(
      fc.property(steps, (list) => {
        const { events, state, now, violations } = live(list, {
          definitions: of(maxRuns),
          renew: false,
          booksEvery: 1e9,
        });
        expect(violations).toEqual([]);
        if (state.stage === 'absent' || state.stage === 'opaque') throw new Error('it can be read');
        ends.add(state.stage);
        const seen = accounts(events);
        const scheduled = [...seen].filter(([name]) => instantOfSlot(name) !== null);
        const through = state.accountedThrough === null ? 0 : (state.accountedThrough - T0) / MINUTE;
        expect(scheduled.sort()).toEqual(range(through).map((name) => [name, 1]));
        if (maxRuns !== null) expect(through).toBeLessThanOrEqual(maxRuns);
        const end = events.find(({ type }) => type === 'JobCancelled' || type === 'JobEndSet');
        const limit = maxRuns ?? Infinity;
        if (end !== undefined) {
          // What was due when it was ended is told, and nothing comes after it.
          expect(through).toBe(Math.min(limit, Math.floor((end.data.at - T0) / MINUTE)));
          expect(state.nextSlot).toBeNull();
        } else if (state.stage === 'completed') {
          expect([through, state.nextSlot]).toEqual([maxRuns, null]);
        } else {
          expect(state.nextSlot).toBe(through >= limit ? null : slot(through + 1));
        }
        expect(now).toBeGreaterThanOrEqual(t(0));
      }),
      { numRuns, seed: 2 },
    );
    expect(ends.size).toBeGreaterThanOrEqual(3);
  });

  it('that was requested is started, or skipped by name, or waits: exactly one of them', () => {
    let requests = 0;
    fc.assert(
      fc.property(steps, (list) => {
        const { events, state } = live(list, { definitions: sameSlots(null), renew: false, booksEvery: 1e9 });
        if (state.stage === 'absent' || state.stage === 'opaque') throw new Error('it can be read');
        const seen = accounts(events);
        const waiting = new Set(state.requested.map((request) => request.slot));
        events.forEach((event, revision) => {
          if (event.type !== 'JobRunRequested') return;
          requests += 1;
          expect(event.data.slot).toMatch(new RegExp(`^(manual:${revision}|backfill:${revision}:.*)$`));
          expect((seen.get(event.data.slot) ?? 0) + (waiting.has(event.data.slot) ? 1 : 0)).toBe(1);
        });
      }),
      { numRuns: 60 },
    );
    expect(requests).toBeGreaterThan(50);
  });
});
