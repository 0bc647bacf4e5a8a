import type { Clock, Timer } from '../clock';
import { backfilledInstant, instantOfSlot } from '../domain/job';
import type { Logger } from '../logging';
import type { Trust } from '../membership';
import { JobAbortedError, type AbortReason, type HandlerDefinition, type JobContext } from './job-context';
import type { StartedRun } from './started-run';

/** How a handler settled. */
export type Settlement =
  | { readonly kind: 'returned'; readonly durationMs: number }
  | { readonly kind: 'threw'; readonly error: unknown; readonly durationMs: number };

export interface ExecutionPorts {
  readonly clock: Clock;
  readonly trust: Trust;
  readonly logger: Logger;
  /** How long a handler may take to settle after its abort. */
  readonly abortGraceMs: number;
  /** Called once when abort and grace have passed and the handler has not settled. */
  readonly onStuck: (execution: Execution) => void;
}

/** One entry of a handler: its abort, its limits of time, its context. */
export class Execution {
  readonly settled: Promise<Settlement>;
  private aborting: AbortController | null = null;
  private readonly startedAt: number;
  private timeLimit: Timer | null = null;
  private grace: Timer | null = null;
  private reason: AbortReason | null = null;
  /** It was to make room, and its time limit has passed since. */
  private overtime = false;
  /** The handler has settled. */
  over = false;
  /** Abort and grace have passed. */
  stuck = false;
  /** The job was given away (or the run closed) while the handler went on. */
  givenAway = false;

  constructor(
    readonly started: StartedRun,
    handler: HandlerDefinition,
    private readonly ports: ExecutionPorts,
  ) {
    this.startedAt = ports.clock.monotonic();
    const { timeoutMs } = started.record.definition.policies;
    if (timeoutMs !== null) {
      this.timeLimit = ports.clock.setTimer(timeoutMs, () => this.abort('timed-out'), { name: 'run-timeout' });
    }
    this.settled = this.enter(handler);
  }

  get jobId(): string {
    return this.started.record.jobId;
  }

  get abortedFor(): AbortReason | null {
    return this.reason;
  }

  get durationMs(): number {
    return Math.max(0, Math.round(this.ports.clock.monotonic() - this.startedAt));
  }

  /**
   * Idempotent: the first reason stands. But a handler that was to make room, ignores that, and runs into its time limit has timed out: it would
   * keep its job for ever.
   */
  abort(reason: AbortReason): void {
    if (this.over) return;
    if (this.reason === 'replaced' && reason === 'timed-out') {
      this.overtime = true;
      if (this.stuck) this.isStuck();
    }
    if (this.reason !== null) return;
    this.reason = reason;
    this.grace = this.ports.clock.setTimer(
      this.ports.abortGraceMs,
      () => {
        if (!this.over) this.isStuck();
      },
      { name: 'abort-grace' },
    );
    this.controller.abort(new JobAbortedError(reason));
  }

  private isStuck(): void {
    this.stuck = true;
    if (this.overtime) this.reason = 'timed-out';
    this.ports.onStuck(this);
  }

  private async enter(handler: HandlerDefinition): Promise<Settlement> {
    let settlement: Settlement;
    try {
      // The handler is called synchronously: between the fence check of the caller and this line nothing can happen.
      await handler.run(this.started.record.definition.payload, this.context(handler));
      settlement = { kind: 'returned', durationMs: this.durationMs };
    } catch (error) {
      settlement = { kind: 'threw', error, durationMs: this.durationMs };
    }
    this.over = true;
    this.timeLimit?.cancel();
    this.grace?.cancel();
    return settlement;
  }

  /** Most handlers never look at their signal: it is made when one does. */
  private get controller(): AbortController {
    return (this.aborting ??= new AbortController());
  }

  private context(handler: HandlerDefinition): JobContext {
    const { run, record, serviceId, fencingToken } = this.started;
    const signal = () => this.controller.signal;
    const log = () =>
      this.ports.logger.child({ jobId: record.jobId, slot: run.slot, attempt: run.attempt, epoch: run.epoch });
    let logger: Logger | null = null;
    const backfilled = backfilledInstant(run.slot);
    return {
      jobId: record.jobId,
      handler: handler.name,
      tag: record.definition.tag,
      slot: run.slot,
      scheduledAt: backfilled ?? instantOfSlot(run.slot),
      backfill: backfilled !== null,
      attempt: run.attempt,
      epoch: run.epoch,
      fencingToken,
      idempotencyKey: `${record.jobId}/${run.slot}`,
      serviceId,
      incarnation: run.incarnation,
      get signal() {
        return signal();
      },
      guard: () => this.guard(),
      get logger() {
        return (logger ??= log());
      },
    };
  }

  private async guard(): Promise<void> {
    for (;;) {
      if (this.controller.signal.aborted) throw this.controller.signal.reason;
      // Something that the handler left behind: its run is over.
      if (this.over) throw new JobAbortedError('cancelled');
      const doubt = this.ports.trust.check();
      if (doubt === null) return;
      if (doubt !== 'clock-jump') {
        this.abort('fenced');
        continue;
      }
      await this.ports.trust.settled();
    }
  }
}
