import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock, SystemRandom } from '../../clock';
import { eventStoreContract } from '../../testing/event-store-contract';
import { EmbeddedEventStore } from '.';

const clock = new SystemClock();
const random = new SystemRandom();

describe('the embedded store keeps the contract:', () => {
  let directory: string;
  const open = () => EmbeddedEventStore.open({ path: join(directory, 'log.sqlite'), clock, random });
  const contract = eventStoreContract({
    open: () => {
      directory = mkdtempSync(join(tmpdir(), 'holdfast-contract-'));
      return open();
    },
    reopen: async (store) => {
      await store.close();
      return open();
    },
    another: open,
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  });
  for (const { name, run } of contract) it(name, run);
});
