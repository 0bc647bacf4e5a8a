import { StoreUnavailableError, type AppendOutcome, type EventStore } from '../../event-store';
import { faultsOf, type FaultRates } from '.';
import { event, scene } from './scene.fixture';

describe('a faulty store that is told to do nothing', () => {
  it('passes everything on', async () => {
    const { store, memory } = scene();
    const batch = [event('a'), event('b')];
    const answer = await store.append('job-1', 'no_stream', batch);
    expect(answer).toEqual({ outcome: 'appended', revision: 1, position: 2n });
    expect(await store.readStream('job-1', { direction: 'forwards', limit: 9 })).toEqual(
      await memory.readStream('job-1', { direction: 'forwards', limit: 9 }),
    );
    expect(await store.head()).toBe(2n);
    expect((await store.readAt(2n))?.type).toBe('b');
    expect((await store.readAll({ after: 1n, limit: 9 })).events).toHaveLength(1);
    expect(await store.identity()).toEqual(await memory.identity());
    expect(await store.raiseGeneration()).toMatchObject({ generation: 2 });
    await store.keepLast('job-1', 1);
    expect(store.counts).toMatchObject({
      append: { calls: 1, refuse: 0 },
      readStream: { calls: 1 },
      head: { calls: 1 },
      keepLast: { calls: 1 },
    });
  });
});

describe('an append', () => {
  it('that is refused is unavailable, and was certainly not written', async () => {
    const { store, types } = scene();
    store.inject('append', 'refuse');
    expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({ outcome: 'unavailable' });
    expect(await types()).toEqual([]);
    expect(store.counts.append).toMatchObject({ calls: 1, refuse: 1 });
  });
  it('that is executed and timed out is unknown, and was written; sent again it is answered', async () => {
    const { store, types } = scene();
    store.inject('append', 'executeAndTimeOut');
    const one = event('a');
    expect(await store.append('job-1', 'no_stream', [one])).toMatchObject({ outcome: 'unknown' });
    expect(await types()).toEqual(['a']);
    expect(await store.append('job-1', 'no_stream', [one])).toMatchObject({ outcome: 'appended', revision: 0 });
  });
  it('that is executed and timed out is unknown also where the store said no', async () => {
    const { store, types } = scene();
    await store.append('job-1', 'no_stream', [event('a')]);
    store.inject('append', 'executeAndTimeOut');
    expect(await store.append('job-1', 'no_stream', [event('b')])).toMatchObject({ outcome: 'unknown' });
    expect(await types()).toEqual(['a']);
  });
  it('that is lost is unknown, and was not written', async () => {
    const { store, types } = scene();
    store.inject('append', 'lose');
    expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({ outcome: 'unknown' });
    expect(await types()).toEqual([]);
  });
  it('that is a ghost is unknown, and lands later', async () => {
    const { store, types, clock } = scene({ ghostMs: [100, 100] });
    store.inject('append', 'ghost');
    expect(await store.append('job-1', 'no_stream', [event('late')])).toMatchObject({ outcome: 'unknown' });
    await clock.advance(99);
    expect(await types()).toEqual([]);
    await clock.advance(1);
    expect(await types()).toEqual(['late']);
  });
  it('that is a ghost lands when it is told to, and is a conflict where the stream has moved', async () => {
    const { store, types, clock } = scene();
    store.inject('append', 'ghost', { times: 2 });
    await store.append('job-1', 'no_stream', [event('first')]);
    await store.append('job-2', 'no_stream', [event('second')]);
    await store.append('job-2', 'no_stream', [event('other')]);
    await store.landGhosts();
    expect([await types('job-1'), await types('job-2')]).toEqual([['first'], ['other']]);
    expect(clock.pendingTimers()).toEqual([]);
  });
  it('that is duplicated is written once, whenever the second sending comes, and answered as appended', async () => {
    const { store, types, clock } = scene({ rates: { append: { duplicate: 1 } }, ghostMs: [5, 50] });
    for (let n = 0; n < 40; n += 1) {
      const answer = await store.append('job-1', n === 0 ? 'no_stream' : n - 1, [event(`e${n}`)]);
      expect(answer).toMatchObject({ outcome: 'appended', revision: n });
    }
    expect(clock.pendingTimers().length).toBeGreaterThan(5);
    await clock.advance(50);
    expect(clock.pendingTimers()).toEqual([]);
    expect(await types()).toEqual(Array.from({ length: 40 }, (_, n) => `e${n}`));
    expect(store.counts.append).toMatchObject({ calls: 40, duplicate: 40 });
  });
  it('that is duplicated, and written by one of the two, is never answered as if it were not', async () => {
    for (const other of [
      { outcome: 'conflict', actual: 0 },
      { outcome: 'unavailable', message: 'none' },
    ] as const) {
      for (const late of [false, true]) {
        const { store, memory } = scene({ rates: { append: { duplicate: 1 } } }, 2);
        for (let n = 0; n < 20; n += 1) {
          const real = memory.append.bind(memory);
          let calls = 0;
          jest.spyOn(memory, 'append').mockImplementation(async (...append) => {
            calls += 1;
            return (calls === 1) === late ? (other as AppendOutcome) : real(...append);
          });
          const answer = await store.append(`job-${n}`, 'no_stream', [event()]);
          const written = (await memory.readStream(`job-${n}`, { direction: 'forwards', limit: 1 })).events.length;
          expect(answer.outcome).toBe(written === 1 ? 'appended' : other.outcome);
          jest.restoreAllMocks();
        }
      }
    }
  });
  it('that is duplicated gives either of the two answers', async () => {
    const { store, memory } = scene({ rates: { append: { duplicate: 1 } } });
    const told = new Set<unknown>();
    for (let n = 0; n < 40; n += 1) {
      let calls = 0;
      jest.spyOn(memory, 'append').mockImplementation(() => {
        calls += 1;
        return Promise.resolve({ outcome: 'unavailable', message: calls === 1 ? 'first' : 'second' });
      });
      const answer = await store.append('job-1', 'no_stream', [event()]);
      told.add('message' in answer ? answer.message : null);
      jest.restoreAllMocks();
    }
    expect([...told].sort()).toEqual(['first', 'second']);
  });
  it('that was answered as a conflict is never sent again: it could be written after all', async () => {
    const { store, types, clock } = scene({ rates: { append: { duplicate: 1 } }, ghostMs: [5, 5] });
    await store.append('job-1', 'no_stream', [event('e0')]);
    for (let n = 0; n < 30; n += 1) {
      expect(await store.append('job-1', 1, [event('too early')])).toMatchObject({ outcome: 'conflict' });
    }
    await store.append('job-1', 0, [event('e1')]);
    await clock.advance(10);
    expect(await types()).toEqual(['e0', 'e1']);
  });
  it('of any revision is never sent twice: the store would write it twice', async () => {
    const { store, types } = scene({ rates: { append: { duplicate: 1 } } });
    for (let n = 0; n < 10; n += 1) await store.append('beat-1', 'any', [event()]);
    expect(await types('beat-1')).toHaveLength(10);
    expect(store.counts.append).toMatchObject({ calls: 10, duplicate: 0 });
  });
  it('that would be a ghost of a store that is closed meanwhile never lands, and leaves no timer', async () => {
    const { store, types, clock, settled } = scene({
      rates: { append: { ghost: 1, delay: 1 } },
      delayMs: [100, 100],
      ghostMs: [100, 100],
      closesStore: false,
    });
    const answer = store.append('job-1', 'no_stream', [event('late')]);
    await clock.advance(10);
    await settled(store.close());
    expect(await answer).toMatchObject({ outcome: 'unknown' });
    expect(clock.pendingTimers()).toEqual([]);
    await clock.advance(1_000);
    expect(await types()).toEqual([]);
  });
  it('that is delayed reaches the store late, and is answered later', async () => {
    const { store, types, clock } = scene({ rates: { append: { delay: 1 } }, delayMs: [100, 100] }, 3);
    let answer: unknown = null;
    void store.append('job-1', 'no_stream', [event()]).then((given) => (answer = given));
    await clock.advance(0);
    expect(await types()).toEqual([]);
    await clock.advance(99);
    expect([await types(), answer]).toEqual([['Happened'], null]);
    await clock.advance(1);
    expect(answer).toMatchObject({ outcome: 'appended' });
  });
  it('that is wrong is refused for good, whatever else fails', async () => {
    for (const fault of faultsOf.append) {
      const { store } = scene({ rates: { append: { [fault]: 1 } } });
      expect(await store.append('', 'any', [event()])).toMatchObject({ outcome: 'refused', code: 'stream-name' });
      expect(store.counts.append.calls).toBe(0);
    }
  });
});

describe('a read', () => {
  const reads: readonly [string, (store: EventStore) => Promise<unknown>][] = [
    ['readStream', (store) => store.readStream('job-1', { direction: 'forwards', limit: 1 })],
    ['readAll', (store) => store.readAll({ after: 'start', limit: 1 })],
    ['readAt', (store) => store.readAt(1n)],
    ['head', (store) => store.head()],
    ['identity', (store) => store.identity()],
    ['keepLast', (store) => store.keepLast('job-1', 5)],
  ];
  it.each(reads)(
    '%s that is refused, or whose answer is lost, rejects with StoreUnavailableError',
    async (name, read) => {
      for (const [fault, asked] of [
        ['refuse', 0],
        ['executeAndTimeOut', 1],
      ] as const) {
        const { store, memory } = scene({ rates: { [name]: { [fault]: 1 } } as FaultRates });
        const behind = jest.spyOn(memory, name as 'head');
        await expect(read(store)).rejects.toBeInstanceOf(StoreUnavailableError);
        expect(behind).toHaveBeenCalledTimes(asked);
      }
    },
  );
  it.each(reads)('%s that is duplicated or delayed gives what the store gives', async (name, read) => {
    const { store, memory, settled } = scene({ rates: { [name]: { duplicate: 1, delay: 1 } } as FaultRates });
    await memory.append('job-1', 'no_stream', [event()]);
    expect(await settled(read(store))).toEqual(await read(memory));
    expect(store.counts).toMatchObject({ [name]: { duplicate: 1, delay: 1 } });
  });
});

describe('a subscription', () => {
  async function drain(rates: FaultRates, seed: number): Promise<{ heard: string[]; ends: string[] }> {
    const { store, memory, clock } = scene({ rates }, seed);
    for (let n = 0; n < 60; n += 1) await memory.append('job-1', 'any', [event(`e${n}`)]);
    const heard: string[] = [];
    const ends: string[] = [];
    let after: bigint | 'start' = 'start';
    while (heard.length < 60) {
      const subscription = store.subscribe({
        after,
        batch: 4,
        onEvents: (events, position) => {
          heard.push(...events.map(({ type }) => type));
          after = position;
        },
      });
      let over = false;
      void subscription.ended.then((end) => {
        ends.push(end.reason);
        over = true;
      });
      await clock.runUntil(() => over || heard.length === 60, { limitMs: 600_000 });
      if (!over) await subscription.close();
    }
    return { heard, ends };
  }
  it('breaks off as dropped before or after a batch; who goes on after what was handled misses and repeats nothing', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { heard, ends } = await drain({ deliver: { drop: 0.4, delay: 0.5 }, subscribe: { refuse: 0.2 } }, seed);
      expect(heard).toEqual(Array.from({ length: 60 }, (_, n) => `e${n}`));
      expect(ends.filter((reason) => reason === 'dropped').length).toBeGreaterThan(1);
    }
  });
  it('ends with the error of its handler, and as closed when it is closed, faults or not', async () => {
    const { store } = scene({ rates: { deliver: { drop: 1 } } });
    const error = new Error('cannot');
    const broken = store.subscribe({ after: 'start', onEvents: () => Promise.reject(error) });
    store.inject('deliver', 'delay', { delayMs: 0, times: 9 });
    const closed = store.subscribe({ after: 'end', onEvents: () => undefined });
    await store.append('job-1', 'any', [event()]);
    expect(await broken.ended).toEqual({ reason: 'handler', error });
    await closed.close();
    expect(await closed.ended).toEqual({ reason: 'closed' });
  });
  it('delivers nothing of a batch that was on its way when it was closed, or broken off', async () => {
    const { store, clock } = scene({ rates: { deliver: { delay: 1 } }, delayMs: [100, 100] });
    const heard: string[] = [];
    const listen = () =>
      store.subscribe({ after: 'start', onEvents: (events) => void heard.push(...events.map(({ type }) => type)) });
    const [closed, broken] = [listen(), listen()];
    await store.append('job-1', 'any', [event()]);
    await clock.advance(50);
    await closed.close();
    await store.dropSubscriptions();
    await clock.advance(100);
    expect(heard).toEqual([]);
    expect([(await closed.ended).reason, (await broken.ended).reason]).toEqual(['closed', 'dropped']);
  });
  it('breaks off before a batch is handled as well as after it', async () => {
    const handled: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const { store } = scene({ rates: { deliver: { drop: 1 } } }, seed);
      let heard = 0;
      const subscription = store.subscribe({ after: 'start', onEvents: () => void heard++ });
      await store.append('job-1', 'any', [event()]);
      expect(await subscription.ended).toMatchObject({ reason: 'dropped' });
      handled.push(heard);
    }
    expect([...new Set(handled)].sort()).toEqual([0, 1]);
  });
  it('that was closed is closed, though its connection breaks off in the same moment', async () => {
    const { store } = scene();
    const subscription = store.subscribe({ after: 'end', onEvents: () => undefined });
    const closing = subscription.close();
    await store.dropSubscriptions();
    await closing;
    expect(await subscription.ended).toEqual({ reason: 'closed' });
  });
  it('whose handler fails while it is broken off ends as the store says: with the error of the handler', async () => {
    const { store, memory } = scene();
    const subscribe = memory.subscribe.bind(memory);
    // A store that lets the handler that is under way have the last word, as an adapter may.
    jest.spyOn(memory, 'subscribe').mockImplementation((options) => {
      let failure: { readonly error: unknown } | null = null;
      const inner = subscribe({
        ...options,
        onEvents: async (...batch) => {
          try {
            await options.onEvents(...batch);
          } catch (error) {
            failure = { error };
            throw error;
          }
        },
      });
      const close = () => inner.close();
      const ended = inner.ended.then(async (end) => {
        await close();
        return failure === null ? end : ({ reason: 'handler', ...failure } as const);
      });
      return { ended, close };
    });
    const error = new Error('cannot');
    let fail: () => void = () => undefined;
    const subscription = store.subscribe({
      after: 'start',
      onEvents: () => new Promise((_, reject) => (fail = () => reject(error))),
    });
    await store.append('job-1', 'any', [event()]);
    const dropping = store.dropSubscriptions();
    fail();
    await dropping;
    expect(await subscription.ended).toEqual({ reason: 'handler', error });
    jest.restoreAllMocks();
  });
});
