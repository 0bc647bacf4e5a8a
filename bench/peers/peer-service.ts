import type { FromMember, ToMember } from '../cluster';
import { drivers, type Driver, type Place } from './drivers';
import type { PeerName, Settings } from './peers';

/** A process at the queue of a peer: counts what it runs, or holds one run until it is told, or killed. */
export interface PeerOrder {
  readonly peer: PeerName;
  readonly place: Place;
  readonly settings: Settings;
  /** So many jobs are put in and run; null: a member of a cluster. */
  readonly jobs: number | null;
}
export interface Counted {
  readonly runsPerSecond: number;
}

/** From the first tenth to the last: the beginning and the end are no steady state. */
async function count(driver: Driver, jobs: number): Promise<Counted> {
  await driver.add(Array.from({ length: jobs }, (_, n) => `job-${n}`));
  const entered: number[] = [];
  await new Promise<void>((resolve, reject) => {
    const working = driver.work(() => {
      entered.push(performance.now());
      if (entered.length === jobs) resolve();
      return Promise.resolve();
    });
    working.catch(reject);
  });
  const [from, to] = [Math.floor(jobs / 10), Math.floor((9 * jobs) / 10)];
  return { runsPerSecond: ((to - from) / (entered[to] - entered[from])) * 1_000 };
}

async function serve(driver: Driver, settings: Settings): Promise<void> {
  const send = (message: FromMember) => process.send?.(message);
  const finish = new Map<string, () => void>();
  process.on('message', ({ kind, job }: ToMember) => {
    if (kind === 'schedule') void driver.add([job]);
    else finish.get(job)?.();
  });
  await driver.work(async (job, renew) => {
    send({ kind: 'entered', job, at: process.hrtime.bigint().toString() });
    const every = settings.touchEvery;
    const timer = renew !== null && every !== undefined ? setInterval(() => void renew(), Number(every)) : undefined;
    await new Promise<void>((resolve) => finish.set(job, resolve));
    clearInterval(timer);
  });
  send({ kind: 'ready' });
}

async function main(): Promise<void> {
  const order = JSON.parse(process.argv[2]) as PeerOrder;
  process.on('disconnect', () => process.exit(1));
  const driver = await drivers[order.peer](order.place, order.settings);
  if (order.jobs === null) return serve(driver, order.settings);
  const counted = await count(driver, order.jobs);
  process.send?.(counted, () => process.exit());
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
