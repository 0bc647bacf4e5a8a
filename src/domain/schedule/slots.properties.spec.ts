import fc from 'fast-check';
import { countSlots, defineSchedule, isSlot, nextSlot, previousSlot, slotsBetween, type AnchoredSchedule } from '.';
import { model, ruleOf, type Model } from './cron-model.fixture';
import { BEFORE_MS, oracle, stretch, transitions } from './wall-clock.fixture';

const HOUR = 3_600_000;
const MINUTE = 60_000;

function anchored(m: Model, zone: string): AnchoredSchedule | null {
  const defined = defineSchedule({ kind: 'cron', pattern: m.text, zone, days: m.days });
  if (defined.ok) return { schedule: defined.value, anchor: 0 };
  expect(defined.refusal.code).toBe('never-fires');
  return null;
}

describe('cron slots and a clock on the wall', () => {
  const stretches = transitions.map(([zone, around]) => stretch(zone, around));

  it.each(transitions)('%s changes its offset at %s', (zone, around) => {
    const { walls } = stretches.find((s) => s.zone === zone && s.around === around)!;
    const changed = walls[BEFORE_MS / MINUTE] - walls[BEFORE_MS / MINUTE - 1] !== MINUTE;
    expect(changed).toBe(zone !== 'UTC');
  });

  it('agree at every transition', () => {
    fc.assert(
      fc.property(model, fc.constantFrom(...stretches), (m, where) => {
        const schedule = anchored(m, where.zone);
        const expected = oracle(ruleOf(m), where);
        if (schedule === null) return expect(expected).toEqual([]);
        const [from, to] = [where.from - 1, where.from + where.walls.length * MINUTE - 1];
        // Compared as texts: a deep comparison of thousands of numbers is slow.
        const text = (slots: readonly number[]) => slots.join('\n');
        expect(text(slotsBetween(schedule, from, to, Infinity))).toBe(text(expected));
        expect(countSlots(schedule, from, to)).toBe(expected.length);
        const backwards: number[] = [];
        for (let at = previousSlot(schedule, to + 1); at !== null && at > from; at = previousSlot(schedule, at)) {
          backwards.push(at);
        }
        expect(text(backwards.reverse())).toBe(text(expected));
      }),
      { numRuns: 800 },
    );
  });
});

describe('any cron schedule', () => {
  const zone = fc.constantFrom(...new Set(transitions.map(([name]) => name)));
  const instant = fc.integer({ min: Date.UTC(1971, 0, 1), max: Date.UTC(2150, 0, 1) });

  const property = (check: (schedule: AnchoredSchedule, at: number, more: number) => void, numRuns: number) =>
    fc.assert(
      fc.property(
        model,
        zone,
        instant,
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (m, where, at, more) => {
          const schedule = anchored(m, where);
          if (schedule !== null) check(schedule, at, more);
        },
      ),
      { numRuns },
    );

  it('has strictly increasing slots, each after the instant asked about', () => {
    property((schedule, at) => {
      let last = at;
      for (const slot of slotsBetween(schedule, at, Date.UTC(9999, 0, 1), 20)) {
        expect(slot).toBeGreaterThan(last);
        expect(nextSlot(schedule, last)).toBe(slot);
        last = slot;
      }
      expect(last).toBeGreaterThan(at);
    }, 300);
  });

  it('finds the same slots backwards, and none between two neighbours', () => {
    property((schedule, at, more) => {
      const first = nextSlot(schedule, at)!;
      const second = nextSlot(schedule, first)!;
      expect(previousSlot(schedule, second)).toBe(first);
      expect(previousSlot(schedule, first + 1)).toBe(first);
      expect(previousSlot(schedule, first) ?? -1).toBeLessThanOrEqual(at);
      const between = first + Math.floor(more * (second - first));
      expect(nextSlot(schedule, between)).toBe(second);
      expect(isSlot(schedule, between)).toBe(between === first);
      expect(isSlot(schedule, second)).toBe(true);
    }, 600);
  });

  it('counts what it enumerates', () => {
    property((schedule, at, more) => {
      const to = at + Math.floor(more ** 8 * 1_000 * 24 * HOUR);
      const slots = slotsBetween(schedule, at, to, 20_000);
      fc.pre(slots.length < 20_000);
      expect(countSlots(schedule, at, to)).toBe(slots.length);
    }, 400);
  });
});
