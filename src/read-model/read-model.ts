import type { Instant } from '../clock';
import type { Candidate, GoneIncarnation, Incarnation } from '../domain/service';
import type { JobRecord, JobStatus, LastOutcome, OpaqueJob, Tag } from '../domain/job';
import type { LogPosition } from '../event-store';

/** A row of `jobs`: what the log says of one job at `position`. */
export interface JobRow {
  readonly jobId: string;
  /** When its owner will next start something; null when nothing is pending. */
  readonly nextRunTime: Instant | null;
  /** The whole folded state; `opaque` when an event of it could not be read here. */
  readonly state: JobRecord | OpaqueJob;
  readonly handler: string;
  readonly serviceId: string | null;
  readonly incarnation: string | null;
  readonly tag: Tag;
  readonly status: JobStatus | 'opaque';
  /** Two owners have died in it since its last success: at most one such job runs per service. */
  readonly suspect: boolean;
  readonly epoch: number;
  /** Starts of the slot in progress; 0 when none is. */
  readonly attempt: number;
  readonly revision: number;
  readonly position: bigint;
  readonly lastOutcome: LastOutcome | null;
}

/** A row of `services`, with its incarnations in the order of registration. */
export interface ServiceRow {
  readonly serviceId: string;
  /** Revision of its stream as folded. */
  readonly revision: number;
  readonly position: bigint;
  readonly incarnations: readonly Incarnation[];
  /** The newest incarnation; null: no registration of it could be read, but jobs or unreadable events name it. */
  readonly current: Incarnation | null;
  /** Non-terminal jobs bound to it. */
  readonly ownedJobs: number;
  readonly unreadable: string | null;
}

/** Due jobs that are not asked for. */
export interface NotDue {
  /** Those of these handlers. */
  readonly handlers?: readonly string[];
  /** Those that are suspect. */
  readonly suspects?: boolean;
}

/**
 * The worker's only access to jobs: always scoped to one service.
 * `incarnation` is the one that must own the job: a row of a former incarnation is not the worker's.
 */
export interface OwnJobs {
  readonly serviceId: string;
  /** The view's checkpoint: what it says holds up to here. */
  position(): LogPosition;
  /**
   * Own jobs with next run time ≤ `at`, by priority (higher first), due time, id; without those in `except`.
   * `known` may give a row that the caller has, or null: the job is left out. Both count for the limit, and neither is read.
   */
  due(
    incarnation: string,
    at: Instant,
    limit: number,
    except?: NotDue,
    known?: (jobId: string) => JobRow | null | undefined,
  ): readonly JobRow[];
  /** The soonest next run time of an own job that is later than `after` (default: any), or null. */
  nextDueTime(incarnation: string, after?: Instant): Instant | null;
  one(jobId: string): JobRow | null;
  /** Own jobs that have an open run. */
  withOpenRun(incarnation: string): readonly JobRow[];
  /** All own non-terminal jobs, by id, after `afterId` (exclusive; null: from the first). */
  all(incarnation: string, afterId: string | null, limit: number): readonly JobRow[];
  /**
   * Own non-terminal jobs that were bound to it, or got another tag, affinity, handler, priority or suspicion, after the position `after`: at most `limit`,
   * in the order in which that happened. `through`: everything up to this position has been given.
   */
  placedAfter(
    incarnation: string,
    after: LogPosition,
    limit: number,
  ): { readonly rows: readonly JobRow[]; readonly through: LogPosition };
  count(incarnation: string): { readonly owned: number; readonly running: number };
}

export interface JobFilter {
  /** Every pair must be in the job's tag. */
  readonly tag?: Tag;
  readonly serviceId?: string | null;
  readonly status?: readonly (JobStatus | 'opaque')[];
  readonly handler?: string;
  /** Inclusive lower and exclusive upper bound of next run time. */
  readonly nextRunFrom?: Instant;
  readonly nextRunBefore?: Instant;
  /** Removed jobs are left out unless asked for by status or by this. */
  readonly includeRemoved?: boolean;
}

/** A job that the code of an application declares. */
export interface DeclaredJob {
  readonly jobId: string;
  /** Of the declaration that was applied last. */
  readonly hash: string;
  readonly status: JobStatus | 'opaque';
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Give it back to read the next page; null: this was the last. */
  readonly next: string | null;
  /** The view's checkpoint when the page was read. */
  readonly position: LogPosition;
}

/** A place in the order of a sweep's jobs: soonest next run first, nothing pending last, then id. */
export interface SweepPlace {
  readonly nextRunTime: Instant | null;
  readonly jobId: string;
}

/** What services have to do besides what they own, by service id. */
export type ServiceLoads = ReadonlyMap<string, ServiceLoad>;
export interface ServiceLoad {
  /** Open runs of jobs that it owns. */
  readonly running: number;
  /** How many of those are of suspects. */
  readonly suspects: number;
  /** Jobs that were released for it and that nobody owns yet. */
  readonly coming: number;
}

/** What a sweep decides on: services and jobs read from one snapshot, at one position. */
export interface SweepSnapshot {
  readonly position: LogPosition;
  /** Services whose newest incarnation is not terminal. */
  readonly candidates: readonly Candidate[];
  /** Of the candidates. */
  readonly loads: ServiceLoads;
  /** Claimable jobs without an owner (live, not quarantined, not opaque), soonest next run first, then id; at most `limit`. */
  readonly unowned: readonly JobRow[];
  /** Non-terminal jobs whose owner incarnation is failed, stopped, or was never registered in this log, with that incarnation; soonest next run first, then id; at most `limit`. */
  readonly orphaned: readonly {
    readonly job: JobRow;
    readonly owner: GoneIncarnation;
    readonly ownerServiceId: string;
  }[];
}

export interface ReadModelHealth {
  readonly position: LogPosition;
  /** `waiting`: the log has not answered since the start, and the view was not compared with it. It can be read in no state before that. */
  readonly state: 'waiting' | 'rebuilding' | 'catching-up' | 'live' | 'failed' | 'stopped';
  /** Events applied since the rebuild began, while rebuilding. */
  readonly rebuilt: number;
  /** Opaque jobs. */
  readonly opaque: number;
  readonly lastError: string | null;
}

/** The projection of the log: tables `services` and `jobs`, one disposable SQLite file per service. Reads are synchronous, each from one snapshot. */
export interface ReadModel {
  position(): LogPosition;
  job(jobId: string): JobRow | null;
  /** The jobs that have not ended and that the code of application `source` declares, by id. */
  declaredBy(source: string): readonly DeclaredJob[];
  jobs(filter: JobFilter, page: { readonly limit: number; readonly after?: string | null }): Page<JobRow>;
  service(serviceId: string): ServiceRow | null;
  services(options?: { readonly includeGone?: boolean }): readonly ServiceRow[];
  ownJobs(serviceId: string): OwnJobs;
  /** @param after only jobs behind this place; null: from the first. */
  sweep(limit: number, after?: SweepPlace | null): SweepSnapshot;
  /** Candidate of one service and the position it was read at; null: unknown service. */
  candidate(serviceId: string): { readonly candidate: Candidate; readonly position: LogPosition } | null;
  /** Resolves when the checkpoint has reached `position`; rejects with `ViewTimeoutError` after `timeoutMs`. */
  waitFor(position: bigint, timeoutMs: number): Promise<void>;
  /** Called after each batch was applied (rows and checkpoint changed). Returns how to stop it. */
  onAdvance(listener: (position: bigint) => void): () => void;
  health(): ReadModelHealth;
}
