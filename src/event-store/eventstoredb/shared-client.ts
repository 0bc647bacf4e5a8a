import type { EventStoreDBClient } from '@eventstore/db-client';
import type { Clock } from '../../clock';
import { StoreUnusableError } from '../port';
import type { EventStoreDbConnection } from './connection-string';
import type { ClientModule } from './load-client';
import type { LogClient } from './log-client';

interface Shared {
  readonly client: EventStoreDBClient;
  /** From now on it connects to nothing. @returns the channels that are or may become open. */
  readonly disconnect: () => readonly Promise<Channel>[];
  users: number;
}

interface Channel {
  close(): void;
  /** 0 idle, 1 connecting, 2 ready, 3 failed, 4 shut down. */
  getConnectivityState?(connect: boolean): number;
}

const CONNECTING = 1;
const SHUT_DOWN = 4;
/** A node that has not answered the first word of a connection for so long is frozen, ms. The transport itself waits for 20 s. */
const CONNECT_PATIENCE_MS = 2_000;
const UNAVAILABLE = 14;

/** What of the client's inside is put right. Fields of the instance in this version; one that is missing is left alone. */
interface Inside {
  handleError?: (client: unknown, error: Error) => Promise<void>;
  getChannel?: () => Promise<Channel>;
  execute?: <T>(kind: unknown, name: string, action: (client: Calling) => Promise<T>) => Promise<T>;
}

interface Calling {
  getChannel?(): Channel;
}

const clients = new Map<string, Shared>();

/**
 * The one client of this process for a server, shared by all who ask for it. Several clients in one process share state inside the module that
 * mixes up their answers, and each would hold connections of its own.
 * @throws StoreUnusableError `path` when a certificate file cannot be read.
 */
export function takeClient(
  { EventStoreDBClient: Client }: ClientModule,
  connection: EventStoreDbConnection,
  clock?: Clock,
): { readonly client: LogClient; readonly release: () => Promise<void> } {
  const key = connection.forClient;
  const shared = clients.get(key) ?? make(() => Client.connectionString(key), clock);
  clients.set(key, shared);
  shared.users++;
  let released = false;
  return {
    client: shared.client as unknown as LogClient,
    release: async () => {
      if (released) return;
      released = true;
      shared.users--;
      if (shared.users > 0) return;
      if (clients.get(key) === shared) clients.delete(key);
      // The client leaves its connections open, and would make more for calls that are under way.
      const channels = shared.disconnect();
      await shared.client.dispose();
      for (const channel of channels) void channel.then((one) => one.close()).catch(() => undefined);
    },
  };
}

function make(open: () => EventStoreDBClient, clock: Clock | undefined): Shared {
  let client: EventStoreDBClient;
  try {
    client = withoutAdvice(open);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new StoreUnusableError(
      'path',
      `The client of EventStoreDB cannot be made: ${message}`,
      'Check the files that the connection string names (tlsCAFile, userCertFile, userKeyFile).',
      { cause },
    );
  }
  return { client, disconnect: mend(client as unknown as Inside, clock), users: 0 };
}

/** The client advises against keep-alive below 10 s; it is set with a reason (see `DEFAULTS` of the connection string). */
function withoutAdvice<T>(open: () => T): T {
  const { warn } = console;
  console.warn = (...words: unknown[]) => {
    if (!/^Specified KeepAliveInterval of /.test(String(words[0]))) warn.apply(console, words);
  };
  try {
    return open();
  } finally {
    console.warn = warn;
  }
}

/** @returns how it is made to connect to nothing any more; that gives the channels that are or may become open. */
function mend(inside: Inside, clock: Clock | undefined): () => readonly Promise<Channel>[] {
  const { handleError, getChannel, execute } = inside;
  if (typeof handleError === 'function') {
    // Nobody inside the client waits for it, and it rejects when a discovery that is under way fails: the process would end.
    inside.handleError = (client, error) => handleError(client, error).catch(() => undefined);
  }
  if (typeof execute === 'function') {
    // A call on a connection that was closed meanwhile throws where nobody catches it: the process would end, and the call never settle.
    inside.execute = (kind, name, action) =>
      execute(kind, name, async (client) => {
        if (client.getChannel?.().getConnectivityState?.(false) !== SHUT_DOWN) return action(client);
        throw noConnection('it was closed');
      });
  }
  // A frozen node takes the connection and says nothing: all calls would wait for their deadlines, and none makes the client look for another node.
  const watched = new WeakSet<Channel>();
  const watch = (channel: Channel): void => {
    if (watched.has(channel) || clock === undefined) return;
    watched.add(channel);
    const look = () => {
      if (channel.getConnectivityState?.(false) !== CONNECTING) return;
      const error = Object.assign(new Error('the node takes connections and says nothing'), { code: UNAVAILABLE });
      void inside.handleError?.({ getChannel: () => channel }, error);
    };
    clock.setTimer(CONNECT_PATIENCE_MS, look, { name: 'connect-patience', keepAlive: false });
  };
  let newest: Promise<Channel> | null = null;
  let over = false;
  if (typeof getChannel === 'function') {
    inside.getChannel = () => {
      if (over) return Promise.reject(noConnection('the client is not used any more'));
      newest = getChannel();
      newest.then(watch, () => undefined);
      return newest;
    };
  }
  return () => {
    over = true;
    return newest === null ? [] : [newest];
  };
}

/** Nothing was sent. */
function noConnection(why: string): Error {
  return Object.assign(new Error(`No connection established: ${why}`), { code: UNAVAILABLE });
}
