import { SeededRandom, VirtualClock } from '../clock';
import { MemoryEventStore, type EventStore } from '../event-store';
import { silentLogger as logger } from '../logging';
import { LogAcquaintance } from './acquaintance';

describe('a log that turns out to be another one', () => {
  let clock: VirtualClock;
  let store: MemoryEventStore;
  let log: LogAcquaintance;
  let told: number;
  beforeEach(async () => {
    clock = new VirtualClock();
    store = new MemoryEventStore({ clock, random: new SeededRandom(1) });
    const asked = new Proxy<EventStore>(store, { get: (_, name) => Reflect.get(store, name) as unknown });
    log = new LogAcquaintance(asked, { clock, logger }, 'a log');
    told = 0;
    log.onOther(() => (told += 1));
    await log.ask();
  });
  afterEach(() => log.close());

  const raised = async () => {
    await store.raiseGeneration();
    return store.identity();
  };

  it('is told of once, whoever has asked it: put back, with a greater generation', async () => {
    log.is(await store.identity());
    expect(told).toBe(0);
    const identity = await raised();
    log.is(identity);
    log.is(identity);
    await log.ask();
    expect([told, log.identity?.generation]).toEqual([1, 2]);
    await raised();
    await log.ask();
    expect(told).toBe(2);
  });

  it('or with another id', async () => {
    store = new MemoryEventStore({ clock, random: new SeededRandom(2) });
    await log.ask();
    expect(told).toBe(1);
  });

  it('is no news to who has said so, whoever asks next', async () => {
    const identity = await raised();
    log.renew();
    log.is(identity);
    await clock.settle();
    expect([told, log.identity?.generation]).toEqual([0, 2]);
    log.is(await raised());
    expect(told).toBe(1);
  });

  it('is not told when it answers for the first time', async () => {
    await raised();
    const first = new LogAcquaintance(store, { clock, logger }, 'a log');
    first.onOther(() => (told += 1));
    await first.ask();
    expect(told).toBe(0);
    first.close();
  });
});
