/** The figures of `npm run bench`: the keys of its JSON line. */
export type BenchKey =
  | 'runsPerRawPair1'
  | 'runsPerRawPair50'
  | 'startLatenessP50Ms'
  | 'startLatenessP99Ms'
  | 'takeoverDefaultMaxMs'
  | 'takeoverTunedP90Ms'
  | 'takeoverTunedMaxMs'
  | 'plannedMoveP99Ms'
  | 'reown10kMs'
  | 'rebuildEventsPerSecond'
  | 'verifyEventsPerSecond'
  | 'verifyRssMiB'
  | 'rssMiB1MJobs'
  | 'idleCpuPercent100kJobs'
  | 'lateRatio100kTo100'
  | 'fairnessP99Ms'
  | 'slotsPerSecond'
  | 'definePatternUs'
  | 'esdbAppendsPerRaw1'
  | 'esdbAppendsPerRaw64'
  | 'esdbRunsPerRawPair50'
  | 'esdbViewLatencyPerRaw'
  | 'esdbCatchUpPerRaw'
  | 'esdbTakeoverDefaultMaxMs'
  | 'esdbTakeoverTunedMaxMs'
  | 'esdbReown10kPerRaw'
  | 'esdbLeaderKillMedianMs'
  | 'esdbLeaderKillMaxMs';

/** What one round of a case found. */
export interface Measured {
  readonly figures: Readonly<Partial<Record<BenchKey, number>>>;
  /** Absolute figures beside the keys, for people: what it is, and its value with the unit. */
  readonly beside: readonly { readonly what: string; readonly value: string }[];
}

export interface BenchContext {
  /** A new, empty directory for this round; removed afterwards. */
  readonly directory: string;
  /** Tells a person what is going on (stderr). */
  readonly say: (line: string) => void;
  /** For whatever is random in the case; printed with the result. Default: chosen by the case. */
  readonly seed?: number;
  /** Only to see that the case works: fewer samples, smaller sizes. Its figures are not compared with the goals. */
  readonly quick?: boolean;
  /** How a node of the cluster is killed, where that may be done. */
  readonly leaderKill?: LeaderKill;
}

/** Shell commands. Each is given the node's address in HOLDFAST_NODE (`host:port`). */
export interface LeaderKill {
  readonly kill: string;
  readonly start: string;
}

/** One thing that is measured. A case starts what it needs, and has ended all of it when its promise settles. */
export interface BenchCase {
  /** For `--only`. */
  readonly name: string;
  readonly keys: readonly BenchKey[];
  /** `median`: run several rounds, the median of each key counts. `once`: the case is long, or takes its own samples. */
  readonly rounds: 'median' | 'once';
  run(context: BenchContext): Promise<Measured>;
}
