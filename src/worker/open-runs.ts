import type { Clock, Timer } from '../clock';
import type { RunRef } from '../domain/job';
import type { JobRow, OwnJobs } from '../read-model';
import type { AtWork } from './at-work';
import type { Execution } from './execution';
import type { JobNotes } from './job-notes';
import type { Replacements } from './replacements';

/** With thousands of runs per second the comparison must not cost more than the runs: at most once in so many ms. */
const COMPARE_EVERY_MS = 100;

export interface OpenRunsPorts {
  readonly ownJobs: OwnJobs;
  readonly clock: Clock;
  /** True while an append for this job has no definite answer yet. */
  readonly outstanding: (jobId: string) => boolean;
}

/** What of the worker the comparison needs. */
export interface Executing {
  readonly notes: JobNotes;
  readonly atWork: AtWork;
  readonly replacements: Replacements;
  /** Closes the run as lost in process. */
  readonly abandon: (jobId: string, run: RunRef) => Promise<void>;
  /** Gives the job of a handler that ignores its abort away, unless that was done, or is not to be done. */
  readonly giveAway: (execution: Execution) => void;
  readonly wake: () => void;
}

/**
 * Compares the open runs of the log with those that are executed here. What the log has and nobody executes is lost in process and closed;
 * what is executed and the log has ended (cancelled, removed, taken over) is aborted; what a newer slot is to replace makes room; and what ignores
 * its abort is given away.
 */
export class OpenRuns {
  private readonly closing = new Set<string>();
  private comparedAt = -Infinity;
  private timer: Timer | null = null;

  constructor(
    private readonly ports: OpenRunsPorts,
    private readonly worker: Executing,
  ) {}

  /** Compares now, or wakes the worker when it is time to. */
  compareNowAndThen(incarnation: string): void {
    const now = this.ports.clock.monotonic();
    const early = this.comparedAt + COMPARE_EVERY_MS - now;
    if (early <= 0) {
      this.comparedAt = now;
      this.compare(incarnation, now);
      return;
    }
    this.timer ??= this.ports.clock.setTimer(
      early,
      () => {
        this.timer = null;
        this.worker.wake();
      },
      { name: 'worker-compare' },
    );
  }

  close(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private compare(incarnation: string, now: number): void {
    const { notes, atWork } = this.worker;
    const position = this.ports.ownJobs.position();
    notes.seen(position);
    notes.forgetRests(now);
    const open = new Set<string>();
    for (const row of this.ports.ownJobs.withOpenRun(incarnation)) {
      if (row.state.stage !== 'live') continue;
      atWork.learn(row);
      for (const { run } of row.state.inProgress) {
        if (run === null || run.incarnation !== incarnation) continue;
        open.add(runKey(row.jobId, run));
        this.closeIfLost(row, run, now);
      }
      this.worker.replacements.look(row, row.state);
    }
    for (const execution of atWork.executions()) {
      const { run, position: startedAt } = execution.started;
      const viewHasIt = position !== 'start' && position >= startedAt;
      if (viewHasIt && !open.has(runKey(execution.jobId, run))) this.ended(execution, run.incarnation === incarnation);
      // Its release may have lost all its races: it is looked for until it has been done.
      if (execution.stuck && !notes.rests(execution.jobId, now)) this.worker.giveAway(execution);
    }
  }

  /** The log has ended a run whose handler has not settled. */
  private ended(execution: Execution, own: boolean): void {
    if (own) execution.abort('cancelled');
    const row = this.ports.ownJobs.one(execution.jobId);
    if (row !== null) this.worker.atWork.learn(row);
  }

  /** A row may lag behind what this process did itself: then it is skipped, or its append conflicts and is refused. */
  private closeIfLost(row: JobRow, run: RunRef, now: number): void {
    const { jobId } = row;
    const { notes, atWork } = this.worker;
    if (
      atWork.holds(jobId, run) ||
      this.closing.has(jobId) ||
      this.ports.outstanding(jobId) ||
      notes.isStale(row) ||
      notes.rests(jobId, now)
    )
      return;
    this.closing.add(jobId);
    const { slot, attempt, epoch, incarnation } = run;
    void this.worker.abandon(jobId, { slot, attempt, epoch, incarnation }).finally(() => {
      this.closing.delete(jobId);
      this.worker.wake();
    });
  }
}

function runKey(jobId: string, run: RunRef): string {
  return `${jobId} ${run.slot} ${run.attempt}`;
}
