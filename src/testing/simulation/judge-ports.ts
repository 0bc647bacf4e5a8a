import type { LivenessOptions } from '../../membership';
import type { BlamePorts } from './blame';
import type { SimulatedProcess } from './simulated-process';
import type { TroubleHistory } from './trouble-history';

/** A rule that did not hold, when, and in words. */
export interface SimulatedViolation {
  /** An invariant of the protocol (`I1` …), `transition`, `log`, or `overlap`, `entry`, `false-verdict`, `broken`. */
  readonly rule: string;
  readonly at: number;
  readonly words: string;
}

export interface JudgePorts {
  readonly now: () => number;
  readonly note: (what: string) => void;
  readonly liveness: LivenessOptions;
  readonly quarantine: BlamePorts['quarantine'];
  readonly troubles: TroubleHistory;
  /** The process of that name, if it lives. */
  readonly living: (process: string) => SimulatedProcess | null;
  readonly webOnly: (process: SimulatedProcess) => boolean;
  /** Of the log. */
  readonly generation: () => number;
  /** Whether that process has not noticed that a backup took the place of the log, and how long ago that was. */
  readonly restored: (process: string) => { readonly unaware: boolean; readonly sinceMs: number };
  /** What the membership of that process says of itself; null: it has none. */
  readonly trusted: (process: string) => { readonly incarnation: string | null; readonly fence: string | null } | null;
}

/** How what is judged is told: nothing is, while a backup that took the place of the log is read again. */
export interface Bench {
  /** True time, ms; while a backup is read again, when that was written. */
  readonly now: () => number;
  readonly note: (what: string) => void;
  readonly violate: (rule: string, words: string) => void;
}
