import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Instant } from '../clock';
import { assignFields, Checked, id } from '../commands';
import type { LogPosition } from '../event-store';
import { after, timeoutMs } from './fields';
import { knownService } from './of-service';
import { Asking, ViewQuery, type Asked, type Freshness } from './view-query';

export interface NextRunTime {
  /** The soonest next run time among the service's own jobs, in the past when one is overdue; null: nothing is pending. */
  readonly nextRunTime: Instant | null;
  readonly position: LogPosition;
}

/** When one service will next start something. */
export class GetNextRunTimeQuery extends ViewQuery<NextRunTime> {
  @Checked(id) readonly serviceId: string;
  @Checked(after) readonly after?: bigint | string;
  @Checked(timeoutMs) readonly timeoutMs?: number;

  constructor(fields: { readonly serviceId: string } & Freshness) {
    super();
    assignFields(this, fields);
  }

  answer({ view }: Asked): NextRunTime {
    const { current } = knownService(view, this.serviceId);
    const own = view.ownJobs(this.serviceId);
    return {
      nextRunTime: current === null ? null : own.nextDueTime(current.incarnation),
      position: own.position(),
    };
  }
}

@QueryHandler(GetNextRunTimeQuery)
export class GetNextRunTimeHandler implements IQueryHandler<GetNextRunTimeQuery> {
  constructor(@Inject(Asking) private readonly queries: Asking) {}
  execute(query: GetNextRunTimeQuery): Promise<NextRunTime> {
    return this.queries.ask(query);
  }
}
