import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import { SeededRandom, VirtualClock } from '../clock';
import { MemoryEventStore, SupervisedSubscription, eventIds, type EventStore, type NewEvent } from '.';

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
