import { existsSync } from 'node:fs';
import { SystemClock, SystemRandom } from '../clock';
import { EmbeddedEventStore, type EventStore } from '../event-store';
import { LogMissingError } from './usage-error';

/** Opens an embedded log, for reading only unless said otherwise, and closes it afterwards. A log that does not exist is not made. */
export async function withLog<T>(
  path: string,
  use: (store: EventStore) => Promise<T>,
  { readOnly = true }: { readonly readOnly?: boolean } = {},
): Promise<T> {
  if (!existsSync(path)) throw new LogMissingError(path);
  const store = await EmbeddedEventStore.open({
    path,
    readOnly,
    clock: new SystemClock(),
    random: new SystemRandom(),
  });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
