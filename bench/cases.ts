import type { BenchCase } from './case';
import { appends as storeAppends } from './eventstoredb/appends';
import { catchUp } from './eventstoredb/catch-up';
import { leaderKill } from './eventstoredb/leader-kill';
import { reown as storeReown } from './eventstoredb/reown';
import { runs as storeRuns } from './eventstoredb/runs';
import { takeover as storeTakeover } from './eventstoredb/takeover';
import { viewLatency } from './eventstoredb/view-latency';
import { fairness } from './fairness';
import { comparison } from './peers/compare';
import { plannedMove } from './planned-move';
import { idle } from './idle';
import { latenessRatio } from './lateness-ratio';
import { memory } from './memory';
import { rebuild } from './rebuild';
import { reown } from './reown';
import { runs } from './runs';
import { schedules } from './schedules';
import { startLateness } from './start-lateness';
import { takeover } from './takeover';
import { verify } from './verify';

export interface LimitedCase {
  readonly bench: BenchCase;
  readonly limitSeconds: number;
}

/** All cases, in the order in which they run, each with the longest that one round may take. */
export const cases: readonly LimitedCase[] = [
  { bench: runs, limitSeconds: 400 },
  { bench: startLateness, limitSeconds: 120 },
  { bench: takeover, limitSeconds: 600 },
  { bench: plannedMove, limitSeconds: 120 },
  { bench: reown, limitSeconds: 180 },
  { bench: rebuild, limitSeconds: 600 },
  { bench: verify, limitSeconds: 600 },
  { bench: memory, limitSeconds: 600 },
  { bench: idle, limitSeconds: 240 },
  { bench: latenessRatio, limitSeconds: 240 },
  { bench: fairness, limitSeconds: 120 },
  { bench: schedules, limitSeconds: 120 },
];

/** With `--store`, instead of all others: over a log in EventStoreDB. */
export const storeCases: readonly LimitedCase[] = [
  { bench: storeAppends, limitSeconds: 180 },
  { bench: storeRuns, limitSeconds: 240 },
  { bench: viewLatency, limitSeconds: 120 },
  { bench: catchUp, limitSeconds: 180 },
  { bench: storeTakeover, limitSeconds: 900 },
  { bench: storeReown, limitSeconds: 400 },
];

/** With `--store`, where the run is told how nodes are killed and started. */
export const killing: LimitedCase = { bench: leaderKill, limitSeconds: 3_600 };

/** With `--peers`, after all others. */
export const peers: LimitedCase = { bench: comparison, limitSeconds: 900 };
