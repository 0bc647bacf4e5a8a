import { parseArgs } from 'node:util';

export const faults = ['none', 'kill-node', 'kill-leader', 'freeze-leader'] as const;
export type Fault = (typeof faults)[number];

export interface FaultOptions {
  readonly fault: Fault;
  readonly rounds: number;
  readonly connection: string;
  /** One per node, in the order by which commands name them (`{n}` = 1, 2, …). */
  readonly nodes: readonly string[];
  /** Shell commands with `{n}` and `{pid}`. */
  readonly kill: string;
  readonly start: string;
  readonly freeze: string;
  readonly thaw: string;
  readonly pid: string;
  readonly frozenMs: number;
  readonly downMs: number;
  readonly warmUpMs: number;
  readonly inFlight: number;
  readonly services: number;
  readonly jobs: number;
  readonly longJobs: number;
  readonly liveness: 'default' | 'tuned' | 'cluster';
}

export const usage = `Usage: npm run faults:eventstoredb -- --fault NAME --rounds N --nodes URL[,URL,URL] [options]

Appends under load through the adapter, and runs services with jobs, while nodes of the server die or freeze; then reads the log and counts
what was acknowledged, lost and doubled, and how long nothing was accepted. The last line is JSON. Exit status 1: something was lost or
doubled, or the log breaks a rule of Holdfast.

  --fault NAME       ${faults.join(' | ')}
  --rounds N         how often (default 20)
  --store URL        connection string (default: HOLDFAST_EVENTSTOREDB_URL, else esdb://<nodes>?tls=false)
  --nodes A,B,C      http://host:port of each node; its /gossip tells who leads. Commands name a node by its place: {n} = 1, 2, 3
  --kill 'CMD {n}'   kills a node without asking it
  --start 'CMD {n}'  starts a node that does not run; harmless for one that does
  --pid 'CMD {n}'    prints the process id of a node, for the two defaults below
  --freeze 'CMD {pid}', --thaw 'CMD {pid}'   default: kill -STOP {pid}, kill -CONT {pid}
  --frozen-ms MS     how long it stays frozen (default 10000)
  --down-ms MS       how long a killed node stays dead (default: 1000; a killed leader: until appends are accepted again, 8000 at least)
  --in-flight N      appends in flight, each to its own stream at the exact revision (default 64; 0: none)
  --services N --jobs N --long-jobs N        processes of their own, jobs due every 500 ms, jobs with runs of 20 s (default 3, 24, 6)
  --liveness NAME    profile of the services (default: default)
`;

export function readOptions(argv: string[]): FaultOptions {
  const text = (fallback: string) => ({ type: 'string' as const, default: fallback });
  const { values } = parseArgs({
    args: argv,
    options: {
      fault: text('none'),
      rounds: text('20'),
      store: text(process.env.HOLDFAST_EVENTSTOREDB_URL ?? ''),
      nodes: text(''),
      kill: text(''),
      start: text(''),
      pid: text(''),
      freeze: text('kill -STOP {pid}'),
      thaw: text('kill -CONT {pid}'),
      'frozen-ms': text('10000'),
      'down-ms': text(''),
      'warm-up-ms': text('3000'),
      'in-flight': text('64'),
      services: text('3'),
      jobs: text('24'),
      'long-jobs': text('6'),
      liveness: text('default'),
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) throw new UsageError('');
  const fault = faults.find((one) => one === values.fault);
  if (fault === undefined) throw new UsageError(`--fault ${values.fault}: one of ${faults.join(', ')}.`);
  const whole = (name: string, given: string): number => {
    if (!/^\d{1,8}$/.test(given)) throw new UsageError(`--${name} ${given}: a whole number.`);
    return Number(given);
  };
  const nodes = values.nodes.split(',').filter((node) => node !== '');
  const connection = values.store || `esdb://${nodes.map((node) => new URL(node).host).join(',')}?tls=false`;
  if (nodes.length === 0 && values.store === '') throw new UsageError('--nodes or --store: one is needed.');
  if (fault !== 'none' && nodes.length === 0) throw new UsageError('--nodes: whom the fault is for.');
  if (fault.startsWith('kill') && (values.kill === '' || values.start === ''))
    throw new UsageError(`--fault ${fault} needs --kill and --start.`);
  if (fault === 'freeze-leader' && `${values.freeze}${values.thaw}`.includes('{pid}') && values.pid === '')
    throw new UsageError('--fault freeze-leader needs --pid, or --freeze and --thaw without {pid}.');
  const { liveness } = values;
  if (liveness !== 'default' && liveness !== 'tuned' && liveness !== 'cluster')
    throw new UsageError(`--liveness ${liveness}: default, tuned or cluster.`);
  return {
    fault,
    rounds: whole('rounds', values.rounds),
    connection,
    nodes,
    kill: values.kill,
    start: values.start,
    freeze: values.freeze,
    thaw: values.thaw,
    pid: values.pid,
    frozenMs: whole('frozen-ms', values['frozen-ms']),
    downMs: whole('down-ms', values['down-ms'] || (fault === 'kill-leader' ? '8000' : '1000')),
    warmUpMs: whole('warm-up-ms', values['warm-up-ms']),
    inFlight: whole('in-flight', values['in-flight']),
    services: whole('services', values.services),
    jobs: whole('jobs', values.jobs),
    longJobs: whole('long-jobs', values['long-jobs']),
    liveness,
  };
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}
