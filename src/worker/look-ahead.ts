import type { Clock, Instant } from '../clock';
import type { JobRow, OwnJobs } from '../read-model';

/** Rows that are read ahead: twice as many as were of use the last time, within bounds. */
const LEAST = 32;
const MOST = 512;
/** For so long the order of the rows that were read ahead is trusted: what became due meanwhile, or has a higher priority, waits no longer. */
const TRUSTED_MS = 20;
/** A row that waits for longer is read again. */
const KEPT_MS = 1_000;

/** What the rows were read for. */
interface Wanted {
  readonly incarnation: string;
  readonly now: Instant;
  /** What has no free place: handlers of which as many run as may, and suspects while one of them runs. */
  readonly full: NonNullable<Parameters<OwnJobs['due']>[3]>;
  /** Jobs that are busy here, rest, or of which the view is behind what was done here: how many, and is it one? They must not hide the others. */
  readonly useless: { count(): number; has(jobId: string): boolean };
}

/**
 * The due rows of own jobs, read in batches: while many jobs are due, each row is read about once, and not again by every pass that finds a
 * place for one of them.
 *
 * A row may be older than the job by a moment: its start is appended at the row's revision, so the log refuses what is no longer so.
 */
export class LookAhead {
  private rows: readonly JobRow[] = [];
  private next = 0;
  /** When the order was read, and since when rows have been kept. */
  private readAt = -Infinity;
  private keptSince = -Infinity;
  private incarnation: string | null = null;
  /** Rows of the last reading that were used. */
  private used = 0;

  constructor(private readonly ports: { readonly ownJobs: OwnJobs; readonly clock: Clock }) {}

  /** Gives rows to `use` in due order until it answers false. When all that were read ahead are used, it reads once more, and ends there. */
  each(wanted: Wanted, use: (row: JobRow) => boolean): void {
    const now = this.ports.clock.monotonic();
    const trusted = wanted.incarnation === this.incarnation && now - this.readAt < TRUSTED_MS;
    if (trusted && this.useRead(use)) return;
    this.read(wanted, now);
    this.useRead(use);
  }

  private read({ incarnation, now: at, full, useless }: Wanted, now: number): void {
    const kept = new Map<string, JobRow>();
    if (incarnation === this.incarnation && now - this.keptSince < KEPT_MS) {
      for (const row of this.rows.slice(this.next)) kept.set(row.jobId, row);
    } else this.keptSince = now;
    const limit = Math.min(MOST, Math.max(LEAST, 2 * this.used)) + useless.count();
    const known = (jobId: string) => (useless.has(jobId) ? null : kept.get(jobId));
    this.rows = this.ports.ownJobs.due(incarnation, at, limit, full, known);
    this.next = 0;
    this.used = 0;
    this.readAt = now;
    this.incarnation = incarnation;
  }

  /** True: `use` has had enough. */
  private useRead(use: (row: JobRow) => boolean): boolean {
    while (this.next < this.rows.length) {
      this.used++;
      if (!use(this.rows[this.next++])) return true;
    }
    return false;
  }
}
