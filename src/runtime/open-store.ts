import type { Clock, Random } from '../clock';
import { EmbeddedEventStore, EventStoreDbEventStore, MemoryEventStore, type EventStore } from '../event-store';
import type { Logger } from '../logging';
import type { ResolvedOptions } from './options';

/** Opens the log that the options name. A server is not asked whether it is there; a log in a file is there or is not. */
export async function openStore(
  { store, namespace }: ResolvedOptions,
  { clock, random, logger }: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<EventStore> {
  switch (store.kind) {
    case 'memory':
      return new MemoryEventStore({ clock, random });
    case 'embedded':
      return EmbeddedEventStore.open({ path: store.path, clock, random });
    case 'eventstoredb':
      return EventStoreDbEventStore.connect({
        ...{ connection: store.connection, namespace, names: 'full' },
        ...{ clock, random, logger },
      });
    case 'adapter':
      return store.store;
  }
}

/** In the log of the process, and in health. Shows no secret. */
export function nameOfLog({ store, namespace }: ResolvedOptions): string {
  const part = namespace === '' ? '' : `, namespace ${namespace}`;
  if (store.kind === 'eventstoredb') return `${store.connection}${part}`;
  return `${store.kind === 'embedded' ? store.path : store.kind}${part}`;
}
