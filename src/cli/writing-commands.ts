import { Argument, Option, type Command } from 'commander';
import {
  BackfillJobCommand,
  BindJobToServiceCommand,
  CancelJobCommand,
  DrainServiceCommand,
  MarkServiceFailedCommand,
  PauseJobCommand,
  ReleaseFromQuarantineCommand,
  RemoveJobCommand,
  ResolveHoldCommand,
  ResumeJobCommand,
  RunJobNowCommand,
  type CommandToJob,
  type JobExecution,
  type ServiceExecution,
} from '../commands';
import { onLog, readCount, type Call } from './options';
import { defaultActor, send, type SendOptions } from './send';
import { afterJob, afterService } from './what-follows';

const DEFAULT_TIMEOUT_MS = 30_000;

interface Reasoned {
  readonly jobId: string;
  readonly commandId: string;
  readonly reason?: string;
}

/** The commands that write, each by the command of the same name that services take. */
export function writingCommands(program: Command, call: Call): void {
  jobCommands(program, call);
  serviceCommands(program, call);
}

function jobCommands(program: Command, call: Call): void {
  writing(program, 'bind', 'move an idle job to a service that may own it, once')
    .argument('<job>', 'id of the job')
    .argument('<service>', 'id of the service')
    .action((jobId: string, serviceId: string, options: SendOptions) =>
      send<JobExecution>(
        call,
        options,
        (commandId) => new BindJobToServiceCommand({ jobId, serviceId, commandId }),
        afterJob.bind,
        serviceId,
      ),
    );
  const ofJob = (
    name: string,
    description: string,
    make: (fields: Reasoned) => CommandToJob,
    next: (answer: JobExecution) => string,
  ) =>
    reasoned(writing(program, name, description))
      .argument('<job>', 'id of the job')
      .action((jobId: string, options: SendOptions) =>
        send<JobExecution>(call, options, (commandId) => make(fields(jobId, commandId, options)), next),
      );
  ofJob(
    'pause',
    'nothing of the job starts any more; an open run may finish',
    (all) => new PauseJobCommand(all),
    afterJob.pause,
  );
  ofJob('resume', 'let a paused job run again', (all) => new ResumeJobCommand(all), afterJob.resume);
  ofJob('run-now', 'ask for one run besides the schedule', (all) => new RunJobNowCommand(all), afterJob.runNow);
  reasoned(writing(program, 'backfill', 'ask for a run of each slot of a window in the past'))
    .argument('<job>', 'id of the job')
    .requiredOption('--from <instant>', 'the window begins here (ISO 8601, with zone or offset)')
    .requiredOption('--to <instant>', '… and ends here, exclusive')
    .addOption(
      new Option('--limit <slots>', 'refuse a window with more slots (default: 100)').argParser(
        readCount('--limit', 1_000),
      ),
    )
    .action((jobId: string, options: SendOptions & { from: string; to: string; limit?: number }) =>
      send<JobExecution>(
        call,
        options,
        (commandId) =>
          new BackfillJobCommand({
            ...fields(jobId, commandId, options),
            ...{ from: options.from, to: options.to },
            ...(options.limit !== undefined && { limit: options.limit }),
          }),
        afterJob.backfill,
      ),
    );
  reasoned(writing(program, 'cancel', 'end a job: at once, or after its open run'))
    .argument('<job>', 'id of the job')
    .option('--after-run', 'let the open run finish', false)
    .action((jobId: string, options: SendOptions & { afterRun: boolean }) =>
      send<JobExecution>(
        call,
        options,
        (commandId) =>
          new CancelJobCommand({ ...fields(jobId, commandId, options), mode: options.afterRun ? 'afterRun' : 'now' }),
        afterJob.cancel,
      ),
    );
  ofJob(
    'remove',
    'cancel a job and take it out of listings; the log keeps it',
    (all) => new RemoveJobCommand(all),
    afterJob.remove,
  );
  ofJob(
    'release',
    'let a quarantined job be owned again',
    (all) => new ReleaseFromQuarantineCommand(all),
    afterJob.release,
  );
  reasoned(writing(program, 'resolve-hold', 'say what became of a run that was lost and is held'))
    .argument('<job>', 'id of the job')
    .addArgument(
      new Argument('<resolution>', 'run the slot again, or count it').choices(['retry', 'fail', 'succeeded']),
    )
    .action((jobId: string, resolution: 'retry' | 'fail' | 'succeeded', options: SendOptions) =>
      send<JobExecution>(
        call,
        options,
        (commandId) => new ResolveHoldCommand({ ...fields(jobId, commandId, options), resolution }),
        afterJob.resolveHold,
      ),
    );
}

function serviceCommands(program: Command, call: Call): void {
  const incarnation = () => new Option('--incarnation <id>', 'which incarnation (default: the newest)');
  reasoned(writing(program, 'drain', 'the service takes no more jobs and gives away those it has'))
    .argument('<service>', 'id of the service')
    .addOption(incarnation())
    .action((serviceId: string, options: SendOptions & { incarnation?: string }) =>
      send<ServiceExecution>(
        call,
        options,
        (commandId) => new DrainServiceCommand({ serviceId, commandId, ...picked(options) }),
        afterService.drain,
      ),
    );
  reasoned(writing(program, 'mark-failed', 'mark a service as failed: its jobs move to others'))
    .argument('<service>', 'id of the service')
    .option('--confirmed-dead', 'you vouch that its process is dead: running jobs move at once', false)
    .addOption(incarnation())
    .action((serviceId: string, options: SendOptions & { incarnation?: string; confirmedDead: boolean }) =>
      send<ServiceExecution>(
        call,
        options,
        (commandId) =>
          new MarkServiceFailedCommand({
            serviceId,
            commandId,
            confirmedDead: options.confirmedDead,
            ...picked(options),
          }),
        afterService.markFailed,
      ),
    );
}

function writing(program: Command, name: string, description: string): Command {
  return onLog(program.command(name), 'print one JSON object')
    .description(description)
    .option('--actor <name>', `who asks, for the log (default: the user, here ${defaultActor()})`)
    .option('--command-id <id>', 'send the same command again: it adds nothing when it is known')
    .addOption(
      new Option('--timeout <ms>', 'wait so long for the log')
        .argParser(readCount('--timeout', 3_600_000))
        .default(DEFAULT_TIMEOUT_MS),
    );
}

function reasoned(command: Command): Command {
  return command.option('--reason <text>', 'why, for the log; at most 500 characters');
}

function fields(jobId: string, commandId: string, { reason }: SendOptions): Reasoned {
  return { jobId, commandId, ...(reason !== undefined && { reason }) };
}

function picked({ reason, incarnation }: SendOptions & { readonly incarnation?: string }) {
  return { ...(reason !== undefined && { reason }), ...(incarnation !== undefined && { incarnation }) };
}
