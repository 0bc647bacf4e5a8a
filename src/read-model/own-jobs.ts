import type { Database, Statement } from 'better-sqlite3';
import type { Instant } from '../clock';
import type { LogPosition } from '../event-store';
import { jobRow, type JobRows } from './job-rows';
import { firstOf, type Key, type Source } from './keyset';
import type { JobRow, NotDue, OwnJobs } from './read-model';
import type { Load, OwnedGroup, StillTrue, TimedGroup } from './still-true';

// The index is by incarnation, which is unique; that the service is the right one is looked at in the row.
const OWNED =
  'FROM jobs INDEXED BY jobs_owned WHERE service_id = ? AND incarnation = ? AND handler = ? AND priority = ? AND suspect = ?';
const FIRST_OF_TIME = -Number.MAX_SAFE_INTEGER;
const LAST_OF_TIME = Number.MAX_SAFE_INTEGER;

/** Reads what incarnations own, by index. */
export class OwnedReads {
  private readonly groupsStatement: Statement<[string, string], OwnedGroup>;
  private readonly pending: Statement<unknown[], Key>;
  private readonly idle: Statement<unknown[], Key>;
  private readonly soonest: Statement<[string, string, string, number, number, number], number>;
  private readonly running: Statement<[string, string], number>;
  private readonly countStatement: Statement<[string, string], Load>;
  private readonly ofService: Statement<[string, string, string, number], number>;
  private readonly placed: Statement<[string, string, bigint, number], { n: bigint; placed: bigint }>;

  constructor(
    db: Database,
    readonly rows: JobRows,
    private readonly known: StillTrue,
  ) {
    this.groupsStatement = db.prepare(
      `SELECT service_id AS serviceId, incarnation, handler, priority, suspect FROM owner_counts
       WHERE service_id = ? AND incarnation = ? AND owned > 0 ORDER BY priority DESC`,
    );
    this.pending = db.prepare(
      `SELECT n, id, next_run_time AS due ${OWNED} AND next_run_time <= ? AND (next_run_time, id) > (?, ?)
       ORDER BY next_run_time, id LIMIT ?`,
    );
    this.idle = db.prepare(
      `SELECT n, id, NULL AS due ${OWNED} AND next_run_time IS NULL AND id > ? ORDER BY id LIMIT ?`,
    );
    this.soonest = db
      .prepare(`SELECT next_run_time ${OWNED} AND next_run_time > ? ORDER BY next_run_time LIMIT 1`)
      .pluck() as Statement<[string, string, string, number, number, number], number>;
    this.running = db
      .prepare(
        'SELECT n FROM jobs INDEXED BY jobs_running WHERE running > 0 AND service_id = ? AND incarnation = ? ORDER BY id',
      )
      .pluck() as Statement<[string, string], number>;
    this.countStatement = db.prepare(
      `SELECT coalesce(sum(owned), 0) AS owned, coalesce(sum(running), 0) AS running,
         coalesce(sum(running * suspect), 0) AS suspects FROM owner_counts
       WHERE service_id = ? AND incarnation = ?`,
    );
    this.ofService = db
      .prepare(
        `SELECT n FROM jobs INDEXED BY jobs_by_service WHERE service_id = ? AND incarnation = ? AND id > ? ORDER BY id LIMIT ?`,
      )
      .pluck() as Statement<[string, string, string, number], number>;
    this.placed = db
      .prepare<[string, string, bigint, number], { n: bigint; placed: bigint }>(
        `SELECT n, placed FROM jobs INDEXED BY jobs_placed WHERE service_id = ? AND incarnation = ? AND placed > ?
         ORDER BY placed LIMIT ?`,
      )
      .safeIntegers(true);
  }

  placedAfter(
    serviceId: string,
    incarnation: string,
    after: LogPosition,
    limit: number,
  ): readonly { readonly n: number; readonly placed: bigint }[] {
    const found = this.placed.all(serviceId, incarnation, after === 'start' ? 0n : after, limit);
    return found.map(({ n, placed }) => ({ n: Number(n), placed }));
  }

  rowsOf(numbers: readonly number[]): readonly JobRow[] {
    return numbers.map((n) => this.rows.row(n));
  }

  groups(serviceId: string, incarnation: string): readonly TimedGroup[] {
    return this.known.groups(serviceId, incarnation, () => this.groupsStatement.all(serviceId, incarnation));
  }

  /** The soonest next run time of the group's jobs; null: nothing is pending. */
  soonestOf(group: TimedGroup): Instant | null {
    if (group.soonest === undefined) group.soonest = this.soonestIn(group, FIRST_OF_TIME);
    return group.soonest;
  }

  /** The group's jobs that are due at `until`, soonest first. */
  pendingIn(group: OwnedGroup, until: Instant): Source {
    const { serviceId, incarnation, handler, priority, suspect } = group;
    return (after, limit) =>
      this.pending.all(
        serviceId,
        incarnation,
        handler,
        priority,
        suspect,
        until,
        after?.due ?? FIRST_OF_TIME,
        after?.id ?? '',
        limit,
      );
  }

  /** All jobs of the group: by next run time, those with nothing pending last. */
  allIn(group: OwnedGroup): Source {
    const { serviceId, incarnation, handler, priority, suspect } = group;
    const pending = this.pendingIn(group, LAST_OF_TIME);
    const idle = (after: string, limit: number) =>
      this.idle.all(serviceId, incarnation, handler, priority, suspect, after, limit);
    return (after, limit) => {
      if (after !== null && after.due === null) return idle(after.id, limit);
      const found = pending(after, limit);
      return found.length === limit ? found : [...found, ...idle('', limit - found.length)];
    };
  }

  /** The soonest next run time of the group's jobs that is later than `after`; null: there is none. */
  soonestAfter(group: TimedGroup, after: Instant): Instant | null {
    const soonest = this.soonestOf(group);
    return soonest === null || soonest > after ? soonest : this.soonestIn(group, after);
  }

  private soonestIn(
    { serviceId, incarnation, handler, priority, suspect }: OwnedGroup,
    after: Instant,
  ): Instant | null {
    return this.soonest.get(serviceId, incarnation, handler, priority, suspect, after) ?? null;
  }

  runningOf(serviceId: string, incarnation: string): readonly JobRow[] {
    return this.known.running(serviceId, incarnation, () => this.rowsOf(this.running.all(serviceId, incarnation)));
  }

  countOf(serviceId: string, incarnation: string): Load {
    const read = () => this.countStatement.get(serviceId, incarnation) ?? { owned: 0, running: 0, suspects: 0 };
    return this.known.load(serviceId, incarnation, read);
  }

  idsOf(serviceId: string, incarnation: string, afterId: string | null, limit: number): readonly number[] {
    return this.ofService.all(serviceId, incarnation, afterId ?? '', limit);
  }
}

/** The worker's window on the view: nothing of another service is ever seen through it. */
export class SqliteOwnJobs implements OwnJobs {
  constructor(
    readonly serviceId: string,
    /** Reads with the statements of the moment: they change when the view is rebuilt. */
    private readonly read: <T>(use: (reads: OwnedReads) => T) => T,
    private readonly checkpoint: () => LogPosition,
  ) {}

  position(): LogPosition {
    return this.checkpoint();
  }

  due(
    incarnation: string,
    at: Instant,
    limit: number,
    { handlers = [], suspects = false }: NotDue = {},
    known: (jobId: string) => JobRow | null | undefined = () => undefined,
  ): readonly JobRow[] {
    return this.read((reads) => {
      const groups = reads
        .groups(this.serviceId, incarnation)
        .filter(({ handler, suspect }) => !handlers.includes(handler) && !(suspects && suspect === 1))
        .filter((group) => (reads.soonestOf(group) ?? Infinity) <= at);
      const found: JobRow[] = [];
      let left = limit;
      for (const priority of new Set(groups.map((group) => group.priority))) {
        if (left <= 0) break;
        const sources = groups.filter((one) => one.priority === priority).map((group) => reads.pendingIn(group, at));
        const keys = firstOf(sources, left);
        left -= keys.length;
        for (const { n, id } of keys) {
          const row = known(id);
          if (row !== null) found.push(row ?? reads.rows.row(n));
        }
      }
      return found;
    });
  }

  nextDueTime(incarnation: string, after: Instant = FIRST_OF_TIME): Instant | null {
    return this.read((reads) => {
      let soonest: Instant | null = null;
      for (const group of reads.groups(this.serviceId, incarnation)) {
        const next = reads.soonestAfter(group, after);
        if (next !== null && (soonest === null || next < soonest)) soonest = next;
      }
      return soonest;
    });
  }

  one(jobId: string): JobRow | null {
    return this.read((reads) => {
      const raw = reads.rows.byId(jobId);
      return raw !== null && raw.service_id === this.serviceId ? jobRow(raw) : null;
    });
  }

  withOpenRun(incarnation: string): readonly JobRow[] {
    return this.read((reads) => reads.runningOf(this.serviceId, incarnation));
  }

  all(incarnation: string, afterId: string | null, limit: number): readonly JobRow[] {
    return this.read((reads) => reads.rowsOf(reads.idsOf(this.serviceId, incarnation, afterId, limit)));
  }

  placedAfter(
    incarnation: string,
    after: LogPosition,
    limit: number,
  ): { readonly rows: readonly JobRow[]; readonly through: LogPosition } {
    return this.read((reads) => {
      const found = reads.placedAfter(this.serviceId, incarnation, after, limit);
      const through = found.length < limit ? this.checkpoint() : found[found.length - 1].placed;
      return { rows: found.map(({ n }) => reads.rows.row(n)), through };
    });
  }

  count(incarnation: string): { readonly owned: number; readonly running: number } {
    return this.read((reads) => {
      const { owned, running } = reads.countOf(this.serviceId, incarnation);
      return { owned, running };
    });
  }
}

/** The first `limit` of all jobs of the groups: soonest next run first, those with nothing pending last, then id. */
export function firstOfGroups(
  reads: OwnedReads,
  groups: readonly OwnedGroup[],
  limit: number,
  after: Key | null,
): readonly Key[] {
  return firstOf(
    groups.map((group) => reads.allIn(group)),
    limit,
    after,
  );
}
