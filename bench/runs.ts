import { fork } from 'node:child_process';
import { join } from 'node:path';
import { HoldfastService, jobType, resolveOptions, SystemClock } from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { optionsAt, readAt, type Place } from './place';
import { rawAppendsPerSecond } from './raw';

/**
 * How many runs of distinct jobs that are due one process makes, against the bare log: each run is two appends (its start, which is durable
 * before the handler is entered, and its outcome), so the unit is half of what better-sqlite3 alone appends in groups of the same size.
 *
 * The jobs recur once a day and share one due instant, for which they were scheduled and bound beforehand. A run of such a job is two appends
 * of one event each, as the raw pair is; a job that runs once would end in the append of its outcome, with a third event. The handler does
 * nothing. Counted are entries of the handler between the first tenth and the last tenth of the jobs; afterwards the log says whether each
 * job ran exactly once.
 */
const CASES = [
  { concurrency: 1, jobs: 3_000, key: 'runsPerRawPair1' },
  { concurrency: 50, jobs: 20_000, key: 'runsPerRawPair50' },
] as const;
const RAW_SECONDS = 3;
const Noop = jobType<{ readonly n: string }>('noop');
/** From the first command to the due instant: time to schedule and to bind, in all and per job. Where it did not suffice, the next one is tried. */
const PREPARE_MS = 6_000;
const PREPARE_MS_PER_JOB = { embedded: [1.5, 5], server: [5, 25] } as const;
const NOT_PREPARED = 3;

interface Counted {
  readonly runsPerSecond: number;
  /** Processor time of the whole process per run: what is left of the figure when others have the machine too. */
  readonly microsPerRun: number;
}

export const runs: BenchCase = {
  name: 'runs',
  keys: ['runsPerRawPair1', 'runsPerRawPair50'],
  rounds: 'median',
  async run({ directory, say }: BenchContext): Promise<Measured> {
    const figures: { -readonly [key in (typeof CASES)[number]['key']]?: number } = {};
    const beside: { what: string; value: string }[] = [];
    for (const { concurrency, jobs, key } of CASES) {
      const { runsPerSecond, microsPerRun } = await prepared(
        (n) => ({ directory: join(directory, `c${concurrency}-${n}`) }),
        concurrency,
        jobs,
      );
      const raw = await rawAppendsPerSecond({
        directory,
        groupSize: concurrency,
        seconds: RAW_SECONDS,
      });
      figures[key] = runsPerSecond / (raw / 2);
      say(`runs: ${Math.round(runsPerSecond)}/s at concurrency ${concurrency}, raw ${Math.round(raw)} appends/s`);
      beside.push({ what: `runs at concurrency ${concurrency}`, value: `${Math.round(runsPerSecond)} runs/s` });
      beside.push({
        what: `processor time at concurrency ${concurrency}`,
        value: `${Math.round(microsPerRun)} µs/run`,
      });
      beside.push({ what: `raw in groups of ${concurrency}`, value: `${Math.round(raw)} appends/s` });
    }
    return { figures, beside };
  },
};

/**
 * Alone, without the raw log.
 * @param placeOf of the n-th try
 * @throws Error when a run is missing, or was made twice.
 */
export async function prepared(
  placeOf: (n: number) => Place | Promise<Place>,
  concurrency: number,
  jobs: number,
): Promise<Counted> {
  for (let n = 0; n < 2; n++) {
    const place = await placeOf(n);
    const perJob = PREPARE_MS_PER_JOB[place.server === undefined ? 'embedded' : 'server'][n];
    const counted = await inChild(place, concurrency, jobs, PREPARE_MS + perJob * jobs);
    if (counted !== null) return counted;
  }
  throw new Error(
    `${jobs} jobs could not be scheduled and bound before they were due, which should take a second per 1,000`,
  );
}

/** The service has a process of its own: nothing of the measuring shares its event loop. Null: the jobs were not bound in time. */
function inChild(place: Place, concurrency: number, jobs: number, prepareMs: number): Promise<Counted | null> {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, [
      '--service',
      JSON.stringify(place),
      String(concurrency),
      String(jobs),
      String(prepareMs),
    ]);
    let counted: Counted | null = null;
    child.on('message', (message: Counted) => (counted = message));
    child.on('exit', (code) => {
      if (code === NOT_PREPARED) resolve(null);
      else if (counted !== null && code === 0) resolve(counted);
      else reject(new Error(`the service of the case runs ended with code ${String(code)}`));
    });
  });
}

async function serve(place: Place, concurrency: number, jobs: number, prepareMs: number): Promise<Counted> {
  const clock = new SystemClock();
  const service = await HoldfastService.open(
    resolveOptions({
      service: { name: 'bench', host: 'bench' },
      ...optionsAt(place),
      capacity: { maxConcurrentRuns: concurrency },
    }),
    { clock },
  );
  const entries: number[] = [];
  const entered = new Set<string>();
  const [from, to] = [Math.floor(jobs / 10), Math.floor((9 * jobs) / 10)];
  let [began, user, system] = [process.cpuUsage(), 0, 0];
  let done = () => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  service.handlers.register({
    name: Noop.name,
    run: (_, { jobId }) => {
      entries.push(performance.now());
      entered.add(jobId);
      if (entries.length === from) began = process.cpuUsage();
      if (entries.length === to) ({ user, system } = process.cpuUsage(began));
      if (entries.length >= jobs) done();
    },
  });
  await service.start();
  while (!(await service.readiness()).ready) await clock.sleep(20);
  const dueAt = clock.wall() + prepareMs;
  await schedule(service, jobs, dueAt);
  const owned = () => service.readModel.service('bench@bench')?.ownedJobs ?? 0;
  while (owned() < jobs) {
    if (clock.wall() > dueAt) process.exit(NOT_PREPARED);
    await clock.sleep(50);
  }
  await all;
  const runsPerSecond = ((to - from) / (entries[to] - entries[from])) * 1_000;
  const leftovers = await service.close();
  if (leftovers.length > 0 || entered.size !== jobs || entries.length !== jobs)
    throw new Error(`${entries.length} runs of ${entered.size} jobs, ${leftovers.length} left over; expected ${jobs}`);
  await eachRanOnce(place, jobs);
  return { runsPerSecond, microsPerRun: (user + system) / (to - from) };
}

async function schedule(service: HoldfastService, jobs: number, dueAt: number): Promise<void> {
  let next = 0;
  const one = async () => {
    while (next < jobs) {
      const id = `job${String(next++).padStart(6, '0')}`;
      const schedule = { kind: 'interval', every: 'P1D', origin: dueAt } as const;
      await service.jobs.schedule(Noop, { n: id }, { id, schedule });
    }
  };
  await Promise.all(Array.from({ length: 200 }, one));
}

/** Every job: one start, one success after it. @throws Error when the log says otherwise. */
export async function eachRanOnce(place: Place, jobs: number): Promise<void> {
  const found = new Map<string, string>();
  await readAt(place, ['job'], ({ stream, type }) => {
    if (type.startsWith('JobRun')) found.set(stream, `${found.get(stream) ?? ''} ${type}`);
  });
  const wrong = [...found].find(([, story]) => story !== ' JobRunStarted JobRunSucceeded');
  if (wrong || found.size !== jobs)
    throw new Error(`the log has runs of ${found.size} jobs, expected ${jobs}; ${wrong?.join(':') ?? ''}`);
}

const [, , flag, place, concurrency, jobs, prepareMs] = process.argv;
if (require.main === module && flag === '--service') {
  void serve(JSON.parse(place) as Place, Number(concurrency), Number(jobs), Number(prepareMs)).then((counted) => {
    process.send?.(counted);
    if (!process.send) console.log(JSON.stringify(counted));
    if (process.connected) process.disconnect();
  });
}
