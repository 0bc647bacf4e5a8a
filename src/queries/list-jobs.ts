import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import {
  arrayOf,
  assignFields,
  boolean,
  Checked,
  dictionary,
  handlerName,
  id,
  nullable,
  optional,
  text,
} from '../commands';
import type { Tag } from '../domain/job';
import type { InstantInput } from '../domain/schedule';
import { BadCursorError, type JobFilter, type JobRow, type Page } from '../read-model';
import { after, instant, instantOf, limit, status, timeoutMs } from './fields';
import { Asking, QueryRefusedError, ViewQuery, type Asked, type Freshness } from './view-query';

const DEFAULT_LIMIT = 100;
/** The view looks at a bounded number of rows at a time; so often it is asked again for one page. */
const ROUNDS = 20;

export interface ListJobsFields extends Freshness {
  /** Every pair must be in the job's tag. */
  readonly tag?: Tag;
  /** Owner; null: jobs without one. */
  readonly serviceId?: string | null;
  readonly status?: readonly JobRow['status'][];
  readonly handler?: string;
  /** Next run time at or after. With this or `nextRunBefore` the jobs come soonest first, else by id. */
  readonly nextRunFrom?: InstantInput;
  /** Next run time before. */
  readonly nextRunBefore?: InstantInput;
  /** Removed jobs too; default false. */
  readonly includeRemoved?: boolean;
  /** 1 … 1,000; default 100. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

/**
 * A page of the jobs that fulfil every condition. Read on with `cursor: next` until `next` is null; a page may hold fewer rows than `limit`
 * before that, when few jobs match. A job that is there all the time appears exactly once in pages by id, whatever changes meanwhile.
 */
export class ListJobsQuery extends ViewQuery<Page<JobRow>> {
  @Checked(optional(dictionary)) readonly tag?: Tag;
  @Checked(optional(nullable(id))) readonly serviceId?: string | null;
  @Checked(optional(arrayOf(status, 11))) readonly status?: readonly JobRow['status'][];
  @Checked(optional(handlerName)) readonly handler?: string;
  @Checked(optional(instant)) readonly nextRunFrom?: InstantInput;
  @Checked(optional(instant)) readonly nextRunBefore?: InstantInput;
  @Checked(optional(boolean)) readonly includeRemoved?: boolean;
  @Checked(limit) readonly limit?: number;
  @Checked(optional(text(2_000, 1))) readonly cursor?: string;
  @Checked(after) readonly after?: bigint | string;
  @Checked(timeoutMs) readonly timeoutMs?: number;

  constructor(fields: ListJobsFields = {}) {
    super();
    assignFields(this, fields);
  }

  async answer(asked: Asked): Promise<Page<JobRow>> {
    const most = this.limit ?? DEFAULT_LIMIT;
    const rows: JobRow[] = [];
    let page = this.read(asked, most, this.cursor ?? null);
    rows.push(...page.rows);
    for (let round = 1; round < ROUNDS && rows.length < most && page.next !== null; round += 1) {
      await asked.yield();
      page = this.read(asked, most - rows.length, page.next);
      rows.push(...page.rows);
    }
    return { ...page, rows };
  }

  private read({ view }: Asked, limit: number, cursor: string | null): Page<JobRow> {
    try {
      return view.jobs(this.filter(), { limit, after: cursor });
    } catch (error) {
      if (!(error instanceof BadCursorError)) throw error;
      throw new QueryRefusedError([
        {
          code: 'bad-cursor',
          field: 'cursor',
          value: error.cursor.slice(0, 80),
          rule: 'It is not the cursor of such a page.',
          remedy: 'Pass `next` of the page before, unchanged and with the same filter, or leave it out.',
        },
      ]);
    }
  }

  private filter(): JobFilter {
    const { tag, serviceId, status, handler, nextRunFrom, nextRunBefore, includeRemoved } = this;
    return {
      ...(tag !== undefined && { tag }),
      ...(serviceId !== undefined && { serviceId }),
      ...(status !== undefined && { status }),
      ...(handler !== undefined && { handler }),
      ...(nextRunFrom !== undefined && { nextRunFrom: instantOf(nextRunFrom) }),
      ...(nextRunBefore !== undefined && { nextRunBefore: instantOf(nextRunBefore) }),
      ...(includeRemoved !== undefined && { includeRemoved }),
    };
  }
}

@QueryHandler(ListJobsQuery)
export class ListJobsHandler implements IQueryHandler<ListJobsQuery> {
  constructor(@Inject(Asking) private readonly queries: Asking) {}
  execute(query: ListJobsQuery): Promise<Page<JobRow>> {
    return this.queries.ask(query);
  }
}
