import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { SystemClock } from '../../clock';
import type {
  AppendOutcome,
  EventStore,
  ExpectedRevision,
  LogPosition,
  NewEvent,
  RecordedEvent,
  SubscribeOptions,
  Subscription,
} from '../../event-store';

const clock = new SystemClock();
/** A case that waits longer has failed; it must not hang. */
const DEFAULT_PATIENCE_MS = 10_000;
const patience = new AsyncLocalStorage<number>();
const patienceMs = () => patience.getStore() ?? DEFAULT_PATIENCE_MS;

/** Runs a case that waits for so long, at most, for anything. */
export function withPatience(ms: number | undefined, run: () => Promise<void>): Promise<void> {
  return ms === undefined ? run() : patience.run(ms, run);
}

export type Appended = Extract<AppendOutcome, { outcome: 'appended' }>;

/** A new event; its type tells it apart. */
export function event(type = 'Happened', data = '{"n":1}', metadata = '{}'): NewEvent {
  return { id: randomUUID(), type, data, metadata };
}

export function events(count: number, type = 'Happened'): NewEvent[] {
  return Array.from({ length: count }, (_, index) => event(type, `{"n":${index}}`));
}

/** Appends; anything but success fails the case. */
export async function appended(
  store: EventStore,
  stream: string,
  expected: ExpectedRevision,
  ...batch: NewEvent[]
): Promise<Appended> {
  const answer = await store.append(stream, expected, batch);
  assert.equal(answer.outcome, 'appended', `append to ${stream} at ${expected}: ${JSON.stringify(answer, shown)}`);
  return answer as Appended;
}

export async function ids(store: EventStore, stream: string): Promise<string[]> {
  const { events: found } = await store.readStream(stream, { direction: 'forwards', limit: 10_000 });
  return found.map(({ id }) => id);
}

export const idsOf = (batch: readonly { readonly id: string }[]): string[] => batch.map(({ id }) => id);
export const typesOf = (batch: readonly { readonly type: string }[]): string[] => batch.map(({ type }) => type);

/** Everything in the log, read in pages. */
export async function everything(
  store: EventStore,
  categories?: readonly string[],
  limit = 100,
): Promise<RecordedEvent[]> {
  const found: RecordedEvent[] = [];
  let after: LogPosition = 'start';
  for (let page = 0; page < 10_000; page++) {
    const slice = await store.readAll({ after, categories, limit });
    found.push(...slice.events);
    after = slice.position;
    if (slice.end) return found;
  }
  assert.fail('reading the log page by page never ended');
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const begun = clock.monotonic();
  while (!condition()) {
    assert.ok(clock.monotonic() - begun < patienceMs(), `waited ${patienceMs()} ms for ${what}`);
    await clock.sleep(1);
  }
}

/** The value of a promise that must settle. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const stop = new AbortController();
  const late = clock.sleep(patienceMs(), stop.signal).then(() => {
    if (!stop.signal.aborted) assert.fail(`waited ${patienceMs()} ms for ${what}`);
  });
  try {
    return (await Promise.race([promise, late])) as T;
  } finally {
    stop.abort();
  }
}

/** Waits for it, but not for ever: in a case that failed a handler may hang. */
export async function settled(promise: Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  await Promise.race([promise, clock.sleep(patienceMs() / 5, stop.signal)]);
  stop.abort();
}

/** Gives everything that is under way the time to do what it should not do. */
export async function lull(): Promise<void> {
  await clock.sleep(30);
}

/** A subscription that keeps what it is given. */
export class Listener {
  readonly batches: (readonly RecordedEvent[])[] = [];
  readonly positions: bigint[] = [];
  caughtUp = 0;
  readonly subscription: Subscription;

  constructor(store: EventStore, options: Partial<SubscribeOptions> = {}) {
    this.subscription = store.subscribe({
      after: 'start',
      onCaughtUp: () => this.caughtUp++,
      onEvents: (batch, position) => {
        this.batches.push(batch);
        this.positions.push(position);
      },
      ...options,
    });
  }

  get heard(): RecordedEvent[] {
    return this.batches.flat();
  }

  async hears(count: number): Promise<void> {
    await until(() => this.heard.length >= count, `${count} events (came: ${this.heard.length})`);
  }
}

function shown(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
