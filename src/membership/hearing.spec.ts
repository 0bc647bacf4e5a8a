import { SeededRandom, VirtualClock } from '../clock';
import { MemoryEventStore, StoreUnavailableError, type EventStore } from '../event-store';
import { silentLogger } from '../logging';
import { Hearing } from './hearing';

const SECOND_LOOK = 1_000;

let clock: VirtualClock;
let random: SeededRandom;
let store: EventStore;
let heard: string[];
let hearing: Hearing;
let wentBack: number;
/** The log that answers now. */
let current: EventStore;
let failsOn: string | null;
beforeEach(() => {
  clock = new VirtualClock();
  random = new SeededRandom(1);
  store = current = new MemoryEventStore({ clock, random });
  heard = [];
  wentBack = 0;
  failsOn = null;
  const through = new Proxy(store, {
    get: (_, name) => {
      const value: unknown = Reflect.get(current, name);
      return typeof value === 'function' ? (value as (...a: unknown[]) => unknown).bind(current) : value;
    },
  });
  hearing = new Hearing(
    { store: through, clock, random, logger: silentLogger },
    { namespace: 'acme', secondLookMs: SECOND_LOOK },
    {
      fact: (id, event, { revision }) => {
        const text = `${id} ${event.type} ${revision}`;
        if (text === failsOn) {
          failsOn = null;
          throw new Error('listener');
        }
        heard.push(text);
      },
      beat: (id, beat, { revision }) => heard.push(`${id} ${beat === null ? 'unreadable beat' : 'beat'} ${revision}`),
      caughtUp: () => heard.push('caught up'),
      wentBack: () => (wentBack += 1),
    },
  );
});
afterEach(() => hearing.close());

const stop = { serviceId: 'a', incarnation: 'i1', leftovers: [], at: 0 };
const beat = {
  at: 0,
  serviceId: 'a',
  incarnation: 'i1',
  sequence: 1,
  owned: 0,
  running: 0,
  loopDelayMs: 0,
  clockSkewMs: 0,
  probe: false,
};
const append = async (to: EventStore, stream: string, type: string, data: object) => {
  const outcome = await to.append(stream, 'any', [
    { id: random.uuid(clock.wall()), type, data: JSON.stringify(data), metadata: '{}' },
  ]);
  expect(outcome.outcome).toBe('appended');
};
const compare = async () => {
  const comparing = hearing.compare();
  await clock.advance(SECOND_LOOK);
  await comparing;
};

describe('hearing', () => {
  it('tells facts and beats of its namespace in log order, then that it has caught up, once', async () => {
    await append(store, 'acme.service-a-b', 'ServiceStopped', stop);
    await append(store, 'acme.heartbeat-a', 'ServiceHeartbeat', beat);
    await append(store, 'service-a', 'ServiceStopped', stop);
    await append(store, 'acme.job-a', 'JobPaused', {});
    hearing.start();
    await clock.settle();
    await append(store, 'acme.service-a-b', 'ServiceStopped', stop);
    await clock.settle();
    expect(heard).toEqual(['a-b ServiceStopped 0', 'a beat 0', 'caught up', 'a-b ServiceStopped 1']);
    expect(hearing.position).toBe(5n);
    expect(hearing.heartbeatStream('x')).toBe('acme.heartbeat-x');
  });

  it('tells what it cannot read, too: a fact as unreadable, a beat as one that is there', async () => {
    hearing.start();
    await append(store, 'acme.service-a', 'ServiceTeleported', { at: 0 });
    await append(store, 'acme.service-a', 'ServiceHeartbeat', beat);
    await append(store, 'acme.heartbeat-a', 'ServiceHeartbeat', { at: 0 });
    await clock.settle();
    expect(heard.filter((h) => h !== 'caught up')).toEqual([
      'a $unreadable 0',
      'a $unreadable 1',
      'a unreadable beat 0',
    ]);
  });

  it('tells nothing twice when a listener fails in the middle of a batch', async () => {
    failsOn = 'a ServiceStopped 1';
    for (let n = 0; n < 3; n++) await append(store, 'acme.service-a', 'ServiceStopped', stop);
    hearing.start();
    await clock.advance(1_000);
    expect(heard).toEqual(['a ServiceStopped 0', 'a ServiceStopped 1', 'a ServiceStopped 2', 'caught up']);
  });
});

describe('a log that went back', () => {
  let other: EventStore;
  beforeEach(async () => {
    other = new MemoryEventStore({ clock, random });
    await append(store, 'acme.service-a', 'ServiceStopped', stop);
    await append(store, 'acme.heartbeat-a', 'ServiceHeartbeat', beat);
    hearing.start();
    await clock.settle();
  });

  it('is not the one that goes on', async () => {
    await append(store, 'acme.heartbeat-a', 'ServiceHeartbeat', beat);
    await compare();
    expect(wentBack).toBe(0);
  });

  it('is not one of which beats have been dropped', async () => {
    await append(store, 'acme.heartbeat-a', 'ServiceHeartbeat', beat);
    await clock.settle();
    await store.keepLast('acme.heartbeat-a', 1);
    await append(store, 'acme.heartbeat-a', 'ServiceHeartbeat', beat);
    await compare();
    expect(wentBack).toBe(0);
  });

  it('has its head below what was heard', async () => {
    await append(other, 'acme.service-a', 'ServiceStopped', stop);
    current = other;
    await compare();
    expect(wentBack).toBe(1);
  });

  it('is empty', async () => {
    current = other;
    await compare();
    expect(wentBack).toBe(1);
  });

  it('has gone on since, with another fact where one was heard', async () => {
    for (let n = 0; n < 5; n++) await append(other, 'acme.service-a', 'ServiceStopped', stop);
    current = other;
    await compare();
    expect(wentBack).toBe(1);
  });

  it('is believed only at a second look', async () => {
    current = other;
    const comparing = hearing.compare();
    await clock.settle();
    expect(wentBack).toBe(0);
    current = store;
    await clock.advance(SECOND_LOOK);
    await comparing;
    expect(wentBack).toBe(0);
  });

  it('is not one that does not answer: it is asked until it does', async () => {
    current = new Proxy(store, {
      get: () => () => Promise.reject(new StoreUnavailableError('down')),
    });
    const comparing = hearing.compare();
    await clock.advance(10 * SECOND_LOOK);
    expect(wentBack).toBe(0);
    current = store;
    await clock.advance(SECOND_LOOK);
    await comparing;
    expect(wentBack).toBe(0);
  });

  it('is found when it answers at last', async () => {
    current = new Proxy(store, {
      get: () => () => Promise.reject(new StoreUnavailableError('down')),
    });
    const comparing = hearing.compare();
    await clock.advance(10 * SECOND_LOOK);
    current = other;
    await clock.advance(2 * SECOND_LOOK);
    await comparing;
    expect(wentBack).toBe(1);
  });

  it('is read anew from its start', async () => {
    await append(other, 'acme.service-z', 'ServiceStopped', stop);
    current = other;
    await hearing.restart();
    await clock.settle();
    expect(heard.slice(-2)).toEqual(['z ServiceStopped 0', 'caught up']);
    await compare();
    expect(wentBack).toBe(0);
  });
});
