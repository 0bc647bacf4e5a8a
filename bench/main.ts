import { statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { ConnectionStringError, EventStoreDbConnection } from 'holdfast';
import type { LeaderKill, Measured } from './case';
import { cases, killing, peers, storeCases, type LimitedCase } from './cases';
import { besideRows, figureRows, figuresOf, lineOf, table, type CaseResult } from './report';
import { Rounds } from './rounds';

const HELP = `npm run bench [-- options]

  --only a,b       only these cases: ${namesOf(cases)}
  --peers          and the same two cases for BullMQ, pg-boss, graphile-worker and Agenda (needs npm, redis-server and postgresql)
  --store URL      instead: the cases over a log in EventStoreDB (esdb://…), against the client alone: ${namesOf(storeCases)}
                   It writes about a million events, under names of its own: use a server that you can throw away.
  --kill-node CMD  and with --store, ${killing.bench.name}: a command that kills the node HOLDFAST_NODE (host:port) of the cluster,
  --start-node CMD and one that starts it again; both are given to the shell
  --rounds n       rounds of the cases whose median counts (default 5)
  --json           the last line on stdout is one line of JSON with the keys; the tables go to stderr
  --markdown       the tables as Markdown
  --seed n         for whatever is random; printed by the case that uses it
  --directory DIR  where the logs of the rounds are laid (default: the system's directory for temporary files)
  --quick          one round, fewer samples: only to see that all of it works
  --help

Exit code: 0 all cases were measured, whether or not their goals are met; 1 a case failed (no JSON then); 2 wrong arguments; 130 interrupted.
`;
const DEFAULT_ROUNDS = 5;
const LEFT_OUT = `Left out: ${killing.bench.keys.join(', ')}, for want of --kill-node and --start-node.`;

function namesOf(of: readonly LimitedCase[]): string {
  return of.map(({ bench }) => bench.name).join(', ');
}

class WrongArguments extends Error {}

interface Arguments {
  readonly chosen: readonly LimitedCase[];
  readonly rounds: number;
  readonly json: boolean;
  readonly markdown: boolean;
  readonly quick: boolean;
  readonly seed?: number;
  readonly directory: string;
  readonly store?: EventStoreDbConnection;
  readonly storeUrl?: string;
  readonly leaderKill?: LeaderKill;
}

function readArguments(argv: readonly string[]): Arguments | 'help' {
  const { values } = parseOrRefuse(argv);
  if (values.help) return 'help';
  const storeUrl = values.store;
  const store = storeUrl === undefined ? undefined : parseStore(storeUrl);
  const leaderKill = readLeaderKill(store, values['kill-node'], values['start-node']);
  if (store !== undefined && values.peers)
    throw new WrongArguments('--peers compares services over an embedded log. Leave --store out.');
  const all = store === undefined ? cases : [...storeCases, ...(leaderKill === undefined ? [] : [killing])];
  const besides = store === undefined ? [peers] : [];
  const names = values.only?.split(',').map((name) => name.trim());
  const unknown = names?.filter((name) => ![...all, ...besides].some(({ bench }) => bench.name === name)) ?? [];
  if (unknown.length > 0) {
    const why = unknown.includes(killing.bench.name) ? ' It needs --store, --kill-node and --start-node.' : '';
    throw new WrongArguments(`--only ${unknown.join(',')}: no such case.${why} Cases are ${namesOf(all)}.`);
  }
  const quick = values.quick ?? false;
  const directory = values.directory ?? tmpdir();
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    throw new WrongArguments(
      `--directory ${directory}: it must exist and be a directory. Create it, or choose another.`,
    );
  return {
    chosen: [
      ...all.filter(({ bench }) => !names || names.includes(bench.name)),
      ...(values.peers || names?.includes(peers.bench.name) ? [peers] : []),
    ],
    rounds: whole('rounds', values.rounds, 1, 1_000) ?? (quick ? 1 : DEFAULT_ROUNDS),
    seed: whole('seed', values.seed, 0, 2 ** 32 - 1),
    json: values.json ?? false,
    markdown: values.markdown ?? false,
    quick,
    directory,
    store,
    storeUrl,
    leaderKill,
  };
}

function parseStore(url: string): EventStoreDbConnection {
  try {
    return EventStoreDbConnection.parse(url);
  } catch (error) {
    if (error instanceof ConnectionStringError) throw new WrongArguments(`--store: ${error.message}`);
    throw error;
  }
}

function readLeaderKill(store: unknown, kill: string | undefined, start: string | undefined): LeaderKill | undefined {
  if (kill === undefined && start === undefined) return undefined;
  if (store === undefined) throw new WrongArguments('--kill-node and --start-node: only with --store.');
  if (!kill || !start) throw new WrongArguments('--kill-node and --start-node: give both.');
  return { kill, start };
}

function parseOrRefuse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        rounds: { type: 'string' },
        seed: { type: 'string' },
        directory: { type: 'string' },
        store: { type: 'string' },
        'kill-node': { type: 'string' },
        'start-node': { type: 'string' },
        peers: { type: 'boolean' },
        json: { type: 'boolean' },
        markdown: { type: 'boolean' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

function whole(name: string, given: string | undefined, min: number, max: number): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw new WrongArguments(`--${name} ${given}: a whole number from ${min} to ${max}.`);
  return value;
}

async function measure(args: Arguments, rounds: Rounds): Promise<readonly CaseResult[]> {
  const { seed, quick, storeUrl: store, leaderKill } = args;
  const begun = performance.now();
  const elapsed = () => `${((performance.now() - begun) / 1_000).toFixed(0)} s`.padStart(7);
  const results: CaseResult[] = [];
  for (const { bench, limitSeconds } of args.chosen) {
    const count = bench.rounds === 'once' ? 1 : args.rounds;
    const started = performance.now();
    const measured: Measured[] = [];
    for (let n = 1; n <= count; n++) {
      process.stderr.write(`${elapsed()}  ${bench.name}${count > 1 ? ` (round ${n} of ${count})` : ''}\n`);
      measured.push(await rounds.run({ name: bench.name, seed, quick, store, leaderKill }, limitSeconds));
    }
    results.push({ name: bench.name, rounds: measured, seconds: (performance.now() - started) / 1_000 });
  }
  process.stderr.write(`${elapsed()}  all measured\n`);
  return results;
}

function tell(results: readonly CaseResult[], { json, markdown, quick, store, leaderKill }: Arguments): void {
  const figures = figuresOf(results);
  const style = markdown ? 'markdown' : 'plain';
  const took = [
    ['case', 'rounds', 'seconds'],
    ...results.map((r) => [r.name, `${r.rounds.length}`, r.seconds.toFixed(0)]),
  ];
  const cores = cpus();
  const text = [
    ...(quick ? ['Quick: these figures say that the cases work, and nothing else.'] : []),
    `Node ${process.versions.node}, ${cores.length} × ${cores[0]?.model ?? 'unknown processor'}`,
    ...(store === undefined ? [] : [`Log: ${store}`]),
    ...(store === undefined || leaderKill !== undefined ? [] : [LEFT_OUT]),
    table(figureRows(figures), style),
    table(besideRows(results), style),
    table(took, style),
  ].join('\n\n');
  if (!json) return void process.stdout.write(`\n${text}\n`);
  process.stderr.write(`\n${text}\n`);
  process.stdout.write(`${JSON.stringify(lineOf(figures))}\n`);
}

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args === 'help') return void process.stdout.write(HELP);
  const rounds = new Rounds(args.directory);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.once(signal, () => void rounds.end().finally(() => process.exit(code)));
  tell(await measure(args, rounds), args);
}

main().catch((error: unknown) => {
  const wrong = error instanceof WrongArguments;
  process.stderr.write(`${wrong ? error.message : error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = wrong ? 2 : 1;
});
