import type { Instant } from '../clock';
import type { Candidate } from '../domain/service';
import type { LogPosition } from '../event-store';
import { jobRow } from './job-rows';
import { SqliteOwnJobs } from './own-jobs';
import type { Prepared } from './prepared';
import type {
  DeclaredJob,
  JobFilter,
  JobRow,
  OwnJobs,
  Page,
  ReadModel,
  ServiceRow,
  SweepPlace,
  SweepSnapshot,
} from './read-model';

/** What is read of a view: synchronous, each read from one snapshot. Whether it can be read, and which file it is, others know. */
export abstract class ViewReads implements Pick<
  ReadModel,
  'job' | 'declaredBy' | 'jobs' | 'service' | 'services' | 'ownJobs' | 'sweep' | 'candidate' | 'position'
> {
  abstract position(): LogPosition;
  protected abstract now(): Instant;
  /**
   * Not in the declarations of the package: whoever installs it need not have the types of the driver.
   * @throws ViewNotComparedError, ViewClosedError
   * @internal
   */
  protected abstract read<T>(use: (prepared: Prepared) => T): T;

  job(jobId: string): JobRow | null {
    return this.read(({ rows }) => {
      const raw = rows.byId(jobId);
      return raw === null ? null : jobRow(raw);
    });
  }

  declaredBy(source: string): readonly DeclaredJob[] {
    return this.read(({ rows }) =>
      rows.declaredBy(source).map((raw) => {
        const { jobId, status, state } = jobRow(raw);
        const record = state.stage === 'opaque' ? state.before : state;
        const hash = record.stage === 'absent' ? '' : (record.declaration?.hash ?? '');
        return { jobId, hash, status };
      }),
    );
  }

  jobs(filter: JobFilter, page: { readonly limit: number; readonly after?: string | null }): Page<JobRow> {
    return this.read(({ lists }) => lists.page(filter, page, this.position()));
  }

  service(serviceId: string): ServiceRow | null {
    return this.read(({ services }) => services.service(serviceId));
  }

  services(options: { readonly includeGone?: boolean } = {}): readonly ServiceRow[] {
    return this.read(({ services }) => services.services(options.includeGone === true ? null : this.now()));
  }

  ownJobs(serviceId: string): OwnJobs {
    return new SqliteOwnJobs(
      serviceId,
      (use) => this.read(({ owned }) => use(owned)),
      () => this.position(),
    );
  }

  sweep(limit: number, after: SweepPlace | null = null): SweepSnapshot {
    return this.read(({ sweep }) => sweep.snapshot(this.position(), limit, after));
  }

  candidate(serviceId: string): { readonly candidate: Candidate; readonly position: LogPosition } | null {
    return this.read(({ services }) => {
      const candidate = services.candidate(serviceId);
      return candidate === null ? null : { candidate, position: this.position() };
    });
  }
}
