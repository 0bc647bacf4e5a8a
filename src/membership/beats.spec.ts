import { SeededRandom, VirtualClock } from '../clock';
import { decode } from '../domain/codec';
import type { ServiceHeartbeat } from '../domain/service';
import {
  MemoryEventStore,
  StoreUnavailableError,
  type AppendOutcome,
  type EventStore,
  type NewEvent,
} from '../event-store';
import { silentLogger } from '../logging';
import { Beats } from './beats';
import { livenessProfiles } from './options';

const liveness = livenessProfiles.default;
const BEAT = liveness.beatMs;
const TIMEOUT = liveness.selfFenceAfterMs / 4;

/** A log whose answers are given by hand. */
class HandStore {
  readonly sent: { readonly event: NewEvent; readonly answer: (outcome: AppendOutcome) => void }[] = [];
  readonly calls: unknown[][] = [];
  readonly kept: unknown[][] = [];
  unavailable = false;
  keepLast(...call: Parameters<EventStore['keepLast']>): Promise<void> {
    this.kept.push(call);
    return this.unavailable ? Promise.reject(new StoreUnavailableError('it does not answer')) : Promise.resolve();
  }
  append(...call: Parameters<EventStore['append']>): Promise<AppendOutcome> {
    this.calls.push([call[0], call[1], call[3]]);
    return new Promise((answer) => this.sent.push({ event: call[2][0], answer }));
  }
}

let clock: VirtualClock;
let store: HandStore;
let beats: Beats;
let acknowledged: [string, number][];
let wentBack: number;
let wanted: number;
let needsPass: boolean;
let withheld: boolean;
let counts: () => { owned: number; running: number };
beforeEach(() => {
  clock = new VirtualClock();
  store = new HandStore();
  acknowledged = [];
  wentBack = wanted = 0;
  needsPass = withheld = false;
  counts = () => ({ owned: 7, running: 2 });
  beats = new Beats(
    {
      store: store as unknown as EventStore,
      clock,
      clusterTime: { now: () => clock.wall() - 250 },
      random: new SeededRandom(1),
      logger: silentLogger,
      counts: () => counts(),
    },
    { serviceId: 'a', stream: 'heartbeat-a', liveness },
    {
      acknowledged: (incarnation, start) => acknowledged.push([incarnation, start.monotonic]),
      wentBack: () => (wentBack += 1),
      needsPass: () => needsPass,
      withheld: () => withheld,
      wantPass: () => (wanted += 1),
    },
  );
});
afterEach(() => beats.stop());

const data = (n: number) => {
  const { type, data: text, metadata } = store.sent[n].event;
  return (decode(type, text, metadata) as ServiceHeartbeat).data;
};
const answer = async (n: number, revision: number) => {
  store.sent[n].answer({ outcome: 'appended', revision, position: BigInt(revision + 1) });
  await clock.settle();
};

describe('beats', () => {
  it('go out at once and then once per beat time, on the urgent lane, at any revision', async () => {
    beats.start('i1');
    await clock.advance(0);
    expect(store.calls).toEqual([['heartbeat-a', 'any', { lane: 'urgent' }]]);
    await answer(0, 0);
    for (let n = 1; n <= 5; n++) {
      await clock.advance(BEAT);
      expect(store.sent).toHaveLength(n + 1);
      await answer(n, n);
    }
    expect(data(5)).toEqual({
      at: clock.wall() - 250,
      serviceId: 'a',
      incarnation: 'i1',
      sequence: 6,
      owned: 7,
      running: 2,
      loopDelayMs: 0,
      clockSkewMs: 250,
      probe: false,
    });
    expect(acknowledged.map(([, start]) => start)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it('count from one again for a new incarnation, and end with stop', async () => {
    beats.start('i1');
    await clock.advance(0);
    beats.start('i2');
    await clock.advance(0);
    expect(data(1)).toMatchObject({ incarnation: 'i2', sequence: 1 });
    beats.stop();
    expect(beats.beating).toBeNull();
    await clock.advance(10 * BEAT);
    expect(store.sent).toHaveLength(2);
  });

  it('at most two are under way; one without an answer is given up after its time-out and never sent again', async () => {
    beats.start('i1');
    await clock.advance(0);
    beats.probe();
    beats.probe();
    expect(store.sent).toHaveLength(2);
    expect(data(1)).toMatchObject({ sequence: 2, probe: true });
    await clock.advance(TIMEOUT);
    const [, , third] = [data(0), data(1), data(2)];
    expect(third.sequence).toBe(3);
    await clock.advance(10 * BEAT);
    expect(new Set(store.sent.map((_, n) => data(n).sequence)).size).toBe(store.sent.length);
    expect(new Set(store.sent.map((s) => s.event.id)).size).toBe(store.sent.length);
  });

  it('an answer after the time-out is still one, from the start of its beat', async () => {
    beats.start('i1');
    await clock.advance(2_500);
    await answer(0, 0);
    expect(acknowledged).toEqual([['i1', 0]]);
  });

  it('none but an acknowledged one counts', async () => {
    beats.start('i1');
    await clock.advance(0);
    store.sent[0].answer({ outcome: 'unavailable', message: 'down' });
    await clock.advance(BEAT);
    store.sent[1].answer({ outcome: 'unknown', message: 'down' });
    await clock.settle();
    expect(acknowledged).toEqual([]);
  });

  it('wait for a completed pass since the last one, and ask for it', async () => {
    needsPass = true;
    beats.start('i1');
    await clock.advance(0);
    await answer(0, 0);
    expect(wanted).toBe(1);
    await clock.advance(5 * BEAT);
    expect(store.sent).toHaveLength(1);
    beats.probe();
    expect(store.sent).toHaveLength(1);
    expect(wanted).toBe(7);
    beats.passCompleted();
    await clock.advance(2 * BEAT);
    expect(store.sent).toHaveLength(2);
  });

  it('are withheld, probes too, while the service must not be heard as alive', async () => {
    withheld = true;
    beats.start('i1');
    await clock.advance(5 * BEAT);
    beats.probe();
    expect(store.sent).toHaveLength(0);
    withheld = false;
    await clock.advance(BEAT);
    expect(store.sent).toHaveLength(1);
  });

  it('a probe needs a pass of its own too, and asks for it', async () => {
    needsPass = true;
    beats.start('i1');
    await clock.advance(0);
    await answer(0, 0);
    beats.passCompleted();
    beats.probe();
    expect(store.sent).toHaveLength(2);
    expect(data(1).probe).toBe(true);
    await answer(1, 1);
    expect(wanted).toBe(2);
    beats.probe();
    await clock.advance(BEAT);
    expect(store.sent).toHaveLength(2);
  });

  it('one that cannot be made is none, and the next one is tried', async () => {
    counts = () => {
      throw new Error('the view is closed');
    };
    beats.start('i1');
    await clock.advance(2 * BEAT);
    beats.probe();
    expect(store.sent).toHaveLength(0);
    counts = () => ({ owned: 1, running: 0 });
    await clock.advance(BEAT);
    expect(store.sent).toHaveLength(1);
  });

  it('tell the log how many of them to keep: ten times failAfter of them, until it has answered', async () => {
    store.unavailable = true;
    beats.start('i1');
    await clock.advance(BEAT);
    expect(store.kept).toHaveLength(2);
    store.unavailable = false;
    await clock.advance(5 * BEAT);
    expect(store.kept).toHaveLength(3);
    const [stream, count] = store.kept[2];
    expect(stream).toBe('heartbeat-a');
    expect(count).toBeGreaterThanOrEqual(256);
  });

  it('tell the largest delay of the event loop since the last one', async () => {
    let slow = 0;
    const late = new Proxy(clock, {
      get: (target, name) =>
        name === 'monotonic' ? () => target.monotonic() + slow : Reflect.get(target, name).bind(target),
    });
    const own = new Beats(
      {
        store: store as unknown as EventStore,
        clock: late,
        clusterTime: { now: () => clock.wall() },
        random: new SeededRandom(1),
        logger: silentLogger,
        counts: () => ({ owned: 0, running: 0 }),
      },
      { serviceId: 'a', stream: 'heartbeat-a', liveness },
      {
        acknowledged: () => undefined,
        wentBack: () => undefined,
        needsPass: () => false,
        withheld: () => false,
        wantPass: () => undefined,
      },
    );
    own.start('i1');
    slow = 340;
    await clock.advance(0);
    expect(data(0).loopDelayMs).toBe(340);
    own.stop();
  });
});

describe('read back', () => {
  it('once, with its start and its acknowledgement', async () => {
    beats.start('i1');
    await clock.advance(0);
    await clock.advance(40);
    await answer(0, 0);
    await clock.advance(60);
    const beat: ServiceHeartbeat = { type: 'ServiceHeartbeat', data: data(0) };
    expect(beats.readBack(beat)).toEqual({ start: { monotonic: 0, boot: 0 }, acknowledged: 40 });
    expect(beats.readBack(beat)).toBeNull();
  });

  it('before its answer: acknowledged now', async () => {
    beats.start('i1');
    await clock.advance(30);
    const beat: ServiceHeartbeat = { type: 'ServiceHeartbeat', data: data(0) };
    expect(beats.readBack(beat)).toEqual({ start: { monotonic: 0, boot: 0 }, acknowledged: 30 });
  });

  it('of another process under the same id: not ours', async () => {
    beats.start('i1');
    await clock.advance(0);
    const beat = { type: 'ServiceHeartbeat', data: { ...data(0), incarnation: 'other' } } as ServiceHeartbeat;
    expect(beats.readBack(beat)).toBeNull();
  });
});

describe('a log that went back', () => {
  beforeEach(async () => {
    beats.start('i1');
    await clock.advance(0);
    await answer(0, 10);
    await clock.advance(BEAT);
  });

  it.each([10, 9, 0])('is one that answers revision %d after 10', async (revision) => {
    await answer(1, revision);
    expect(wentBack).toBe(1);
    expect(acknowledged).toHaveLength(1);
  });

  it('is not one that answers two beats under way in the other order', async () => {
    beats.probe();
    await answer(2, 12);
    await answer(1, 11);
    expect(wentBack).toBe(0);
    expect(acknowledged).toHaveLength(3);
  });

  it('is not seen in an answer of the log that was left', async () => {
    const before = acknowledged.length;
    beats.forgetRevisions();
    await answer(1, 900);
    expect(acknowledged).toHaveLength(before);
    await clock.advance(BEAT);
    await answer(2, 3);
    expect(wentBack).toBe(0);
    expect(acknowledged).toHaveLength(before + 1);
  });

  it('is forgotten with its revisions', async () => {
    beats.forgetRevisions();
    await answer(1, 0);
    expect(wentBack).toBe(0);
  });
});

it('on a real log: the beats are in its stream', async () => {
  const memory = new MemoryEventStore({ clock, random: new SeededRandom(2) });
  const own = new Beats(
    {
      store: memory,
      clock,
      clusterTime: { now: () => 0 },
      random: new SeededRandom(1),
      logger: silentLogger,
      counts: () => ({ owned: 0, running: 0 }),
    },
    { serviceId: 'a', stream: 'heartbeat-a', liveness },
    {
      acknowledged: () => undefined,
      wentBack: () => undefined,
      needsPass: () => false,
      withheld: () => false,
      wantPass: () => undefined,
    },
  );
  own.start('i1');
  await clock.advance(3 * BEAT);
  own.stop();
  const { events } = await memory.readStream('heartbeat-a', { direction: 'forwards', limit: 10 });
  expect(events.map((e) => [e.type, e.revision])).toEqual([0, 1, 2, 3].map((n) => ['ServiceHeartbeat', n]));
});
