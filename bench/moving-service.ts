import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
  EmbeddedEventStore,
  EventStoreDbEventStore,
  HoldfastService,
  SystemClock,
  decode,
  jobType,
  livenessProfiles,
  resolveOptions,
  type JobEvent,
  type RecordedEvent,
  type ServiceEvent,
} from 'holdfast';
import { AskedProcess, answerWith } from './asked-process';
import { optionsAt, readAt, type Place } from './place';
import { spyAppends } from './spied-appends';

/** A service in a process of its own, for the cases that move many idle jobs: the real service, on one log with its peers. */

export interface MovingOptions {
  readonly serviceId: string;
  /** Of the log, and the views of all. */
  readonly place: Place;
  readonly profile: 'default' | 'tuned';
}

/** What the process saw of itself since the last `watch`. Milliseconds. */
export interface Strain {
  /** How much later than asked for the event loop came round, at most. */
  readonly loopDelayMaxMs: number;
  readonly loopDelayP99Ms: number;
  /** From sending an own heartbeat to its acknowledgement. */
  readonly beatMaxMs: number;
  readonly beats: number;
  /** Of the whole process. */
  readonly cpuMs: number;
}

type Request =
  | { readonly ask: 'schedule'; readonly jobs: number }
  | { readonly ask: 'drain'; readonly serviceId: string }
  | { readonly ask: 'owned' | 'watch' | 'strain' };

const clock = new SystemClock();
const Idle = jobType<{ readonly text: string }>('idle');
/** Jobs of the bench have nothing to do for this long. */
const FAR_MS = 30 * 86_400_000;
/** Commands under way while jobs are scheduled. */
const SCHEDULING = 200;
const PATIENCE_MS = 60_000;

export class MovingService {
  private readonly process: AskedProcess<Request>;

  private constructor(readonly options: MovingOptions) {
    this.process = new AskedProcess(__filename, ['--moving-service', JSON.stringify(options)], options.serviceId);
  }

  /** Started, registered and ready to claim. */
  static async start(options: MovingOptions): Promise<MovingService> {
    const service = new MovingService(options);
    await service.ask({ ask: 'watch' });
    return service;
  }

  /** Schedules so many jobs that have nothing to do for a month. */
  async schedule(jobs: number): Promise<void> {
    await this.ask({ ask: 'schedule', jobs });
  }

  async drain(serviceId: string): Promise<void> {
    await this.ask({ ask: 'drain', serviceId });
  }

  /** How many jobs this service owns by its own view. */
  async owned(): Promise<number> {
    return (await this.ask({ ask: 'owned' })) as number;
  }

  /** What it sees of itself counts from now on. */
  async watch(): Promise<void> {
    await this.ask({ ask: 'watch' });
  }

  async strain(): Promise<Strain> {
    return (await this.ask({ ask: 'strain' })) as Strain;
  }

  kill(): Promise<void> {
    return this.process.kill();
  }

  private ask(request: Request): Promise<unknown> {
    return this.process.ask(request);
  }
}

/** Waits until these services together own so many jobs by their own views. */
export async function untilOwned(services: readonly MovingService[], jobs: number): Promise<void> {
  const end = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const counts = await Promise.all(services.map((service) => service.owned()));
    if (counts.reduce((sum, one) => sum + one, 0) >= jobs) return;
    if (clock.monotonic() > end)
      throw new Error(`after ${PATIENCE_MS / 1_000} s they own ${counts.join(' + ')} of ${jobs}`);
    await clock.sleep(50);
  }
}

export type MovingFact = { readonly recorded: RecordedEvent } & { readonly event: JobEvent | ServiceEvent };

/** What the log holds of jobs and services, in its order. */
export async function factsOf(place: Place): Promise<readonly MovingFact[]> {
  const facts: MovingFact[] = [];
  await readAt(place, ['job', 'service'], (recorded) => {
    const event = decode(recorded.type, recorded.data, recorded.metadata);
    if (event.type === '$unreadable') throw new Error(`${recorded.stream} holds an event that cannot be read`);
    facts.push({ recorded, event: event as JobEvent | ServiceEvent });
  });
  return facts;
}

/** The worst of several processes. */
export function worst(strains: readonly Strain[], name: keyof Strain): number {
  return Math.max(...strains.map((strain) => strain[name]));
}

/** `p` of 0 … 1; 1 is the greatest. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? NaN;
}

async function child({ serviceId, place, profile }: MovingOptions): Promise<void> {
  let beats: number[] = [];
  let cpu = process.cpuUsage();
  spyAppends(place.server === undefined ? EmbeddedEventStore : EventStoreDbEventStore, ({ events, ms }) => {
    if (events[0]?.type === 'ServiceHeartbeat') beats.push(ms);
  });
  const service = await HoldfastService.open(
    resolveOptions({
      service: { name: serviceId, host: 'bench', id: serviceId },
      ...optionsAt(place),
      liveness: livenessProfiles[profile],
    }),
  );
  service.handlers.register({ name: Idle.name, run: () => Promise.resolve() });
  const ready = service.start().then(async () => {
    while (!(await service.readiness()).ready) await clock.sleep(10);
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const schedule = async (jobs: number) => {
    let next = 0;
    const text = 'x'.repeat(180);
    const at = clock.wall() + FAR_MS;
    const one = async () => {
      while (next < jobs) {
        const n = next++;
        await service.jobs.schedule(Idle, { text }, { id: `idle-${n}`, schedule: { kind: 'once', at: at + n } });
      }
    };
    await Promise.all(Array.from({ length: SCHEDULING }, one));
  };
  const strain = (): Strain => ({
    loopDelayMaxMs: delay.max / 1e6,
    loopDelayP99Ms: delay.percentile(99) / 1e6,
    beatMaxMs: Math.max(0, ...beats),
    beats: beats.length,
    cpuMs: (process.cpuUsage(cpu).user + process.cpuUsage(cpu).system) / 1_000,
  });
  const answer = async (request: Request): Promise<unknown> => {
    await ready;
    switch (request.ask) {
      case 'schedule':
        return schedule(request.jobs);
      case 'drain':
        return void (await service.services.drain(request.serviceId));
      case 'owned': {
        const incarnation = service.membership?.incarnation() ?? null;
        return incarnation === null ? 0 : service.readModel.ownJobs(serviceId).count(incarnation).owned;
      }
      case 'watch':
        beats = [];
        cpu = process.cpuUsage();
        return delay.reset();
      case 'strain':
        return strain();
    }
  };
  answerWith(answer);
}

const [, , flag, options] = process.argv;
if (flag === '--moving-service' && require.main === module) void child(JSON.parse(options) as MovingOptions);
