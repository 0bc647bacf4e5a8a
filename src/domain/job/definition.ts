import type { Instant, JsonValue } from '../instant';
import type { Schedule } from '../schedule/schedule';

/** A flat dictionary of strings, for routing and for filtering. `{host, name}` names one service, `{name}` any of that name, `{}` any. */
export type Tag = { readonly [key: string]: string };

/** `required`: only services whose labels contain the tag; `preferred`: the tag ranks and never excludes. */
export type Affinity = 'required' | 'preferred';

/** Retries of one slot after failures and time-outs (not after lost owners). Backoff: min(initialMs · factor^(n−1), maxMs) before retry n. */
export interface RetryPolicy {
  /** 0 … 1,000; default 0. */
  readonly maxRetries: number;
  /** ≥ 0 ms; default 1,000. */
  readonly initialMs: number;
  /** ≥ 1; default 2. */
  readonly factor: number;
  /** ≥ initialMs; default 300,000 (5 min). */
  readonly maxMs: number;
}

export interface JobPolicies {
  readonly retry: RetryPolicy;
  /** What happens to a slot that falls while a run is open. Only `skip` yet. */
  readonly overlap: 'skip';
  /** What happens to slots that nobody started in time: `once` runs the latest of them, the earlier are coalesced into it. Only `once` yet. */
  readonly misfire: 'once';
  /** What becomes of an open run whose owner is gone. Default `rerun`. */
  readonly onOwnerLoss: 'rerun' | 'fail' | 'hold';
  /** A handler that ignores its abort: `release` (default) gives the job away, `wait` keeps it until the handler settled. */
  readonly onStuck: 'release' | 'wait';
  /** A run longer than this is aborted and counts as timed out; null (default): no limit. ms. */
  readonly timeoutMs: number | null;
  /** Higher goes first among due jobs of one service; −1,000 … 1,000, default 0. */
  readonly priority: number;
}

/** What a job is, in canonical form: equal definitions are equal texts (keys in this order), and so have equal hashes. */
export interface JobDefinition {
  readonly handler: string;
  readonly payload: JsonValue;
  readonly schedule: Schedule;
  readonly tag: Tag;
  readonly affinity: Affinity;
  readonly policies: JobPolicies;
}

/** A nominal fire time as its ISO 8601 instant with milliseconds (`2026-03-29T01:00:00.000Z`), or a requested slot: `manual:<revision of its request>`. */
export type Slot = string;

export type JobId = string;
export type { Instant, JsonValue };
