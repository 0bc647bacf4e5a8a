import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { EventStoreDBClient, END, jsonEvent, START, type AllStreamResolvedEvent } from '@eventstore/db-client';
import { answerWith } from '../asked-process';
import { appendInLoops, restBetween, stopwatch } from './loops';
import type { Appended, CaughtUp, RawOrder, SideOrder, SideRequest, Template } from './side';

/**
 * What the client alone gives: it imports nothing but that, and does with it what the adapter does. Each append goes to the leader as a call of its
 * own (with credentials), and expects a revision. A subscription that the server drops is opened again behind the last event that came; without
 * that, dropped subscriptions would make the appends faster. Nothing is checked, timed, retried, resolved or translated, and events are given to
 * the client as the objects that it takes.
 */
const order = JSON.parse(process.argv[2]) as SideOrder;
const { namespace, after } = order.place.server ?? { namespace: '', after: '0' };
const jobStream = (id: string) => `${namespace}.job-${id}`;

let client: EventStoreDBClient;
let leader: { readonly credentials: RawOrder['credentials']; readonly requiresLeader: true };

type Heard = (event: AllStreamResolvedEvent) => void;

/** As wide as the adapter's, which is set for speed. */
const SEARCH_WINDOW = 1_000;
const BUFFERED = 500;

class Subscription {
  dropped = 0;
  private at: bigint | null = null;
  private stream: (Readable & { unsubscribe(): Promise<void> }) | null = null;
  private closed = false;

  constructor(
    private readonly prefixes: string[],
    private readonly from: bigint | 'start' | 'end',
    private readonly heard: Heard,
  ) {}

  /** Resolves when the server has confirmed it. */
  open(): Promise<void> {
    const at = this.at ?? this.from;
    const fromPosition = at === 'start' ? START : at === 'end' ? END : { commit: at, prepare: at };
    const stream = client.subscribeToAll(
      {
        ...leader,
        fromPosition,
        filter: {
          filterOn: 'streamName',
          prefixes: this.prefixes,
          maxSearchWindow: SEARCH_WINDOW,
          checkpointInterval: 1,
          checkpointReached: () => Promise.resolve(),
        },
      },
      { highWaterMark: BUFFERED },
    ) as unknown as NonNullable<Subscription['stream']>;
    this.stream = stream;
    stream.on('data', (event: AllStreamResolvedEvent) => {
      this.at = event.event?.position?.commit ?? this.at;
      this.heard(event);
    });
    let again = false;
    stream.on('error', () => {
      if (again || this.closed) return;
      again = true;
      this.dropped++;
      void this.open();
    });
    return new Promise((resolve) => stream.once('confirmation', () => resolve()));
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.stream?.unsubscribe().catch(() => undefined);
  }
}

async function withBoth<T>(heard: Heard, use: (both: readonly Subscription[]) => Promise<T>): Promise<T> {
  const [view, membership] = order.subscribed;
  const both = [
    new Subscription([...view], 'end', heard),
    new Subscription([...membership], 'end', () => undefined),
  ] as const;
  try {
    await Promise.all(both.map((one) => one.open()));
    return await use(both);
  } finally {
    await Promise.all(both.map((one) => one.close()));
  }
}

/** As the object that the client takes. */
function eventOf({ type, data, metadata }: Template) {
  const [parsed, meta] = [JSON.parse(data) as object, JSON.parse(metadata) as object];
  return () => jsonEvent({ id: randomUUID(), type, data: parsed as never, metadata: meta as never });
}

async function append(
  stream: string,
  expectedRevision: bigint | 'no_stream',
  template: () => ReturnType<typeof jsonEvent>,
) {
  const answer = await client.appendToStream(stream, template() as never, { expectedRevision, ...leader });
  if (!answer.success) throw new Error(`${stream}: not appended`);
  return answer;
}

const [start, outcome] = order.pair.map(eventOf);
const scheduled = eventOf(order.scheduled);

function appends(request: Extract<SideRequest, { ask: 'append' }>): Promise<Appended> {
  return withBoth(
    () => undefined,
    async (both) => {
      const took = await appendInLoops(request, (n) => {
        const stream = jobStream(`raw-${process.pid}-${n}`);
        return [
          async () => void (await append(stream, 'no_stream', start)),
          async () => void (await append(stream, 0n, outcome)),
        ];
      });
      return { ...took, dropped: both.reduce((sum, { dropped }) => sum + dropped, 0) };
    },
  );
}

let jobs = 0;

async function latencies(samples: number): Promise<readonly number[]> {
  let arrived: (stream: string) => void = () => undefined;
  return withBoth(
    ({ event }) => arrived(event?.streamId ?? ''),
    async () => {
      const times: number[] = [];
      for (let n = 0; n < samples; n++) {
        const stream = jobStream(`raw-latency-${process.pid}-${jobs++}`);
        const arrival = new Promise<void>((resolve) => (arrived = (one) => one === stream && resolve()));
        const begun = performance.now();
        await append(stream, 'no_stream', scheduled);
        await arrival;
        times.push(performance.now() - begun);
        await restBetween();
      }
      return times;
    },
  );
}

async function catchUp(events: number): Promise<CaughtUp> {
  let came = 0;
  const taken = stopwatch(events);
  let all = () => {};
  const done = new Promise<void>((resolve) => (all = resolve));
  const from = after === '0' ? 'start' : BigInt(after);
  const subscription = new Subscription([...order.subscribed[0]], from, () => ++came === events && all());
  await subscription.open();
  await done;
  const took = taken();
  await subscription.close();
  return took;
}

answerWith(async (request: SideRequest | RawOrder): Promise<unknown> => {
  switch (request.ask) {
    case 'begin':
      // About keep-alive below 10 s, which is as the adapter has it.
      console.warn = () => undefined;
      client = EventStoreDBClient.connectionString(request.connection);
      leader = { credentials: request.credentials, requiresLeader: true };
      return;
    case 'append':
      return appends(request);
    case 'latency':
      return latencies(request.samples);
    case 'catch-up':
      return catchUp(request.events);
  }
});
