import { SystemClock, SystemRandom } from '../clock';
import { EmbeddedEventStore, type EventStore } from '../event-store';

/** Opens an embedded log for reading only, also while services write to it, and closes it afterwards. */
export async function withLog<T>(path: string, use: (store: EventStore) => Promise<T>): Promise<T> {
  const store = await EmbeddedEventStore.open({
    path,
    readOnly: true,
    clock: new SystemClock(),
    random: new SystemRandom(),
  });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
