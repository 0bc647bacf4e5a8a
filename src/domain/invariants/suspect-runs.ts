import type { JobTrack, TrackedRun } from './job-track';
import { runWords } from './job-track';
import type { Report } from './violation';

/**
 * 5.11: at most one suspect runs per process, from its start to its outcome in the log. If two stood open in one incarnation, its end would blame both,
 * and one of them has done nothing. Kept: of each incarnation the job that was started there as the only suspect last.
 */
export class SuspectRuns {
  private readonly newest = new Map<string, { readonly jobId: string; readonly track: JobTrack }>();

  started(jobId: string, track: JobTrack, run: TrackedRun, report: Report): void {
    const other = this.newest.get(run.incarnation);
    const open =
      other === undefined || other.track === track || other.track.opaque ? undefined : openIn(other.track, run);
    if (open !== undefined) {
      report(
        '5.11',
        `JobRunStarted of ${runWords(run)} as the only suspect of its process, where ${runWords(open)} of the suspect ${other?.jobId} is open.`,
      );
    }
    this.newest.set(run.incarnation, { jobId, track });
  }

  /** What closed books say is open, where history may have been cut off before them. */
  restored(jobId: string, track: JobTrack): void {
    for (const run of track.openRuns()) if (run.soleSuspect) this.newest.set(run.incarnation, { jobId, track });
  }
}

function openIn(track: JobTrack, { incarnation }: TrackedRun): TrackedRun | undefined {
  return track.openRuns().find((one) => one.soleSuspect === true && one.incarnation === incarnation);
}
