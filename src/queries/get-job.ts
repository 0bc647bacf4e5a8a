import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { assignFields, Checked, id } from '../commands';
import type { JobRow } from '../read-model';
import { after, timeoutMs } from './fields';
import { Asking, ViewQuery, type Asked, type Freshness } from './view-query';

/** One job, whatever became of it; null: the view knows of none with this id. */
export class GetJobQuery extends ViewQuery<JobRow | null> {
  @Checked(id) readonly jobId: string;
  @Checked(after) readonly after?: bigint | string;
  @Checked(timeoutMs) readonly timeoutMs?: number;

  constructor(fields: { readonly jobId: string } & Freshness) {
    super();
    assignFields(this, fields);
  }

  answer({ view }: Asked): JobRow | null {
    return view.job(this.jobId);
  }
}

@QueryHandler(GetJobQuery)
export class GetJobHandler implements IQueryHandler<GetJobQuery> {
  constructor(@Inject(Asking) private readonly queries: Asking) {}
  execute(query: GetJobQuery): Promise<JobRow | null> {
    return this.queries.ask(query);
  }
}
