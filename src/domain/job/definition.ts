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

/** `skip`: no missed slot is run; `once`: one run makes up for all; `all`: each is run, one after the other. */
export type MisfireWord = 'skip' | 'once' | 'all';

/** Canonical: a word stands for the rule of that policy with all its defaults. */
export type Misfire = MisfireWord | MisfireRule;

/** Misfire with every field. A slot is missed when it is due for longer than `thresholdMs`. */
export interface MisfireRule {
  readonly policy: MisfireWord;
  /** `once`: the slot that is run, and that the others are coalesced into. Default `latest`. */
  readonly run: 'latest' | 'earliest';
  /** `all`: so many are run one after the other, the newest of them; older ones are skipped (`overCap`). 1 … 10,000, default 100. */
  readonly cap: number;
  /** `all`: what is older when it could be started is skipped (`tooOld`). ≥ 1 ms; null (default): no limit. */
  readonly maxAgeMs: number | null;
  /** A slot that is due for no longer is late, not missed. ≥ 0 ms. Default 60,000 for `skip`, else 0. */
  readonly thresholdMs: number;
  /** What becomes of slots that fell during a pause: `skip` (default), or as the policy of that name, whatever `policy` says. */
  readonly onResume: MisfireWord;
}

/**
 * What happens to a slot that falls while a slot of the job is in progress: started, and not ended (a slot that waits for its retry is in
 * progress). It holds in the whole cluster, and across takeover. Default `skip`.
 *
 * - `skip`: it is skipped, as `overlap`.
 * - `queue`: the first that falls waits for the end of the one in progress; further ones are skipped, as `overlap`.
 * - `replace`: the handler in progress is aborted; when it has settled its run ends as `replaced` and the new slot starts. While it ignores its
 *   abort beyond `abortGraceMs`, new slots are skipped, as `stuck`. A requested run is not replaced.
 * - `{ allow: n }`: up to n slots are in progress at once, 2 … 100; further ones are skipped, as `overlap`. Fencing tokens do not order concurrent
 *   runs.
 */
export type Overlap = 'skip' | 'queue' | 'replace' | { readonly allow: number };

export interface JobPolicies {
  readonly retry: RetryPolicy;
  readonly overlap: Overlap;
  /** What happens to slots that nobody started in time. Default `once`: the latest is run, the earlier are coalesced into it. */
  readonly misfire: Misfire;
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

/** A nominal fire time as its ISO 8601 instant with milliseconds (`2026-03-29T01:00:00.000Z`), or a requested slot: `manual:<revision of its request>`, `backfill:<revision of its request>:<instant>`. */
export type Slot = string;

export type JobId = string;
export type { Instant, JsonValue };
