import fc from 'fast-check';
import { countSlots, defineSchedule, previousSlot, slotsBetween } from '.';
import { model, ruleOf, type Model } from './cron-model.fixture';
import { oracle, stretch, transitionsOf } from './wall-clock.fixture';

/*
 * Random patterns against the clock on the wall, minute by minute, around every change of the offset of these zones.
 * HOLDFAST_ORACLE_PATTERNS=1000 (minutes) instead of the few that every run takes; HOLDFAST_ORACLE_SEED for others.
 */
const zones = [
  'Europe/Berlin',
  'Europe/Dublin',
  'Europe/Lisbon',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Havana',
  'America/Nuuk',
  'America/Santiago',
  'America/St_Johns',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Antarctica/Troll',
  'Asia/Gaza',
  'Asia/Tehran',
  'Asia/Pyongyang',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Pacific/Norfolk',
];
const MINUTE = 60_000;
const patterns = Number(process.env.HOLDFAST_ORACLE_PATTERNS ?? 3);
const seed = Number(process.env.HOLDFAST_ORACLE_SEED ?? 20_260_329);
const whole = patterns >= 100;
/** Only every n-th transition. */
const stride = Number(process.env.HOLDFAST_ORACLE_STRIDE ?? (whole ? 1 : 4));
const [from, to] = [Date.UTC(2010, 0, 1), Date.UTC(2030, 0, 1)];

const text = (slots: readonly number[]) => slots.map((slot) => new Date(slot).toISOString()).join('\n');

/** Those of every transition where all are taken, else others around each. */
const drawn = new Map<number, readonly Model[]>();
function models(nth: number): readonly Model[] {
  const own = whole ? 0 : nth;
  if (!drawn.has(own)) drawn.set(own, fc.sample(model, { numRuns: patterns, seed: seed + own }));
  return drawn.get(own) ?? [];
}

/** A pattern with all that does not depend on the transition; null: it never fires. */
function prepared(one: Model, zone: string) {
  const defined = defineSchedule({ kind: 'cron', pattern: one.text, zone, days: one.days });
  if (!defined.ok) expect(defined.refusal.code).toBe('never-fires');
  return { one, rule: ruleOf(one), anchored: defined.ok ? { schedule: defined.value, anchor: 0 } : null };
}

it.each(zones)(
  'the slots in %s are those of the clock on the wall',
  (zone) => {
    const transitions = transitionsOf(zone, from, to);
    expect(transitions.length).toBeGreaterThan(1);
    const all = whole ? models(0).map((one) => prepared(one, zone)) : null;
    let compared = 0;
    transitions.forEach((transition, nth) => {
      if (nth % stride > 0) return;
      const where = stretch(zone, new Date(transition).toISOString());
      const [begin, end] = [where.from - 1, where.from + where.walls.length * MINUTE - 1];
      for (const { one, rule, anchored } of all ?? models(nth).map((drawnOne) => prepared(drawnOne, zone))) {
        const expected = oracle(rule, where);
        const found = anchored === null ? [] : slotsBetween(anchored, begin, end, Infinity);
        const backwards: number[] = [];
        let at = anchored === null ? null : previousSlot(anchored, end + 1);
        for (; at !== null && at > begin; at = previousSlot(anchored!, at)) backwards.push(at);
        backwards.reverse();
        const counted = anchored === null ? 0 : countSlots(anchored, begin, end);
        const same = (a: readonly number[]) =>
          a.length === expected.length && a.every((slot, i) => slot === expected[i]);
        if (!same(found) || !same(backwards) || counted !== expected.length) {
          const what = `${one.text} (${one.days}) around ${where.around}`;
          const told = (forwards: readonly number[], back: readonly number[], count: number) =>
            `${what}\n${text(forwards)}\n${text(back)}\n${count}`;
          expect(told(found, backwards, counted)).toBe(told(expected, expected, expected.length));
        }
        compared += expected.length;
      }
    });
    if (whole)
      process.stdout.write(`${zone}: ${Math.ceil(transitions.length / stride)} transitions, ${compared} slots\n`);
  },
  3_600_000,
);
