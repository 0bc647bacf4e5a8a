import { Command, CommanderError } from 'commander';
import { StoreUnavailableError, StoreUnusableError } from '../event-store';
import { readAsOf, showHistory } from './history';
import { withLog } from './open-log';
import { OutputClosedError, printable, type CommandIo } from './output';
import { UsageError } from './usage-error';
import { verify } from './verify';

const exitCodes = `
Exit codes: 0 done, the log is sound; 1 the log breaks a rule; 2 bad usage, or the log cannot be read.
`;

/**
 * Runs one command line (without node and script).
 * @returns the exit code: 0 done; 1 `verify` found violations; 2 bad usage or an unreadable log. Never rejects.
 */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const parsed: { code: number; text: { out: string; err: string } } = { code: 0, text: { out: '', err: '' } };
  try {
    const program = commands(io, parsed);
    await program.parseAsync(args, { from: 'user' });
    return parsed.code;
  } catch (error) {
    return await failed(error, parsed.text, io);
  }
}

function commands(io: CommandIo, parsed: { code: number; text: { out: string; err: string } }): Command {
  const { text } = parsed;
  const program = new Command('holdfast')
    .description(
      'Looks into the log of a Holdfast installation; services may go on running. Only `restored` writes to it.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (part) => (text.out += part),
      writeErr: (part) => (text.err += part),
    })
    .addHelpText('after', exitCodes)
    .showHelpAfterError('(holdfast --help tells more)');
  const namespace = ['--namespace <name>', 'namespace of the installation', ''] as const;

  program
    .command('verify')
    .description('check a log against the invariants: epochs, starts, outcomes, slots, owners')
    .argument('<log>', 'path of the log file')
    .option(...namespace)
    .option('--json', 'print the report as JSON', false)
    .addHelpText('after', exitCodes)
    .action(async (path: string, options: { namespace: string; json: boolean }) => {
      parsed.code = await withLog(path, (store) => verify(store, options, io));
    });
  program
    .command('history')
    .description('tell the life of one job, and what it adds up to')
    .argument('<job>', 'id of the job')
    .requiredOption('--log <path>', 'path of the log file')
    .option('--as-of <point>', 'end there: a time (2026-03-29T01:00:00Z), revision:<n> or position:<n>; inclusive')
    .option(...namespace)
    .option('--json', 'print one JSON object per event (with --as-of: then one with the state)', false)
    .addHelpText('after', exitCodes)
    .action(async (job: string, options: { log: string; asOf?: string; namespace: string; json: boolean }) => {
      const asOf = options.asOf === undefined ? null : readAsOf(options.asOf);
      parsed.code = await withLog(options.log, (store) => showHistory(store, job, { ...options, asOf }, io));
    });
  program
    .command('restored')
    .description(
      'after a log was restored from a backup, with all services stopped: raise its generation, so that tokens given before are lower than all to come',
    )
    .argument('<log>', 'path of the log file')
    .addHelpText('after', exitCodes)
    .action(async (path: string) => {
      const { id, generation } = await withLog(path, (store) => store.raiseGeneration(), { readOnly: false });
      await io.out.write(`log ${id}: generation ${generation}\n`);
    });
  return program;
}

async function failed(
  error: unknown,
  text: { readonly out: string; readonly err: string },
  io: CommandIo,
): Promise<number> {
  try {
    if (error instanceof CommanderError) {
      await io.out.write(text.out);
      await io.err.write(text.err);
      return error.exitCode === 0 ? 0 : 2;
    }
    if (error instanceof OutputClosedError) return 0;
    await io.err.write(`holdfast: ${explain(error)}\n`);
    return 2;
  } catch {
    // Nobody reads what went wrong; the code still tells.
    return 2;
  }
}

function explain(error: unknown): string {
  if (error instanceof UsageError || error instanceof StoreUnusableError) return error.message;
  if (error instanceof StoreUnavailableError) return `${error.message} ${error.remedy}`;
  return printable(error instanceof Error ? error.message : String(error));
}
