import type { BenchKey } from './case';

export interface Goal {
  /** What the figure is, for people. */
  readonly what: string;
  /** Null: published, without a goal. */
  readonly goal: { readonly at: 'most' | 'least'; readonly value: number } | null;
  /** Digits after the point. */
  readonly digits: number;
}

const atMost = (value: number) => ({ at: 'most', value }) as const;
const atLeast = (value: number) => ({ at: 'least', value }) as const;

/** Every key, in the order of the table. */
export const goals: Readonly<Record<BenchKey, Goal>> = {
  runsPerRawPair1: { what: 'runs/s ÷ raw pairs of appends/s, concurrency 1', goal: null, digits: 3 },
  runsPerRawPair50: { what: 'runs/s ÷ raw pairs of appends/s, concurrency 50', goal: atLeast(0.5), digits: 3 },
  startLatenessP50Ms: { what: 'start lateness at 1,000 fires/s, p50', goal: null, digits: 1 },
  startLatenessP99Ms: { what: 'start lateness at 1,000 fires/s, p99', goal: atMost(25), digits: 1 },
  takeoverDefaultMaxMs: { what: 'SIGKILL to first run elsewhere, default, max', goal: atMost(8_000), digits: 0 },
  takeoverTunedP90Ms: { what: 'SIGKILL to first run elsewhere, tuned, p90', goal: atMost(1_500), digits: 0 },
  takeoverTunedMaxMs: { what: 'SIGKILL to first run elsewhere, tuned, max', goal: atMost(2_500), digits: 0 },
  plannedMoveP99Ms: { what: 'drain with 1,000 idle jobs: release to bound, p99', goal: atMost(1_000), digits: 0 },
  reown10kMs: { what: 'verdict to the last of 10,000 idle jobs bound', goal: atMost(3_000), digits: 0 },
  rebuildEventsPerSecond: { what: 'view from nothing, events/s', goal: atLeast(30_000), digits: 0 },
  verifyEventsPerSecond: { what: 'verify of 1,000,000 events, events/s', goal: atLeast(50_000), digits: 0 },
  verifyRssMiB: { what: 'verify of 1,000,000 events: most memory, MiB', goal: atMost(300), digits: 0 },
  rssMiB1MJobs: { what: 'VmRSS with 1,000,000 idle jobs, MiB', goal: atMost(300), digits: 0 },
  idleCpuPercent100kJobs: { what: 'CPU with 100,000 idle jobs, % of a core', goal: atMost(1), digits: 2 },
  lateRatio100kTo100: { what: 'start lateness p50, 100,000 ÷ 100 idle jobs', goal: atMost(1.5), digits: 2 },
  fairnessP99Ms: { what: 'append beside two saturating writers, p99', goal: atMost(250), digits: 1 },
  slotsPerSecond: { what: 'slots computed and previewed, patterns known, slots/s', goal: atLeast(500_000), digits: 0 },
  definePatternUs: { what: 'first sight of a cron pattern, to its first slot, µs', goal: atMost(1_000), digits: 0 },
  esdbAppendsPerRaw1: { what: 'appends/s ÷ raw, 1 in flight', goal: atLeast(0.95), digits: 3 },
  esdbAppendsPerRaw64: { what: 'appends/s ÷ raw, 64 in flight', goal: atLeast(0.95), digits: 3 },
  esdbRunsPerRawPair50: { what: 'runs/s ÷ raw pairs of appends/s, concurrency 50', goal: atLeast(0.65), digits: 3 },
  esdbViewLatencyPerRaw: { what: 'append to view ÷ append to raw subscription, p50', goal: atMost(1.5), digits: 2 },
  esdbCatchUpPerRaw: { what: 'catch-up events/s ÷ raw', goal: atLeast(0.8), digits: 3 },
  esdbTakeoverDefaultMaxMs: { what: 'SIGKILL to first run elsewhere, default, max', goal: atMost(8_000), digits: 0 },
  esdbTakeoverTunedMaxMs: { what: 'SIGKILL to first run elsewhere, tuned, max', goal: atMost(2_500), digits: 0 },
  esdbReown10kPerRaw: { what: '10,000 idle jobs re-owned ÷ as many raw appends', goal: atMost(2.5), digits: 2 },
  esdbLeaderKillMedianMs: { what: 'leader killed: without accepted claims, median', goal: atMost(2_000), digits: 0 },
  esdbLeaderKillMaxMs: { what: 'leader killed: without accepted claims, max', goal: atMost(5_000), digits: 0 },
};

export const keys = Object.keys(goals) as readonly BenchKey[];

/** Null where there is no goal. */
export function isMet(key: BenchKey, value: number): boolean | null {
  const { goal } = goals[key];
  if (goal === null) return null;
  return goal.at === 'most' ? value <= goal.value : value >= goal.value;
}
