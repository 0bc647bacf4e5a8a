import { CommanderError } from 'commander';
import { CommandRefusedError, CommandUnavailableError, OutcomeUnknownError } from '../commands';
import { CopyRefusedError } from '../copy';
import type { Refusal } from '../domain/refusal';
import { StoreUnavailableError, StoreUnusableError } from '../event-store';
import { QueryRefusedError } from '../queries';
import { jsonLine, OutputClosedError, printable, type CommandIo } from './output';
import { LogMissingError, NotThereError, UsageError } from './usage-error';

/** How commands end when they cannot be done. */
export interface FailureSettings {
  /** The code for a log that cannot be opened or read: 2 for `verify`, `history` and `restored`, else 3. */
  readonly unreadableCode: 2 | 3;
  /** Errors are one JSON object, too. */
  readonly json: boolean;
}

/** Tells what went wrong on the error output. @returns the exit code. */
export async function failed(
  error: unknown,
  text: { readonly out: string; readonly err: string },
  io: CommandIo,
  settings: FailureSettings,
): Promise<number> {
  if (error instanceof OutputClosedError) return 0;
  const code = codeOf(error, settings);
  try {
    if (error instanceof CommanderError) {
      await io.out.write(text.out);
      const usage = settings.json && code !== 0 && !isHelp(error);
      if (usage) await io.err.write(jsonLine({ error: { code: 'usage', message: firstLine(text.err) } }));
      else await io.err.write(text.err);
    } else if (settings.json) await io.err.write(jsonLine({ error: described(error) }));
    else await io.err.write(explained(error));
  } catch {
    // Nobody reads what went wrong; the code still tells.
  }
  return code;
}

function isHelp({ code }: CommanderError): boolean {
  return code === 'commander.help' || code === 'commander.helpDisplayed';
}

function codeOf(error: unknown, { unreadableCode }: FailureSettings): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof LogMissingError) return unreadableCode;
  if (error instanceof UsageError) return 2;
  if (error instanceof NotThereError || refusalsOf(error) !== null) return 1;
  return unreadableCode;
}

function refusalsOf(error: unknown): readonly Refusal[] | null {
  const refused =
    error instanceof CommandRefusedError || error instanceof QueryRefusedError || error instanceof CopyRefusedError;
  return refused ? error.refusals : null;
}

function described(error: unknown): object {
  const refusals = refusalsOf(error);
  const message = messageOf(error);
  if (refusals !== null) return { code: 'refused', message, refusals };
  if (error instanceof OutcomeUnknownError) {
    return { code: 'outcome-unknown', message, commandId: error.commandId, id: error.id };
  }
  if (error instanceof NotThereError) return { code: 'not-found', message };
  if (error instanceof LogMissingError) return { code: 'log-missing', message };
  if (error instanceof UsageError) return { code: 'usage', message };
  if (error instanceof CommandUnavailableError) return { code: 'not-written', message };
  if (error instanceof StoreUnusableError || error instanceof StoreUnavailableError) {
    return { code: `log-${error.code}`, message };
  }
  return { code: 'failed', message };
}

function explained(error: unknown): string {
  const refusals = refusalsOf(error);
  if (refusals === null) return `holdfast: ${messageOf(error)}\n`;
  return refusals
    .map(({ field, value, rule, remedy }) => {
      const what = field === '' ? '' : ` ${printable(field)} ${printable(value)}:`;
      return `holdfast: refused:${what} ${printable(rule.replace(/\.?$/, '.'))} ${printable(remedy)}\n`;
    })
    .join('');
}

function messageOf(error: unknown): string {
  if (error instanceof OutcomeUnknownError) {
    return printable(
      `${error.message} It may have been written. Send it again with --command-id ${error.commandId}: that adds nothing if it was.`,
    );
  }
  if (error instanceof CommandUnavailableError) {
    return printable(`${error.message} Nothing was written; the same command may be sent again.`);
  }
  if (error instanceof UsageError || error instanceof StoreUnusableError) return error.message;
  if (error instanceof StoreUnavailableError) return `${error.message} ${error.remedy}`;
  return printable(error instanceof Error ? error.message : String(error));
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/^error: /, '');
}
