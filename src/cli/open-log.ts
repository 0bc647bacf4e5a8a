import { existsSync } from 'node:fs';
import { SystemClock, SystemRandom } from '../clock';
import {
  ConnectionStringError,
  EmbeddedEventStore,
  EventStoreDbConnection,
  EventStoreDbEventStore,
  isConnectionString,
  type EventStore,
} from '../event-store';
import { LogMissingError, UsageError } from './usage-error';

/**
 * Opens a log, for reading only unless said otherwise, and closes it afterwards. A log that does not exist is not made, unless `make` says so.
 * @param log path of an embedded log, or `esdb://…`.
 */
export async function withLog<T>(
  log: string,
  use: (store: EventStore) => Promise<T>,
  { make = false, readOnly = !make }: { readonly readOnly?: boolean; readonly make?: boolean } = {},
): Promise<T> {
  const ports = { clock: new SystemClock(), random: new SystemRandom(), readOnly };
  const store = await (isConnectionString(log)
    ? EventStoreDbEventStore.open({ connection: connectionOf(log), ...ports })
    : openFile(log, make, ports));
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

async function openFile(
  path: string,
  make: boolean,
  ports: Omit<Parameters<typeof EmbeddedEventStore.open>[0], 'path'>,
): Promise<EventStore> {
  if (!make && !existsSync(path)) throw new LogMissingError(path);
  return EmbeddedEventStore.open({ path, ...ports });
}

function connectionOf(log: string): EventStoreDbConnection {
  try {
    return EventStoreDbConnection.parse(log);
  } catch (error) {
    if (!(error instanceof ConnectionStringError)) throw error;
    throw new UsageError(`The connection string of the log: ${error.rule}`, error.remedy);
  }
}
