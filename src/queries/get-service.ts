import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { assignFields, Checked, id } from '../commands';
import type { ServiceRow } from '../read-model';
import { after, timeoutMs } from './fields';
import { Asking, ViewQuery, type Asked, type Freshness } from './view-query';

/** One service with its incarnations; null: the view knows of none with this id. */
export class GetServiceQuery extends ViewQuery<ServiceRow | null> {
  @Checked(id) readonly serviceId: string;
  @Checked(after) readonly after?: bigint | string;
  @Checked(timeoutMs) readonly timeoutMs?: number;

  constructor(fields: { readonly serviceId: string } & Freshness) {
    super();
    assignFields(this, fields);
  }

  answer({ view }: Asked): ServiceRow | null {
    return view.service(this.serviceId);
  }
}

@QueryHandler(GetServiceQuery)
export class GetServiceHandler implements IQueryHandler<GetServiceQuery> {
  constructor(@Inject(Asking) private readonly queries: Asking) {}
  execute(query: GetServiceQuery): Promise<ServiceRow | null> {
    return this.queries.ask(query);
  }
}
