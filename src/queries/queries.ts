import type { Clock } from '../clock';
import { validateCommand } from '../commands';
import type { JobRow, Page, ReadModel, ServiceRow } from '../read-model';
import { DueJobsQuery, type DueJobs } from './due-jobs';
import { GetJobQuery } from './get-job';
import { GetNextRunTimeQuery, type NextRunTime } from './get-next-run-time';
import { GetServiceQuery } from './get-service';
import { ListJobsQuery, type ListJobsFields } from './list-jobs';
import { ListServicesQuery, type ServiceList } from './list-services';
import { Asking, QueryRefusedError, type Freshness, type ViewQuery } from './view-query';

const DEFAULT_TIMEOUT_MS = 5_000;

type FieldsOf<Class extends abstract new (fields: never) => unknown> = ConstructorParameters<Class>[0];

/**
 * Questions to the view, with or without Nest. Answers hold up to the view's position; to read what one has just written, pass
 * `after: result.position`.
 *
 * Every method rejects with {@link QueryRefusedError} when the question is wrong, and with `ViewTimeoutError` when the view does not reach
 * `after` in time.
 */
export class Queries implements Asking {
  constructor(
    private readonly view: ReadModel,
    private readonly clock: Clock,
  ) {}

  /** Validates a query, waits until the view is fresh enough, and answers it. */
  async ask<Answer>(query: ViewQuery<Answer>): Promise<Answer> {
    const [first, ...others] = validateCommand(query);
    if (first !== undefined) throw new QueryRefusedError([first, ...others]);
    if (query.after !== undefined) {
      await this.view.waitFor(BigInt(query.after), query.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    }
    return query.answer({ view: this.view, now: this.clock.wall(), yield: () => this.clock.yield() });
  }

  /** One job, whatever became of it; null: unknown. */
  job(jobId: string, freshness: Freshness = {}): Promise<JobRow | null> {
    return this.ask(new GetJobQuery({ jobId, ...freshness }));
  }

  jobs(fields: ListJobsFields = {}): Promise<Page<JobRow>> {
    return this.ask(new ListJobsQuery(fields));
  }

  due(fields: FieldsOf<typeof DueJobsQuery>): Promise<DueJobs> {
    return this.ask(new DueJobsQuery(fields));
  }

  nextRunTime(serviceId: string, freshness: Freshness = {}): Promise<NextRunTime> {
    return this.ask(new GetNextRunTimeQuery({ serviceId, ...freshness }));
  }

  /** One service with its incarnations; null: unknown. */
  service(serviceId: string, freshness: Freshness = {}): Promise<ServiceRow | null> {
    return this.ask(new GetServiceQuery({ serviceId, ...freshness }));
  }

  services(fields: FieldsOf<typeof ListServicesQuery> = {}): Promise<ServiceList> {
    return this.ask(new ListServicesQuery(fields));
  }
}
