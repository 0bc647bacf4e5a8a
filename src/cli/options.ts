import { Option, type Command } from 'commander';
import { isNamespace, namespaceRule } from '../domain/namespace';
import { printable, type CommandIo } from './output';
import { UsageError } from './usage-error';

/** One command line under way. */
export interface Call {
  readonly io: CommandIo;
  /** How it ends. */
  code: number;
  /** See `FailureSettings`. */
  unreadableCode: 2 | 3;
}

/** What every command on a log may be told. */
export interface LogOptions {
  readonly log: string;
  readonly namespace: string;
  readonly json: boolean;
}

export function logOption(): Option {
  return new Option('--log <path>', 'path of the log file, or esdb://… of a server')
    .env('HOLDFAST_LOG')
    .makeOptionMandatory();
}

export const exitCodes = `
Exit codes: 0 done; 1 refused, or what was asked for does not exist; 2 bad usage; 3 the log cannot be opened or read, or the outcome is unknown.
`;

/** The options that all commands share, and the exit codes in their help. */
export function onLog(command: Command, json: string, namespaceMeans = 'namespace of the installation'): Command {
  return command
    .addOption(logOption())
    .addOption(namespaceOption(namespaceMeans))
    .option('--json', json, false)
    .addHelpText('after', exitCodes);
}

export function namespaceOption(means = 'namespace of the installation'): Option {
  return new Option('--namespace <name>', means).env('HOLDFAST_NAMESPACE').argParser(readNamespace).default('', 'none');
}

function readNamespace(text: string): string {
  if (isNamespace(text)) return text;
  throw new UsageError(`--namespace: '${printable(text)}' is none. ${namespaceRule.rule}`, namespaceRule.remedy);
}

/** `key=value`, several times. */
export function readTag(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const cut = text.indexOf('=');
  if (cut > 0) return { ...before, [text.slice(0, cut)]: text.slice(cut + 1) };
  throw new UsageError(`--tag: '${printable(text)}' is no pair.`, 'Give key=value; repeat --tag for more pairs.');
}

/** `a,b` or the option several times. */
function readList(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').filter((one) => one !== '')];
}

/** As `readList`, of these words only. */
export function readWords(
  option: string,
  words: readonly string[],
): (text: string, before?: readonly string[]) => readonly string[] {
  return (text, before) => {
    const read = readList(text, before);
    const wrong = read.find((one) => !words.includes(one));
    if (wrong === undefined) return read;
    throw new UsageError(`${option}: '${printable(wrong)}' is none.`, `Give one or more of ${words.join(', ')}.`);
  };
}

export function readCount(option: string, most: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= most) return count;
    throw new UsageError(`${option}: '${printable(text)}' is none.`, `Give a whole number from 1 to ${most}.`);
  };
}
