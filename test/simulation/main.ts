import { SystemClock } from '../../src/clock';
import { readAsked, usage, UsageError, type Asked } from './asked';
import { breakRule, controls, keepRule } from './controls';
import { liveInProcesses } from './seed-workers';
import { Totals } from './totals';
import { liveThrough, type LivedWorld } from './world';

/** So many worlds may fail to show a broken rule. */
const MOST_SEEDS = 40;

/** Exit status of a run that was told to stop before its last seed, and has found nothing so far. */
const BROKEN_OFF = 3;

async function main(): Promise<number> {
  const asked = readAsked(process.argv.slice(2));
  if (asked.controls) return breakRules(asked);
  const { from, seeds, jobs } = asked;
  let stopped = false;
  // What has been found so far is told, after the worlds at hand.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopped = true));
  const clock = new SystemClock();
  const before = clock.monotonic();
  const totals = new Totals();
  const ended = (world: LivedWorld) => {
    totals.add(world);
    totals.progress(seeds, (line) => console.error(line));
  };
  if (jobs > 1) {
    await liveInProcesses({ from, seeds, jobs, asked, stopped: () => stopped }, (world, lines) => {
      for (const line of lines) tell(line);
      ended(world);
    });
  } else {
    for (let seed = from; seed < from + seeds && !stopped; seed++) ended(await liveThrough(seed, asked, tell));
  }
  const sound = totals.tell(clock.monotonic() - before, tell);
  if (!sound) return 1;
  return totals.lived < seeds ? BROKEN_OFF : 0;
}

/** Every rule broken, one by one; a world that does not show it lets the control fail. */
async function breakRules({ hits, control: wanted }: Asked): Promise<number> {
  let missed = 0;
  const rulesOf = (rule: string) => rule.split(', ');
  const asked = controls.filter(
    ({ name, rule }) => wanted === null || name.includes(wanted) || rule === wanted || rulesOf(rule).includes(wanted),
  );
  if (asked.length === 0) {
    const rules = [...new Set(controls.flatMap(({ rule }) => rulesOf(rule)))].join(', ');
    throw new UsageError(`--control ${wanted}: no control has that in its name or is of that rule. Rules: ${rules}.`);
  }
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

function tell(line: string): void {
  console.log(line);
}

void main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error);
    process.exitCode = 2;
  },
);
