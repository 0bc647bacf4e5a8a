import { fork } from 'node:child_process';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { HoldfastService, previewSchedule, resolveOptions, SystemClock, type ScheduleInput } from 'holdfast';
import { bindJobs, SERVICE, type JobToBind } from './bound-jobs';
import type { BenchCase, BenchContext, Measured } from './case';
import { rawAppendsPerSecond } from './raw';
import { eachRanOnce } from './runs';
import { percentile } from './statistics';

/**
 * Everybody's favourite minute: 100,000 jobs of one service with the same hourly pattern (`0 * * * *`; the minute is the next that leaves time
 * to prepare). How late do they start, from the instant at which each is due to the entry of its handler, which does nothing, and how do the
 * starts spread. Two scenes: as they are, and with a jitter by which 1,000 fall due per second, as many as in the case `start-lateness`.
 * Of the herd the log's speed is the bound, so its lateness stands beside the time that the bare log takes for as many pairs of appends.
 * Afterwards the log says whether each job ran exactly once.
 */
const JOBS = 100_000;
const QUICK_JOBS = 2_000;
const DUE_PER_SECOND = 1_000;
const CONCURRENCY = 50;
const RAW_SECONDS = 3;
const HANDLER = 'noop';
const MINUTE_MS = 60_000;
/** More than can be open at the end. */
const LAST = 5_000;
/** From the first append to the due instant, in all and per job. Where it did not suffice, the next one is tried. */
const PREPARE_MS = 5_000;
const PREPARE_MS_PER_JOB = [0.6, 2, 5];

interface Told {
  /** By the wall clock of the service, ms: when each handler was entered. */
  readonly entered: readonly { readonly jobId: string; readonly at: number }[];
  readonly microsPerRun: number;
  readonly loopDelayMaxMs: number;
  readonly rssMiB: number;
}
type FromService = { readonly incarnation: string } | 'owns' | { readonly told: Told };
type ToService = { readonly jobs: number };

interface Scene extends Omit<Told, 'entered'> {
  /** Due to entered, ms. */
  readonly late: readonly number[];
  /** Starts in each second from the slot on. */
  readonly perSecond: readonly number[];
}

export const thundering: BenchCase = {
  name: 'thundering',
  keys: ['thunderingP99Ms'],
  rounds: 'once',
  async run({ directory, say, quick = false }: BenchContext): Promise<Measured> {
    const jobs = quick ? QUICK_JOBS : JOBS;
    const herd = await prepared(`${directory}/herd`, jobs, 0);
    const raw = await rawAppendsPerSecond({ directory, groupSize: CONCURRENCY, seconds: RAW_SECONDS });
    const jitterMs = (jobs / DUE_PER_SECOND) * 1_000;
    const spread = await prepared(`${directory}/spread`, jobs, jitterMs);
    const p99 = percentile(herd.late, 0.99);
    const bare = ((jobs * 0.99) / (raw / 2)) * 1_000;
    say(`thundering: p99 ${p99} ms, with jitter ${percentile(spread.late, 0.99)} ms, bare log ${bare.toFixed(0)} ms`);
    return {
      figures: { thunderingP99Ms: p99 },
      beside: [
        ...told(`${jobs} jobs on one minute`, herd),
        {
          what: 'the bare log, as many pairs of appends (99 %)',
          value: `${bare.toFixed(0)} ms; p99 ÷ it: ${(p99 / bare).toFixed(1)}`,
        },
        ...told(`${jobs} jobs, jitter PT${jitterMs / 1_000}S`, spread),
      ],
    };
  },
};

function told(scene: string, { late, perSecond, microsPerRun, loopDelayMaxMs, rssMiB }: Scene): Measured['beside'] {
  const at = (p: number) => `${percentile(late, p)} ms`;
  return [
    { what: `${scene}: lateness p50 / p99 / max`, value: `${at(0.5)} / ${at(0.99)} / ${at(1)}` },
    {
      what: `${scene}: starts per second, least / most (of whole seconds)`,
      value: `${percentile(perSecond, 0)} / ${percentile(perSecond, 1)}, in ${perSecond.length} s`,
    },
    { what: `${scene}: processor time`, value: `${Math.round(microsPerRun)} µs/run` },
    { what: `${scene}: event loop delay, longest`, value: `${Math.round(loopDelayMaxMs)} ms` },
    { what: `${scene}: memory afterwards`, value: `${Math.round(rssMiB)} MiB` },
  ];
}

async function prepared(directory: string, jobs: number, jitterMs: number): Promise<Scene> {
  for (const [n, perJob] of PREPARE_MS_PER_JOB.entries()) {
    const scene = await sceneOf(`${directory}-${n}`, jobs, jitterMs, PREPARE_MS + perJob * jobs);
    if (scene !== null) return scene;
  }
  throw new Error(`${jobs} jobs could not be brought into the log before they were due`);
}

/** Null: they were not all bound in time. */
async function sceneOf(directory: string, jobs: number, jitterMs: number, prepareMs: number): Promise<Scene | null> {
  const clock = new SystemClock();
  const service = new Service(directory);
  try {
    const { incarnation } = (await service.next()) as { incarnation: string };
    const slot = Math.ceil((clock.wall() + prepareMs) / MINUTE_MS) * MINUTE_MS;
    const due = new Map<string, number>();
    await bindJobs(join(directory, 'log.sqlite'), hourlyJobs(jobs, jitterMs, slot, due), incarnation);
    service.send({ jobs });
    await service.next();
    if (clock.wall() >= slot) return null;
    const { told } = (await service.next()) as { told: Told };
    await service.end();
    await eachRanOnce({ directory }, jobs);
    const { entered, ...rest } = told;
    const seconds: number[] = [];
    const late = entered.map(({ jobId, at }) => {
      const second = Math.floor((at - slot) / 1_000);
      seconds[second] = (seconds[second] ?? 0) + 1;
      return at - (due.get(jobId) ?? NaN);
    });
    return { ...rest, late, perSecond: Array.from(seconds.slice(0, -1), (starts) => starts ?? 0) };
  } finally {
    await service.end();
  }
}

function* hourlyJobs(jobs: number, jitterMs: number, slot: number, due: Map<string, number>): Generator<JobToBind> {
  const pattern = `${new Date(slot).getUTCMinutes()} * * * *`;
  const jitter = jitterMs > 0 ? { jitter: jitterMs } : {};
  const input: ScheduleInput = { kind: 'cron', pattern, zone: 'UTC', ...jitter };
  for (let n = 0; n < jobs; n++) {
    const jobId = `job${String(n).padStart(6, '0')}`;
    const [first] = previewSchedule(input, 1, { after: slot - 1, jobId });
    due.set(jobId, first.dueAt);
    yield {
      jobId,
      handler: HANDLER,
      payload: { n },
      schedule: {
        ...{ kind: 'cron', pattern, zone: 'UTC', days: 'either', start: null, end: null, maxRuns: null },
        ...(jitterMs > 0 && { jitterMs }),
      },
      pending: {
        nextSlot: new Date(slot).toISOString(),
        zoneData: process.versions.tz ?? '',
        ...(jitterMs > 0 && { nextDueAt: first.dueAt }),
      },
    };
  }
}

/** A process of its own: nothing of the measuring shares its event loop. */
class Service {
  private readonly child;
  private readonly said: FromService[] = [];
  private wake: () => void = () => {};
  private ended: string | null = null;

  constructor(directory: string) {
    this.child = fork(__filename, ['--thundering-service', directory]);
    this.child.on('message', (message: FromService) => {
      this.said.push(message);
      this.wake();
    });
    this.child.on('exit', (code, signal) => {
      this.ended = signal ?? `code ${code}`;
      this.wake();
    });
  }

  send(message: ToService): void {
    this.child.send(message);
  }

  async next(): Promise<FromService> {
    for (;;) {
      const message = this.said.shift();
      if (message !== undefined) return message;
      if (this.ended !== null) throw new Error(`the service of the case thundering ended with ${this.ended}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    while (this.ended === null) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

async function serve(directory: string): Promise<void> {
  const clock = new SystemClock();
  const service = await HoldfastService.open(
    resolveOptions({
      service: { name: 'bench', host: 'bench' },
      stateDirectory: directory,
      store: { kind: 'embedded', path: join(directory, 'log.sqlite') },
      capacity: { maxConcurrentRuns: CONCURRENCY },
    }),
    { clock },
  );
  const say = (message: FromService) => process.send?.(message);
  const asked = new Promise<ToService>((resolve) => process.once('message', resolve));
  const entered: { jobId: string; at: number }[] = [];
  let [expected, began, done] = [Infinity, process.cpuUsage(), () => {}];
  const all = new Promise<void>((resolve) => (done = resolve));
  service.handlers.register({
    name: HANDLER,
    run: (_, { jobId }) => {
      if (entered.length === 0) began = process.cpuUsage();
      entered.push({ jobId, at: clock.wall() });
      if (entered.length >= expected) done();
    },
  });
  await service.start();
  while (!service.membership?.mayClaim()) await clock.sleep(20);
  say({ incarnation: String(service.membership.incarnation()) });
  const { jobs } = await asked;
  expected = jobs;
  while ((service.readModel.service(SERVICE)?.ownedJobs ?? 0) < jobs) await clock.sleep(50);
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  say('owns');
  await all;
  const { user, system } = process.cpuUsage(began);
  delays.disable();
  const rssMiB = process.memoryUsage.rss() / 2 ** 20;
  // Outcomes are on the disk a little later. Closed in order, the service would give each job back first; it is killed.
  for (const { jobId } of entered.slice(-LAST))
    while (service.readModel.job(jobId)?.status === 'running') await clock.sleep(20);
  say({ told: { entered, microsPerRun: (user + system) / jobs, loopDelayMaxMs: delays.max / 1e6, rssMiB } });
}

if (require.main === module && process.argv[2] === '--thundering-service') {
  process.on('disconnect', () => process.exit(1));
  void serve(process.argv[3]);
}
