import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { auditCommands } from './audit-commands';
import { failed } from './failure';
import type { Call } from './options';
import type { CommandIo } from './output';
import { readingCommands } from './reading-commands';
import { writingCommands } from './writing-commands';

const footer = `
Only these write to the log: bind, pause, resume, run-now, backfill, cancel, remove, release, resolve-hold, drain, mark-failed, restored.
All others open it for reading only (copy reads one log and writes another). While one reads a log that no service has open, SQLite keeps
<log>-wal and <log>-shm beside it; they go with the end of the command (and stay, harmless, when it is interrupted or may not write there).

--json prints one JSON object; a list (services, jobs, history, export) is one object a line. Errors are JSON, too, on the error output.

Exit codes: 0 done; 1 refused, what was asked for does not exist, (verify) the log breaks a rule, or (copy) the copy is not whole; 2 bad usage;
3 the log cannot be opened or read, or the outcome of a command is unknown (verify, history and restored: 2).
`;

/**
 * Runs one command line (without node and script). Never rejects.
 * @returns the exit code: 0 done; 1 refused, not found, `verify` found violations, or `copy` is not whole; 2 bad usage; 3 an unreadable log or an unknown outcome
 * (2 for `verify`, `history` and `restored`).
 */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const call: Call = { io, code: 0, unreadableCode: 2 };
  const text = { out: '', err: '' };
  try {
    await commands(call, text).parseAsync(args, { from: 'user' });
    return call.code;
  } catch (error) {
    return await failed(error, text, io, { unreadableCode: call.unreadableCode, json: args.includes('--json') });
  }
}

/** Of the package, in which this file lies two folders deep. */
function version(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

function commands(call: Call, text: { out: string; err: string }): Command {
  const program = new Command('holdfast')
    .version(version(), '--version', 'print the version')
    .description('Looks into the log of a Holdfast installation, and sends commands to it; services may go on running.')
    .exitOverride()
    .configureOutput({
      writeOut: (part) => (text.out += part),
      writeErr: (part) => (text.err += part),
    })
    .addHelpText('after', footer)
    .showHelpAfterError('(holdfast --help tells more)');
  readingCommands(program, call);
  writingCommands(program, call);
  auditCommands(program, call);
  return program;
}
