import type { Measured } from './case';
import { cases, peers } from './cases';

/** One round of one case, in a process of its own, the head of its process group: whatever the round starts can be ended with it. */
export interface RoundOrder {
  readonly name: string;
  readonly directory: string;
  readonly seed?: number;
  readonly quick: boolean;
}
export type RoundAnswer = { readonly measured: Measured } | { readonly failed: string };

async function main(order: RoundOrder): Promise<void> {
  const found = [...cases, peers].find(({ bench }) => bench.name === order.name);
  if (!found) throw new Error(`There is no case ${order.name}.`);
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
