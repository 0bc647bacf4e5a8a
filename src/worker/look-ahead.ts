import type { Clock, Instant } from '../clock';
import type { JobRow, OwnJobs } from '../read-model';

/** Rows that are read ahead: a few per place, within bounds. */
const PER_PLACE = 4;
const LEAST = 32;
const MOST = 256;
/** For so long the order of the rows that were read ahead is trusted: what became due meanwhile, or has a higher priority, waits no longer. */
const TRUSTED_MS = 20;

/** What the rows were read for. */
interface Wanted {
  readonly incarnation: string;
  readonly now: Instant;
  /** Handlers that have no free place. */
  readonly full: readonly string[];
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
  private readAt = -Infinity;
  private incarnation: string | null = null;
  private readonly size: number;

  constructor(
    private readonly ports: { readonly ownJobs: OwnJobs; readonly clock: Clock },
    places: number,
  ) {
    this.size = Math.min(MOST, Math.max(LEAST, PER_PLACE * places));
  }

  /** Gives rows to `use` in due order until it answers false. When all that were read ahead are used, it reads once more, and ends there. */
  each(wanted: Wanted, use: (row: JobRow) => boolean): void {
    const now = this.ports.clock.monotonic();
    if (wanted.incarnation !== this.incarnation || now - this.readAt >= TRUSTED_MS) this.drop();
    if (this.useRead(use)) return;
    const { incarnation, full, useless } = wanted;
    const limit = this.size + useless.count();
    this.rows = this.ports.ownJobs.due(incarnation, wanted.now, limit, full, (jobId) => useless.has(jobId));
    this.next = 0;
    this.readAt = now;
    this.incarnation = incarnation;
    this.useRead(use);
  }

  /** True: `use` has had enough. */
  private useRead(use: (row: JobRow) => boolean): boolean {
    while (this.next < this.rows.length) if (!use(this.rows[this.next++])) return true;
    this.drop();
    return false;
  }

  private drop(): void {
    this.rows = [];
    this.next = 0;
  }
}
