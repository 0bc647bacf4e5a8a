import { Readable } from 'node:stream';
import { SystemClock, SystemRandom } from '../../clock';
import type { LogPosition, RecordedEvent, SubscribeOptions } from '../port';
import { AllSubscription, type SubscriptionPorts } from './all-subscription';
import type { FoundEvent } from './log-client';
import { LogNames } from './log-names';

const clock = new SystemClock();
const names = new LogNames('');
const idAt = (position: number) => `00000000-0000-7000-8000-${String(position).padStart(12, '0')}`;
const found = (position: number, streamId = 'job-1') =>
  ({
    event: {
      id: idAt(position),
      streamId,
      type: 'Happened',
      revision: BigInt(position),
      data: {},
      isJson: true,
      created: new Date(1_000),
      position: { commit: BigInt(position), prepare: BigInt(position) },
    },
  }) as unknown as FoundEvent;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const TOO_SLOW = Object.assign(new Error('10 ABORTED: Consumer too slow to handle event while live'), {
  type: 'timeout',
  code: 10,
});
const LOST = Object.assign(new Error('14 UNAVAILABLE: Connection dropped'), { type: 'unavailable', code: 14 });

/** What the server would send, sent by the test. */
class Sent extends Readable {
  constructor(
    readonly from: LogPosition,
    readonly checkpoint: (position: bigint) => void,
    highWaterMark: number,
  ) {
    super({ objectMode: true, highWaterMark, read: () => undefined });
  }
  send(...positions: number[]): void {
    for (const position of positions) this.push(found(position));
  }
  caughtUp(): void {
    this.emit('caughtUp');
  }
  fail(error: Error): void {
    this.emit('error', error);
  }
}

/** A log that has what the test says, and subscriptions that send what the test says. */
class Scene {
  readonly sessions: Sent[] = [];
  readonly handed: (readonly number[])[] = [];
  readonly positions: bigint[] = [];
  readonly broken: string[] = [];
  readonly heardThen: number[] = [];
  readonly log: { position: number; stream: string }[] = [];
  readonly ports: SubscriptionPorts;
  identity = { id: 'log', generation: 1 };
  newest: LogPosition = 'start';
  buffer = 500;
  subscription!: AllSubscription;

  constructor() {
    this.ports = {
      clock,
      random: new SystemRandom(),
      names,
      open: (from) => (checkpoint) => {
        const sent = new Sent(from, checkpoint, this.buffer);
        this.sessions.push(sent);
        return sent;
      },
      origin: async () => 'start',
      identity: async () => this.identity,
      slice: async (after, categories, limit) => {
        const own = this.log.filter(({ position }) => after === 'start' || BigInt(position) > after);
        const events = own.filter(({ stream }) => !categories || categories.includes(stream.split('-')[0]));
        const head = this.log.length === 0 ? 'start' : BigInt(this.log.at(-1)!.position);
        const position = own.length === 0 ? after : BigInt(own.at(-1)!.position);
        return { events: events.slice(0, limit) as unknown as RecordedEvent[], position, head, end: true };
      },
      readAt: async (position) => {
        const one = this.log.find((entry) => BigInt(entry.position) === position);
        return one ? ({ id: idAt(one.position), position } as RecordedEvent) : null;
      },
      newest: () => this.newest,
      onBroken: (error) => void this.broken.push(error),
      onHeard: () => undefined,
      probeMs: 30,
    };
  }

  has(...positions: number[]): void {
    for (const position of positions) this.log.push({ position, stream: 'job-1' });
  }

  subscribe(options: Partial<SubscribeOptions> = {}, after: LogPosition = 'start'): this {
    this.subscription = new AllSubscription(
      this.ports,
      {
        after,
        categories: ['job'],
        onEvents: (events, position) => {
          this.handed.push(events.map((event) => Number(event.position)));
          this.positions.push(position);
        },
        onCaughtUp: () => this.heardThen.push(this.heard.length),
        ...options,
      },
      Promise.resolve(after),
    );
    return this;
  }

  get heard(): number[] {
    return this.handed.flat();
  }

  async session(n: number): Promise<Sent> {
    await until(() => this.sessions.length > n, `session ${n}`);
    return this.sessions[n];
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const begun = clock.monotonic();
  while (!condition()) {
    if (clock.monotonic() - begun > 5_000) throw new Error(`waited in vain for ${what}`);
    await clock.sleep(1);
  }
}

describe('a subscription of $all', () => {
  let scene: Scene;
  beforeEach(() => (scene = new Scene()));
  afterEach(() => scene.subscription.close());

  it('goes on at once, without gap or duplicate, when the server drops it as too slow', async () => {
    scene.has(...range(1, 60));
    scene.subscribe();
    const first = await scene.session(0);
    first.send(...range(1, 40));
    first.fail(TOO_SLOW);
    const second = await scene.session(1);
    expect(second.from).toBe(40n);
    second.send(...range(41, 60));
    await until(() => scene.heard.length === 60, '60 events');
    expect(scene.heard).toEqual(range(1, 60));
  });

  it('does not rest after it, however often it is dropped, as long as events come', async () => {
    const times = 40;
    scene.has(...range(1, times));
    scene.subscribe();
    const begun = clock.monotonic();
    for (let n = 0; n < times; n++) {
      const session = await scene.session(n);
      session.send(n + 1);
      session.fail(TOO_SLOW);
    }
    await scene.session(times);
    // The shortest rest is 50 ms.
    expect(clock.monotonic() - begun).toBeLessThan(times * 50);
    expect(scene.heard).toEqual(range(1, times));
  });

  it('delivers what had come before it was broken off', async () => {
    scene.has(...range(1, 30));
    scene.subscribe({ batch: 7 });
    const first = await scene.session(0);
    first.send(...range(1, 30));
    first.fail(LOST);
    await until(() => scene.heard.length === 30, '30 events');
    expect((await scene.session(1)).from).toBe(30n);
    expect(Math.max(...scene.handed.map(({ length }) => length))).toBeLessThanOrEqual(7);
  });

  it('does not deliver again what a server sends again', async () => {
    scene.has(...range(1, 12));
    scene.subscribe();
    const first = await scene.session(0);
    first.send(...range(1, 10));
    await until(() => scene.heard.length === 10, '10 events');
    first.fail(TOO_SLOW);
    (await scene.session(1)).send(...range(8, 12));
    await until(() => scene.heard.length === 12, '12 events');
    expect(scene.heard).toEqual(range(1, 12));
  });

  it.each([
    ['an error', (sent: Sent) => sent.fail(LOST)],
    ['a clean end', (sent: Sent) => sent.push(null)],
    ['a close without a word', (sent: Sent) => sent.destroy()],
    [
      'an error that is told twice',
      (sent: Sent) => {
        sent.fail(LOST);
        sent.fail(new Error('aborted'));
      },
    ],
  ])('goes on after %s, from the last position that was handled', async (_what, end) => {
    scene.has(1, 2, 3);
    scene.subscribe();
    const first = await scene.session(0);
    first.send(1, 2);
    await until(() => scene.heard.length === 2, '2 events');
    end(first);
    const second = await scene.session(1);
    expect(second.from).toBe(2n);
    second.send(3);
    await until(() => scene.heard.length === 3, '3 events');
    expect(scene.heard).toEqual([1, 2, 3]);
  });

  it('goes on for ever, with rests that grow, to half a second at the most: whoever rests longer is behind when the server is back', async () => {
    const sleep = jest.spyOn(clock, 'sleep');
    try {
      scene.subscribe();
      const begun = clock.monotonic();
      for (let n = 0; n < 6; n++) (await scene.session(n)).fail(LOST);
      await scene.session(6);
      // 100 + 200 + 400 + 3 × 500, each at least half of it.
      expect(clock.monotonic() - begun).toBeGreaterThanOrEqual(1_095);
      expect(scene.broken).toHaveLength(6);
      expect(Math.max(...sleep.mock.calls.map(([ms]) => ms))).toBeLessThanOrEqual(500);
    } finally {
      sleep.mockRestore();
    }
  });

  it('rests, too, when it is dropped as too slow without having been given anything', async () => {
    scene.subscribe();
    const begun = clock.monotonic();
    for (let n = 0; n < 3; n++) (await scene.session(n)).fail(TOO_SLOW);
    await scene.session(3);
    expect(clock.monotonic() - begun).toBeGreaterThanOrEqual(345);
  });

  it('takes nothing while the handler is at work, and is not made anew before that has settled', async () => {
    scene.has(...range(1, 20));
    let running = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    scene.subscribe({
      batch: 5,
      onEvents: async (events) => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => gates.push(resolve));
        scene.handed.push(events.map(({ position }) => Number(position)));
        running--;
      },
    });
    const first = await scene.session(0);
    first.send(...range(1, 20));
    await until(() => gates.length === 1, 'the handler');
    await clock.sleep(60);
    expect(first.readableLength).toBe(15);
    first.fail(TOO_SLOW);
    await clock.sleep(20);
    expect(scene.sessions).toHaveLength(1);
    // What had come is delivered first.
    for (let n = 0; n < 4; n++) {
      await until(() => gates.length === 1, 'the handler');
      gates.shift()!();
    }
    const second = await scene.session(1);
    expect(second.from).toBe(20n);
    second.send(21);
    await until(() => gates.length === 1, 'the handler');
    gates.shift()!();
    await until(() => scene.heard.length === 21, '21 events');
    expect(most).toBe(1);
    expect(scene.heard).toEqual(range(1, 21));
  });

  it('goes on behind a checkpoint only when everything before it was handled', async () => {
    scene.has(1, 2, 3);
    let release = () => {};
    scene.subscribe({
      onEvents: (events, position) => {
        scene.handed.push(events.map((event) => Number(event.position)));
        scene.positions.push(position);
        return new Promise<void>((resolve) => (release = resolve));
      },
    });
    const first = await scene.session(0);
    first.send(1);
    await until(() => scene.handed.length === 1, 'the first event');
    first.send(2, 3);
    first.checkpoint(90n);
    first.fail(LOST);
    release();
    await until(() => scene.handed.length === 2, 'the others');
    expect(scene.sessions).toHaveLength(1);
    release();
    const second = await scene.session(1);
    expect(second.from).toBe(90n);
    expect(scene.positions).toEqual([1n, 3n]);
  });

  it('loses nothing where checkpoints come between events that wait, while they are taken', async () => {
    scene.has(...range(1, 400));
    const steps: (number | bigint)[] = range(1, 400).flatMap((n) => (n % 3 === 0 ? [n, BigInt(n)] : [n]));
    scene.buffer = 10;
    scene.subscribe({ batch: 50 });
    const first = await scene.session(0);
    // As the client does it: a read sets it going with what is next on the wire.
    first._read = () => {
      for (let n = 0; n < 5 && steps.length > 0; n++) {
        const step = steps.shift()!;
        if (typeof step === 'bigint') first.checkpoint(step);
        else if (!first.push(found(step))) return;
      }
    };
    first.send(steps.shift() as number);
    await until(() => scene.heard.length >= 400, '400 events');
    expect(scene.heard).toEqual(range(1, 400));
  });

  it('moves its position to what this process has appended, not beyond, when a checkpoint lies behind it', async () => {
    scene.newest = 50n;
    scene.subscribe();
    const first = await scene.session(0);
    first.checkpoint(40n);
    await clock.sleep(20);
    expect(scene.positions).toEqual([]);
    first.checkpoint(64n);
    await until(() => scene.positions.length === 1, 'the position');
    expect(scene.positions).toEqual([50n]);
    expect(scene.handed).toEqual([[]]);
  });

  it('moves its position past events of other categories when it is quiet', async () => {
    scene.has(1);
    scene.subscribe();
    const first = await scene.session(0);
    first.send(1);
    first.caughtUp();
    scene.log.push({ position: 7, stream: 'other-1' });
    await until(() => scene.positions.at(-1) === 7n, 'position 7');
    expect(scene.heard).toEqual([1]);
    first.fail(LOST);
    expect((await scene.session(1)).from).toBe(7n);
  });

  it('notices that it has died without saying so, and is made anew', async () => {
    scene.has(1);
    scene.subscribe();
    const first = await scene.session(0);
    first.send(1);
    first.caughtUp();
    await until(() => scene.heard.length === 1, 'the first event');
    scene.has(2);
    const second = await scene.session(1);
    expect(second.from).toBe(1n);
    expect(scene.broken.at(-1)).toMatch(/silent/);
    second.send(2);
    await until(() => scene.heard.length === 2, 'the second event');
  });

  it('is not thought dead while the server scans, as its checkpoints tell', async () => {
    scene.has(9);
    scene.subscribe();
    const first = await scene.session(0);
    for (let n = 1; n < 8; n++) {
      first.checkpoint(BigInt(n));
      await clock.sleep(25);
    }
    expect(scene.sessions).toHaveLength(1);
  });

  it('says that it has caught up once the server says so, and again when more was delivered', async () => {
    scene.has(1, 2, 3);
    scene.subscribe();
    const first = await scene.session(0);
    first.send(1, 2);
    await until(() => scene.heard.length === 2, '2 events');
    expect(scene.heardThen).toEqual([]);
    first.send(3);
    first.caughtUp();
    await until(() => scene.heardThen.length === 1, 'caught up');
    expect(scene.heardThen).toEqual([3]);
    scene.has(4);
    first.send(4);
    await until(() => scene.heardThen.at(-1) === 4, 'caught up again');
  });

  it('finds out that it has caught up where the server does not say so', async () => {
    scene.subscribe();
    await until(() => scene.heardThen.length === 1, 'caught up');
    expect(scene.heardThen).toEqual([0]);
  });

  it.each([
    ['its newest event is another one', (s: Scene) => (s.log[1] = { position: 3, stream: 'job-1' })],
    ['its newest event is not there', (s: Scene) => s.log.splice(1)],
    ['the generation was raised', (s: Scene) => (s.identity = { id: 'log', generation: 2 })],
    ['it is another log', (s: Scene) => (s.identity = { id: 'other', generation: 1 })],
  ])('ends as dropped when the log went back in time: %s', async (_what, restore) => {
    scene.has(1, 2);
    scene.subscribe();
    const first = await scene.session(0);
    first.send(1, 2);
    await until(() => scene.heard.length === 2, '2 events');
    restore(scene);
    first.fail(LOST);
    expect(await scene.subscription.ended).toMatchObject({ reason: 'dropped', message: expect.stringMatching(/log/) });
    expect(scene.sessions).toHaveLength(1);
  });

  it('does not go on before it could compare the log', async () => {
    scene.has(1);
    scene.subscribe();
    const first = await scene.session(0);
    first.send(1);
    await until(() => scene.heard.length === 1, 'the first event');
    const { identity } = scene;
    Object.defineProperty(scene, 'identity', {
      configurable: true,
      get: () => {
        throw LOST;
      },
    });
    first.fail(LOST);
    await until(() => scene.broken.length >= 3, 'some tries');
    expect(scene.sessions).toHaveLength(1);
    Object.defineProperty(scene, 'identity', { value: identity });
    expect((await scene.session(1)).from).toBe(1n);
  });

  it('ends with the error of a handler, and closes what it had open', async () => {
    const error = new Error('cannot');
    scene.subscribe({
      onEvents: () => {
        throw error;
      },
    });
    const first = await scene.session(0);
    first.send(1, 2);
    expect(await scene.subscription.ended).toEqual({ reason: 'handler', error });
    await until(() => first.destroyed, 'the end of the session');
  });

  it('is closed while it rests, or before it began', async () => {
    scene.subscribe();
    (await scene.session(0)).fail(LOST);
    await scene.subscription.close();
    expect(await scene.subscription.ended).toEqual({ reason: 'closed' });
    const other = new Scene().subscribe();
    await other.subscription.close();
    await clock.sleep(20);
    expect(other.sessions).toHaveLength(0);
  });
});
