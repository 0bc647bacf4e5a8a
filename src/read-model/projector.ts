import type { Database, Statement } from 'better-sqlite3';
import type { JobState } from '../domain/job';
import type { ServiceState } from '../domain/service';
import type { RecordedEvent } from '../event-store';
import type { Logger } from '../logging';
import { absentJob, foldJob, foldService, type UnreadableEvent } from './fold';
import { JobTable, type StoredJob } from './job-table';
import { Recent } from './recent';
import { ServiceTable } from './service-table';
import type { StillTrue } from './still-true';
import { subjectOf } from './streams';

/** Folded states that are kept, so that a job's next event finds its state without parsing it. */
const RECENT_JOBS = 4_096;
const RECENT_SERVICES = 512;

interface TouchedJob {
  readonly stored: StoredJob | null;
  state: JobState;
  position: bigint;
}

interface TouchedService {
  readonly before: ServiceState;
  state: ServiceState;
  position: bigint;
}

/**
 * Applies events to the tables: rows and checkpoint change in one transaction per batch.
 * It stops on no event: one that cannot be read marks its job or service, and the position goes on.
 */
export class Projector {
  private readonly jobs: JobTable;
  private readonly services: ServiceTable;
  private readonly recentJobs = new Recent<StoredJob>(RECENT_JOBS);
  private readonly recentServices = new Recent<ServiceState>(RECENT_SERVICES);
  private readonly advance: Statement;
  /** The event that could be decoded, and not be applied. */
  private refused: { readonly id: string; readonly why: string } | null = null;
  private readonly applyInTransaction: (events: readonly RecordedEvent[], position: bigint) => () => void;

  constructor(
    db: Database,
    private readonly namespace: string,
    private readonly logger: Logger,
    private readonly known: StillTrue,
  ) {
    this.jobs = new JobTable(db);
    this.services = new ServiceTable(db);
    this.advance = db.prepare(
      `UPDATE view SET position = ?, event_position = coalesce(?, event_position), event_id = coalesce(?, event_id)`,
    );
    this.applyInTransaction = db.transaction((events: readonly RecordedEvent[], position: bigint) =>
      this.applyAll(events, position),
    );
  }

  /**
   * Applies the events and moves the checkpoint to `position`. All or nothing, but for an event that cannot be applied: then each event
   * is applied by itself, and that one marks its subject.
   * @throws what SQLite throws when the file cannot be written.
   */
  apply(events: readonly RecordedEvent[], position: bigint): void {
    try {
      this.applyInTransaction(events, position)();
    } catch (error) {
      if (events.length === 0 || isOfFile(error)) throw error;
      for (const event of events) this.applyAlone(event);
      this.applyInTransaction([], position)();
    }
  }

  private applyAlone(event: RecordedEvent): void {
    try {
      this.applyInTransaction([event], event.position)();
    } catch (error) {
      if (isOfFile(error)) throw error;
      this.refused = { id: event.id, why: error instanceof Error ? error.message : String(error) };
      try {
        this.applyInTransaction([event], event.position)();
      } finally {
        this.refused = null;
      }
    }
  }

  private applyAll(events: readonly RecordedEvent[], position: bigint): () => void {
    const jobs = new Map<string, TouchedJob>();
    const services = new Map<string, TouchedService>();
    for (const event of events) {
      const subject = subjectOf(this.namespace, event.stream);
      if (subject?.kind === 'job') this.applyToJob(jobs, subject.id, event);
      else if (subject?.kind === 'service') this.applyToService(services, subject.id, event);
    }
    for (const { before, state, position: at } of services.values()) this.services.write(before, state, at);
    const written = this.writeJobs(jobs);
    const newest = events.at(-1);
    this.advance.run(position, newest?.position ?? null, newest?.id ?? null);
    return () => {
      for (const [id, { state }] of services) this.recentServices.set(id, state);
      for (const [id, stored] of written) {
        this.recentJobs.set(id, stored);
        this.known.jobChanged({ before: jobs.get(id)?.stored?.columns ?? null, after: stored.columns });
      }
      if (services.size > 0) this.known.servicesChanged();
      this.services.committed(services.keys());
    };
  }

  private writeJobs(jobs: ReadonlyMap<string, TouchedJob>): ReadonlyMap<string, StoredJob> {
    const written = new Map<string, StoredJob>();
    this.jobs.begin();
    for (const [id, { stored, state, position }] of jobs) {
      if (state.stage === 'absent') continue;
      written.set(
        id,
        this.jobs.write(id, stored, state, position, (serviceId) => this.services.mentioned(serviceId, position)),
      );
    }
    this.jobs.finish();
    return written;
  }

  private applyToJob(touched: Map<string, TouchedJob>, id: string, event: RecordedEvent): void {
    let job = touched.get(id);
    if (job === undefined) {
      const stored = this.recentJobs.get(id) ?? this.jobs.load(id);
      job = { stored, state: stored?.state ?? absentJob, position: event.position };
      touched.set(id, job);
    }
    job.position = event.position;
    job.state = foldJob(job.state, event, this.refusedWhy(event), (why) =>
      tellUnreadable(this.logger, 'view.job-unreadable', { jobId: id }, event, why),
    );
  }

  private applyToService(touched: Map<string, TouchedService>, id: string, event: RecordedEvent): void {
    let service = touched.get(id);
    if (service === undefined) {
      const before = this.recentServices.get(id) ?? this.services.load(id);
      touched.set(id, (service = { before, state: before, position: event.position }));
    }
    service.position = event.position;
    service.state = foldService(service.state, event, this.refusedWhy(event), (why) =>
      tellUnreadable(this.logger, 'view.service-unreadable', { ofServiceId: id }, event, why),
    );
  }

  private refusedWhy(event: RecordedEvent): string | null {
    return this.refused?.id === event.id ? this.refused.why : null;
  }
}

/** Says which event cannot be read, and what that means. */
export function tellUnreadable(
  logger: Logger,
  fact: 'view.job-unreadable' | 'view.service-unreadable',
  subject: Readonly<Record<string, string>>,
  event: RecordedEvent,
  why: UnreadableEvent,
): void {
  const { stream, revision, type } = event;
  logger.error(fact, {
    ...subject,
    stream,
    revision,
    type,
    position: String(event.position),
    why: why.why,
    remedy: 'It is shown as opaque and nothing is decided on it here. Run a release that can read this event.',
  });
}

/** What went wrong lies with the file, not with the event. */
export function isOfFile(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return false;
  return !/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code);
}
