import { hasOpenRun } from '../domain/job';
import type { OwnJobs } from '../read-model';
import type { StartedRun } from './started-run';

/**
 * Starts of suspects that were not entered: nobody executes them, and in the log they are open until they have been closed as lost. Until then no other
 * suspect may be started here, or one crash would be blamed on both (protocol 5.11).
 */
export class OpenSuspects {
  private starts: StartedRun[] = [];

  constructor(private readonly ownJobs: OwnJobs) {}

  add(started: StartedRun): void {
    if (started.suspect) this.starts.push(started);
  }

  /** One of them is open, or the view cannot tell yet. */
  get any(): boolean {
    if (this.starts.length === 0) return false;
    const view = this.ownJobs.position();
    this.starts = this.starts.filter(({ run, record: { jobId }, position }) => {
      if (view === 'start' || view < position) return true;
      const row = this.ownJobs.one(jobId);
      return row !== null && hasOpenRun(row.state, run);
    });
    return this.starts.length > 0;
  }

  /** The log went back in time. */
  forget(): void {
    this.starts = [];
  }
}
