import { parseArgs } from 'node:util';

export class UsageError extends Error {}

/** What `npm run simulate` is asked to do. */
export interface Asked {
  readonly seeds: number;
  readonly from: number;
  /** So many processes live through the seeds. */
  readonly jobs: number;
  /** A file with one script, in the place of seeds. */
  readonly script: string | null;
  readonly controls: boolean;
  /** So many seeds must catch each broken rule. */
  readonly hits: number;
  /** Part of the name of a control, or its rule; null: all. */
  readonly control: string | null;
  /** Every line that a service tells its log. */
  readonly verbose: boolean;
  /** The hash of each history. */
  readonly hash: boolean;
  /** Real ms for making the script of a violation smaller; 0: not at all. */
  readonly shrinkMs: number;
}

export const usage = `npm run simulate -- [--seeds N] [--from S] [--jobs N] | --seed S | --script FILE | --controls

  --seeds N      how many worlds; default 20
  --from S       the first seed; default 1
  --jobs N       so many processes; default 1. The report is the same
  --seed S       one world
  --script FILE  the world of a recorded script
  --controls     break the rules one by one, and see each break found
  --control WHAT the control of that rule, or with that in its name
  --hits N       by so many seeds; default 5
  --shrink SEC   time for making the script of a violation smaller; default 60, 0: not at all
  --verbose      every line of every service
  --hash         the hash of each history: the same script, the same hash

Exit status: 0 no violation; 1 violations, or worlds in which too little happened (of fifty or more); 2 wrong use; 3 none, and told to stop
before the last seed.`;

export function readAsked(argv: readonly string[]): Asked {
  const { values } = parsed(argv);
  refuseTogether(Object.keys(values));
  const number = (name: 'seeds' | 'from' | 'seed' | 'shrink' | 'hits' | 'jobs', fallback: number, least: number) => {
    const value = Number(values[name] ?? fallback);
    if (!Number.isSafeInteger(value) || value < least)
      throw new UsageError(`--${name} ${values[name]}: a whole number, at least ${least}.`);
    return value;
  };
  const one = values.seed !== undefined || values.script !== undefined;
  for (const name of ['control', 'hits'] as const) {
    if (values[name] !== undefined && values.controls !== true)
      throw new UsageError(`--${name} is of --controls: give both.`);
  }
  return {
    seeds: one ? 1 : number('seeds', 20, 1),
    from: values.seed === undefined ? number('from', 1, 0) : number('seed', 1, 0),
    jobs: number('jobs', 1, 1),
    script: values.script ?? null,
    controls: values.controls ?? false,
    hits: number('hits', 5, 1),
    control: values.control ?? null,
    verbose: values.verbose ?? false,
    hash: values.hash ?? false,
    shrinkMs: number('shrink', 60, 0) * 1_000,
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        seeds: { type: 'string' },
        from: { type: 'string' },
        jobs: { type: 'string' },
        seed: { type: 'string' },
        script: { type: 'string' },
        controls: { type: 'boolean' },
        hits: { type: 'string' },
        control: { type: 'string' },
        shrink: { type: 'string' },
        verbose: { type: 'boolean' },
        hash: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** What would be passed over in silence: whoever asks for both is told. */
function refuseTogether(given: readonly string[]): void {
  const worlds = ['seed', 'script', 'controls'].filter((name) => given.includes(name));
  const [one] = worlds;
  if (one === undefined) return;
  const others = ['seed', 'script', 'controls', 'seeds', 'from', 'jobs'].filter(
    (name) => name !== one && given.includes(name),
  );
  if (others.length > 0) throw new UsageError(`--${one} and --${others.join(', --')}: one of them.`);
}
