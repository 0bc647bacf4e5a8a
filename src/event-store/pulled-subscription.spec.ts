import { PulledSubscription, type AllSlice, type RecordedEvent, type SubscribeOptions } from '.';

/** A log of bare positions that is pulled in slices. */
class Scene {
  head = 0n;
  pulls = 0;
  broken = false;
  /** While a slice is on its way. */
  meanwhile: () => void | Promise<void> = () => undefined;
  readonly handled: bigint[] = [];
  caughtUp = 0;

  open(options: Partial<SubscribeOptions> = {}): PulledSubscription {
    const onEvents: SubscribeOptions['onEvents'] = (events) =>
      void this.handled.push(...events.map(({ position }) => position));
    const all = { after: 'start' as const, onEvents, onCaughtUp: () => void this.caughtUp++, ...options };
    return new PulledSubscription('start', all, (after, limit) => this.pull(after === 'start' ? 0n : after, limit));
  }

  private async pull(after: bigint, limit: number): Promise<AllSlice> {
    this.pulls += 1;
    const events: RecordedEvent[] = [];
    for (let position = after + 1n; position <= this.head && events.length < limit; position++) {
      events.push({ position } as RecordedEvent);
    }
    const position = events.at(-1)?.position ?? after;
    const end = position === this.head;
    await this.meanwhile();
    if (this.broken) throw new Error('the file is gone');
    return { events, position: position === 0n ? 'start' : position, end } as AllSlice;
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a subscription that pulls', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
  });

  it('misses no wake, at whatever moment that comes', async () => {
    for (let turns = 0; turns < 20; turns++) {
      scene = new Scene();
      scene.head = 1n;
      const wakeAfter = async () => {
        for (let n = 0; n < turns; n++) await Promise.resolve();
        scene.head = 2n;
        subscription.wake();
      };
      const subscription: PulledSubscription = scene.open({
        onCaughtUp: () => {
          if (scene.head === 1n) void wakeAfter();
        },
      });
      subscription.wake();
      await settled();
      expect([turns, scene.handled]).toEqual([turns, [1n, 2n]]);
      await subscription.close();
    }
  });

  it('never delivers inside the call that woke it, nor two batches at once', async () => {
    scene.head = 3n;
    let inside = 0;
    let most = 0;
    const subscription = scene.open({
      batch: 1,
      onEvents: async (events) => {
        most = Math.max(most, ++inside);
        await settled();
        scene.handled.push(events[0].position);
        inside--;
      },
    });
    subscription.wake();
    expect(scene.pulls).toBe(0);
    for (let n = 0; n < 20; n++) {
      subscription.wake();
      await settled();
    }
    expect([scene.handled, most]).toEqual([[1n, 2n, 3n], 1]);
  });

  it('tells that it has caught up once for each time that it had not', async () => {
    const subscription = scene.open();
    subscription.wake();
    await settled();
    subscription.wake();
    await settled();
    expect(scene.caughtUp).toBe(1);
    scene.head = 1n;
    subscription.wake();
    await settled();
    expect([scene.caughtUp, scene.handled]).toEqual([2, [1n]]);
  });

  it('delivers and tells nothing of what comes when it is closed', async () => {
    scene.head = 1n;
    const subscription = scene.open();
    let closing: Promise<void> | null = null;
    scene.meanwhile = () => void (closing = subscription.close());
    subscription.wake();
    await settled();
    await closing;
    subscription.wake();
    await settled();
    expect([scene.handled, scene.caughtUp, scene.pulls]).toEqual([[], 0, 1]);
    expect(await subscription.ended).toEqual({ reason: 'closed' });
  });

  it('is closed when the batch that is under way has been handled', async () => {
    scene.head = 1n;
    let handled: () => void = () => undefined;
    const subscription = scene.open({ onEvents: () => new Promise((resolve) => (handled = resolve)) });
    subscription.wake();
    await settled();
    let closed = false;
    void subscription.close().then(() => (closed = true));
    await settled();
    expect(closed).toBe(false);
    handled();
    await settled();
    expect(closed).toBe(true);
  });

  it('does not tell that it has caught up when it was closed while the last batch was handled', async () => {
    scene.head = 1n;
    const subscription = scene.open({ onEvents: () => void subscription.close() });
    subscription.wake();
    await settled();
    expect(scene.caughtUp).toBe(0);
  });

  it('ends with the store, with its handler, and with who is told that it has caught up', async () => {
    scene.head = 1n;
    const error = new Error('cannot');
    const fails = () => {
      throw error;
    };
    for (const options of [{ onEvents: fails }, { onCaughtUp: fails }]) {
      const subscription = scene.open(options);
      subscription.wake();
      expect(await subscription.ended).toEqual({ reason: 'handler', error });
    }
    scene.broken = true;
    const broken = scene.open();
    broken.wake();
    expect(await broken.ended).toEqual({ reason: 'dropped', message: 'the file is gone' });
    const { pulls } = scene;
    broken.wake();
    await settled();
    expect(scene.pulls).toBe(pulls);
  });

  it.each([0, -1, 1.5, NaN, 10_001])('refuses a batch of %d', (batch) => {
    expect(() => scene.open({ batch })).toThrow(RangeError);
  });
});
