import type { Database, Statement } from 'better-sqlite3';
import type { JobRecord, OpaqueJob, Tag } from '../domain/job';
import { columnsOf, type JobColumns } from './job-columns';
import { tagText } from './tags';

/** A job as the table has it. */
export interface StoredJob {
  /** Row number. */
  readonly n: number;
  readonly state: JobRecord | OpaqueJob;
  readonly columns: JobColumns;
}

interface Delta {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly handler: string;
  readonly priority: number;
  readonly suspect: 0 | 1;
  owned: number;
  running: number;
}

/** The columns that place a job: they change seldom, and most indices hang on them. */
const PLACING = [
  'serviceId',
  'incarnation',
  'tag',
  'affinity',
  'stage',
  'handler',
  'priority',
  'suspect',
  'target',
  'declaredBy',
] as const;
const MOVING = ['status', 'nextRunTime', 'running'] as const;

/** Writes `jobs`, `job_tags` and `owner_counts`. Each job is written once per batch, and only the indices that changed are touched. */
export class JobTable {
  private readonly find: Statement<[string], { n: number; job_state: string }>;
  private readonly insert: Statement;
  private readonly updateState: Statement;
  private readonly updateMoving: Statement;
  private readonly updateAll: Statement;
  private readonly insertTag: Statement;
  private readonly deleteTag: Statement;
  private readonly count: Statement;
  private readonly uncount: Statement;
  private deltas = new Map<string, Delta>();

  constructor(db: Database) {
    this.find = db.prepare('SELECT n, job_state FROM jobs WHERE id = ?');
    this.insert = db.prepare(
      `INSERT INTO jobs (id, job_state, epoch, attempt, revision, position, last_outcome, status, next_run_time, running,
         service_id, incarnation, tag, stage, handler, priority, suspect, target, declared_by, placed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const always = 'job_state = ?, epoch = ?, attempt = ?, revision = ?, position = ?, last_outcome = ?';
    const moving = 'status = ?, next_run_time = ?, running = ?';
    const placing =
      'service_id = ?, incarnation = ?, tag = ?, stage = ?, handler = ?, priority = ?, suspect = ?, target = ?, declared_by = ?, placed = ?';
    this.updateState = db.prepare(`UPDATE jobs SET ${always} WHERE n = ?`);
    this.updateMoving = db.prepare(`UPDATE jobs SET ${always}, ${moving} WHERE n = ?`);
    this.updateAll = db.prepare(`UPDATE jobs SET ${always}, ${moving}, ${placing} WHERE n = ?`);
    this.insertTag = db.prepare('INSERT OR IGNORE INTO job_tags (key, value, job_id) VALUES (?, ?, ?)');
    this.deleteTag = db.prepare('DELETE FROM job_tags WHERE key = ? AND value = ? AND job_id = ?');
    this.count = db.prepare(
      `INSERT INTO owner_counts (service_id, incarnation, handler, priority, suspect, owned, running) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET owned = owned + excluded.owned, running = running + excluded.running`,
    );
    this.uncount = db.prepare(
      'DELETE FROM owner_counts WHERE service_id = ? AND incarnation = ? AND handler = ? AND priority = ? AND suspect = ? AND owned = 0',
    );
  }

  load(jobId: string): StoredJob | null {
    const found = this.find.get(jobId);
    if (found === undefined) return null;
    const state = JSON.parse(found.job_state) as JobRecord | OpaqueJob;
    return { n: found.n, state, columns: columnsOf(state) };
  }

  /** Forgets what was counted for a batch that failed. */
  begin(): void {
    this.deltas.clear();
  }

  /**
   * @param before what the table has of it; null: nothing.
   * @param owned called with a new owner before the row refers to it.
   */
  write(
    jobId: string,
    before: StoredJob | null,
    state: JobRecord | OpaqueJob,
    position: bigint,
    owned: (serviceId: string) => void,
  ): StoredJob {
    const columns = columnsOf(state);
    if (columns.serviceId !== null && columns.serviceId !== before?.columns.serviceId) owned(columns.serviceId);
    const {
      status,
      nextRunTime,
      running,
      serviceId,
      incarnation,
      tag,
      stage,
      handler,
      priority,
      suspect,
      target,
      declaredBy,
    } = columns;
    const always = [
      JSON.stringify(state),
      columns.epoch,
      columns.attempt,
      columns.revision,
      position,
      columns.lastOutcome,
    ];
    const moving = [status, nextRunTime, running];
    const placing = [serviceId, incarnation, tag, stage, handler, priority, suspect, target, declaredBy, position];
    let n = before?.n ?? 0;
    if (before === null) {
      n = Number(this.insert.run(jobId, ...always, ...moving, ...placing).lastInsertRowid);
    } else if (PLACING.some((name) => before.columns[name] !== columns[name])) {
      this.updateAll.run(...always, ...moving, ...placing, n);
    } else if (MOVING.some((name) => before.columns[name] !== columns[name])) {
      this.updateMoving.run(...always, ...moving, n);
    } else {
      this.updateState.run(...always, n);
    }
    this.writeTags(jobId, before?.columns.tag ?? '{}', tag);
    this.recount(before?.columns ?? null, columns);
    return { n, state, columns };
  }

  /** Writes the counts of the batch. */
  finish(): void {
    for (const { serviceId, incarnation, handler, priority, suspect, owned, running } of this.deltas.values()) {
      if (owned === 0 && running === 0) continue;
      this.count.run(serviceId, incarnation, handler, priority, suspect, owned, running);
      if (owned < 0) this.uncount.run(serviceId, incarnation, handler, priority, suspect);
    }
    this.deltas.clear();
  }

  private writeTags(jobId: string, before: string, after: string): void {
    if (before === after) return;
    const old = JSON.parse(before) as Tag;
    const now = JSON.parse(after) as Tag;
    for (const [key, value] of Object.entries(old)) {
      if (!Object.hasOwn(now, key) || now[key] !== value) this.deleteTag.run(tagText(key), tagText(value), jobId);
    }
    for (const [key, value] of Object.entries(now)) {
      if (!Object.hasOwn(old, key) || old[key] !== value) this.insertTag.run(tagText(key), tagText(value), jobId);
    }
  }

  private recount(before: JobColumns | null, after: JobColumns): void {
    if (before !== null) this.add(before, -1);
    this.add(after, 1);
  }

  private add({ serviceId, incarnation, handler, priority, suspect, running }: JobColumns, sign: 1 | -1): void {
    if (serviceId === null || incarnation === null) return;
    const key = JSON.stringify([serviceId, incarnation, handler, priority, suspect]);
    let delta = this.deltas.get(key);
    if (delta === undefined) {
      this.deltas.set(key, (delta = { serviceId, incarnation, handler, priority, suspect, owned: 0, running: 0 }));
    }
    delta.owned += sign;
    delta.running += sign * running;
  }
}
