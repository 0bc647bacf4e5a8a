import type { Candidate, ServiceEvent, ServiceState } from '../domain/service';
import type { JobEvent, JobRecord, JobState } from '../domain/job';
import type { Refusal } from '../domain/refusal';
import type { LogPosition } from '../event-store';

/** What a command answers. `position` can be waited for by queries. */
export interface CommandResult {
  /** Job id or service id. */
  readonly id: string;
  /** Revision of the last event of this command in its stream (its first result, when the command was known). */
  readonly revision: number;
  /** Position of that event. */
  readonly position: bigint;
  /** Events that were added; 0: it was so already, or the command is known. */
  readonly added: number;
}

/** What the loops get besides: the events as appended and the state after them. */
export interface JobExecution extends CommandResult {
  /** Revision of `events[0]`; meaningless when there are none. */
  readonly firstRevision: number;
  readonly events: readonly JobEvent[];
  readonly state: JobState;
}

/** The same for commands to a service. */
export interface ServiceExecution extends CommandResult {
  /** Revision of `events[0]`; meaningless when there are none. */
  readonly firstRevision: number;
  readonly events: readonly ServiceEvent[];
  readonly state: ServiceState;
}

export interface ExecuteOptions {
  /** The job's state as the view has it: decided on without a read; when the log has moved on, it is read and decided anew. */
  readonly known?: JobRecord;
  /**
   * Looked at synchronously right before each append (the fence). False: nothing is appended, `FencedError`.
   * An append that was sent already is still resolved.
   */
  readonly mayAppend?: () => boolean;
  /** Give up waiting after this long: `OutcomeUnknownError` if an append may have landed. Default: option `commandTimeoutMs` (30,000); Infinity for the loops' own. */
  readonly timeoutMs?: number;
  /** Who asks, from the authenticated context. Goes into metadata. */
  readonly actor?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
}

/** Where the executor learns of services for an operator's bind. The read model gives it. */
export interface ServiceDirectory {
  candidate(serviceId: string): { readonly candidate: Candidate; readonly position: LogPosition } | null;
}

/** The command was looked at and refused; nothing was written. */
export class CommandRefusedError extends Error {
  override readonly name = 'CommandRefusedError';
  constructor(readonly refusals: readonly [Refusal, ...Refusal[]]) {
    super(refusals.map((r) => `${r.field ? `${r.field}: ` : ''}${r.rule} ${r.remedy}`).join('; '));
  }
  get code(): string {
    return this.refusals[0].code;
  }
}

/** The process is fenced: nothing was written. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

/** The store could not be reached in time; certainly nothing was written. The same command may be sent again. */
export class CommandUnavailableError extends Error {
  override readonly name = 'CommandUnavailableError';
}

/** No definite answer in time. Send the same command (same command id and same `id`) again: it adds nothing if it had landed. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  constructor(
    message: string,
    readonly commandId: string,
    /** Job id or service id the command was sent to (a generated one, when the caller gave none). */
    readonly id: string = '',
  ) {
    super(message);
  }
}
