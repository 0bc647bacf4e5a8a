import type { Clock, ClusterTime, Timer } from '../clock';
import {
  AbandonJobRunCommand,
  CommandRefusedError,
  CommandUnavailableError,
  FencedError,
  OutcomeUnknownError,
  StartJobRunCommand,
  type ExecuteOptions,
  type JobExecution,
} from '../commands';
import { fencingToken, type JobRecord, type JobRunStarted, type RunRef } from '../domain/job';
import type { Logger } from '../logging';
import type { Membership } from '../membership';
import type { RunReservation, StartsRuns } from '../ownership';
import type { JobRow, OwnJobs } from '../read-model';
import { Execution, type StartedRun } from './execution';
import type { HandlerRegistry } from './handler-registry';
import { JobNotes } from './job-notes';
import { OpenRuns } from './open-runs';
import { Outcomes, type RunCommands } from './outcomes';
import { Places } from './places';
import { runFacts } from './run-facts';

export interface WorkerOptions {
  /** Runs at the same time in this process. */
  readonly maxConcurrentRuns: number;
  /** How long a handler may take to settle after its abort, ms. */
  readonly abortGraceMs: number;
}

export interface WorkerPorts {
  /** The only thing it reads of jobs. */
  readonly ownJobs: OwnJobs;
  readonly commands: RunCommands;
  /** True while an append for this job has no definite answer yet. */
  readonly outstanding: (jobId: string) => boolean;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly clusterTime: ClusterTime;
  readonly handlers: HandlerRegistry;
  readonly logger: Logger;
  /** Generation of the log, for fencing tokens. */
  readonly generation: () => number;
  /** Whether this service may still own the job: tag and labels, handler, draining left aside. */
  readonly eligible: (record: JobRecord) => boolean;
}

export interface WorkerHealth {
  readonly running: number;
  readonly free: number;
  /** Handlers that ignored their abort and have not settled. */
  readonly stuck: number;
  readonly passes: number;
  readonly lastPassMs: number;
  readonly lastError: string | null;
}

/** A job whose handler had not settled when the worker stopped waiting. */
export interface Leftover {
  readonly jobId: string;
  readonly slot: string;
  readonly attempt: number;
}

const ROWS_PER_PASS = 512;
const REST_AFTER_BROKEN_PASS_MS = 1_000;

/**
 * Runs the due jobs of its own service, and nothing else.
 *
 * A pass reads what is due, and for each job for which a place is free appends JobRunStarted at the exact revision. The fence is looked at
 * before the append and again after its acknowledgement, in the same turn in which the handler is entered.
 *
 * What it keeps true:
 * 1. A handler is entered only for a JobRunStarted of the own, trusted incarnation.
 * 2. No handler of a job is entered while an earlier one of that job has not settled in this process.
 * 3. An open run of the own incarnation that is not executed here, with no append outstanding, is closed as `lostInProcess`.
 * 4. An outcome is sent until the log has answered; the log decides whether it still counts.
 * 5. A fence, a time-out, a cancel and the end of a drain abort the handler; one that does not settle within the grace is given away as `stuck`.
 */
export class Worker implements StartsRuns {
  private readonly places: Places;
  private readonly outcomes: Outcomes;
  /** Jobs with a handler in this process, or on their way to one. */
  private readonly busy = new Map<string, Execution | 'starting' | 'ending'>();
  private readonly notes = new JobNotes();
  private readonly openRuns: OpenRuns;
  private readonly unsubscribe: (() => void)[] = [];
  private timer: Timer | null = null;
  private passing = false;
  private again = false;
  private started = false;
  private stopping = false;
  private closed = false;
  private passes = 0;
  private lastPassMs = 0;
  private lastError: string | null = null;
  private idleWaiters: (() => void)[] = [];

  constructor(
    private readonly ports: WorkerPorts,
    private readonly options: WorkerOptions,
  ) {
    this.places = new Places(options.maxConcurrentRuns, ports.handlers);
    this.outcomes = new Outcomes(ports, () => this.stopping || ports.membership.draining());
    this.openRuns = new OpenRuns(ports, {
      notes: this.notes,
      executions: () => this.executions(),
      isBusy: (jobId) => this.busy.has(jobId),
      abandon: (jobId, run) => this.abandon(jobId, run, 'lostInProcess', null),
      wake: () => this.wake(),
    });
  }

  /** `onAdvance` tells when the view has moved on. */
  start(onAdvance: (listener: () => void) => () => void): void {
    if (this.started) return;
    this.started = true;
    this.unsubscribe.push(
      onAdvance(() => this.wake()),
      this.ports.membership.trust.onFence(() => this.abortAll('fenced')),
      this.ports.membership.trust.onTrust(() => {
        for (const e of this.executions()) if (e.stuck) this.giveAway(e);
        this.wake();
      }),
    );
    this.wake();
  }

  /** Looks for due jobs in a later turn; many calls make one pass. */
  wake(): void {
    if (!this.started || this.closed) return;
    if (this.passing) {
      this.again = true;
      return;
    }
    this.passing = true;
    void this.passLoop();
  }

  accepts(job: JobRow): boolean {
    return this.ports.handlers.has(job.handler) && !this.busy.has(job.jobId);
  }

  reserve(job: JobRow): RunReservation | null {
    if (this.stopping || this.closed || !this.accepts(job) || !this.places.take(job.handler)) return null;
    this.busy.set(job.jobId, 'starting');
    let used = false;
    const once = (then: () => void) => {
      if (used) return;
      used = true;
      then();
    };
    return {
      landed: (execution) => once(() => void this.enter(execution, job.handler, job.jobId)),
      cancel: () => once(() => this.leave(job.jobId, job.handler)),
    };
  }

  /**
   * Starts nothing more, waits for running handlers up to `timeoutMs`, then aborts them and waits the grace.
   * Resolves with those that have not settled.
   */
  async drain(timeoutMs: number): Promise<readonly Leftover[]> {
    this.stopping = true;
    await this.idleWithin(timeoutMs);
    if (this.busy.size > 0) {
      this.abortAll('draining');
      await this.idleWithin(this.options.abortGraceMs);
    }
    return this.executions().map(({ started: { run }, jobId }) => ({ jobId, slot: run.slot, attempt: run.attempt }));
  }

  /** No pass, no timer any more. Handlers that still run are aborted. */
  close(): void {
    this.closed = true;
    this.stopping = true;
    this.timer?.cancel();
    this.timer = null;
    this.openRuns.close();
    for (const stop of this.unsubscribe.splice(0)) stop();
    this.abortAll('draining');
  }

  health(): WorkerHealth {
    return {
      running: this.places.taken,
      free: this.places.free,
      stuck: this.executions().filter((e) => e.stuck).length,
      passes: this.passes,
      lastPassMs: this.lastPassMs,
      lastError: this.lastError,
    };
  }

  /** Runs that this process executes now. */
  get running(): number {
    return this.places.taken;
  }

  private executions(): Execution[] {
    return [...this.busy.values()].filter((e): e is Execution => e instanceof Execution);
  }

  private async passLoop(): Promise<void> {
    try {
      do {
        this.again = false;
        await this.ports.clock.yield();
        if (this.closed) return;
        this.pass();
      } while (this.again);
    } catch (error) {
      // A pass must never end the worker: say it, and look again after a rest.
      this.lastError = String(error);
      this.ports.logger.error('worker.pass-failed', { error: String(error) });
      this.arm(REST_AFTER_BROKEN_PASS_MS);
    } finally {
      this.passing = false;
    }
  }

  private pass(): void {
    const { membership, ownJobs, clusterTime, clock } = this.ports;
    const before = clock.monotonic();
    const incarnation = membership.incarnation();
    if (incarnation !== null) {
      this.openRuns.compareNowAndThen(incarnation);
      if (membership.trust.check() === null && !this.stopping && !membership.draining()) {
        const now = clusterTime.now();
        const rows = this.places.free > 0 ? ownJobs.due(incarnation, now, ROWS_PER_PASS, this.places.full()) : [];
        for (const row of rows) {
          if (this.places.free <= 0) break;
          this.tryStart(row, incarnation);
        }
        const next = ownJobs.nextDueTime(incarnation, now);
        this.arm(next === null ? null : next - now);
      }
    }
    membership.passCompleted();
    this.passes++;
    this.lastPassMs = clock.monotonic() - before;
  }

  private arm(delayMs: number | null): void {
    this.timer?.cancel();
    const now = this.ports.clock.monotonic();
    const delay = Math.min(delayMs ?? Infinity, this.notes.nextRestEnd(now) - now);
    this.timer = Number.isFinite(delay)
      ? this.ports.clock.setTimer(Math.max(0, delay), () => this.wake(), { name: 'worker-due' })
      : null;
  }

  private tryStart(row: JobRow, incarnation: string): void {
    const { state } = row;
    if (state.stage !== 'live' || this.notes.isStale(row)) return;
    if (this.notes.rests(row.jobId, this.ports.clock.monotonic())) return;
    const reservation = this.reserve(row);
    if (!reservation) return;
    void this.startRun(row, state, incarnation, reservation);
  }

  private async startRun(
    row: JobRow,
    known: JobRecord,
    incarnation: string,
    reservation: RunReservation,
  ): Promise<void> {
    const { jobId } = row;
    const { membership } = this.ports;
    const options: ExecuteOptions = {
      known,
      timeoutMs: Infinity,
      mayAppend: () => membership.trust.check() === null && membership.incarnation() === incarnation && !this.stopping,
    };
    try {
      const command = new StartJobRunCommand({
        jobId,
        serviceId: membership.serviceId,
        incarnation,
        epoch: known.epoch,
      });
      const execution = await this.ports.commands.execute(command, options);
      this.notes.rested(jobId);
      reservation.landed(execution);
    } catch (error) {
      reservation.cancel();
      this.rest(jobId, error);
    }
  }

  private rest(jobId: string, error: unknown): void {
    const expected =
      error instanceof CommandRefusedError ||
      error instanceof FencedError ||
      error instanceof CommandUnavailableError ||
      error instanceof OutcomeUnknownError;
    this.lastError = expected ? this.lastError : String(error);
    this.ports.logger[expected ? 'debug' : 'error']('job.not-started', {
      jobId,
      error: error instanceof Error ? error.name : 'unknown',
      detail: error instanceof Error ? error.message : String(error),
    });
    this.notes.rest(jobId, this.ports.clock.monotonic());
    this.wake();
  }

  /** From the acknowledgement of a start to the last outcome: the run, and those that start in the append that ends it. */
  private async enter(first: JobExecution, handlerName: string, jobId: string): Promise<void> {
    let execution: JobExecution | null = first;
    try {
      while (execution !== null) {
        this.notes.noteAppend(jobId, execution.state.revision, execution.position);
        const started = this.startedRun(execution);
        if (started === null) break;
        execution = await this.execute(started, handlerName);
      }
    } catch (error) {
      this.lastError = String(error);
      this.ports.logger.error('job.run-broken', { jobId, error: String(error) });
    } finally {
      this.leave(jobId, handlerName);
    }
  }

  private leave(jobId: string, handler: string): void {
    this.busy.delete(jobId);
    this.places.give(handler);
    if (this.busy.size === 0) for (const wake of this.idleWaiters.splice(0)) wake();
    this.wake();
  }

  private startedRun(execution: JobExecution): StartedRun | null {
    const index = execution.events.findLastIndex((e) => e.type === 'JobRunStarted');
    if (index < 0 || execution.state.stage === 'absent' || execution.state.stage === 'opaque') return null;
    const { data } = execution.events[index] as JobRunStarted;
    return {
      run: { slot: data.slot, attempt: data.attempt, epoch: data.epoch, incarnation: data.incarnation },
      serviceId: data.serviceId,
      record: execution.state,
      fencingToken: fencingToken(this.ports.generation(), execution.firstRevision + index),
      position: execution.position,
    };
  }

  private async execute(started: StartedRun, handlerName: string): Promise<JobExecution | null> {
    const { membership, handlers, logger, clock } = this.ports;
    const { jobId } = started.record;
    const handler = handlers.get(handlerName);
    const facts = runFacts(jobId, started.run);
    if (membership.trust.check() === 'clock-jump') await membership.trust.settled();
    const fence = membership.trust.check();
    if (handler === undefined || fence !== null || membership.incarnation() !== started.run.incarnation) {
      // Its run is open in the log and nobody executes it: rule 3 closes it once this service is trusted again.
      logger.warn('job.not-entered', {
        ...facts,
        reason: fence ?? (handler ? 'other-incarnation' : 'handler-missing'),
      });
      return null;
    }
    const execution = new Execution(started, handler, {
      clock,
      trust: membership.trust,
      logger,
      abortGraceMs: this.options.abortGraceMs,
      onStuck: (e) => this.giveAway(e),
    });
    this.busy.set(jobId, execution);
    logger.info('job.started', { ...facts, handler: handlerName, fencingToken: started.fencingToken });
    const settlement = await execution.settled;
    this.busy.set(jobId, 'ending');
    return this.outcomes.report(execution, settlement, this.ports.eligible(started.record));
  }

  private abortAll(reason: 'fenced' | 'draining'): void {
    for (const execution of this.executions()) execution.abort(reason);
  }

  /** A handler that ignored its abort: its job goes to another, unless its policy says to wait. */
  private giveAway(execution: Execution): void {
    const { run, record } = execution.started;
    this.ports.logger.warn('job.stuck', { ...runFacts(record.jobId, run), reason: execution.abortedFor ?? 'none' });
    if (execution.givenAway || execution.abortedFor === 'cancelled' || execution.abortedFor === 'draining') return;
    if (record.definition.policies.onStuck === 'wait' || this.ports.membership.trust.check() !== null) return;
    execution.givenAway = true;
    const timedOut =
      execution.abortedFor === 'timed-out'
        ? { durationMs: execution.durationMs, timeoutMs: record.definition.policies.timeoutMs ?? 0 }
        : null;
    void this.abandon(record.jobId, run, 'stuck', timedOut);
  }

  private async abandon(
    jobId: string,
    run: RunRef,
    reason: 'lostInProcess' | 'stuck',
    timedOut: { readonly durationMs: number; readonly timeoutMs: number } | null,
  ): Promise<void> {
    try {
      const command = new AbandonJobRunCommand({ jobId, run, reason, timedOut });
      const execution = await this.ports.commands.execute(command, { timeoutMs: Infinity });
      this.notes.noteAppend(jobId, execution.state.revision, execution.position);
      this.ports.logger.warn('job.abandoned', { ...runFacts(jobId, run), reason });
    } catch (error) {
      this.rest(jobId, error);
    }
  }

  private async idleWithin(ms: number): Promise<void> {
    if (this.busy.size === 0) return;
    const stop = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => this.idleWaiters.push(resolve)),
      this.ports.clock.sleep(ms, stop.signal),
    ]);
    stop.abort();
  }
}
