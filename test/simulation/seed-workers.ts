import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { LivedSeed, SeedToLive } from './seed-worker';
import type { AskedOfWorld, LivedWorld } from './world';

/** Worlds make much that is soon of no use: a larger young generation costs 16 MB and saves a twelfth of the time. */
const YOUNG = ['--max-semi-space-size=16'];

export interface SeedsToLive {
  readonly from: number;
  readonly seeds: number;
  /** Processes. */
  readonly jobs: number;
  readonly asked: AskedOfWorld;
  /** No further seed is handed out. */
  readonly stopped: () => boolean;
}

/**
 * Lives through the worlds of seeds in several processes, each of which gets its next seed when it has ended one. `onWorld` is called in the order
 * of the seeds, so the report is that of one process.
 * @throws Error a process ended in the middle of a seed.
 */
export async function liveInProcesses(
  { from, seeds, jobs, asked, stopped }: SeedsToLive,
  onWorld: (world: LivedWorld, lines: readonly string[]) => void,
): Promise<void> {
  let next = from;
  let toTell = from;
  const lived = new Map<number, LivedSeed>();
  const take = () => (next < from + seeds && !stopped() ? next++ : null);
  const ended = (seed: number, one: LivedSeed) => {
    lived.set(seed, one);
    for (let known = lived.get(toTell); known !== undefined; known = lived.get(++toTell)) {
      lived.delete(toTell);
      onWorld(known.world, known.lines);
    }
  };
  const workers = Array.from({ length: Math.min(jobs, seeds) }, () =>
    fork(join(__dirname, 'seed-worker.js'), { execArgv: YOUNG }),
  );
  try {
    await Promise.all(workers.map((worker) => feed(worker, take, (seed) => ({ seed, asked }), ended)));
  } finally {
    for (const worker of workers) if (worker.connected) worker.disconnect();
  }
}

/** One process: a seed after the other, until none is left. */
function feed(
  worker: ChildProcess,
  take: () => number | null,
  order: (seed: number) => SeedToLive,
  ended: (seed: number, lived: LivedSeed) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let seed = take();
    const give = () => (seed === null ? resolve() : void worker.send(order(seed)));
    worker.on('message', (lived: LivedSeed) => {
      if (seed !== null) ended(seed, lived);
      seed = take();
      give();
    });
    worker.on('error', reject);
    worker.on('exit', (code, signal) => reject(new Error(`A process ended (${signal ?? code}) at seed ${seed}.`)));
    give();
  });
}
