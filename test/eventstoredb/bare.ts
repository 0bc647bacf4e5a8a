import { EventStoreDBClient, jsonEvent, type JSONEventData } from '@eventstore/db-client';
import { SystemClock, SystemRandom } from '../../src/clock';
import { StandIn, type StandInOptions } from './stand-in';

/** The client as it is published, with nothing of ours around it, and the stand-in that it talks to. */

export const clock = new SystemClock();

/** A clock that somebody has set. */
export class ShiftedClock extends SystemClock {
  ahead = 0;
  override wall(): number {
    return super.wall() + this.ahead;
  }
}

const random = new SystemRandom();
const open: { close(): Promise<void> }[] = [];

export async function standIn(options?: StandInOptions): Promise<StandIn> {
  const started = await StandIn.start(options);
  open.push(started);
  return started;
}

/** @param settings further settings of the connection string: `keepAliveInterval=500`. */
export function clientOf(server: StandIn, settings = ''): EventStoreDBClient {
  return clientAt(server.connectionString + (settings && `&${settings}`));
}

export function clientAt(connectionString: string): EventStoreDBClient {
  // The client warns on the console about every keep-alive that is shorter than ten seconds.
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const client = EventStoreDBClient.connectionString(connectionString);
  warn.mockRestore();
  // Before its server: a channel that loses its server first goes on looking for it.
  open.unshift({ close: () => client.dispose() });
  return client;
}

export async function closeEverything(): Promise<void> {
  for (const one of open.splice(0)) await one.close();
}

/** Per-call credentials are ignored by an insecure server; what they do is choose the path. */
export const PLAIN = { credentials: { username: 'nobody', password: 'nothing' } };
export const BATCH = {};
export const PATHS: readonly (readonly [string, object])[] = [
  ['plain', PLAIN],
  ['batch', BATCH],
];

export const newId = (): string => random.uuid(clock.wall());
export const event = (given: Partial<JSONEventData> = {}): JSONEventData =>
  jsonEvent({ id: newId(), type: 'Happened', data: {}, ...given }) as JSONEventData;
export const events = (count: number): JSONEventData[] => Array.from({ length: count }, () => event());

/** Polls: what is waited for comes over a socket. */
export async function until(condition: () => boolean, what = String(condition)): Promise<void> {
  const end = clock.monotonic() + 20_000;
  while (!condition()) {
    if (clock.monotonic() > end) throw new Error(`waited in vain for ${what}`);
    await clock.sleep(2);
  }
}

/** Whether it has settled by now, without waiting for it. */
export function settled(promise: Promise<unknown>): () => boolean {
  let over = false;
  promise.then(
    () => (over = true),
    () => (over = true),
  );
  return () => over;
}

/** The error of a promise, as far as it can be told from others. */
export async function failure(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await promise.then(
    (value) => Promise.reject(new Error(`it succeeded with ${String(value)}`)),
    (reason: unknown) => reason as Error & Record<string, unknown>,
  );
  return { ...error, class: error.constructor.name, message: error.message };
}

export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of stream) found.push(one);
  return found;
}

/** Ids of a stream's events, as a read shows them. */
export async function idsIn(client: EventStoreDBClient, stream: string): Promise<string[]> {
  return (await all(client.readStream(stream))).map((resolved) => resolved.event!.id);
}

/** Asks once, so that what is measured afterwards is not the connecting. */
export async function warm(client: EventStoreDBClient): Promise<EventStoreDBClient> {
  // Clients of equal settings share a connection: one that another client's fault has broken may be noticed here first.
  for (let tries = 1; ; tries++) {
    const broken = await client.appendToStream('warm-1', event(), PLAIN).then(
      () => null,
      (error: unknown) => error as Error & { readonly code?: unknown },
    );
    if (broken === null) break;
    if (broken.code !== 14 || tries === 5) throw broken;
    await clock.sleep(20);
  }
  await client.appendToStream('warm-1', event(), BATCH);
  return client;
}
