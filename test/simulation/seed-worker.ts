import type { AskedOfWorld } from './world';
import { liveThrough, type LivedWorld } from './world';

/** From the process that hands out seeds. */
export interface SeedToLive {
  readonly seed: number;
  readonly asked: AskedOfWorld;
}

/** Back to it. */
export interface LivedSeed {
  readonly world: LivedWorld;
  readonly lines: readonly string[];
}

async function live({ seed, asked }: SeedToLive): Promise<void> {
  const lines: string[] = [];
  const world = await liveThrough(seed, asked, (line) => lines.push(line));
  process.send?.({ world, lines } satisfies LivedSeed);
}

// An interrupt reaches all processes of a terminal: the one that hands out the seeds says when it is over.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', (message: SeedToLive) => {
  void live(message).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
