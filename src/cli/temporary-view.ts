import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock, SystemRandom } from '../clock';
import { StoreUnavailableError, type EventStore } from '../event-store';
import { silentLogger } from '../logging';
import { Queries } from '../queries';
import { SqliteReadModel } from '../read-model';
import type { CommandIo } from './output';

const LOOK_MS = 250;
/** Progress is shown after this long. */
const PATIENCE_MS = 2_000;
/** A view that cannot go on for so long is given up. */
const GIVE_UP_MS = 5_000;

/**
 * Projects the log into a view in a temporary folder, asks it, and removes it. The time goes with the events of the log, the memory does not.
 * Rejects with `StoreUnavailableError`.
 */
export async function withView<T>(
  store: EventStore,
  namespace: string,
  io: CommandIo,
  use: (queries: Queries) => Promise<T>,
): Promise<T> {
  const clock = new SystemClock();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-view-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const view = await SqliteReadModel.open({
      path: join(folder, 'view.sqlite'),
      store,
      clock,
      random: new SystemRandom(),
      namespace,
      logger: silentLogger,
    });
    try {
      await view.start();
      await projected(view, clock, await store.head(), io);
      return await use(new Queries(view, clock));
    } finally {
      await view.close();
    }
  } finally {
    remove();
    process.off('exit', remove);
  }
}

async function projected(
  view: SqliteReadModel,
  clock: SystemClock,
  head: Awaited<ReturnType<EventStore['head']>>,
  io: CommandIo,
): Promise<void> {
  const began = clock.monotonic();
  let failingSince: number | null = null;
  let shown = false;
  const done = view.caughtUp().then(() => true);
  // When this gives up, the view is closed and says so to whoever waits.
  done.catch(() => undefined);
  for (;;) {
    const waiting = new AbortController();
    const look = clock.sleep(LOOK_MS, waiting.signal).then(() => false);
    const ready = await Promise.race([done, look]);
    waiting.abort();
    if (ready) break;
    const { position, rebuilt, lastError } = view.health();
    const now = clock.monotonic();
    failingSince = lastError === null ? null : (failingSince ?? now);
    if (failingSince !== null && now - failingSince > GIVE_UP_MS) throw new StoreUnavailableError(lastError ?? '');
    if (!io.interactive || now - began < PATIENCE_MS) continue;
    shown = true;
    await io.err.write(`\rread ${rebuilt} events, position ${position} of ${head}`);
  }
  if (shown) await io.err.write('\r\u001b[K');
}
