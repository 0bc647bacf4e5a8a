import { SeededRandom, VirtualClock } from '../clock';
import { MemoryEventStore, type EventStore } from '../event-store';
import { silentLogger as logger } from '../logging';
import { FactFeed } from './fact-feed';

describe('the feed of facts', () => {
  let clock: VirtualClock;
  let open: number;
  let feed: FactFeed;
  beforeEach(() => {
    clock = new VirtualClock();
    const random = new SeededRandom(1);
    const memory = new MemoryEventStore({ clock, random });
    open = 0;
    const store = new Proxy<EventStore>(memory, {
      get: (target, name) => {
        if (name !== 'subscribe') return Reflect.get(target, name) as unknown;
        return (options: Parameters<EventStore['subscribe']>[0]) => {
          const subscription = target.subscribe(options);
          open += 1;
          void subscription.ended.then(() => (open -= 1));
          return subscription;
        };
      },
    });
    feed = new FactFeed({ store, clock, random, namespace: '', logger });
    feed.start();
  });
  afterEach(() => feed.close());

  it('has one subscription, however often it begins anew', async () => {
    await Promise.all([feed.restart(), feed.restart()]);
    await clock.settle();
    expect(open).toBe(1);
    await feed.restart();
    await clock.settle();
    expect(open).toBe(1);
  });

  it('has none when it is closed while it begins anew, nor when it is asked to afterwards', async () => {
    const restarted = feed.restart();
    await feed.close();
    await restarted;
    await feed.restart();
    await clock.settle();
    expect(open).toBe(0);
  });
});
