import fc from 'fast-check';
import { countSlots, defineSchedule, previousSlot, slotsBetween } from '.';
import { model, ruleOf } from './cron-model.fixture';
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
const [from, to] = [Date.UTC(2010, 0, 1), Date.UTC(2030, 0, 1)];

const text = (slots: readonly number[]) => slots.map((slot) => new Date(slot).toISOString()).join('\n');

it.each(zones)(
  'the slots in %s are those of the clock on the wall',
  (zone) => {
    const transitions = transitionsOf(zone, from, to);
    expect(transitions.length).toBeGreaterThan(1);
    let compared = 0;
    transitions.forEach((transition, nth) => {
      if (!whole && nth % 4 > 0) return;
      const where = stretch(zone, new Date(transition).toISOString());
      // Others around each transition where they are few, the same ones where every pattern is taken.
      for (const one of fc.sample(model, { numRuns: patterns, seed: whole ? seed : seed + nth })) {
        const defined = defineSchedule({ kind: 'cron', pattern: one.text, zone, days: one.days });
        const expected = oracle(ruleOf(one), where);
        if (!defined.ok) {
          expect([defined.refusal.code, expected]).toEqual(['never-fires', []]);
          continue;
        }
        const anchored = { schedule: defined.value, anchor: 0 };
        const [begin, end] = [where.from - 1, where.from + where.walls.length * MINUTE - 1];
        const found = slotsBetween(anchored, begin, end, Infinity);
        const backwards: number[] = [];
        for (let at = previousSlot(anchored, end + 1); at !== null && at > begin; at = previousSlot(anchored, at)) {
          backwards.push(at);
        }
        const same = (a: readonly number[]) =>
          a.length === expected.length && a.every((slot, i) => slot === expected[i]);
        if (!same(found) || !same(backwards.reverse()) || countSlots(anchored, begin, end) !== expected.length) {
          const what = `${one.text} (${one.days}) around ${where.around}`;
          expect(`${what}\n${text(found)}\n${text(backwards)}`).toBe(`${what}\n${text(expected)}\n${text(expected)}`);
          throw new Error(`${what}: counted ${countSlots(anchored, begin, end)} instead of ${expected.length}`);
        }
        compared += expected.length;
      }
    });
    if (whole) process.stdout.write(`${zone}: ${transitions.length} transitions, ${compared} slots\n`);
  },
  3_600_000,
);
