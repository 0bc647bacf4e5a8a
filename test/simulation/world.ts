import { readFileSync, writeFileSync } from 'node:fs';
import type { Logger } from '../../src/logging';
import {
  randomScript,
  shrink,
  simulate,
  type Script,
  type SimulationOptions,
  type SimulationResult,
} from '../../src/testing/simulation';
import { UsageError, type Asked } from './asked';

/** Characters of a script that is printed, too. */
const MOST_PRINTED = 20_000;

/** What is told of one world that was lived through: plain data, which may come from another process. */
export interface LivedWorld {
  readonly seed: number;
  readonly violations: number;
  /** How often each interesting thing happened. */
  readonly counts: readonly (readonly [what: string, n: number])[];
  /** How long each handler went on after its process was resumed from a long pause, until its abort, ms. */
  readonly zombies: readonly number[];
  readonly hash: string;
  /** Of the processor, without shrinking, ms. */
  readonly cpuMs: number;
}

/** What of it is asked. */
export type AskedOfWorld = Pick<Asked, 'script' | 'verbose' | 'hash' | 'shrinkMs'>;

/** Lives through the world of a seed, or of a script in its place. A violation is told, shrunk, and written as a script. */
export async function liveThrough(
  seed: number,
  asked: AskedOfWorld,
  tell: (line: string) => void,
): Promise<LivedWorld> {
  const script = asked.script === null ? randomScript(seed) : readScript(asked.script);
  const before = process.cpuUsage();
  const result = await lived(script, asked.verbose ? { logger: telling(tell) } : {});
  const { user, system } = process.cpuUsage(before);
  const broken = result.violations.length > 0;
  if (asked.hash) tell(result.hash);
  if (broken || asked.verbose) tellWorld(script, result, tell);
  if (broken && asked.script === null) await shrunk(script, result, asked.shrinkMs, tell);
  return {
    seed: script.seed,
    violations: result.violations.length,
    counts: [...result.counts],
    zombies: result.runs.flatMap(({ zombieMs }) => (zombieMs === null ? [] : [zombieMs])),
    hash: result.hash,
    cpuMs: (user + system) / 1_000,
  };
}

/** A promise that is rejected where nobody listens ends a process in production: it is a violation, like an exception. */
async function lived(script: Script, options: SimulationOptions = {}): Promise<SimulationResult> {
  const unheard: unknown[] = [];
  const hear = (reason: unknown) => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  try {
    const result = await simulate(script, options);
    const broken = unheard.map((reason) => ({
      rule: 'broken',
      at: result.livedMs,
      words: `Rejected, and nobody listens: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`,
    }));
    return { ...result, violations: [...result.violations, ...broken] };
  } finally {
    process.off('unhandledRejection', hear);
  }
}

/** Writes the smallest script that breaks the same rule, and says how to see it again. */
async function shrunk(
  script: Script,
  { violations }: SimulationResult,
  withinMs: number,
  tell: (line: string) => void,
): Promise<void> {
  const [{ rule, at }] = violations;
  // What happened before the end need not be looked for after it.
  const heals = at > script.durationMs;
  const fails = async (one: Script) =>
    (await lived(one, { heals })).violations.find((violation) => violation.rule === rule)?.at ?? null;
  tell(`  again: npm run simulate -- --seed ${script.seed}`);
  if (withinMs === 0) return;
  const small = await shrink(script, fails, { withinMs });
  const file = `simulation-${script.seed}.json`;
  writeFileSync(file, `${JSON.stringify(small, null, 2)}\n`);
  tellWorld(small, await lived(small), tell);
  tell(`  again, shrunk: npm run simulate -- --script ${file}`);
  // The machine on which it was found may be gone soon.
  const text = JSON.stringify(small);
  if (text.length <= MOST_PRINTED) tell(`  ${file}: ${text}`);
}

function tellWorld(
  script: Script,
  { violations, runs, steps, events, livedMs, hash }: SimulationResult,
  tell: (line: string) => void,
): void {
  const { seed, places, jobs, actions } = script;
  const world = `${places.length} places, ${jobs.length} jobs, ${actions.length} actions`;
  const history = `${runs.length} runs, ${events} events, ${steps} steps, ${Math.round(livedMs / 1_000)} s, ${hash.slice(0, 12)}`;
  tell(`seed ${seed}: ${violations.length} violations (${world}; ${history})`);
  for (const { rule, at, words } of violations) tell(`  ${rule} at ${at.toFixed(1)} ms: ${words.slice(0, 1_000)}`);
}

function readScript(file: string): Script {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Script;
  } catch (error) {
    throw new UsageError(`--script ${file}: ${(error as Error).message}`);
  }
}

/** Loggers that tell every line of every service. */
function telling(tell: (line: string) => void): (process: string, now: () => number) => Logger {
  const logger = (process: string, now: () => number, own: object): Logger => {
    const line =
      (level: string) =>
      (fact: string, fields: object = {}) =>
        tell(`${now().toFixed(1).padStart(10)} ${process} ${level} ${fact} ${JSON.stringify({ ...own, ...fields })}`);
    return {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: (fields) => logger(process, now, { ...own, ...fields }),
    };
  };
  return (process, now) => logger(process, now, {});
}
