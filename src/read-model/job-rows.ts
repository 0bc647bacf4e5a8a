import type { Database, Statement } from 'better-sqlite3';
import type { JobRecord, OpaqueJob, Tag } from '../domain/job';
import type { JobRow } from './read-model';

/** Columns of a row, in the order of `JOB_COLUMNS`. */
export interface RawJob {
  readonly id: string;
  readonly next_run_time: number | null;
  readonly job_state: string;
  readonly service_id: string | null;
  readonly incarnation: string | null;
  readonly tag: string;
  readonly stage: JobRecord['stage'] | 'opaque';
  readonly status: JobRow['status'];
  readonly handler: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly revision: number;
  readonly position: string;
  readonly last_outcome: string | null;
  readonly suspect: 0 | 1;
}

const JOB_COLUMNS = `id, next_run_time, job_state, service_id, incarnation, tag, stage, status, handler, epoch, attempt, revision,
  CAST(position AS TEXT) AS position, last_outcome, suspect`;

/** The same as the driver gives it fastest. */
type RawColumns = [
  id: RawJob['id'],
  next_run_time: RawJob['next_run_time'],
  job_state: RawJob['job_state'],
  service_id: RawJob['service_id'],
  incarnation: RawJob['incarnation'],
  tag: RawJob['tag'],
  stage: RawJob['stage'],
  status: RawJob['status'],
  handler: RawJob['handler'],
  epoch: RawJob['epoch'],
  attempt: RawJob['attempt'],
  revision: RawJob['revision'],
  position: RawJob['position'],
  last_outcome: RawJob['last_outcome'],
  suspect: RawJob['suspect'],
];

/** Rows by number or id. */
export class JobRows {
  private readonly byNumberStatement: Statement<[number], RawColumns>;
  private readonly declaredStatement: Statement<[string], RawJob>;
  private readonly byIdStatement: Statement<[string], RawJob>;

  constructor(db: Database) {
    this.byNumberStatement = db.prepare(`SELECT ${JOB_COLUMNS} FROM jobs WHERE n = ?`).raw() as Statement<
      [number],
      RawColumns
    >;
    this.declaredStatement = db.prepare(
      `SELECT ${JOB_COLUMNS} FROM jobs INDEXED BY jobs_declared WHERE declared_by = ? ORDER BY id`,
    );
    this.byIdStatement = db.prepare(`SELECT ${JOB_COLUMNS} FROM jobs WHERE id = ?`);
  }

  raw(n: number): RawJob {
    const columns = this.byNumberStatement.get(n);
    if (columns === undefined) throw new Error(`An index of the view speaks of row ${n}, which is not there.`);
    return rawJob(columns);
  }

  /** Rows of the jobs that `source` declares, by id. */
  declaredBy(source: string): readonly RawJob[] {
    return this.declaredStatement.all(source);
  }

  byId(jobId: string): RawJob | null {
    return this.byIdStatement.get(jobId) ?? null;
  }

  row(n: number): JobRow {
    return jobRow(this.raw(n));
  }
}

function rawJob(columns: RawColumns): RawJob {
  const [
    id,
    next_run_time,
    job_state,
    service_id,
    incarnation,
    tag,
    stage,
    status,
    handler,
    epoch,
    attempt,
    revision,
    position,
    last_outcome,
    suspect,
  ] = columns;
  return {
    id,
    next_run_time,
    job_state,
    service_id,
    incarnation,
    tag,
    stage,
    status,
    handler,
    epoch,
    attempt,
    revision,
    position,
    last_outcome,
    suspect,
  };
}

/** The state is parsed when it is first looked at: most readers need the columns only. */
export function jobRow(raw: RawJob): JobRow {
  let state: JobRecord | OpaqueJob | null = null;
  return {
    jobId: raw.id,
    nextRunTime: raw.next_run_time,
    get state() {
      return (state ??= JSON.parse(raw.job_state) as JobRecord | OpaqueJob);
    },
    handler: raw.handler,
    serviceId: raw.service_id,
    incarnation: raw.incarnation,
    tag: JSON.parse(raw.tag) as Tag,
    status: raw.status,
    suspect: raw.suspect === 1,
    epoch: raw.epoch,
    attempt: raw.attempt,
    revision: raw.revision,
    position: BigInt(raw.position),
    lastOutcome: raw.last_outcome === null ? null : (JSON.parse(raw.last_outcome) as JobRow['lastOutcome']),
  };
}
