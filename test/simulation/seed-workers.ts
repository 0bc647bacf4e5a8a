import { fork } from 'node:child_process';
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
  await Promise.all(Array.from({ length: Math.min(jobs, seeds) }, () => feed(take, asked, ended)));
}

/** One process at a time: a seed after the other, until none is left. One that ends in the middle of a world has broken it, and another goes on. */
function feed(
  take: () => number | null,
  asked: AskedOfWorld,
  ended: (seed: number, lived: LivedSeed) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let seed = take();
    if (seed === null) return resolve();
    const worker = fork(join(__dirname, 'seed-worker.js'), { execArgv: YOUNG });
    const give = () => {
      if (seed === null) worker.disconnect();
      else worker.send({ seed, asked } satisfies SeedToLive);
    };
    worker.on('message', (lived: LivedSeed) => {
      if (seed !== null) ended(seed, lived);
      seed = take();
      give();
    });
    worker.on('error', reject);
    worker.on('exit', (code, signal) => {
      if (seed === null) return resolve();
      ended(seed, brokenOff(seed, String(signal ?? code)));
      feed(take, asked, ended).then(resolve, reject);
    });
    give();
  });
}

function brokenOff(seed: number, how: string): LivedSeed {
  const lines = [
    `seed ${seed}: 1 violations`,
    `  broken: its process ended (${how})`,
    `  again: npm run simulate -- --seed ${seed}`,
  ];
  return { world: { seed, violations: 1, counts: [], zombies: [], hash: '', cpuMs: 0 }, lines };
}
