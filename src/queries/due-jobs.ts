import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { assignFields, Checked, id, optional } from '../commands';
import type { InstantInput } from '../domain/schedule';
import type { LogPosition } from '../event-store';
import type { JobRow } from '../read-model';
import { after, instant, instantOf, limit, timeoutMs } from './fields';
import { knownService } from './of-service';
import { Asking, ViewQuery, type Asked, type Freshness } from './view-query';

const DEFAULT_LIMIT = 100;

export interface DueJobs {
  /** By priority (higher first), due time, id. */
  readonly rows: readonly JobRow[];
  readonly position: LogPosition;
}

/**
 * The jobs of one service that are due: next run time at or before `at`. Those its newest incarnation owns; what a former one left
 * behind is nobody's to start until it was requeued.
 */
export class DueJobsQuery extends ViewQuery<DueJobs> {
  @Checked(id) readonly serviceId: string;
  @Checked(optional(instant)) readonly at?: InstantInput;
  @Checked(limit) readonly limit?: number;
  @Checked(after) readonly after?: bigint | string;
  @Checked(timeoutMs) readonly timeoutMs?: number;

  constructor(
    fields: {
      readonly serviceId: string;
      /** Default: now, by this process's wall clock. */
      readonly at?: InstantInput;
      /** 1 … 1,000; default 100. */
      readonly limit?: number;
    } & Freshness,
  ) {
    super();
    assignFields(this, fields);
  }

  answer({ view, now }: Asked): DueJobs {
    const { current } = knownService(view, this.serviceId);
    const at = this.at === undefined ? now : instantOf(this.at);
    const own = view.ownJobs(this.serviceId);
    const rows = current === null ? [] : own.due(current.incarnation, at, this.limit ?? DEFAULT_LIMIT);
    return { rows, position: own.position() };
  }
}

@QueryHandler(DueJobsQuery)
export class DueJobsHandler implements IQueryHandler<DueJobsQuery> {
  constructor(@Inject(Asking) private readonly queries: Asking) {}
  execute(query: DueJobsQuery): Promise<DueJobs> {
    return this.queries.ask(query);
  }
}
