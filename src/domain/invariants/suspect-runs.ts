import type { JobTrack, TrackedRun } from './job-track';
import { runWords, sameRun } from './job-track';
import type { Report } from './violation';

/**
 * 5.11: at most one suspect runs per process, from its start to its outcome in the log. If two stood open in one incarnation, its end would blame both,
 * and one of them has done nothing. Kept: the newest such run of each incarnation, while it is open.
 */
export class SuspectRuns {
  private readonly open = new Map<string, { readonly jobId: string; readonly track: JobTrack; run: TrackedRun }>();

  started(jobId: string, track: JobTrack, run: TrackedRun, report: Report): void {
    const other = this.open.get(run.incarnation);
    if (other !== undefined && other.track !== track && !other.track.opaque && isOpen(other.track, other.run)) {
      report(
        '5.11',
        `JobRunStarted of ${runWords(run)} as the only suspect of its process, where ${runWords(other.run)} of the suspect ${other.jobId} is open.`,
      );
    }
    this.open.set(run.incarnation, { jobId, track, run });
  }

  ended(run: TrackedRun): void {
    const known = this.open.get(run.incarnation);
    if (known !== undefined && sameRun(known.run, run)) this.open.delete(run.incarnation);
  }

  /** What closed books say is open, where history may have been cut off before them. */
  restored(jobId: string, track: JobTrack): void {
    for (const run of track.openRuns()) if (run.soleSuspect) this.open.set(run.incarnation, { jobId, track, run });
  }
}

function isOpen(track: JobTrack, run: TrackedRun): boolean {
  return track.openRuns().some((one) => sameRun(one, run));
}
