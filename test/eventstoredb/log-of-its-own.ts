import { SystemClock, SystemRandom } from '../../src/clock';
import { EventStoreDbEventStore, type EventStore, type EventStoreDbOptions } from '../../src/event-store';
import type { EventStoreFactory } from '../../src/testing';

const clock = new SystemClock();
const random = new SystemRandom();
let logs = 0;

/** A namespace that no other log on the server has. */
export function freshNamespace(): string {
  return `t${clock.wall().toString(36)}_${process.pid.toString(36)}_${(logs++).toString(36)}`;
}

export function openLog(
  connection: string,
  namespace: string,
  more: Partial<EventStoreDbOptions> = {},
): Promise<EventStoreDbEventStore> {
  return EventStoreDbEventStore.open({ connection, clock, random, namespace, ...more });
}

/** Each case has a log of its own on one server, beside those of the others. */
export function logsOn(connection: () => string): EventStoreFactory {
  const namespaces = new Map<EventStore, string>();
  const open = async (namespace: string) => {
    const store = await openLog(connection(), namespace);
    namespaces.set(store, namespace);
    return store;
  };
  const again = (store: EventStore) => open(namespaces.get(store) ?? freshNamespace());
  return {
    open: () => open(freshNamespace()),
    reopen: async (store) => {
      await store.close();
      return again(store);
    },
    another: again,
    dispose: async () => namespaces.clear(),
  };
}
