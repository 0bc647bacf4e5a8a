import type { LeaderKill, Measured } from './case';
import { cases, killing, peers, storeCases } from './cases';
import { CONNECTION } from './place';

/** One round of one case, in a process of its own, the head of its process group: whatever the round starts can be ended with it. */
export interface RoundOrder {
  readonly name: string;
  readonly directory: string;
  readonly seed?: number;
  readonly quick: boolean;
  /** The connection string of the log's server, for the cases that have one. */
  readonly store?: string;
  readonly leaderKill?: LeaderKill;
}
export type RoundAnswer = { readonly measured: Measured } | { readonly failed: string };

async function main(order: RoundOrder): Promise<void> {
  const found = [...cases, ...storeCases, killing, peers].find(({ bench }) => bench.name === order.name);
  if (!found) throw new Error(`There is no case ${order.name}.`);
  if (order.store !== undefined) process.env[CONNECTION] = order.store;
  const say = (line: string) => process.stderr.write(`    ${line}\n`);
  return answer({ measured: await found.bench.run({ ...order, say }) });
}

function answer(message: RoundAnswer): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

/** Whoever ordered the round is gone: so is everything that belongs to it. */
const orphaned = () => process.kill(-process.pid, 'SIGKILL');
process.on('disconnect', orphaned);
process.once('message', (order: RoundOrder) => {
  main(order)
    .catch((error: unknown) =>
      answer({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
    .finally(() => {
      process.off('disconnect', orphaned);
      process.exit();
    });
});
