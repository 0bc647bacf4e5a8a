import type { Instant } from '../clock';
import { StartJobRunCommand, type ExecuteOptions } from '../commands';
import type { JobRecord } from '../domain/job';
import type { RunReservation, StartsRuns } from '../ownership';
import type { JobRow } from '../read-model';
import { Abandons } from './abandons';
import { AtWork } from './at-work';
import { isExpected } from './expected-errors';
import { FenceWatch } from './fence-watch';
import { JobNotes } from './job-notes';
import { LookAhead } from './look-ahead';
import { OpenRuns } from './open-runs';
import { OpenSuspects } from './open-suspects';
import { Outcomes } from './outcomes';
import { Passes } from './passes';
import { Places } from './places';
import type { Leftover, WorkerHealth, WorkerOptions, WorkerPorts } from './ports';
import { Replacements } from './replacements';
import { Runs } from './runs';

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
 * 5. At most one suspect job runs: from before its start is appended until its outcome is in the log, also where it was not entered.
 * 6. A fence, a time-out, a cancel, a newer slot (overlap `replace`) and the end of a drain abort the handler; one that does not settle within the grace is given away as `stuck`;
 *    one that was to make room is not, and the newer slot is skipped.
 * 7. While a handler runs that is not aborted, own trust is looked at: timers of a suspended machine come late.
 */
export class Worker implements StartsRuns {
  private readonly places: Places;
  private readonly atWork = new AtWork();
  private readonly notes = new JobNotes();
  private readonly openRuns: OpenRuns;
  private readonly openSuspects: OpenSuspects;
  private readonly due: LookAhead;
  private readonly fenceWatch: FenceWatch;
  private readonly passes: Passes;
  private readonly runs: Runs;
  private readonly unsubscribe: (() => void)[] = [];
  private stopping = false;
  private readonly end = new AbortController();
  private lastError: string | null = null;

  constructor(
    private readonly ports: WorkerPorts,
    private readonly options: WorkerOptions,
  ) {
    this.places = new Places(options.maxConcurrentRuns, ports.handlers);
    this.due = new LookAhead(ports);
    const { clock, membership } = ports;
    const toAbort = () => this.atWork.executions().some(({ abortedFor }) => abortedFor === null);
    this.fenceWatch = new FenceWatch(clock, membership.trust, options.selfFenceAfterMs, toAbort);
    this.passes = new Passes(ports, {
      pass: (at) => this.pass(at),
      nextRestEnd: (now) => this.notes.nextRestEnd(now),
      failed: (error) => (this.lastError = String(error)),
    });
    const abandons = new Abandons(ports, this.notes, {
      failed: (jobId, error) => this.rest(jobId, error),
      lookAgain: (jobId) => this.lookAgain(jobId),
    });
    this.openSuspects = new OpenSuspects(ports.ownJobs);
    this.runs = new Runs(ports, options, {
      openSuspects: this.openSuspects,
      atWork: this.atWork,
      notes: this.notes,
      outcomes: new Outcomes(ports, {
        end: this.end.signal,
        stopping: () => this.givesBack(),
        mayStartNext: (handler) => this.places.hasRoom(handler),
      }),
      abandons,
      fenceWatch: this.fenceWatch,
      givesBack: () => this.givesBack(),
      wake: () => this.wake(),
      broken: (error) => (this.lastError = String(error)),
    });
    this.openRuns = new OpenRuns(ports, {
      notes: this.notes,
      atWork: this.atWork,
      replacements: new Replacements(ports, {
        atWork: this.atWork,
        notes: this.notes,
        givesBack: () => this.givesBack(),
        rest: (jobId, error) => this.rest(jobId, error),
      }),
      abandon: (jobId, run) => abandons.abandon(jobId, run, 'lostInProcess').then(() => undefined),
      giveAway: (execution) => abandons.giveAway(execution),
      wake: () => this.wake(),
    });
  }

  /** `onAdvance` tells when the view has moved on. */
  start(onAdvance: (listener: () => void) => () => void): void {
    if (!this.passes.open()) return;
    this.unsubscribe.push(
      onAdvance(() => this.wake()),
      this.ports.membership.trust.onFence(() => this.runs.abortAll('fenced')),
      this.ports.membership.trust.onTrust(({ incarnation }) => {
        this.runs.trusted(incarnation);
        this.wake();
      }),
    );
    this.wake();
  }

  /** Looks for due jobs in a later turn; many calls make one pass. */
  wake(): void {
    this.passes.wake();
  }

  accepts(job: JobRow): boolean {
    return this.ports.handlers.has(job.handler) && this.atWork.accepts(job);
  }

  reserve(job: JobRow, suspect: boolean = job.suspect): RunReservation | null {
    if (this.stopping || !this.accepts(job) || !this.atWork.maySend(job)) return null;
    if (suspect && this.openSuspects.any) return null;
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
      landed: (execution) => once(() => void this.runs.enter(execution, job.handler, work, place)),
      cancel: () => once(() => this.runs.leave(work, place)),
    };
  }

  /**
   * Starts nothing more, waits for running handlers up to `timeoutMs`, then aborts them and waits the grace.
   * Resolves with those that have not settled.
   */
  async drain(timeoutMs: number): Promise<readonly Leftover[]> {
    this.stopping = true;
    await this.runs.idleWithin(timeoutMs);
    if (this.atWork.size > 0) {
      this.runs.abortAll('draining');
      await this.runs.idleWithin(this.options.abortGraceMs);
    }
    return this.atWork
      .executions()
      .map(({ started: { run }, jobId }) => ({ jobId, slot: run.slot, attempt: run.attempt }));
  }

  /** No pass, no timer any more. Handlers that still run are aborted. */
  close(): void {
    this.end.abort();
    this.stopping = true;
    this.passes.close();
    this.openRuns.close();
    this.fenceWatch.close();
    for (const stop of this.unsubscribe.splice(0)) stop();
    this.runs.abortAll('draining');
  }

  /** The log went back in time: nothing that this process has appended to the one before holds. */
  forgetLog(): void {
    this.notes.forget();
    this.openSuspects.forget();
    this.wake();
  }

  health(): WorkerHealth {
    return {
      running: this.places.taken,
      free: this.places.free,
      stuck: this.atWork.executions().filter((e) => e.stuck).length,
      passes: this.passes.count,
      lastPassMs: this.passes.lastMs,
      lastError: this.lastError,
    };
  }

  /** Runs that this process executes now. */
  get running(): number {
    return this.places.taken;
  }

  private pass(at: number): void {
    const { membership, ownJobs, clusterTime } = this.ports;
    const incarnation = membership.incarnation();
    if (incarnation !== null) {
      this.openRuns.compareNowAndThen(incarnation);
      const trusted = membership.trust.check() === null;
      if (trusted) this.runs.takeBackCrashes(incarnation);
      if (trusted && !this.givesBack()) {
        const now = clusterTime.now();
        if (this.places.free > 0) this.startDue(incarnation, now, at);
        const next = ownJobs.nextDueTime(incarnation, now);
        this.passes.arm(next === null ? null : next - now);
      }
    }
    membership.passCompleted();
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

  private tryStart(row: JobRow, incarnation: string): void {
    const { state } = row;
    if (state.stage !== 'live' || this.notes.isStale(row)) return;
    if (this.notes.rests(row.jobId, this.ports.clock.monotonic())) return;
    // The sweep releases a job that has become ineligible once it is idle. It rests, so as not to hide others that are due.
    if (!this.ports.eligible(state)) return this.notes.rest(row.jobId, this.ports.clock.monotonic());
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
    this.lookAgain(jobId);
  }

  private lookAgain(jobId: string): void {
    this.notes.rest(jobId, this.ports.clock.monotonic());
    this.wake();
  }

  /** Nothing is begun any more; what ends is released. */
  private givesBack(): boolean {
    return this.stopping || this.ports.membership.draining();
  }
}
