import type { JobExecution } from '../commands';
import type { JobRow } from '../read-model';

/** A place for one run in this process. Exactly one of the two methods is called, once. */
export interface RunReservation {
  /** It is the one place for a suspect of this process: a suspect may be started in it. */
  readonly suspect: boolean;
  /** The append landed: when it holds a JobRunStarted, the run is entered (after the fence was looked at again). */
  landed(execution: JobExecution): void;
  /** Nothing was started. */
  cancel(): void;
}

/** What the sweep needs of the worker: whether a due job can be started in the very append that binds it. The worker implements it. */
export interface StartsRuns {
  /**
   * null: no free place (limits, an earlier handler of this job has not settled, another suspect runs). The job is then bound without a start.
   * @param suspect the job is suspect when it is started. Default: what the row says.
   */
  reserve(job: JobRow, suspect?: boolean): RunReservation | null;
  /** This process may own the job: its handler is registered and no earlier handler of it is stuck here. */
  accepts(job: JobRow): boolean;
}
