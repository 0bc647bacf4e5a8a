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

/** A life of a service, as the log says it. */
export interface JudgedIncarnation {
  /** Of its registration. */
  readonly position: bigint;
  readonly serviceId: string;
  /** Name of the process that registered it. */
  readonly process: string;
  /** True time. */
  readonly registeredAt: number;
  readonly labels: { readonly [key: string]: string };
  readonly handlers: readonly string[];
  draining: boolean;
  ended: 'failed' | 'stopped' | null;
  /** Services that have marked it failed for its silence. */
  readonly judgedBy: string[];
  endedAt: number;
  leftovers: readonly string[];
  confirmedDead: boolean;
}

export interface JudgePorts {
  readonly now: () => number;
  /** By the clock of the log, ms since 1970. */
  readonly logTime: () => number;
  readonly note: (what: string) => void;
  readonly liveness: LivenessOptions;
  readonly quarantine: BlamePorts['quarantine'];
  readonly troubles: TroubleHistory;
  /** The process of that name, if it lives. */
  readonly living: (process: string) => SimulatedProcess | null;
  /** What the membership of that process says of itself; null: it has none. */
  readonly webOnly: (process: SimulatedProcess) => boolean;
  /** Of the log. */
  readonly generation: () => number;
  /** Whether that process has not noticed that a backup took the place of the log, and how long ago that was. */
  readonly restored: (process: string) => { readonly unaware: boolean; readonly sinceMs: number };
  readonly trusted: (process: string) => { readonly incarnation: string | null; readonly fence: string | null } | null;
}

/** What every part of the judge goes by: the world, and what the log says of the lives in it. */
export interface Bench extends Pick<JudgePorts, 'liveness' | 'troubles' | 'living' | 'restored' | 'trusted'> {
  /** True time; of what is read again from a backup, when it was written. */
  readonly now: () => number;
  readonly note: (what: string) => void;
  readonly violate: (rule: string, words: string) => void;
  readonly incarnations: ReadonlyMap<string, JudgedIncarnation>;
}
