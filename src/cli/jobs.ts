import type { EventStore } from '../event-store';
import type { ListJobsFields } from '../queries';
import type { JobRow } from '../read-model';
import { jsonLine, printable, type CommandIo } from './output';
import { Table } from './table';
import { withView } from './temporary-view';
import { iso, jobRowJson, pairs } from './words';

export interface JobsOptions {
  readonly namespace: string;
  readonly json: boolean;
  readonly tag?: Readonly<Record<string, string>>;
  /** Owner; `none`: jobs without one. */
  readonly service?: string;
  readonly status?: readonly string[];
  readonly handler?: string;
  readonly removed: boolean;
  readonly limit: number;
  readonly all: boolean;
}

const PAGE = 500;

/** `holdfast jobs`: the jobs that fulfil every condition, by id. @returns the exit code. */
export async function showJobs(store: EventStore, options: JobsOptions, io: CommandIo): Promise<number> {
  const { namespace, json, all, limit } = options;
  return withView(store, namespace, io, async (queries) => {
    const table = new Table(
      [
        { title: 'STATUS' },
        { title: 'NEXT RUN' },
        { title: 'OWNER', shrinkTo: 12 },
        { title: 'HANDLER', shrinkTo: 8 },
        { title: 'TAG', shrinkTo: 6 },
        { title: 'JOB' },
      ],
      io.width,
    );
    const most = all ? Infinity : limit;
    let shown = 0;
    let cursor: string | null = null;
    do {
      const take = Math.min(PAGE, most - shown);
      const page: { rows: readonly JobRow[]; next: string | null } = await queries.jobs({
        ...filter(options),
        limit: take,
        ...(cursor !== null && { cursor }),
      });
      if (page.rows.length > 0) {
        const { rows } = page;
        await io.out.write(
          json ? rows.map((one) => jsonLine(jobRowJson(one))).join('') : table.lines(rows.map(row), shown === 0),
        );
      }
      shown += page.rows.length;
      cursor = page.next;
    } while (cursor !== null && shown < most);
    if (shown === 0 && !json) await io.out.write('no jobs\n');
    if (cursor !== null) {
      const words = `There may be more than these ${shown} jobs: use --limit <n> or --all.`;
      await io.err.write(json ? jsonLine({ more: true, shown, message: words }) : `${words}\n`);
    }
    return 0;
  });
}

function filter({ tag, service, status, handler, removed }: JobsOptions): ListJobsFields {
  return {
    ...(tag !== undefined && { tag }),
    ...(service !== undefined && { serviceId: service === 'none' ? null : service }),
    // What is no status is refused by the query.
    ...(status !== undefined && { status: status as ListJobsFields['status'] }),
    ...(handler !== undefined && { handler }),
    ...(removed && { includeRemoved: true }),
  };
}

function row({ jobId, status, serviceId, handler, nextRunTime, tag }: JobRow): string[] {
  return [
    status,
    nextRunTime === null ? '-' : iso(nextRunTime).replace(/\.\d+Z$/, 'Z'),
    serviceId ?? '-',
    printable(handler),
    pairs(tag) || '-',
    jobId,
  ];
}
