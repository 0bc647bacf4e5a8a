import type { JobExecution } from '../commands';
import type { RunRef } from '../domain/job';
import type { Abandons } from './abandons';
import type { AtWork, Work } from './at-work';
import { Execution } from './execution';
import type { FenceWatch } from './fence-watch';
import type { JobNotes } from './job-notes';
import type { OpenSuspects } from './open-suspects';
import type { Outcomes } from './outcomes';
import type { Place } from './places';
import type { WorkerOptions, WorkerPorts } from './ports';
import { runFacts } from './run-facts';
import { startedRun, type StartedRun } from './started-run';

/** What of the worker its runs need. */
export interface Surroundings {
  readonly atWork: AtWork;
  readonly notes: JobNotes;
  readonly outcomes: Outcomes;
  readonly abandons: Abandons;
  readonly fenceWatch: FenceWatch;
  readonly openSuspects: OpenSuspects;
  /** Nothing is begun any more; what ends is released. */
  readonly givesBack: () => boolean;
  readonly wake: () => void;
  readonly broken: (error: unknown) => void;
}

/** Runs that the log has acknowledged: each enters its handler, or says why not, and brings its outcome into the log. */
export class Runs {
  /** Handlers have settled, and their outcomes are on their way. */
  private ending = 0;
  private idleWaiters: (() => void)[] = [];
  /** Started in the log, and never entered here. While their incarnation lives they are closed as lost, and forgotten when trust is back. */
  private notEntered: { readonly jobId: string; readonly run: RunRef }[] = [];

  constructor(
    private readonly ports: WorkerPorts,
    private readonly options: Pick<WorkerOptions, 'abortGraceMs' | 'maxConcurrentRuns'>,
    private readonly worker: Surroundings,
  ) {}

  /** From the acknowledgement of a start to the last outcome: the run, and those that start in the append that ends it. */
  async enter(first: JobExecution, handlerName: string, work: Work, place: Place): Promise<void> {
    const { jobId } = work;
    let execution: JobExecution | null = first;
    try {
      while (execution !== null) {
        this.worker.notes.noteAppend(jobId, execution.state.revision, execution.position);
        const started = startedRun(execution, this.ports.generation());
        if (started === null) break;
        if (!started.suspect) place.clear();
        execution = await this.execute(started, handlerName, work, place);
      }
    } catch (error) {
      this.worker.broken(error);
      this.ports.logger.error('job.run-broken', { jobId, error: String(error) });
    } finally {
      this.leave(work, place);
    }
  }

  leave(work: Work, place: Place): void {
    this.worker.atWork.end(work);
    place.give();
    if (this.worker.atWork.size === 0) for (const wake of this.idleWaiters.splice(0)) wake();
    this.worker.wake();
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
    if (fence === null && this.worker.givesBack()) {
      logger.info('job.not-entered', { ...facts, reason: 'draining' });
      await this.worker.abandons.abandon(jobId, started.run, 'drain');
      return null;
    }
    if (handler === undefined || fence !== null || membership.incarnation() !== started.run.incarnation) {
      // Its run is open in the log and nobody executes it. While its incarnation lives, fenced or not, the next comparison closes it as
      // lost (rule 3); that of a former incarnation is closed when this service returns under another one.
      this.notEntered.push({ jobId, run: started.run });
      this.worker.openSuspects.add(started);
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
    this.worker.fenceWatch.begin();
    logger.info('job.started', { ...facts, handler: handlerName, fencingToken: started.fencingToken });
    const settlement = await execution.settled;
    work.now = 'ending';
    const after = () => this.worker.outcomes.after(started, settlement, this.mayStay(started));
    const { startNext } = after();
    // A place that was given is not there any more for a later try.
    const then = () => ({ ...after(), ...(!startNext && { startNext }) });
    // Of a suspect, the run must have ended in the log before another one may run: only then did the two not run together.
    if (!startNext && !place.suspect) this.makeRoom(place);
    this.ending++;
    try {
      return await this.worker.outcomes.report(execution, settlement, then);
    } finally {
      this.ending--;
    }
  }

  /** What a view that cannot be read does not know must not keep an outcome from being recorded. */
  private mayStay({ record }: StartedRun): boolean {
    try {
      return this.ports.eligible(record);
    } catch {
      return true;
    }
  }

  /**
   * The handler has settled and nothing follows it here: its place is free before its outcome is in the log, so the next start shares the
   * sync of the outcome. Outcomes that the log does not take must not pile up without bound.
   */
  private makeRoom(place: Place): void {
    if (this.ending >= 2 * this.options.maxConcurrentRuns) return;
    place.give();
    this.worker.wake();
  }

  /** This process is trusted (again), under this incarnation. */
  trusted(incarnation: string): void {
    // The comparison closes what is its own.
    this.notEntered = this.notEntered.filter(({ run }) => run.incarnation !== incarnation);
    this.takeBackCrashes(incarnation);
    for (const e of this.worker.atWork.executions()) if (e.stuck) this.worker.abandons.giveAway(e);
  }

  /**
   * This process was thought dead and is back under another incarnation: what it had started under a former one was no crash. Handlers that
   * settle say so with their outcomes, and those that do not are given away; for starts that were never entered it is said here. Called again and
   * again while trusted: until the log has answered.
   */
  takeBackCrashes(incarnation: string): void {
    if (this.notEntered.length === 0) return;
    const now = this.ports.clock.monotonic();
    const due = this.notEntered.filter(
      ({ jobId, run }) => run.incarnation !== incarnation && !this.worker.notes.rests(jobId, now),
    );
    this.notEntered = this.notEntered.filter((one) => !due.includes(one));
    for (const one of due) void this.takeBack(one);
  }

  private async takeBack(one: { readonly jobId: string; readonly run: RunRef }): Promise<void> {
    const abandoned = await this.worker.abandons.abandon(one.jobId, one.run, 'lostInProcess');
    if (abandoned === 'unavailable') this.notEntered.push(one);
  }

  abortAll(reason: 'fenced' | 'draining'): void {
    for (const execution of this.worker.atWork.executions()) execution.abort(reason);
  }

  private stuck(execution: Execution): void {
    const { run, record } = execution.started;
    this.ports.logger.warn('job.stuck', { ...runFacts(record.jobId, run), reason: execution.abortedFor ?? 'none' });
    this.worker.abandons.giveAway(execution);
    // What waits for it to make room is skipped now.
    this.worker.wake();
  }

  /** Resolves when nothing is at work here, or after this time. */
  async idleWithin(ms: number): Promise<void> {
    if (this.worker.atWork.size === 0) return;
    const stop = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => this.idleWaiters.push(resolve)),
      this.ports.clock.sleep(ms, stop.signal),
    ]);
    stop.abort();
  }
}
