import { readFileSync } from 'node:fs';
import { randomScript, simulate, type Script, type SimulationResult } from '../../src/testing/simulation';

interface Asked {
  readonly seeds: number;
  readonly from: number;
  readonly script: string | null;
  readonly verbose: boolean;
}

async function main(): Promise<number> {
  const value = (name: string) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? null : process.argv[at + 1];
  };
  const verbose = process.argv.includes('--verbose');
  const single = value('seed');
  const asked: Asked = {
    seeds: Number(single === null ? (value('seeds') ?? 1) : 1),
    from: Number(single ?? value('from') ?? 1),
    script: value('script'),
    verbose,
  };
  const totals = new Map<string, number>();
  let violations = 0;
  const cpu = process.cpuUsage();
  const scripts: (() => Script)[] =
    asked.script !== null
      ? [() => JSON.parse(readFileSync(asked.script as string, 'utf8')) as Script]
      : Array.from({ length: asked.seeds }, (_, n) => () => randomScript(asked.from + n));
  for (const make of scripts) {
    const script = make();
    const before = process.cpuUsage();
    const result = await simulate(script, verbose ? { logger: telling } : {});
    const spent = process.cpuUsage(before);
    tell(script, result, (spent.user + spent.system) / 1000, verbose);
    for (const [what, n] of result.counts) totals.set(what, (totals.get(what) ?? 0) + n);
    violations += result.violations.length;
  }
  for (const [what, n] of [...totals].sort()) console.log(String(n).padStart(8), what);
  const all = process.cpuUsage(cpu);
  console.log(
    `seeds ${scripts.length}, violations ${violations}, cpu ms per seed ${Math.round((all.user + all.system) / 1000 / scripts.length)}`,
  );
  return violations === 0 ? 0 : 1;
}

function tell(
  script: Script,
  { violations, runs, steps, events, livedMs, hash }: SimulationResult,
  ms: number,
  verbose: boolean,
): void {
  if (verbose || violations.length > 0)
    console.log(
      `seed ${script.seed}: ${violations.length} violations; ${script.places.length} places, ${script.jobs.length} jobs, ${script.actions.length} actions, ${runs.length} runs, ${events} events, ${steps} steps, lived ${Math.round(livedMs / 1000)} s in ${Math.round(ms)} ms; ${hash.slice(0, 12)}`,
    );
  for (const { rule, at, words } of violations) console.log(`  ${rule} at ${at.toFixed(1)}: ${words.slice(0, 900)}`);
}

function telling(process: string, now: () => number, own: object = {}): import('../../src/logging').Logger {
  const line =
    (level: string) =>
    (fact: string, fields: object = {}) =>
      console.log(
        now().toFixed(1).padStart(10),
        process.padEnd(10),
        level,
        fact,
        JSON.stringify({ ...own, ...fields }),
      );
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => telling(process, now, { ...own, ...fields }),
  };
}

void main().then((status) => (process.exitCode = status));
