import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import { SeededRandom, VirtualClock, type Random } from '../clock';
import {
  MemoryEventStore,
  SupervisedSubscription,
  eventIds,
  type EventStore,
  type NewEvent,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionEnd,
  type SupervisedSubscriptionOptions,
} from '.';

const random = new SeededRandom(1);
const event = (type: string): NewEvent => ({ id: random.uuid(0), type, data: '{}', metadata: '{}' });

describe('SupervisedSubscription', () => {
  it('goes on after the last handled position when a handler fails, and delivers nothing handled twice', async () => {
    const clock = new VirtualClock();
    const store = new MemoryEventStore({ clock, random });
    await store.append('job-1', 'no_stream', ['a', 'b', 'c', 'd'].map(event));
    const handled: string[] = [];
    const errors: string[] = [];
    let failures = 0;
    const subscription = new SupervisedSubscription(
      { store, clock, random },
      {
        after: 'start',
        batch: 1,
        onEvents: (events) => {
          if (events[0].type === 'c' && failures++ < 3) throw new Error('not yet');
          handled.push(...events.map((e) => e.type));
        },
        onError: (error, kind) => errors.push(`${kind}: ${error.message}`),
      },
    );
    subscription.start();
    await clock.runUntil(() => handled.length === 4);
    expect(handled).toEqual(['a', 'b', 'c', 'd']);
    expect(errors).toEqual(['handler: not yet', 'handler: not yet', 'handler: not yet']);
    expect(subscription.health()).toMatchObject({ state: 'live', position: 4n, restarts: 3 });
    await subscription.close();
    await store.append('job-1', 3, [event('e')]);
    await clock.settle();
    expect(handled).toHaveLength(4);
    expect(clock.pendingTimers()).toEqual([]);
  });

  it('rests between failures with growing, jittered pauses', async () => {
    const clock = new VirtualClock();
    const store = new MemoryEventStore({ clock, random });
    await store.append('job-1', 'no_stream', [event('a')]);
    const at: number[] = [];
    const subscription = new SupervisedSubscription(
      { store, clock, random },
      {
        after: 'start',
        onEvents: () => {
          at.push(clock.monotonic());
          throw new Error('never');
        },
      },
    );
    subscription.start();
    await clock.advance(20_000);
    const rests = at.slice(1).map((t, i) => t - at[i]);
    expect(rests[0]).toBe(0);
    expect(Math.max(...rests)).toBeGreaterThan(2_000);
    expect(Math.max(...rests)).toBeLessThanOrEqual(5_000);
    await subscription.close();
  });
});

describe('a supervised subscription, after the store broke off', () => {
  it('is back within half a second of the end of an outage, however long that was', async () => {
    const clock = new VirtualClock();
    const memory = new MemoryEventStore({ clock, random });
    let out = true;
    let tries = 0;
    const store: EventStore = {
      ...bound(memory),
      subscribe: (options) => {
        tries++;
        if (!out) return memory.subscribe(options);
        return { ended: Promise.resolve({ reason: 'dropped', message: 'out' }), close: () => Promise.resolve() };
      },
    };
    let live = false;
    const subscription = new SupervisedSubscription(
      { store, clock, random },
      { after: 'start', onEvents: () => undefined, onCaughtUp: () => (live = true) },
    );
    subscription.start();
    await clock.advance(60_000);
    expect(tries).toBeLessThan(300);
    out = false;
    await clock.advance(500);
    expect(live).toBe(true);
    await subscription.close();
  });
});

describe('a supervised subscription', () => {
  let clock: VirtualClock;
  let memory: MemoryEventStore;
  let subscribed: SubscribeOptions[];
  let tries: number[];
  /** Stands in for the store where a test says so. */
  let subscribe: ((options: SubscribeOptions) => Subscription) | null;
  const open: SupervisedSubscription[] = [];
  beforeEach(() => {
    clock = new VirtualClock();
    memory = new MemoryEventStore({ clock, random });
    subscribed = [];
    tries = [];
    subscribe = null;
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    expect(clock.pendingTimers()).toEqual([]);
  });

  const append = (...types: string[]) => memory.append('job-1', 'any', types.map(event));
  const supervise = (options: Partial<SupervisedSubscriptionOptions> = {}, dice = 0) => {
    const store: EventStore = {
      ...bound(memory),
      subscribe: (asked) => {
        subscribed.push(asked);
        tries.push(clock.monotonic());
        return (subscribe ?? ((how) => memory.subscribe(how)))(asked);
      },
    };
    const subscription = new SupervisedSubscription(
      { store, clock, random: { next: () => dice } as Random },
      { after: 'start', onEvents: () => undefined, ...options },
    );
    open.push(subscription);
    return subscription;
  };
  const dropped = (): Subscription => ({
    ended: Promise.resolve({ reason: 'dropped', message: 'out' }),
    close: () => Promise.resolve(),
  });
  /** How long it was from each try to the next. */
  const rests = () => tries.slice(1).map((time, i) => time - tries[i]);

  it('is one, however often it is started', async () => {
    const subscription = supervise();
    subscription.start();
    subscription.start();
    await clock.settle();
    expect(subscribed).toHaveLength(1);
  });

  it('asks for what it was told, and goes on behind what was handled', async () => {
    const handled: string[] = [];
    const subscription = supervise({
      after: 'start',
      categories: ['job'],
      batch: 2,
      onEvents: async (events) => {
        await clock.yield();
        if (events[0]?.type === 'c' && subscribed.length < 3) throw new Error('not yet');
        handled.push(...events.map(({ type }) => type));
      },
    });
    await append('a', 'b', 'c', 'd');
    await memory.append('beat-1', 'any', [event('other')]);
    expect(subscription.health()).toEqual({ state: 'idle', position: 'start', restarts: 0, lastError: null });
    subscription.start();
    await clock.runUntil(() => handled.length === 4);
    expect(handled).toEqual(['a', 'b', 'c', 'd']);
    expect(subscribed).toMatchObject([
      { after: 'start', categories: ['job'], batch: 2 },
      { after: 2n, categories: ['job'], batch: 2 },
      { after: 2n, categories: ['job'], batch: 2 },
    ]);
    await clock.settle();
    expect(subscription.health()).toEqual({ state: 'live', position: 5n, restarts: 2, lastError: 'not yet' });
  });

  it.each<[what: string, dice: number, rests: number[]]>([
    ['at least', 0, [0, 25, 50, 100, 200, 250, 250]],
    ['at most', 1, [0, 50, 100, 200, 400, 500, 500]],
  ])('rests, when the store breaks off, %s so long', async (_, dice, expected) => {
    subscribe = dropped;
    supervise({}, dice).start();
    await clock.advance(3_000);
    expect(rests().slice(0, 7)).toEqual(expected);
  });

  it('rests longer when its handler fails', async () => {
    await append('a');
    supervise({ onEvents: () => Promise.reject(new Error('never')) }).start();
    await clock.advance(12_000);
    expect(rests().slice(0, 10)).toEqual([0, 25, 50, 100, 200, 400, 800, 1_600, 2_500, 2_500]);
  });

  it('begins anew at once when something was handled since it failed last', async () => {
    let fails = true;
    const subscription = supervise({
      onEvents: () => {
        if (fails) throw new Error('not now');
      },
    });
    await append('a');
    subscription.start();
    await clock.advance(1_000);
    fails = false;
    await clock.runUntil(() => subscription.health().position === 1n);
    await clock.advance(1_000);
    const before = tries.length;
    expect(before).toBeGreaterThan(4);
    fails = true;
    await append('b');
    await clock.settle();
    expect(tries.slice(before)).toEqual([clock.monotonic()]);
  });

  it('says that it rests, and why', async () => {
    subscribe = dropped;
    const told: string[] = [];
    const subscription = supervise({ onError: ({ message }, kind) => void told.push(`${kind}: ${message}`) });
    subscription.start();
    await clock.advance(1);
    expect(subscription.health()).toEqual({ state: 'resting', position: 'start', restarts: 2, lastError: 'out' });
    expect(told).toEqual(['dropped: out', 'dropped: out']);
    subscribe = null;
    await clock.advance(100);
    expect(subscription.health()).toMatchObject({ state: 'live', restarts: 2 });
  });

  it('goes on though the store throws, whoever is told of it throws, and a handler throws what is no error', async () => {
    let handled = 0;
    await append('a');
    subscribe = () => {
      throw new Error('no connection');
    };
    const subscription = supervise({
      onError: () => {
        throw new Error('nobody listens');
      },
      onEvents: () => {
        if (handled++ === 0) throw 'a text';
      },
    });
    subscription.start();
    await clock.advance(10);
    expect(subscription.health()).toMatchObject({ state: 'resting', lastError: 'no connection' });
    subscribe = null;
    await clock.runUntil(() => handled === 2);
    await clock.settle();
    expect(subscription.health()).toMatchObject({ state: 'live', position: 1n, lastError: 'a text' });
  });

  it('ends with the store', async () => {
    const subscription = supervise();
    subscription.start();
    await clock.settle();
    await memory.close();
    await clock.advance(60_000);
    expect(subscription.health()).toMatchObject({ state: 'closed', restarts: 0 });
    expect(subscribed).toHaveLength(1);
  });

  it('is closed at once while it rests, and leaves no timer', async () => {
    subscribe = dropped;
    const subscription = supervise();
    subscription.start();
    await clock.advance(1);
    expect(clock.pendingTimers()).toEqual(['sleep']);
    await subscription.close();
    expect([clock.pendingTimers(), subscription.health().state]).toEqual([[], 'closed']);
    await clock.advance(60_000);
    expect(subscribed).toHaveLength(2);
  });

  it('is closed when what is under way has been handled, and begins nothing more', async () => {
    const heard: string[] = [];
    let end: () => void = () => undefined;
    const subscription = supervise({
      batch: 1,
      onEvents: (events) => {
        heard.push(events[0].type);
        return new Promise((resolve) => (end = resolve));
      },
    });
    subscription.start();
    await append('a', 'b');
    await clock.settle();
    let closed = false;
    const closing = subscription.close().then(() => (closed = true));
    await clock.settle();
    expect(closed).toBe(false);
    end();
    await closing;
    await clock.settle();
    expect([heard, subscription.health()]).toMatchObject([['a'], { state: 'closed', position: 1n }]);
  });

  it('tells nobody of a connection that breaks off when it is closed', async () => {
    const told: unknown[] = [];
    subscribe = () => {
      let end: (how: SubscriptionEnd) => void = () => undefined;
      const ended = new Promise<SubscriptionEnd>((resolve) => (end = resolve));
      return { ended, close: () => Promise.resolve(end({ reason: 'dropped', message: 'gone' })) };
    };
    const subscription = supervise({ onError: (error) => void told.push(error) });
    subscription.start();
    await clock.settle();
    await subscription.close();
    expect([told, subscription.health()]).toMatchObject([[], { state: 'closed', restarts: 0, lastError: null }]);
  });

  it('is closed before it was started', async () => {
    const subscription = supervise();
    await subscription.close();
    expect(subscription.health().state).toBe('closed');
    subscription.start();
    await clock.settle();
    expect(subscribed).toEqual([]);
  });
});

function bound(store: MemoryEventStore): EventStore {
  return {
    append: (...call) => store.append(...call),
    readStream: (...call) => store.readStream(...call),
    readAll: (...call) => store.readAll(...call),
    readAt: (position) => store.readAt(position),
    head: () => store.head(),
    subscribe: (options) => store.subscribe(options),
    keepLast: (...call) => store.keepLast(...call),
    identity: () => store.identity(),
    raiseGeneration: () => store.raiseGeneration(),
    close: () => store.close(),
  };
}

describe('eventIds', () => {
  const append = [
    { type: 'A', data: '{"n":1}' },
    { type: 'B', data: '{}' },
  ];
  const ids = eventIds('c', 's', 4, append);

  it('gives the identical append the identical ids, each event its own', () => {
    expect(eventIds('c', 's', 4, append)).toEqual(ids);
    expect(new Set(ids).size).toBe(2);
  });

  it('gives UUIDv5 of command, stream, revision, content and index, for ever', () => {
    const content = createHash('sha256').update('1:A7:{"n":1}1:B2:{}').digest('hex');
    const name = (index: number) => JSON.stringify(['c', 's', 4, content, index]);
    expect(ids).toEqual([0, 1].map((index) => v5(name(index), '7f0d1c52-6f4e-5d5c-9a0e-3b8f1f6f0a11')));
  });

  it('never gives another decision one of them: other command, stream, revision, or content of any event', () => {
    const others = [
      eventIds('d', 's', 4, append),
      eventIds('c', 't', 4, append),
      eventIds('c', 's', 5, append),
      eventIds('c', 's', 4, [append[0], { type: 'B', data: '[]' }]),
      eventIds('c', 's', 4, [append[0]]),
      eventIds('c', 's', 4, [
        { type: 'A', data: '{"n":1}B' },
        { type: '', data: '{}' },
      ]),
    ];
    for (const other of others) for (const id of other) expect(ids).not.toContain(id);
  });
});
