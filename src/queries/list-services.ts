import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { assignFields, boolean, Checked, optional } from '../commands';
import type { LogPosition } from '../event-store';
import type { ServiceRow } from '../read-model';
import { after, timeoutMs } from './fields';
import { Asking, ViewQuery, type Asked, type Freshness } from './view-query';

export interface ServiceList {
  /** By id. */
  readonly rows: readonly ServiceRow[];
  readonly position: LogPosition;
}

/** All services. Those that have been gone for 24 h and own no job are left out. */
export class ListServicesQuery extends ViewQuery<ServiceList> {
  @Checked(optional(boolean)) readonly includeGone?: boolean;
  @Checked(after) readonly after?: bigint | string;
  @Checked(timeoutMs) readonly timeoutMs?: number;

  constructor(
    fields: {
      /** Those too that are gone for long; default false. */
      readonly includeGone?: boolean;
    } & Freshness = {},
  ) {
    super();
    assignFields(this, fields);
  }

  answer({ view }: Asked): ServiceList {
    return { rows: view.services({ includeGone: this.includeGone === true }), position: view.position() };
  }
}

@QueryHandler(ListServicesQuery)
export class ListServicesHandler implements IQueryHandler<ListServicesQuery> {
  constructor(@Inject(Asking) private readonly queries: Asking) {}
  execute(query: ListServicesQuery): Promise<ServiceList> {
    return this.queries.ask(query);
  }
}
