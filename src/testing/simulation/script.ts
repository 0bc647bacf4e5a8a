import type { Affinity, Tag } from '../../domain/job';
import type { PoliciesInput } from '../../commands';
import type { ScheduleInput } from '../../domain/schedule';
import type { HoldfastOptions } from '../../runtime';
import { WORLD_STARTS_AT } from './draws';
import type { Trouble } from './troubles';

/** A place where a service runs: under a supervisor that starts it again. */
export interface PlaceScript {
  /** Service id. Two places may name the same one. */
  readonly id: string;
  /** Name of the place; default the service id. Unique. */
  readonly place?: string;
  readonly name?: string;
  readonly host?: string;
  readonly labels?: Tag;
  /** Handlers that the service has at first; default all. */
  readonly handlers?: readonly string[];
  /** When it is started, ms; default 0. */
  readonly at?: number;
  /** Its monotonic clock goes so many times as fast as true time; default 1. */
  readonly rate?: number;
  /** Its wall clock is so far off that of the log at first, ms; default 0. */
  readonly wallOffMs?: number;
  /** Others on its machine can prove that it is gone; default false. */
  readonly provable?: boolean;
  readonly maxConcurrentRuns?: number;
  /** It projects, queries and sends commands, and owns nothing; default false. */
  readonly webOnly?: boolean;
  /** Its view is in a file that outlives its processes; default false: in memory. */
  readonly keepsView?: boolean;
}

export interface JobScript {
  readonly id: string;
  /** When it is scheduled, ms. */
  readonly at: number;
  readonly handler: string;
  readonly payload?: unknown;
  readonly schedule?: ScheduleInput;
  /** Instead of `schedule`: once, so many ms after the beginning of the world. */
  readonly dueMs?: number;
  readonly tag?: Tag;
  readonly affinity?: Affinity;
  readonly policies?: PoliciesInput;
}

/** What an operator asks for, through the facade of the service at `via` (the first that lives, if that one does not). */
export type Order =
  | {
      readonly order: 'pause' | 'resume' | 'cancel' | 'cancelAfterRun' | 'remove' | 'runNow' | 'release';
      readonly job: string;
    }
  | { readonly order: 'resolveHold'; readonly job: string; readonly resolution: 'retry' | 'fail' | 'succeeded' }
  | { readonly order: 'bind'; readonly job: string; readonly service: string }
  | {
      readonly order: 'reschedule';
      readonly job: string;
      readonly schedule?: ScheduleInput;
      readonly tag?: Tag;
      readonly policies?: PoliciesInput;
    }
  /** Of the slots from `fromMs` to `toMs` before it is asked for. */
  | { readonly order: 'backfill'; readonly job: string; readonly fromMs: number; readonly toMs: number }
  | { readonly order: 'schedule'; readonly job: string; readonly renew: boolean }
  | { readonly order: 'drain'; readonly service: string }
  | { readonly order: 'mark'; readonly service: string; readonly confirmedDead: boolean };

/** Something that is done to the world. Times in ms of true time. */
export type Action = { readonly at: number } & (
  | {
      readonly do: 'crash';
      readonly place: string;
      /**
       * When exactly: at once, or with the next append of the process that is sent, arrives or is written, or right before or after the next events
       * are projected into its view. Default at once.
       */
      readonly on?: 'sent' | 'arrived' | 'written' | 'projecting' | 'projected';
      /** … of one of these types; default any but heartbeats. */
      readonly types?: readonly string[];
      /** Started again so much later; null: when the world heals; `never`: not at all. */
      readonly restartMs: number | null | 'never';
      /** Handlers that it has then; default those of before. */
      readonly handlers?: readonly string[];
    }
  | {
      readonly do: 'stop';
      readonly place: string;
      readonly restartMs: number | null | 'never';
      readonly handlers?: readonly string[];
    }
  | { readonly do: 'stall' | 'suspend'; readonly place: string; readonly ms: number }
  | { readonly do: 'wall'; readonly place: string; readonly byMs: number }
  | {
      readonly do: 'trouble';
      readonly place: string | null;
      readonly ms: number;
      readonly trouble: Trouble;
      /** Begins with the next append of that place that is sent, arrives or is written; default at once. */
      readonly on?: 'sent' | 'arrived' | 'written';
      /** … of one of these types; default any but heartbeats. */
      readonly types?: readonly string[];
    }
  | { readonly do: 'drop'; readonly place: string | null }
  | { readonly do: 'rejoin'; readonly place: string }
  /** A backup of the log, as it was so long ago, takes its place; its generation is raised. */
  | { readonly do: 'restore'; readonly backMs: number }
  /** A service of a later release writes what nobody here can read into the stream of a job. */
  | { readonly do: 'newer'; readonly job: string }
  /** What was decided by a log that a backup took the place of arrives: an idle job is moved to an incarnation that this log never registered, which sometimes starts a run of it. */
  | { readonly do: 'lost-move'; readonly job: string }
  | ({ readonly do: 'order'; readonly via: string; readonly commandId: string } & Order)
);

/** Everything that makes one history: the same script, the same history, byte for byte. Plain JSON. */
export interface Script {
  /** One sentence: what it is about. */
  readonly about?: string;
  readonly seed: number;
  /** How long things are done to the world, ms; then it heals. */
  readonly durationMs: number;
  readonly places: readonly PlaceScript[];
  readonly jobs: readonly JobScript[];
  readonly actions: readonly Action[];
  /** When it begins, by the clock of the log, ms since 1970; default 2026-01-01T00:00Z. */
  readonly startsAt?: number;
  /** Rate of the log's clock; default 1. */
  readonly logRate?: number;
  /** One way between a service and the log, ms; default [1, 8]. */
  readonly latency?: readonly [number, number];
  /** Requests without an answer are given up after so long, ms; default 3,000. */
  readonly requestTimeoutMs?: number;
  /** For all services; default the profile `default`. */
  readonly options?: Pick<HoldfastOptions, 'liveness' | 'capacity' | 'drainTimeoutMs' | 'homeAfterMs' | 'quarantine'>;
}

/** By the clock of the log. */
export function startOf({ startsAt = WORLD_STARTS_AT }: Script): number {
  return startsAt;
}
