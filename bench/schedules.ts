import { previewSchedule, type ScheduleInput } from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { seeded } from './seeded';

/**
 * What schedules cost, without a log: slots near to each other of patterns that are known, and the first sight of a pattern (read, checked,
 * compiled, its first slot looked for), of which none comes twice. Measured in processor time: nothing here waits.
 */
const AFTER = Date.UTC(2026, 2, 1);
const SLOTS = 1_000;
const REPEATS = 200;
const PATTERNS = 2_000;

const known: readonly { readonly what: string; readonly schedule: ScheduleInput }[] = [
  { what: 'every second, UTC', schedule: { kind: 'cron', pattern: '* * * * * *' } },
  { what: 'every five minutes, Berlin', schedule: { kind: 'cron', pattern: '*/5 * * * *', zone: 'Europe/Berlin' } },
  {
    what: 'a quarter of an hour, at work, New York',
    schedule: { kind: 'cron', pattern: '*/15 9-17 * * MON-FRI', zone: 'America/New_York' },
  },
  { what: 'daily, Berlin', schedule: { kind: 'cron', pattern: '30 2 * * *', zone: 'Europe/Berlin' } },
  { what: 'daily, on the calendar, Berlin', schedule: { kind: 'calendar', every: 'P1D', zone: 'Europe/Berlin' } },
  { what: 'an interval', schedule: { kind: 'interval', every: 'PT5M' } },
  { what: 'an interval with jitter', schedule: { kind: 'interval', every: 'PT5M', jitter: 'PT1M' } },
];

export const schedules: BenchCase = {
  name: 'schedules',
  keys: ['slotsPerSecond', 'definePatternUs'],
  rounds: 'median',
  run({ quick = false, seed = 20_260_329 }: BenchContext): Promise<Measured> {
    const repeats = quick ? 2 : REPEATS;
    const rates = known.map(({ what, schedule }) => ({ what, perSecond: slotsPerSecond(schedule, repeats) }));
    const micros = definePatterns(quick ? 100 : PATTERNS, seed);
    // Of as many slots of each: the mean of the times, not of the rates.
    const perSlot = rates.reduce((sum, { perSecond }) => sum + 1 / perSecond, 0) / rates.length;
    return Promise.resolve({
      figures: { slotsPerSecond: 1 / perSlot, definePatternUs: micros },
      beside: rates.map(({ what, perSecond }) => ({ what, value: `${Math.round(perSecond)} slots/s` })),
    });
  },
};

function slotsPerSecond(schedule: ScheduleInput, repeats: number): number {
  const options = { after: AFTER, jobId: 'bench' };
  previewSchedule(schedule, SLOTS, options);
  const spent = processorSeconds();
  let slots = 0;
  for (let n = 0; n < repeats; n++) slots += previewSchedule(schedule, SLOTS, options).length;
  if (slots !== repeats * SLOTS) throw new Error(`${slots} slots instead of ${repeats * SLOTS}`);
  return slots / spent();
}

/** @returns µs for each pattern. */
function definePatterns(count: number, seed: number): number {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  const patterns = new Set<string>();
  while (patterns.size < count) {
    patterns.add(`${below(60)},${below(60)} ${below(24)} ${1 + below(28)} * ${below(7)}`);
  }
  const spent = processorSeconds();
  for (const pattern of patterns) {
    const [first] = previewSchedule({ kind: 'cron', pattern, zone: 'Europe/Berlin' }, 1, { after: AFTER });
    if (first === undefined) throw new Error(`${pattern} has no slot`);
  }
  return (spent() * 1_000_000) / count;
}

/** @returns the processor time of this process since then. */
function processorSeconds(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000_000;
  };
}
