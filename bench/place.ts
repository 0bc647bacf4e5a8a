import { join } from 'node:path';
import {
  EmbeddedEventStore,
  EventStoreDbEventStore,
  SystemClock,
  SystemRandom,
  StoreUnavailableError,
  type AllSlice,
  type EventStore,
  type HoldfastOptions,
  type LogIdentity,
  type LogPosition,
  type ReadAllOptions,
  type RecordedEvent,
} from 'holdfast';

/** Where the services of one scene have their log. Goes to their processes as JSON; the connection string, which may hold a password, does not. */
export interface Place {
  /** Of whatever is on the disk: the embedded log, the views. */
  readonly directory: string;
  /** Absent: an embedded log in the directory. */
  readonly server?: {
    /** Which no other scene has: its streams are its log. */
    readonly namespace: string;
    /** Nothing of it lies before this position (decimal); what others have written meanwhile is passed over. */
    readonly after: string;
  };
}

/** By this name the processes of a round are told which server it is; it is the one that the stand-alone service reads. */
export const CONNECTION = 'HOLDFAST_EVENTSTOREDB_URL';

const clock = new SystemClock();
const random = new SystemRandom();
const PAGE = 5_000;

export function connectionOfRound(): string {
  const connection = process.env[CONNECTION];
  if (connection === undefined || connection === '') throw new Error(`${CONNECTION} is not set.`);
  return connection;
}

/** A scene on the server of this round, under a namespace that has not been there before. */
export async function placeOnServer(directory: string): Promise<Place> {
  const namespace = `b${clock.wall().toString(36)}_${process.pid.toString(36)}_${(scenes++).toString(36)}`;
  const store = await openOnServer();
  try {
    const head = await store.head();
    return { directory, server: { namespace, after: head === 'start' ? '0' : String(head) } };
  } finally {
    await store.close();
  }
}

let scenes = 0;

export function openOnServer(): Promise<EventStoreDbEventStore> {
  return EventStoreDbEventStore.open({ connection: connectionOfRound(), clock, random });
}

/** What a service is told of its log. */
export function optionsAt({
  directory,
  server,
}: Place): Pick<HoldfastOptions, 'store' | 'namespace' | 'stateDirectory'> {
  return server === undefined
    ? { stateDirectory: directory, store: { kind: 'embedded', path: join(directory, 'log.sqlite') } }
    : {
        stateDirectory: directory,
        store: { kind: 'eventstoredb', connection: connectionOfRound() },
        namespace: server.namespace,
      };
}

/** The log, open for reading; `namespace` is before the names of its streams. */
export async function readingAt<T>(
  { directory, server }: Place,
  use: (log: Log, namespace: string) => Promise<T>,
): Promise<T> {
  const store =
    server === undefined
      ? await EmbeddedEventStore.open({ path: join(directory, 'log.sqlite'), clock, random, readOnly: true })
      : await openOnServer();
  try {
    return await use(server === undefined ? store : new LogOfScene(store, server.after), server?.namespace ?? '');
  } finally {
    await store.close();
  }
}

/** What is read of a log. */
type Log = Pick<EventStore, 'readAll' | 'head' | 'identity'>;

const MOST_TRIES = 10;
const REST_MS = 1_000;

/** Begins where the scene began, and asks again: a server that is short of processor time for a moment must not cost the round. */
class LogOfScene implements Log {
  constructor(
    private readonly store: Log,
    private readonly after: string,
  ) {}

  readAll(options: ReadAllOptions): Promise<AllSlice> {
    const begin = options.after === 'start' && this.after !== '0' ? BigInt(this.after) : options.after;
    return this.again(() => this.store.readAll({ ...options, after: begin }));
  }

  head(): Promise<LogPosition> {
    return this.again(() => this.store.head());
  }

  identity(): Promise<LogIdentity> {
    return this.again(() => this.store.identity());
  }

  private async again<T>(read: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || tries === MOST_TRIES) throw error;
        await clock.sleep(REST_MS);
      }
    }
  }
}

/** The events of these categories, in their order, each stream by its name without the namespace. */
export async function readAt(
  place: Place,
  categories: readonly string[],
  onEvent: (event: RecordedEvent) => void,
): Promise<void> {
  await readingAt(place, async (log, namespace) => {
    const before = namespace === '' ? '' : `${namespace}.`;
    const asked = categories.map((category) => before + category);
    for (let after: LogPosition = 'start', end = false; !end;) {
      const slice = await log.readAll({ after, categories: asked, limit: PAGE });
      for (const event of slice.events) onEvent({ ...event, stream: event.stream.slice(before.length) });
      ({ position: after, end } = slice);
    }
  });
}
