import { EmbeddedEventStore, EventStoreDbEventStore, SystemClock, SystemRandom, type EventStore } from 'holdfast';

/** Where the log of a demo is: a file of its own, or a namespace of its own on a server that may hold anything else. */
export type Log =
  | { readonly path: string }
  | {
      /** `esdb://…`; may hold a password, so it goes to the engines in the environment and is never shown. */
      readonly connection: string;
      readonly namespace: string;
    };

export function openLog(log: Log, { readOnly = false } = {}): Promise<EventStore> {
  const ports = { clock: new SystemClock(), random: new SystemRandom(), readOnly };
  return 'path' in log
    ? EmbeddedEventStore.open({ path: log.path, ...ports })
    : EventStoreDbEventStore.open({ connection: log.connection, namespace: log.namespace, ...ports });
}

/** No log on the server has it yet. */
export function freshNamespace(): string {
  return `demo_${Date.now().toString(36)}_${process.pid.toString(36)}`;
}

/** As the environment carries it to the engines. */
export function logToText(log: Log): string {
  return JSON.stringify(log);
}

export function logFromText(text: string): Log {
  return JSON.parse(text) as Log;
}
