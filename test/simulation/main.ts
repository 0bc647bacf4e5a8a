import { readFileSync, writeFileSync } from 'node:fs';
import type { Logger } from '../../src/logging';
import { randomScript, shrink, simulate, type Script, type SimulationResult } from '../../src/testing/simulation';
import { readAsked, usage, UsageError, type Asked } from './asked';
import { tooTame } from './minimums';
import { breakRule, controls, keepRule } from './controls';

/** So many worlds may fail to show a broken rule. */
const MOST_SEEDS = 40;

async function main(): Promise<number> {
  const asked = readAsked(process.argv.slice(2));
  if (asked.controls) return breakRules(asked);
  const totals = new Map<string, number>();
  let violations = 0;
  let lived = 0;
  let stopped = false;
  // What has been found so far is told, after the world at hand.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopped = true));
  const zombies: number[] = [];
  const before = process.cpuUsage();
  for (let seed = asked.from; seed < asked.from + asked.seeds && !stopped; seed++) {
    const script = asked.script === null ? randomScript(seed) : readScript(asked.script);
    const result = await simulate(script, asked.verbose ? { logger: telling } : {});
    for (const [what, n] of result.counts) totals.set(what, (totals.get(what) ?? 0) + n);
    violations += result.violations.length;
    lived++;
    zombies.push(...result.runs.flatMap(({ zombieMs }) => (zombieMs === null ? [] : [zombieMs])));
    if (asked.hash) console.log(result.hash);
    if (result.violations.length > 0 || asked.verbose) tell(script, result);
    if (result.violations.length > 0 && asked.script === null) await shrunk(script, result, asked);
  }
  for (const [what, n] of [...totals].sort()) console.log(`${String(n).padStart(8)}  ${what}`);
  zombies.sort((a, b) => a - b);
  const part = (p: number) => Math.round(zombies[Math.floor((zombies.length - 1) * p)] ?? 0);
  console.log(
    `handlers that went on after their process was resumed, until their abort: ${zombies.length}; p50 ${part(0.5)} ms, p99 ${part(0.99)} ms, most ${part(1)} ms`,
  );
  const { user, system } = process.cpuUsage(before);
  console.log(`cpu time per seed: ${Math.round((user + system) / 1_000 / lived)} ms`);
  const tame = tooTame(lived, totals);
  for (const words of tame) console.log(`too tame: ${words}`);
  console.log(`seeds ${lived}, violations ${violations}`);
  return violations === 0 && tame.length === 0 ? 0 : 1;
}

/** Every rule broken, one by one; a world that does not show it lets the control fail. */
async function breakRules({ hits, control: wanted }: Asked): Promise<number> {
  let missed = 0;
  const asked = controls.filter(({ name, rule }) => wanted === null || name.includes(wanted) || rule === wanted);
  for (const control of asked) {
    const before = process.cpuUsage();
    const caught = await breakRule(control, hits, MOST_SEEDS);
    const unbroken = caught.length === 0 ? [] : await keepRule(control, caught[0].seed);
    const { user, system } = process.cpuUsage(before);
    const enough = caught.length >= hits && unbroken.length === 0;
    if (!enough) missed++;
    const seeds = caught.map(({ seed }) => seed).join(', ');
    console.log(`${enough ? 'caught' : 'MISSED'}  ${control.rule}: ${control.name} (${control.broken})`);
    console.log(`        by seeds ${seeds || 'none'}; ${Math.round((user + system) / 1_000)} ms`);
    if (caught.length > 0) console.log(`        ${caught[0].rule}: ${caught[0].words.slice(0, 300)}`);
    for (const { rule, words } of unbroken) console.log(`        unbroken, and yet ${rule}: ${words.slice(0, 300)}`);
  }
  console.log(`controls ${asked.length}, missed ${missed}`);
  return missed === 0 ? 0 : 1;
}

/** Writes the smallest script that breaks the same rule, and says how to see it again. */
async function shrunk(script: Script, { violations }: SimulationResult, { shrinkMs }: Asked): Promise<void> {
  const [{ rule }] = violations;
  const fails = async (one: Script) =>
    (await simulate(one)).violations.find((violation) => violation.rule === rule)?.at ?? null;
  console.log(`  again: npm run simulate -- --seed ${script.seed}`);
  if (shrinkMs === 0) return;
  const small = await shrink(script, fails, { withinMs: shrinkMs });
  const file = `simulation-${script.seed}.json`;
  writeFileSync(file, `${JSON.stringify(small, null, 2)}\n`);
  tell(small, await simulate(small));
  console.log(`  again, shrunk: npm run simulate -- --script ${file}`);
}

function tell(script: Script, { violations, runs, steps, events, livedMs, hash }: SimulationResult): void {
  const { seed, places, jobs, actions } = script;
  const world = `${places.length} places, ${jobs.length} jobs, ${actions.length} actions`;
  const history = `${runs.length} runs, ${events} events, ${steps} steps, ${Math.round(livedMs / 1_000)} s, ${hash.slice(0, 12)}`;
  console.log(`seed ${seed}: ${violations.length} violations (${world}; ${history})`);
  for (const { rule, at, words } of violations)
    console.log(`  ${rule} at ${at.toFixed(1)} ms: ${words.slice(0, 1_000)}`);
}

function readScript(file: string): Script {
  return JSON.parse(readFileSync(file, 'utf8')) as Script;
}

function telling(process: string, now: () => number, own: object = {}): Logger {
  const line =
    (level: string) =>
    (fact: string, fields: object = {}) =>
      console.log(
        `${now().toFixed(1).padStart(10)} ${process} ${level} ${fact} ${JSON.stringify({ ...own, ...fields })}`,
      );
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => telling(process, now, { ...own, ...fields }),
  };
}

void main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error);
    process.exitCode = 2;
  },
);
