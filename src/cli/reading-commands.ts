import type { Command } from 'commander';
import { SystemClock } from '../clock';
import type { EventStore } from '../event-store';
import { jobStatuses } from '../queries';
import { exportLog } from './export';
import { readAsOf, readPast } from './history';
import { showJob } from './job';
import { showJobs } from './jobs';
import { NOW } from './known-job';
import { withLog } from './open-log';
import { exitCodes, onLog, readCount, readTag, readWords, type Call, type LogOptions } from './options';
import { showPreview } from './preview';
import { showServices } from './services';
import { showOwner } from './who-owned';
import { showWhy } from './why';

const clock = new SystemClock();
const categories = ['job', 'service', 'heartbeat'];
const oneObject = 'print one JSON object';
const viewCost =
  '\nReads every event of jobs and services once (about 30,000 a second), into a temporary file that is removed at the end.\n';
const streamCost = '\nReads the streams of the job and of the services only, however large the log is.\n';
const point = 'a time (2026-03-29T01:00:00Z), revision:<n> (of the job) or position:<n> (of the log)';

/** The commands that only read. */
export function readingCommands(program: Command, call: Call): void {
  const read = async <Options extends LogOptions>(
    options: Options,
    show: (store: EventStore, options: Options) => Promise<number>,
  ): Promise<void> => {
    call.unreadableCode = 3;
    call.code = await withLog(options, (store) => show(store, options));
  };

  onLog(program.command('services'), 'print one JSON object per service')
    .description('list the services: state, jobs and runs as each said with its last beat')
    .option('--all', 'those too that have been gone for a day', false)
    .option('--count', 'count the jobs of each in the log, also of those that are gone; reads all of it', false)
    .addHelpText('after', '\nReads the events of services only; with --count every event of the log.\n')
    .action((options: LogOptions & { all: boolean; count: boolean }) =>
      read(options, (store) => showServices(store, options, call.io)),
    );

  onLog(program.command('jobs'), 'print one JSON object per job')
    .description('list jobs, by id')
    .option('--tag <key=value>', 'whose tag has this pair; repeat it for more', readTag)
    .option('--service <id>', 'owned by this service; none: owned by nobody')
    .option('--status <status>', 'with one of these statuses (comma-separated)', readWords('--status', jobStatuses))
    .option('--handler <name>', 'of this handler')
    .option('--removed', 'removed jobs, too', false)
    .option('--limit <n>', 'at most so many', readCount('--limit', 1_000_000), 100)
    .option('--all', 'all of them', false)
    .addHelpText('after', viewCost)
    .action((options: LogOptions & Parameters<typeof showJobs>[1]) =>
      read(options, (store) => showJobs(store, options, call.io)),
    );

  onLog(program.command('job'), oneObject)
    .description('show one job as it is now')
    .argument('<job>', 'id of the job')
    .option('--payload', 'with its payload', false)
    .addHelpText('after', streamCost)
    .action((job: string, options: LogOptions & { payload: boolean }) =>
      read(options, (store) => showJob(store, job, options, call.io)),
    );

  onLog(program.command('why'), oneObject)
    .description('why a job is where it is, and why it runs or does not: now, or at a point')
    .argument('<job>', 'id of the job')
    .option('--at <point>', `then: ${point}`)
    .addHelpText('after', streamCost)
    .action((job: string, { at, ...options }: LogOptions & { at?: string }) => {
      const asked = at === undefined ? null : readPast(at, clock.wall(), '--at');
      return read(options, (store) => showWhy(store, job, { ...options, at: asked }, call.io));
    });

  onLog(program.command('who-owned'), oneObject)
    .description('who owned a job at a point, and by which decision')
    .argument('<job>', 'id of the job')
    .option('--at <point>', `${point}; default: now`)
    .addHelpText('after', streamCost)
    .action((job: string, { at, ...options }: LogOptions & { at?: string }) => {
      const asked = at === undefined ? NOW : readPast(at, clock.wall(), '--at');
      return read(options, (store) => showOwner(store, job, { ...options, at: asked }, call.io));
    });

  program
    .command('preview')
    .description('tell what a schedule means, and its next slots; needs no log')
    .argument(
      '<schedule>',
      'a cron pattern, an ISO 8601 duration (PT5M; with --zone or --at, or of months, on the calendar), an instant, or a schedule as JSON',
    )
    .option('--zone <name>', 'IANA zone, or a fixed offset (+05:30)')
    .option('--at <time>', 'time of day, of a schedule on the calendar')
    .option('--jitter <duration>', 'each slot is due up to so much later (ms, or PT1M)')
    .option('--start <instant>', 'no slot before it')
    .option('--end <instant>', 'no slot at or after it')
    .option('--after <instant>', 'the slots after it (default: now)')
    .option('--job-id <id>', 'whose jitter is shown')
    .option('-n, --count <n>', 'so many slots', readCount('--count', 10_000), 10)
    .option('--json', oneObject, false)
    .addHelpText('after', exitCodes)
    .action(async (schedule: string, options: Parameters<typeof showPreview>[1]) => {
      call.unreadableCode = 3;
      call.code = await showPreview(schedule, options, call.io);
    });

  onLog(
    program.command('export'),
    'accepted, and changes nothing but errors: the output is JSON in any case',
    'only the events of this namespace',
  )
    .description('write every event as one line of JSON, payloads and all, in the order of the log')
    .option('--job <id>', 'of this job only')
    .option(
      '--category <name>',
      'of these categories only (job, service, heartbeat; comma-separated)',
      readWords('--category', categories),
    )
    .option('--from <point>', 'from here on, inclusive: a time, position:<n>, or with --job revision:<n>')
    .option('--to <point>', 'up to here, inclusive')
    .option('--without-payloads', 'leave out the payloads of jobs: what remains is no complete copy', false)
    .addHelpText('after', '\nA copy for auditors has to be complete: payloads are in it unless you leave them out.\n')
    .action(
      (
        options: LogOptions & {
          job?: string;
          category?: readonly string[];
          from?: string;
          to?: string;
          withoutPayloads: boolean;
        },
      ) => {
        const { from, to, ...others } = options;
        const range = {
          ...(from !== undefined && { from: readAsOf(from, '--from') }),
          ...(to !== undefined && { to: readAsOf(to, '--to') }),
        };
        return read(options, (store) => exportLog(store, { ...others, ...range }, call.io));
      },
    );
}
