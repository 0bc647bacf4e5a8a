import fc from 'fast-check';
import type { AnchoredSchedule, Schedule } from '../schedule';
import { slotsBetween } from '../schedule';
import type { MisfireRule } from './definition';
import { slotOf } from './events';
import {
  describeBacklog,
  describeMisfire,
  misfireRule,
  slotFates,
  type MisfireInput,
  type SlotFates,
  type SlotRange,
} from './misfire';
import type { Backlog } from './state';

/** What the policies make of the due slots, against a plain enumeration of them. */

const T0 = Date.parse('2026-03-28T22:00:00.000Z');
const MINUTE = 60_000;
const bounds = { start: null, end: null, maxRuns: null };
const schedules: readonly Schedule[] = [
  { kind: 'interval', everyMs: MINUTE, origin: null, ...bounds },
  { kind: 'interval', everyMs: 7_919, origin: null, ...bounds },
  { kind: 'cron', pattern: '*/7 * * * *', zone: 'UTC', days: 'either', ...bounds },
  // The clocks change in this night.
  { kind: 'cron', pattern: '5,20,21 1-4 * * *', zone: 'Europe/Berlin', days: 'either', ...bounds },
];
const rules: readonly MisfireInput[] = [
  'skip',
  { policy: 'skip', thresholdMs: 20 * MINUTE },
  'once',
  { policy: 'once', run: 'earliest' },
  { policy: 'once', run: 'earliest', thresholdMs: 30 * MINUTE },
  'all',
  { policy: 'all', cap: 1 },
  { policy: 'all', cap: 5, maxAgeMs: 17 * MINUTE },
  { policy: 'all', maxAgeMs: 1 },
];

interface Case {
  readonly anchored: AnchoredSchedule;
  readonly rule: MisfireRule;
  readonly slots: readonly number[];
  readonly at: number;
  readonly backlog: Backlog | null;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    schedule: fc.constantFrom(...schedules),
    rule: fc.constantFrom(...rules),
    past: fc.integer({ min: 0, max: 8 * 60 * MINUTE }),
    first: fc.nat(1_000),
    owed: fc.option(fc.record({ n: fc.nat(1_000), policy: fc.constantFrom('once' as const, 'all' as const) })),
  })
  .map(({ schedule, rule, past, first, owed }) => {
    const anchored = { schedule, anchor: T0 };
    const at = T0 + past;
    const all = slotsBetween(anchored, T0, at, 1e6);
    const slots = all.slice(all.length === 0 ? 0 : first % all.length);
    const to = owed === null ? undefined : slots[owed.n % Math.max(1, slots.length)];
    const backlog = owed === null || to === undefined ? null : { to: slotOf(to), policy: owed.policy };
    return { anchored, rule: misfireRule(rule), slots, at, backlog };
  })
  .filter(({ slots }) => slots.length > 0);

const rangeOf = (slots: readonly number[]): SlotRange => ({
  first: slots[0],
  last: slots[slots.length - 1],
  count: slots.length,
});

function fatesOf({ anchored, rule, slots, at, backlog }: Case): SlotFates {
  return slotFates(anchored, rangeOf(slots), rule, at, backlog, null);
}

/** By enumeration, without a backlog: what is skipped for which reason, what is run, coalesced, and left to be run. */
function expected({ rule, slots, at }: Case): Record<string, readonly number[]> {
  const missed = slots.filter((slot) => at - slot > rule.thresholdMs);
  const late = slots.filter((slot) => at - slot <= rule.thresholdMs);
  if (rule.policy === 'all') {
    const tooOld = slots.filter((slot) => at - slot > (rule.maxAgeMs ?? Infinity));
    const young = slots.slice(tooOld.length);
    const overCap = young.slice(0, Math.max(0, young.length - rule.cap));
    const kept = young.slice(overCap.length);
    return { tooOld, overCap, run: kept.slice(0, 1), backlog: kept.slice(1) };
  }
  if (rule.policy === 'skip') return { misfire: missed, coalesced: late.slice(0, -1), run: late.slice(-1) };
  if (rule.run === 'earliest' && missed.length > 0) return { run: slots.slice(0, 1), coalesced: slots.slice(1) };
  return { coalesced: slots.slice(0, -1), run: slots.slice(-1) };
}

/** The same of what was decided: every range is enumerated, and must hold as many slots as it says. */
function decided({ slots }: Case, fates: SlotFates): Record<string, readonly number[]> {
  const within = ({ first, last, count }: SlotRange) => {
    const found = slots.filter((slot) => first <= slot && slot <= last);
    expect([found[0], found.at(-1), found.length]).toEqual([first, last, count]);
    return found;
  };
  const parts: Record<string, readonly number[]> = {};
  for (const { range, reason } of fates.skipped) parts[reason] = within(range);
  if (fates.run !== null) parts.run = slots.filter((slot) => slot === fates.run);
  if (fates.coalesced !== null) parts.coalesced = [...(parts.coalesced ?? []), ...within(fates.coalesced)];
  const { backlogTo } = fates;
  const after = Math.max(fates.run ?? 0, fates.coalesced?.last ?? 0);
  if (backlogTo !== null) parts.backlog = slots.filter((slot) => slot > after && slot <= backlogTo);
  return parts;
}

const filled = (parts: Record<string, readonly number[]>) =>
  Object.fromEntries(Object.entries(parts).filter(([, slots]) => slots.length > 0));

describe('the misfire policies', () => {
  it('make of the due slots what an enumeration makes of them', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const plain = { ...one, backlog: null };
        expect(decided(plain, fatesOf(plain))).toEqual(filled(expected(plain)));
      }),
      { numRuns: 600 },
    );
  });

  it('leave no due slot out, and take none twice, with a backlog too', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const parts = decided(one, fatesOf(one));
        const all = Object.values(parts).flat();
        // What is behind the backlog may stay for later; before it nothing may.
        expect(all.sort((a, b) => a - b)).toEqual(one.slots.slice(0, all.length));
        const to = one.backlog === null ? Infinity : Date.parse(one.backlog.to);
        expect(one.slots.slice(all.length).every((slot) => slot > to)).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it('run what a backlog owes, whatever the policy of the job is', () => {
    fc.assert(
      fc.property(cases, (one) => {
        if (one.backlog === null || one.rule.policy === 'all') return;
        const to = Date.parse(one.backlog.to);
        const fates = fatesOf(one);
        expect(fates.run).not.toBeNull();
        if (one.backlog.policy === 'once') expect(fates.backlogTo).toBeNull();
        else expect(fates.run! <= to).toBe(true);
      }),
    );
  });

  it('take no longer for a year of seconds', () => {
    const anchored = { schedule: { ...schedules[0], everyMs: 1_000 } as Schedule, anchor: T0 };
    const year = 31_536_000;
    const due = { first: T0 + 1_000, last: T0 + year * 1_000, count: year };
    const begun = process.cpuUsage();
    for (const rule of rules) {
      const fates = slotFates(anchored, due, misfireRule(rule), due.last + 500, null, null);
      expect(fates.skipped.reduce((sum, { range }) => sum + range.count, 0)).toBeLessThanOrEqual(year);
    }
    const cron: Schedule = { kind: 'cron', pattern: '* * * * * *', zone: 'Europe/Berlin', days: 'either', ...bounds };
    for (const rule of rules) {
      const { run, coalesced } = slotFates(
        { schedule: cron, anchor: T0 },
        due,
        misfireRule(rule),
        due.last,
        null,
        null,
      );
      if (coalesced !== null) expect(coalesced).toEqual({ first: due.first + 1_000, last: due.last, count: year - 1 });
      expect(run).not.toBeNull();
    }
    const { user, system } = process.cpuUsage(begun);
    expect(user + system).toBeLessThan(2_000_000);
  });
});

describe('in words', () => {
  it.each<[MisfireInput, string]>([
    ['skip', 'beyond 60000 ms missed slots are skipped'],
    [{ policy: 'once', run: 'earliest' }, 'the earliest of the missed slots is run'],
    [{ policy: 'all', cap: 24, maxAgeMs: 60 }, 'each missed slot is run, at most 24, none older than 60 ms'],
    [
      { policy: 'skip', thresholdMs: 0, onResume: 'once' },
      'missed slots are skipped; after a pause the latest of the missed slots is run',
    ],
  ])('a policy: %j', (misfire, words) => expect(describeMisfire(misfireRule(misfire))).toBe(words));

  it('a backlog: through when, and whether each slot is run', () => {
    const to = slotOf(T0);
    expect(describeBacklog({ to, policy: 'all' })).toBe(
      'missed slots through 2026-03-28T22:00:00.000Z are still to be run, each for itself',
    );
    expect(describeBacklog({ to, policy: 'once' })).toBe(
      'missed slots through 2026-03-28T22:00:00.000Z are still to be run, in one run',
    );
  });
});
