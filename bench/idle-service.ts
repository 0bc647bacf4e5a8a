import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastService, jobType, resolveOptions, SystemClock, SystemRandom } from 'holdfast';
import { bindJobs, SERVICE, type JobToBind } from './bound-jobs';

/**
 * A service that owns many jobs with nothing to do, in a process of its own: the real service, default profile, embedded log. The jobs get
 * into the log from outside, while the service runs (`bindJobs`).
 */
export class IdleService {
  private readonly process: ChildProcess;
  private readonly answers: ((value: never) => void)[] = [];
  private readonly ended: Promise<void>;
  private failed: ((error: Error) => void) | null = null;

  private constructor(directory: string) {
    this.process = fork(__filename, ['--idle-service', directory]);
    this.process.on('message', (value) => this.answers.shift()?.(value as never));
    this.ended = new Promise((resolve) =>
      this.process.on('exit', (code, signal) => {
        this.failed?.(new Error(`the service with idle jobs ended (${signal ?? code})`));
        resolve();
      }),
    );
  }

  /** A registered service that owns so many idle jobs, each with a payload of about 200 bytes, next due in a month. */
  static async owning(directory: string, jobs: number): Promise<IdleService> {
    const service = new IdleService(directory);
    const incarnation = (await service.next()) as string;
    await bindJobs(join(directory, 'log.sqlite'), idleJobs(jobs), incarnation);
    await service.ask({ ask: 'owns', jobs });
    return service;
  }

  /** Resident memory of the process now, MiB. */
  async rssMiB(): Promise<number> {
    return (await this.ask({ ask: 'rss' })) as number;
  }

  /** Processor time of the whole process in the next so many milliseconds, in percent of one core. */
  async cpuPercent(ms: number): Promise<number> {
    return (await this.ask({ ask: 'cpu', ms })) as number;
  }

  /** How late runs start, in milliseconds and parts of them: 20 jobs that are due once a second each, spread over it, for so long after a warm-up. */
  async lateness(ms: number): Promise<readonly number[]> {
    return (await this.ask({ ask: 'lateness', ms })) as readonly number[];
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  private ask(request: Request): Promise<unknown> {
    this.process.send(request);
    return this.next();
  }

  private next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.failed = reject;
      this.answers.push(resolve);
    });
  }
}

type Request =
  | { readonly ask: 'owns'; readonly jobs: number }
  | { readonly ask: 'rss' }
  | { readonly ask: 'cpu' | 'lateness'; readonly ms: number };

const clock = new SystemClock();
const random = new SystemRandom();
const MONTH_MS = 30 * 86_400_000;
const WARM_UP_MS = 5_000;
const Tick = jobType<{ readonly n: number }>('tick');
const TICKS = 20;

function* idleJobs(jobs: number): Generator<JobToBind> {
  for (let n = 0; n < jobs; n++) {
    const jobId = `idle-${String(n).padStart(7, '0')}`;
    const nextSlot = new Date(clock.wall() + MONTH_MS).toISOString();
    yield {
      jobId,
      handler: 'idle',
      payload: { customer: jobId, filling: jobId.repeat(14) },
      schedule: { kind: 'interval', everyMs: MONTH_MS, origin: null, start: null, end: null, maxRuns: null },
      pending: { nextSlot, zoneData: process.versions.tz ?? '' },
    };
  }
}

async function serve(directory: string): Promise<void> {
  const options = { service: { name: 'bench', host: 'bench' }, stateDirectory: directory } as const;
  const service = await HoldfastService.open(
    resolveOptions({ ...options, store: { kind: 'embedded', path: join(directory, 'log.sqlite') } }),
    { clock, random },
  );
  service.handlers.register({ name: 'idle', run: () => undefined });
  const late: number[] = [];
  let from = Infinity;
  service.handlers.register({
    name: Tick.name,
    run: (_, { scheduledAt }) => {
      if (scheduledAt !== null && scheduledAt >= from)
        late.push(performance.timeOrigin + performance.now() - scheduledAt);
    },
  });
  await service.start();
  while (!service.membership?.mayClaim()) await clock.sleep(20);
  const owns = async (jobs: number) => {
    while ((service.readModel.service(SERVICE)?.ownedJobs ?? 0) < jobs) await clock.sleep(200);
  };
  const answer = async (request: Request): Promise<unknown> => {
    switch (request.ask) {
      case 'owns':
        return owns(request.jobs);
      case 'rss':
        return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1_024;
      case 'cpu': {
        const [began, before] = [clock.monotonic(), process.cpuUsage()];
        await clock.sleep(request.ms);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 10 / (clock.monotonic() - began);
      }
      case 'lateness': {
        const schedule = (n: number) => ({ kind: 'interval', every: 1_000, origin: (n * 1_000) / TICKS }) as const;
        for (let n = 0; n < TICKS; n++) await service.jobs.schedule(Tick, { n }, { schedule: schedule(n) });
        from = clock.wall() + WARM_UP_MS;
        await clock.sleep(WARM_UP_MS + request.ms);
        return late;
      }
    }
  };
  process.on('message', (request: Request) => void answer(request).then((value) => process.send?.(value ?? null)));
  process.on('disconnect', () => process.exit(1));
  process.send?.(service.membership.incarnation());
}

if (process.argv[2] === '--idle-service') void serve(process.argv[3]);
