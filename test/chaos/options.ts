import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly services: number;
  readonly jobs: number;
  readonly profile: 'default' | 'tuned';
  readonly appendKills: number;
  readonly directory: string;
  /** Null: where the rest is. */
  readonly logDirectory: string | null;
  readonly keep: boolean;
  readonly json: boolean;
}

export const usage = `Usage: npm run chaos -- [options]

Real service processes on one embedded log are killed, stopped, stalled, doubled, drained and left without room on the disk, at random, while
handlers write their fencing tokens to a ledger of its own. Then log, ledger and diaries are judged. The last line says faults, takeovers, and how
much was lost, doubled or accepted with a stale token. Exit status: 0 all is well and every kind of fault had its effect; 1 not so; 2 wrong arguments.

  --minutes N       of faults (default 1)
  --seed N          of the plan of faults (default: a new one; printed). The same seed plans the same faults; what they meet is for the machine to say
  --services N      processes, 4 to 6 (default 5)
  --jobs N          60 or more (default 200)
  --profile NAME    default | tuned: how fast silence is noticed (default: default)
  --append-kills N  instead: N rounds of kill -9 of a process that appends as fast as it can; then every acknowledged event must be there
  --directory DIR   where log, views, ledger and diaries are laid (default: the system's directory for temporary files)
  --log-directory DIR   where log and views are laid instead. On a file system of at most 2 GiB a full disk is one: a file takes all the room
                    that is left. Elsewhere it is SQLite's max_page_count on the connections to the log
  --keep            keep log, ledger and diaries; they are kept in any case when something is wrong
  --json            the last line is JSON: the whole report
`;

export class UsageError extends Error {}

export function readOptions(argv: readonly string[]): ChaosOptions | 'help' {
  const { values } = parseOrRefuse(argv);
  if (values.help) return 'help';
  const { profile = 'default', directory = tmpdir() } = values;
  const logDirectory = values['log-directory'] ?? null;
  if (profile !== 'default' && profile !== 'tuned')
    throw new UsageError(`--profile ${profile}: default or tuned. Choose one of the two.`);
  const minutes = Number(values.minutes ?? '1');
  if (!(minutes > 0 && minutes <= 1_440))
    throw new UsageError(`--minutes ${values.minutes}: a number above 0, at most 1440.`);
  for (const [name, given] of [
    ['directory', directory],
    ['log-directory', logDirectory ?? directory],
  ] as const)
    if (!statSync(given, { throwIfNoEntry: false })?.isDirectory())
      throw new UsageError(`--${name} ${given}: it must be a directory. Create it, or choose another.`);
  const anySeed = Math.floor(Math.random() * 2 ** 32);
  return {
    minutes,
    seed: whole('seed', values.seed, 0, 2 ** 32 - 1) ?? anySeed,
    services: whole('services', values.services, 4, 6) ?? 5,
    jobs: whole('jobs', values.jobs, 60, 10_000) ?? 200,
    profile,
    appendKills: whole('append-kills', values['append-kills'], 1, 10_000) ?? 0,
    directory,
    logDirectory,
    keep: values.keep ?? false,
    json: values.json ?? false,
  };
}

function parseOrRefuse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        minutes: text,
        seed: text,
        services: text,
        jobs: text,
        profile: text,
        'append-kills': text,
        directory: text,
        'log-directory': text,
        keep: flag,
        json: flag,
        help: { ...flag, short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole(name: string, given: string | undefined, min: number, max: number): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw new UsageError(`--${name} ${given}: a whole number from ${min} to ${max}.`);
  return value;
}
