import type { Clock, Random } from '../clock';
import {
  EmbeddedEventStore,
  EventStoreDbEventStore,
  MemoryEventStore,
  StoreUnavailableError,
  type EventStore,
} from '../event-store';
import type { Logger } from '../logging';
import type { ResolvedOptions } from './options';

/** Between two tries to reach a server at start; told with the first one, then twice a minute. */
const UNREACHABLE_REST_MS = 1_000;
const TELL_EVERY_TRIES = 30;

/** Opens the log that the options name. */
export async function openStore(
  options: ResolvedOptions,
  clock: Clock,
  random: Random,
  logger: Logger,
): Promise<EventStore> {
  switch (options.store.kind) {
    case 'memory':
      return new MemoryEventStore({ clock, random });
    case 'embedded':
      return EmbeddedEventStore.open({ path: options.store.path, clock, random });
    case 'eventstoredb':
      return EventStoreDbEventStore.open({
        connection: options.store.connection,
        namespace: options.namespace,
        names: 'full',
        clock,
        random,
        logger,
      });
    case 'adapter':
      return options.store.store;
  }
}

/** A server may be started after its services: they wait for it. A log in a file is there or is not. */
export async function onceReachable<T>(
  { store }: ResolvedOptions,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  use: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await use();
    } catch (error) {
      if (store.kind !== 'eventstoredb' || !(error instanceof StoreUnavailableError)) throw error;
      if (tries % TELL_EVERY_TRIES === 0)
        logger.warn('service.waits-for-log', {
          server: String(store.connection),
          error: error.message,
          remedy: error.remedy,
        });
    }
    await clock.sleep(UNREACHABLE_REST_MS);
  }
}
