import type { Database, Statement } from 'better-sqlite3';
import type { LogPosition } from '../event-store';
import { jobRow, type JobRows, type RawJob } from './job-rows';
import { merge, type Key, type Source } from './keyset';
import type { JobFilter, JobRow, Page } from './read-model';
import { containsTag, tagText } from './tags';
import { readCursor, writeCursor } from './cursor';

/** Rows that one page looks at, at most: the event loop is not held by a filter that matches almost nothing. */
const EXAMINED_PER_PAGE = 10_000;
/** How far the alternatives are counted to choose the shortest way. */
const COUNTED = 2_000;
const PORTION = 128;
const OWNED_STATUSES: readonly JobRow['status'][] = ['bound', 'running', 'waiting', 'held', 'paused', 'opaque'];
const ALL_STATUSES: readonly JobRow['status'][] = [
  ...OWNED_STATUSES,
  'unbound',
  'quarantined',
  'completed',
  'cancelled',
  'removed',
];

/** A way to the rows: at least all that match, in order. */
interface Way {
  readonly sources: readonly Source[];
  readonly size: () => number;
}

interface Range {
  readonly keys: Statement<unknown[], Key>;
  readonly size: Statement<unknown[], number>;
}

/** Pages of jobs, by whichever index is the shortest way. */
export class JobLists {
  private readonly byStatus: Range;
  private readonly byService: Range;
  private readonly unowned: Range;
  private readonly byHandler: Range;
  private readonly byTag: Range;
  private readonly byTime: Statement<unknown[], Key>;
  private readonly opaqueCount: Statement<unknown[], number>;

  constructor(
    db: Database,
    private readonly rows: JobRows,
  ) {
    const range = (table: string, where: string, id = 'id'): Range => ({
      keys: db.prepare(
        `SELECT ${id === 'id' ? 'n' : '(SELECT n FROM jobs WHERE jobs.id = job_id) AS n'}, ${id} AS id, NULL AS due
         FROM ${table} WHERE ${where} AND ${id} > ? ORDER BY ${id} LIMIT ?`,
      ),
      size: db
        .prepare(`SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${where} LIMIT ${COUNTED})`)
        .pluck() as Statement<unknown[], number>,
    });
    this.byStatus = range('jobs INDEXED BY jobs_by_status', 'status = ?');
    this.byService = range('jobs INDEXED BY jobs_by_service', 'service_id = ?');
    this.unowned = range('jobs INDEXED BY jobs_by_service', 'service_id IS NULL');
    this.byHandler = range('jobs INDEXED BY jobs_by_handler', 'handler = ?');
    this.byTag = range('job_tags', 'key = ? AND value = ?', 'job_id');
    this.opaqueCount = db.prepare(`SELECT count(*) FROM jobs WHERE status = 'opaque'`).pluck() as Statement<
      unknown[],
      number
    >;
    this.byTime = db.prepare(
      `SELECT n, id, next_run_time AS due FROM jobs INDEXED BY jobs_by_time
       WHERE next_run_time IS NOT NULL AND next_run_time < ? AND (next_run_time, id) > (?, ?) ORDER BY next_run_time, id LIMIT ?`,
    );
  }

  page(
    filter: JobFilter,
    page: { readonly limit: number; readonly after?: string | null },
    position: LogPosition,
  ): Page<JobRow> {
    const statuses = statusesOf(filter);
    const matches = matcher(filter, statuses);
    const timed = filter.nextRunFrom !== undefined || filter.nextRunBefore !== undefined;
    const after = page.after == null ? null : readCursor(page.after, timed);
    const rows: JobRow[] = [];
    if (page.limit <= 0 || statuses.size === 0) return { rows, next: null, position };
    const sources = timed ? [this.timed(filter)] : this.shortest(filter, statuses);
    const portion = Math.min(PORTION, page.limit + 1);
    let examined = 0;
    let last: Key | null = null;
    for (const key of merge(sources, after, portion)) {
      if (last !== null && (rows.length === page.limit || examined === EXAMINED_PER_PAGE)) {
        return { rows, next: writeCursor(last), position };
      }
      const raw = this.rows.raw(key.n);
      if (matches(raw)) rows.push(jobRow(raw));
      examined += 1;
      last = key;
    }
    return { rows, next: null, position };
  }

  /** Jobs with an event that could not be read. */
  opaque(): number {
    return this.opaqueCount.get() ?? 0;
  }

  private timed({ nextRunFrom, nextRunBefore }: JobFilter): Source {
    const from = nextRunFrom ?? -Number.MAX_SAFE_INTEGER;
    const before = nextRunBefore ?? Number.MAX_SAFE_INTEGER;
    return (after, limit) => this.byTime.all(before, after?.due ?? from, after?.id ?? '', limit);
  }

  private shortest(filter: JobFilter, statuses: ReadonlySet<JobRow['status']>): readonly Source[] {
    const ways: Way[] = [
      this.way(
        this.byStatus,
        [...statuses].map((status) => [status]),
      ),
    ];
    if (filter.serviceId === null) ways.push(this.way(this.unowned, [[]]));
    else if (filter.serviceId !== undefined) ways.push(this.way(this.byService, [[filter.serviceId]]));
    if (filter.handler !== undefined) ways.push(this.way(this.byHandler, [[filter.handler]]));
    for (const [key, value] of Object.entries(filter.tag ?? {})) {
      ways.push(this.way(this.byTag, [[tagText(key), tagText(value)]]));
    }
    if (ways.length === 1) return ways[0].sources;
    const sized = ways.map((way) => ({ way, size: way.size() }));
    // Among equals the last one is the most specific.
    return sized.reduce((best, one) => (one.size <= best.size ? one : best)).way.sources;
  }

  private way(range: Range, bounds: readonly (readonly string[])[]): Way {
    return {
      sources: bounds.map(
        (bound) => (after: Key | null, limit: number) => range.keys.all(...bound, after?.id ?? '', limit),
      ),
      size: () => bounds.reduce((sum, bound) => sum + (range.size.get(...bound) ?? 0), 0),
    };
  }
}

function statusesOf({ status, serviceId, includeRemoved }: JobFilter): ReadonlySet<JobRow['status']> {
  const asked = status ?? ALL_STATUSES.filter((one) => one !== 'removed' || includeRemoved === true);
  // Only what lives has an owner.
  return new Set(typeof serviceId === 'string' ? asked.filter((one) => OWNED_STATUSES.includes(one)) : asked);
}

function matcher(filter: JobFilter, statuses: ReadonlySet<JobRow['status']>): (raw: RawJob) => boolean {
  const { tag, serviceId, handler } = filter;
  const tagged = tag !== undefined && Object.keys(tag).length > 0;
  return (raw) =>
    statuses.has(raw.status) &&
    (serviceId === undefined || raw.service_id === serviceId) &&
    (handler === undefined || raw.handler === handler) &&
    (!tagged || containsTag(JSON.parse(raw.tag), tag));
}
