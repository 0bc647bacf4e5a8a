import type { Instant, Timer } from '../clock';
import { StartJobRunCommand, type ExecuteOptions, type JobExecution } from '../commands';
import { openRuns, type JobRecord, type RunRef } from '../domain/job';
import type { RunReservation, StartsRuns } from '../ownership';
import type { JobRow } from '../read-model';
import { Abandons } from './abandons';
import { AtWork, type Work } from './at-work';
import { Execution } from './execution';
import { isExpected } from './expected-errors';
import { FenceWatch } from './fence-watch';
import { JobNotes } from './job-notes';
import { LookAhead } from './look-ahead';
import { OpenRuns } from './open-runs';
import { Outcomes } from './outcomes';
import { Places, type Place } from './places';
import type { Leftover, WorkerHealth, WorkerOptions, WorkerPorts } from './ports';
import { Replacements } from './replacements';
import { runFacts } from './run-facts';
import { startedRun, type StartedRun } from './started-run';

const REST_AFTER_BROKEN_PASS_MS = 1_000;

/**
 * Runs the due jobs of its own service, and nothing else.
 *
 * A pass reads what is due, and for each job for which a place is free appends JobRunStarted at the exact revision. The fence is looked at
 * before the append and again after its acknowledgement, in the same turn in which the handler is entered.
 *
 * What it keeps true:
 * 1. A handler is entered only for a JobRunStarted of the own, trusted incarnation.
 * 2. No handler of a job is entered while an earlier one of that job has not settled in this process; under overlap `allow(n)`: while n have not.
 * 3. An open run of the own incarnation that is not executed here, with no append outstanding, is closed as `lostInProcess`.
 * 4. An outcome is sent until the log has answered; the log decides whether it still counts.
 * 5. At most one suspect job runs: from before its start is appended until its outcome is in the log.
 * 6. A fence, a time-out, a cancel, a newer slot (overlap `replace`) and the end of a drain abort the handler; one that does not settle within the grace is given away as `stuck`;
 *    one that was to make room is not, and the newer slot is skipped.
 * 7. While a handler runs that is not aborted, own trust is looked at: timers of a suspended machine come late.
 */
export class Worker implements StartsRuns {
  private readonly places: Places;
  private readonly outcomes: Outcomes;
  private readonly abandons: Abandons;
  private readonly atWork = new AtWork();
  private readonly notes = new JobNotes();
  private readonly openRuns: OpenRuns;
  private readonly due: LookAhead;
  private readonly fenceWatch: FenceWatch;
  private readonly unsubscribe: (() => void)[] = [];
  private timer: Timer | null = null;
  /** Handlers have settled, and their outcomes are on their way. */
  private ending = 0;
  private passing = false;
  private again = false;
  private started = false;
  private stopping = false;
  private readonly end = new AbortController();
  private passes = 0;
  private lastPassMs = 0;
  private lastError: string | null = null;
  private idleWaiters: (() => void)[] = [];
  /** Started in the log, and never entered here. Those of the present incarnation are closed as lost; emptied when trust is back. */
  private readonly notEntered: { readonly jobId: string; readonly run: RunRef }[] = [];

  constructor(
    private readonly ports: WorkerPorts,
    private readonly options: WorkerOptions,
  ) {
    this.places = new Places(options.maxConcurrentRuns, ports.handlers);
    this.outcomes = new Outcomes(ports, {
      end: this.end.signal,
      stopping: () => this.givesBack(),
      mayStartNext: (handler) => this.places.hasRoom(handler),
    });
    this.abandons = new Abandons(ports, this.notes, (jobId, error) => this.rest(jobId, error));
    this.due = new LookAhead(ports);
    const { clock, membership } = ports;
    const toAbort = () => this.executions().some(({ abortedFor }) => abortedFor === null);
    this.fenceWatch = new FenceWatch(clock, membership.trust, options.selfFenceAfterMs, toAbort);
    this.openRuns = new OpenRuns(ports, {
      notes: this.notes,
      atWork: this.atWork,
      replacements: new Replacements(ports, {
        atWork: this.atWork,
        notes: this.notes,
        givesBack: () => this.givesBack(),
        rest: (jobId, error) => this.rest(jobId, error),
      }),
      abandon: (jobId, run) => this.abandons.abandon(jobId, run, 'lostInProcess').then(() => undefined),
      giveAway: (execution) => this.abandons.giveAway(execution),
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
      this.ports.membership.trust.onTrust(({ incarnation }) => {
        this.takeBackCrashes(incarnation);
        for (const e of this.executions()) if (e.stuck) this.abandons.giveAway(e);
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
    return this.ports.handlers.has(job.handler) && this.atWork.accepts(job);
  }

  reserve(job: JobRow, suspect: boolean = job.suspect): RunReservation | null {
    if (this.stopping || !this.accepts(job) || !this.atWork.maySend(job)) return null;
    const place = this.places.take(job.handler, suspect);
    if (place === null) return null;
    const work = this.atWork.begin(job);
    let used = false;
    const once = (then: () => void) => {
      if (used) return;
      used = true;
      then();
    };
    return {
      suspect,
      landed: (execution) => once(() => void this.enter(execution, job.handler, work, place)),
      cancel: () => once(() => this.leave(work, place)),
    };
  }

  /**
   * Starts nothing more, waits for running handlers up to `timeoutMs`, then aborts them and waits the grace.
   * Resolves with those that have not settled.
   */
  async drain(timeoutMs: number): Promise<readonly Leftover[]> {
    this.stopping = true;
    await this.idleWithin(timeoutMs);
    if (this.atWork.size > 0) {
      this.abortAll('draining');
      await this.idleWithin(this.options.abortGraceMs);
    }
    return this.executions().map(({ started: { run }, jobId }) => ({ jobId, slot: run.slot, attempt: run.attempt }));
  }

  /** No pass, no timer any more. Handlers that still run are aborted. */
  close(): void {
    this.end.abort();
    this.stopping = true;
    this.timer?.cancel();
    this.timer = null;
    this.openRuns.close();
    this.fenceWatch.close();
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

  private get closed(): boolean {
    return this.end.signal.aborted;
  }

  private executions(): Execution[] {
    return this.atWork.executions();
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
      if (membership.trust.check() === null && !this.givesBack()) {
        const now = clusterTime.now();
        if (this.places.free > 0) this.startDue(incarnation, now, before);
        const next = ownJobs.nextDueTime(incarnation, now);
        this.arm(next === null ? null : next - now);
      }
    }
    membership.passCompleted();
    this.passes++;
    this.lastPassMs = clock.monotonic() - before;
  }

  private startDue(incarnation: string, now: Instant, at: number): void {
    const { notes, places, atWork } = this;
    const useless = {
      count: () => {
        notes.seen(this.ports.ownJobs.position());
        return atWork.size + notes.aheadOfView + notes.restingCount(at);
      },
      has: (jobId: string) => atWork.blocks(jobId) || notes.setsAside(jobId, at),
    };
    this.due.each({ incarnation, now, full: places.full(), useless }, (row) => {
      this.tryStart(row, incarnation);
      return places.free > 0;
    });
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
    // The sweep releases an idle job that has become ineligible; one that always has a run open would never become idle.
    if (openRuns(state).length > 0 && !this.ports.eligible(state)) return;
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
        soleSuspect: reservation.suspect,
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
    const expected = isExpected(error);
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
  private async enter(first: JobExecution, handlerName: string, work: Work, place: Place): Promise<void> {
    const { jobId } = work;
    let execution: JobExecution | null = first;
    try {
      while (execution !== null) {
        this.notes.noteAppend(jobId, execution.state.revision, execution.position);
        const started = startedRun(execution, this.ports.generation());
        if (started === null) break;
        if (!started.suspect) place.clear();
        execution = await this.execute(started, handlerName, work, place);
      }
    } catch (error) {
      this.lastError = String(error);
      this.ports.logger.error('job.run-broken', { jobId, error: String(error) });
    } finally {
      this.leave(work, place);
    }
  }

  private leave(work: Work, place: Place): void {
    this.atWork.end(work);
    place.give();
    if (this.atWork.size === 0) for (const wake of this.idleWaiters.splice(0)) wake();
    this.wake();
  }

  private async execute(
    started: StartedRun,
    handlerName: string,
    work: Work,
    place: Place,
  ): Promise<JobExecution | null> {
    const { membership, handlers, logger, clock } = this.ports;
    const { jobId } = started.record;
    const handler = handlers.get(handlerName);
    const facts = runFacts(jobId, started.run);
    if (membership.trust.check() === 'clock-jump') await membership.trust.settled();
    const fence = membership.trust.check();
    if (fence === null && this.givesBack()) {
      logger.info('job.not-entered', { ...facts, reason: 'draining' });
      await this.abandons.abandon(jobId, started.run, 'drain');
      return null;
    }
    if (handler === undefined || fence !== null || membership.incarnation() !== started.run.incarnation) {
      // Its run is open in the log and nobody executes it: rule 3 closes it once this service is trusted again.
      this.notEntered.push({ jobId, run: started.run });
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
      onStuck: (e) => this.stuck(e),
    });
    work.now = execution;
    this.fenceWatch.begin();
    logger.info('job.started', { ...facts, handler: handlerName, fencingToken: started.fencingToken });
    const settlement = await execution.settled;
    work.now = 'ending';
    const then = this.outcomes.after(started, settlement, this.ports.eligible(started.record));
    // Of a suspect, the run must have ended in the log before another one may run: only then did the two not run together.
    if (!then.startNext && !place.suspect) this.makeRoom(place);
    this.ending++;
    try {
      return await this.outcomes.report(execution, settlement, then);
    } finally {
      this.ending--;
    }
  }

  /**
   * The handler has settled and nothing follows it here: its place is free before its outcome is in the log, so the next start shares the
   * sync of the outcome. Outcomes that the log does not take must not pile up without bound.
   */
  private makeRoom(place: Place): void {
    if (this.ending >= 2 * this.options.maxConcurrentRuns) return;
    place.give();
    this.wake();
  }

  /**
   * This process was thought dead and is back under another incarnation: what it had started under a former one was no crash. Handlers that
   * settle say so with their outcomes; for starts that were never entered, and for handlers that do not settle, it is said here.
   */
  private takeBackCrashes(incarnation: string): void {
    for (const { jobId, run } of this.notEntered.splice(0)) {
      if (run.incarnation !== incarnation) void this.abandons.abandon(jobId, run, 'lostInProcess');
    }
    for (const { jobId, stuck, started } of this.executions()) {
      const { run, record } = started;
      // With `onStuck: wait` it is not given away; where others have taken it, this records that its process lives, and nothing else.
      if (stuck && run.incarnation !== incarnation && record.definition.policies.onStuck === 'wait')
        void this.abandons.abandon(jobId, run, 'stuck');
    }
  }

  private abortAll(reason: 'fenced' | 'draining'): void {
    for (const execution of this.executions()) execution.abort(reason);
  }

  private stuck(execution: Execution): void {
    const { run, record } = execution.started;
    this.ports.logger.warn('job.stuck', { ...runFacts(record.jobId, run), reason: execution.abortedFor ?? 'none' });
    this.abandons.giveAway(execution);
    // What waits for it to make room is skipped now.
    this.wake();
  }

  /** Nothing is begun any more; what ends is released. */
  private givesBack(): boolean {
    return this.stopping || this.ports.membership.draining();
  }

  private async idleWithin(ms: number): Promise<void> {
    if (this.atWork.size === 0) return;
    const stop = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => this.idleWaiters.push(resolve)),
      this.ports.clock.sleep(ms, stop.signal),
    ]);
    stop.abort();
  }
}
