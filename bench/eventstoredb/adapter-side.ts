import { randomUUID } from 'node:crypto';
import { HoldfastService, resolveOptions, SystemClock, SystemRandom, type EventStore, type NewEvent } from 'holdfast';
import { answerWith } from '../asked-process';
import { openOnServer, optionsAt } from '../place';
import { appendInLoops, restBetween, stopwatch } from './loops';
import {
  templateOf,
  type Appended,
  type CaughtUp,
  type RawOrder,
  type SideOrder,
  type SideRequest,
  type Template,
} from './side';

/** The same as the raw side, through the port; and what is appended is waited for in a view. */
const order = JSON.parse(process.argv[2]) as SideOrder;
const { namespace, after } = order.place.server ?? { namespace: '', after: '0' };
const jobStream = (id: string) => `${namespace}.job-${id}`;
const clock = new SystemClock();
const random = new SystemRandom();
const PATIENCE_MS = 30_000;

const opened = openOnServer();

/** Resolves when it has caught up. */
async function subscribed(store: EventStore, categories: readonly string[]): Promise<{ close(): Promise<void> }> {
  return new Promise((resolve) => {
    const subscription = store.subscribe({
      after: 'end',
      categories,
      onEvents: () => undefined,
      onCaughtUp: () => resolve(subscription),
    });
  });
}

function eventOf(template: Template): NewEvent {
  return { id: randomUUID(), ...template };
}

async function append(stream: string, expected: number | 'no_stream', template: Template): Promise<bigint> {
  const answer = await (await opened).append(stream, expected, [eventOf(template)]);
  if (answer.outcome !== 'appended') throw new Error(`${stream}: ${JSON.stringify(answer)}`);
  return answer.position;
}

async function appends(request: Extract<SideRequest, { ask: 'append' }>): Promise<Appended> {
  const store = await opened;
  const both = await Promise.all(order.subscribed.map((categories) => subscribed(store, categories)));
  const [start, outcome] = order.pair;
  const took = await appendInLoops(request, (n) => {
    const stream = jobStream(`adapter-${process.pid}-${n}`);
    return [
      async () => void (await append(stream, 'no_stream', start)),
      async () => void (await append(stream, 0, outcome)),
    ];
  });
  await Promise.all(both.map((one) => one.close()));
  return { ...took, dropped: 0 };
}

let jobs = 0;

/** A view of its own, and membership's subscription beside it, which a replica that runs no jobs has not. */
async function latencies(samples: number): Promise<readonly number[]> {
  const service = await HoldfastService.open(
    resolveOptions({ service: { name: 'reader' }, role: 'web-only', ...optionsAt(order.place) }),
    { clock, random },
  );
  await service.start();
  const membership = await subscribed(await opened, order.subscribed[1]);
  const times: number[] = [];
  for (let n = -1; n < samples; n++) {
    const template = templateOf(jobs++);
    const { jobId } = JSON.parse(template.data) as { jobId: string };
    const begun = performance.now();
    const position = await append(jobStream(jobId), 'no_stream', template);
    await service.readModel.waitFor(position, PATIENCE_MS);
    // The first one waits for the view to have caught up.
    if (n >= 0) times.push(performance.now() - begun);
    await restBetween();
  }
  await membership.close();
  await service.close();
  return times;
}

async function catchUp(events: number): Promise<CaughtUp> {
  const store = await opened;
  let came = 0;
  const taken = stopwatch(events);
  let all = () => {};
  const done = new Promise<void>((resolve) => (all = resolve));
  const subscription = store.subscribe({
    after: after === '0' ? 'start' : BigInt(after),
    categories: order.subscribed[0],
    onEvents: (found) => {
      came += found.length;
      if (came >= events) all();
    },
  });
  await done;
  const took = taken();
  await subscription.close();
  return took;
}

answerWith(async (request: SideRequest | RawOrder): Promise<unknown> => {
  switch (request.ask) {
    case 'begin':
      return void (await opened);
    case 'append':
      return appends(request);
    case 'latency':
      return latencies(request.samples);
    case 'catch-up':
      return catchUp(request.events);
  }
});
