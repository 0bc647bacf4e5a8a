import type { LogPosition } from '../event-store';
import type { JobRow } from '../read-model';

/** After a start that was refused or not possible, a job is left alone for this long, doubled up to the maximum. */
const REST_MS = 50;
const LONGEST_REST_MS = 1_000;

/** What the worker remembers of jobs besides the view: its own appends that the view has not applied yet, and jobs that rest after a failed start. */
export class JobNotes {
  private readonly appended = new Map<string, { readonly revision: number; readonly position: bigint }>();
  private readonly resting = new Map<string, { readonly until: number; readonly delay: number }>();

  noteAppend(jobId: string, revision: number, position: bigint): void {
    // Behind all others: in the order of their positions, nearly.
    this.appended.delete(jobId);
    this.appended.set(jobId, { revision, position });
  }

  /** Jobs of which the view may show an older state than this process has appended. */
  get aheadOfView(): number {
    return this.appended.size;
  }

  /** The row is older than what this process has appended itself. */
  isStale(row: JobRow): boolean {
    const known = this.appended.get(row.jobId);
    return known !== undefined && row.revision < known.revision;
  }

  rest(jobId: string, now: number): void {
    const delay = Math.min((this.resting.get(jobId)?.delay ?? REST_MS / 2) * 2, LONGEST_REST_MS);
    this.resting.set(jobId, { delay, until: now + delay });
  }

  rests(jobId: string, now: number): boolean {
    return (this.resting.get(jobId)?.until ?? -Infinity) > now;
  }

  /** Nothing is to be begun with this job now, or what the view shows of it may be old. */
  setsAside(jobId: string, now: number): boolean {
    return this.appended.has(jobId) || this.rests(jobId, now);
  }

  rested(jobId: string): void {
    this.resting.delete(jobId);
  }

  restingCount(now: number): number {
    let count = 0;
    for (const { until } of this.resting.values()) if (until > now) count++;
    return count;
  }

  /** When the next rest ends; Infinity: nothing rests. */
  nextRestEnd(now: number): number {
    let next = Infinity;
    for (const { until } of this.resting.values()) if (until > now && until < next) next = until;
    return next;
  }

  /** Drops what the view knows by now. */
  seen(view: LogPosition): void {
    if (view === 'start') return;
    for (const [jobId, { position }] of this.appended) {
      if (position > view) return;
      this.appended.delete(jobId);
    }
  }

  /** The log went back in time: no view will ever come to what the lost one acknowledged. */
  forget(): void {
    this.appended.clear();
    this.resting.clear();
  }

  /** Drops rests that ended long ago. */
  forgetRests(now: number): void {
    for (const [jobId, { until }] of this.resting) if (until < now - 60_000) this.resting.delete(jobId);
  }
}
