import { fork } from 'node:child_process';
import { HoldfastService, jobType, resolveOptions, SystemClock } from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { percentile } from './statistics';

/**
 * How late a run starts: from the instant at which its slot is due to the entry of its handler, when 1,000 slots fall due per second, one in
 * each millisecond. 1,000 jobs run once a second; the handler does nothing. Both instants are by the wall clock that the service itself was given,
 * in whole milliseconds. When all jobs are bound and a warm-up has passed, every slot that falls into the measured seconds counts. A slot that was
 * skipped, because the run before it had not ended, has no start: it counts as late by the whole second, and how many were is printed.
 */
const JOBS = 1_000;
const EVERY_MS = 1_000;
const WARM_UP_MS = 10_000;
const MEASURED_MS = 10_000;
const Tick = jobType<{ readonly n: number }>('tick');

interface Lateness {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly skipped: number;
}

export const startLateness: BenchCase = {
  name: 'start-lateness',
  keys: ['startLatenessP50Ms', 'startLatenessP99Ms'],
  rounds: 'median',
  async run({ directory, say }: BenchContext): Promise<Measured> {
    const { p50, p99, max, skipped } = await inChild(directory);
    say(`start-lateness: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms, ${skipped} slots skipped`);
    return {
      figures: { startLatenessP50Ms: p50, startLatenessP99Ms: p99 },
      beside: [
        { what: 'latest start', value: `${max} ms` },
        { what: 'slots skipped because the run before them had not ended', value: String(skipped) },
      ],
    };
  },
};

function inChild(directory: string): Promise<Lateness> {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, ['--lateness-service', directory]);
    let found: Lateness | null = null;
    child.on('message', (message: Lateness) => (found = message));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (found !== null && code === 0) resolve(found);
      else reject(new Error(`the service of the case start-lateness ended with ${signal ?? `code ${code}`}`));
    });
  });
}

async function serve(stateDirectory: string): Promise<Lateness> {
  const clock = new SystemClock();
  const service = await HoldfastService.open(
    resolveOptions({ service: { name: 'bench', host: 'bench' }, stateDirectory, store: { kind: 'embedded' } }),
    { clock },
  );
  let from = Infinity;
  const late: number[] = [];
  service.handlers.register({
    name: Tick.name,
    run: (_, { scheduledAt }) => {
      if (scheduledAt !== null && scheduledAt >= from && scheduledAt < from + MEASURED_MS)
        late.push(clock.wall() - scheduledAt);
    },
  });
  await service.start();
  await Promise.all(
    Array.from({ length: JOBS }, (_, n) =>
      service.jobs.schedule(Tick, { n }, { schedule: { kind: 'interval', every: EVERY_MS, origin: n } }),
    ),
  );
  const owned = () => service.readModel.service('bench@bench')?.ownedJobs ?? 0;
  while (owned() < JOBS) {
    await clock.sleep(50);
  }
  from = clock.wall() + WARM_UP_MS;
  await clock.sleep(WARM_UP_MS + MEASURED_MS + 2_000);
  await service.close();
  const expected = (JOBS * MEASURED_MS) / EVERY_MS;
  const skipped = expected - late.length;
  for (let n = 0; n < skipped; n++) late.push(EVERY_MS);
  return { skipped, p50: percentile(late, 0.5), p99: percentile(late, 0.99), max: percentile(late, 1) };
}

const [, , flag, directory] = process.argv;
if (require.main === module && flag === '--lateness-service') {
  void serve(directory).then((lateness) => {
    process.send?.(lateness);
    if (!process.send) console.log(JSON.stringify(lateness));
    if (process.connected) process.disconnect();
  });
}
