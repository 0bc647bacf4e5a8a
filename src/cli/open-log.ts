import { existsSync } from 'node:fs';
import { SystemClock, SystemRandom } from '../clock';
import {
  ConnectionStringError,
  EmbeddedEventStore,
  EventStoreDbConnection,
  EventStoreDbEventStore,
  isConnectionString,
  StoreUnavailableError,
  type EventStore,
} from '../event-store';
import { LogMissingError, UsageError } from './usage-error';

/** Which log is meant. */
export interface NamedLog {
  /** Path of an embedded log, or `esdb://…`. */
  readonly log: string;
  /** On a server each namespace is a log of its own. In a file it is no more than the beginning of the streams' names. */
  readonly namespace: string;
}

/**
 * Opens a log, for reading only unless said otherwise, and closes it afterwards. A log that does not exist is not made, unless `make` says so.
 * Streams are named with their namespace, whatever store it is.
 */
export async function withLog<T>(
  { log, namespace }: NamedLog,
  use: (store: EventStore) => Promise<T>,
  { make = false, readOnly = !make }: { readonly readOnly?: boolean; readonly make?: boolean } = {},
): Promise<T> {
  const ports = { clock: new SystemClock(), random: new SystemRandom(), readOnly };
  const store = await (isConnectionString(log)
    ? EventStoreDbEventStore.open({ connection: connectionOf(log), namespace, names: 'full', make, ...ports })
    : openFile(log, make, ports));
  try {
    if (!make) await assertIsThere(store);
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Before anything is tried again and again: a log that is not there does not come by waiting. */
async function assertIsThere(store: EventStore): Promise<void> {
  try {
    await store.identity();
  } catch (error) {
    if (error instanceof StoreUnavailableError && error.code === 'no-log') throw error;
    // Whoever needs it says how long it waits.
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
