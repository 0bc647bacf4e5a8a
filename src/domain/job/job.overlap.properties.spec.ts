import fc from 'fast-check';
import { MINUTE, T0 } from '../../testing/specification/a-job';
import { everyOverlap, RandomLife, type Step } from '../../testing/specification/random-life';
import { randomSteps } from '../../testing/specification/random-steps.fixture';
import { absentJob, evolve, fold, instantOfSlot, openRuns, type JobEvent, type JobState, type Overlap } from '.';

/** Whatever several incarnations ask of a job, and whatever becomes of its owners and of its policy. */

const steps = randomSteps({ minLength: 30, maxLength: 200 });

function live(list: readonly Step[], more: Partial<ConstructorParameters<typeof RandomLife>[0]> = {}): RandomLife {
  const life = new RandomLife({ definitions: everyOverlap(null), renew: true, booksEvery: 40, ...more });
  for (const step of list) life.step(step);
  life.finish();
  return life;
}

/** Written down once more, on purpose: it must not share a mistake with the code. */
function limitOf(overlap: Overlap): number {
  if (overlap === 'skip' || overlap === 'queue' || overlap === 'replace') return 1;
  return overlap.allow;
}

describe('whatever moves, an overlap policy', () => {
  it('is never exceeded by a start, and the invariants hold', () => {
    const most = new Map<string, number>();
    fc.assert(
      fc.property(steps, (list) => {
        const { events, violations } = live(list);
        expect(violations).toEqual([]);
        const open = new Set<string>();
        let limit = 0;
        let policy = '';
        events.forEach(({ type, data }) => {
          if (type === 'JobScheduled' || type === 'JobRescheduled') {
            limit = limitOf(data.definition.policies.overlap);
            policy = JSON.stringify(data.definition.policies.overlap);
          }
          if (type === 'JobRunStarted') {
            open.add(`${data.slot} ${data.attempt}`);
            expect(open.size).toBeLessThanOrEqual(limit);
            most.set(policy, Math.max(open.size, most.get(policy) ?? 0));
          }
          if (/^JobRun(Succeeded|Failed|TimedOut|Abandoned)$/.test(type)) {
            const { slot, attempt } = data as { slot: string; attempt: number };
            expect(open.delete(`${slot} ${attempt}`)).toBe(true);
          }
          if (/^Job(Released|Requeued|BoundToService|Completed|Cancelled|Quarantined)$/.test(type)) {
            expect([type, ...open]).toEqual([type]);
          }
        });
      }),
      { numRuns: 150, seed: 7, endOnFailure: true },
    );
    // And each is used to the full.
    expect(Object.fromEntries(most)).toEqual({
      '"skip"': 1,
      '"queue"': 1,
      '"replace"': 1,
      '{"allow":2}': 2,
      '{"allow":4}': 4,
    });
  });

  it('makes states that are the fold of their events, from the beginning and from any books', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { events, state } = live(list);
        expect(fold(events)).toEqual(state);
        events.forEach((event, revision) => {
          if (event.type === 'JobBooksClosed') expect(fold(events.slice(revision), revision)).toEqual(state);
        });
      }),
      { numRuns: 60, seed: 8, endOnFailure: true },
    );
  });

  it('accounts for every slot once: started first, or skipped', () => {
    const reasons = new Set<string>();
    fc.assert(
      fc.property(steps, (list) => {
        const { events, state } = live(list, { renew: false, booksEvery: 1e9 });
        const counts = new Map<number, number>();
        const count = (minute: number) => counts.set(minute, (counts.get(minute) ?? 0) + 1);
        const started = new Set<string>();
        for (const { type, data } of events) {
          if (type === 'JobRunStarted') {
            const instant = instantOfSlot(data.slot);
            if (data.attempt === 1 && instant !== null) count((instant - T0) / MINUTE);
            started.add(data.slot);
          }
          if (type !== 'JobSlotsSkipped' || data.from === null || data.to === null) continue;
          reasons.add(data.reason);
          if (data.reason === 'replaced') {
            expect([data.from, started.has(data.from)]).toEqual([data.to, true]);
            continue;
          }
          const [from, to] = [data.from, data.to].map((of) => ((instantOfSlot(of) ?? NaN) - T0) / MINUTE);
          expect(data.count).toBe(to - from + 1);
          for (let minute = from; minute <= to; minute++) count(minute);
        }
        if (state.stage === 'absent' || state.stage === 'opaque') throw new Error('it can be read');
        const through = state.accountedThrough === null ? 0 : (state.accountedThrough - T0) / MINUTE;
        expect([...counts].sort(([a], [b]) => a - b)).toEqual(Array.from({ length: through }, (_, n) => [n + 1, 1]));
      }),
      { numRuns: 240, seed: 11, endOnFailure: true },
    );
    for (const reason of ['coalesced', 'overlap', 'stuck', 'replaced']) expect(reasons).toContain(reason);
  });

  it('keeps one crash for each owner that died', () => {
    fc.assert(
      fc.property(steps, (list) => {
        let state: JobState = absentJob;
        for (const [revision, event] of live(list, { booksEvery: 1e9 }).events.entries()) {
          const before: number = crashesOf(state);
          const open = state.stage === 'absent' || state.stage === 'opaque' ? [] : openRuns(state);
          state = evolve(state, event as JobEvent, revision);
          const added = crashesOf(state) - before;
          expect(added).toBeLessThanOrEqual(1);
          if (added === 1) expect(open.length).toBeGreaterThan(0);
          if (state.stage === 'absent' || state.stage === 'opaque') continue;
          const owners = state.crashes.flatMap(({ incarnation }) => incarnation ?? []);
          expect(new Set(owners).size).toBe(owners.length);
        }
      }),
      { numRuns: 60, seed: 10, endOnFailure: true },
    );
  });
});

function crashesOf(state: JobState): number {
  return state.stage === 'absent' || state.stage === 'opaque' ? 0 : state.crashes.length;
}
