import { EventStoreDbEventStore, HoldfastService, jobType, resolveOptions, SystemClock } from 'holdfast';
import { AskedProcess, answerWith } from '../asked-process';
import { optionsAt, type Place } from '../place';
import { spyAppends } from '../spied-appends';

/** A service, default profile, that schedules jobs without pause and claims them, in a process of its own; for the time in which no claim is accepted. */
type Request = { readonly ask: 'ready' } | { readonly ask: 'since'; readonly at: number };

const Idle = jobType<null>('idle');
const FAR_MS = 30 * 86_400_000;
const SCHEDULING = 8;
const REST_MS = 5;

/** The machine's monotonic clock: comparable between processes. ms */
export const now = () => Number(process.hrtime.bigint() / 1_000n) / 1_000;

export class ClaimingService {
  private constructor(private readonly process: AskedProcess<Request>) {}

  /** Registered, and claiming. */
  static async start(place: Place): Promise<ClaimingService> {
    const process = new AskedProcess<Request>(
      __filename,
      ['--claiming-service', JSON.stringify(place)],
      'the service that claims',
    );
    await process.ask({ ask: 'ready' });
    return new ClaimingService(process);
  }

  /** When claims were accepted since then: JobBoundToService, acknowledged. ms */
  async claimsSince(at: number): Promise<readonly number[]> {
    return (await this.process.ask({ ask: 'since', at })) as readonly number[];
  }

  kill(): Promise<void> {
    return this.process.kill();
  }
}

async function serve(place: Place): Promise<void> {
  const clock = new SystemClock();
  const claims: number[] = [];
  spyAppends(EventStoreDbEventStore, ({ events, outcome }) => {
    if (outcome === 'appended' && events.some(({ type }) => type === 'JobBoundToService')) claims.push(now());
  });
  const service = await HoldfastService.open(
    resolveOptions({ service: { name: 'bench', host: 'bench' }, ...optionsAt(place) }),
    { clock },
  );
  service.handlers.register({ name: Idle.name, run: () => undefined });
  const started = service.start();
  let n = 0;
  const schedule = async () => {
    for (;;) {
      const at = clock.wall() + FAR_MS;
      // One that has no answer in time is left; the next one is another job.
      await service.jobs
        .schedule(Idle, null, { id: `idle-${n++}`, schedule: { kind: 'once', at } })
        .catch(() => undefined);
      await clock.sleep(REST_MS);
    }
  };
  const ready = async () => {
    await started;
    while (!(await service.readiness()).ready) await clock.sleep(10);
    for (let one = 0; one < SCHEDULING; one++) void schedule();
    while (claims.length === 0) await clock.sleep(10);
  };
  answerWith(async (request: Request): Promise<unknown> => {
    if (request.ask === 'ready') return ready();
    return claims.filter((at) => at >= request.at);
  });
}

const [, , flag, place] = process.argv;
if (require.main === module && flag === '--claiming-service') void serve(JSON.parse(place) as Place);
