import type { Instant } from '../clock';
import type { JobDefaults } from '../commands';
import type { JsonValue, Slot, Tag } from '../domain/job';
import type { Logger } from '../logging';

/**
 * Why a handler is told to stop.
 * - `fenced`: this service can no longer be sure that it is alive for the others; another may take the job over soon.
 * - `timed-out`: the job's `timeoutMs` has passed.
 * - `cancelled`: the run was ended in the log (cancelled, removed, taken over); its result will be refused.
 * - `replaced`: a newer slot of the job takes its place (overlap `replace`).
 * - `draining`: the service stops and `drainTimeoutMs` has passed.
 */
export type AbortReason = 'fenced' | 'timed-out' | 'cancelled' | 'replaced' | 'draining';

/** Thrown by `guard()` and given as `signal.reason`. */
export class JobAbortedError extends Error {
  override readonly name = 'JobAbortedError';
  constructor(readonly reason: AbortReason) {
    super(`The run was told to stop: ${reason}.`);
  }
}

/** What a handler is given besides its payload. */
export interface JobContext {
  readonly jobId: string;
  readonly handler: string;
  readonly tag: Tag;
  /** The nominal fire time (ISO 8601), `manual:…` for a run on request, or `backfill:…` for one that makes up for a slot of the past. */
  readonly slot: Slot;
  /** The nominal fire time as an instant, of a backfill the one that it makes up for; null for a run on request. */
  readonly scheduledAt: Instant | null;
  /** Somebody asked for the slots of a window in the past; this is one of them. It may have run in its time, too. */
  readonly backfill: boolean;
  /** 1 for the first start of this slot. */
  readonly attempt: number;
  /** Grows by one with every binding of the job to a service. */
  readonly epoch: number;
  /**
   * Greater for every later start of this job, whoever starts it. Give it to whatever the handler changes outside;
   * the resource must refuse a token lower than the greatest it has seen. A safe integer. Under overlap `allow(n)` tokens do not order the runs
   * that are open at once: there the greatest token counts per slot (`idempotencyKey`).
   */
  readonly fencingToken: number;
  /** The same for every attempt of one slot: `<jobId>/<slot>`. */
  readonly idempotencyKey: string;
  readonly serviceId: string;
  readonly incarnation: string;
  /** Aborted when the run must stop; `signal.reason` is a `JobAbortedError`. */
  readonly signal: AbortSignal;
  /**
   * Call it right before each effect on the outside. Resolves when this service is trusted at this moment;
   * waits while that is in doubt; rejects with `JobAbortedError` when the run must stop.
   */
  guard(): Promise<void>;
  readonly logger: Logger;
}

/** The code of a job. `payload` is what was scheduled. A result is ignored; a rejection is a failure of the run. */
export type RunJob = (payload: JsonValue, context: JobContext) => unknown;

export interface HandlerDefinition {
  /** Stable name, stored in every job of this kind. */
  readonly name: string;
  /** Shown in the registration; default `1`. */
  readonly version?: string;
  /** Runs of this handler at the same time in this process; default: only the limit of the service. */
  readonly concurrency?: number;
  /** For jobs of this handler that are scheduled in this process; they say for themselves what they want otherwise. */
  readonly defaults?: JobDefaults;
  readonly run: RunJob;
}
