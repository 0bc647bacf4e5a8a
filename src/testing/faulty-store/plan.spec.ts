import { faultsOf, type Fault, type FaultRates } from '.';
import { event, scene } from './scene.fixture';

describe('a script', () => {
  it('aims at the nth call that it means, and so many in a row; others are not touched', async () => {
    const { store } = scene();
    const starts = ({ types }: { types: readonly string[] }) => types.includes('Start');
    store.inject('append', 'refuse', { nth: 2, times: 2, when: starts });
    const outcomes: string[] = [];
    for (const type of ['Start', 'Other', 'Start', 'Other', 'Start', 'Start']) {
      outcomes.push((await store.append(`job-${outcomes.length}`, 'any', [event(type)])).outcome);
    }
    expect(outcomes).toEqual(['appended', 'appended', 'unavailable', 'appended', 'unavailable', 'appended']);
    expect(store.injectionsLeft).toBe(0);
  });
  it('counts every injection from when it was made', async () => {
    const { store } = scene();
    store.inject('append', 'refuse', { nth: 2 });
    store.inject('append', 'lose', { nth: 3 });
    store.inject('head', 'refuse');
    const outcomes: string[] = [];
    for (let n = 0; n < 4; n += 1) outcomes.push((await store.append(`job-${n}`, 'any', [event()])).outcome);
    expect(outcomes).toEqual(['appended', 'unavailable', 'unknown', 'appended']);
    expect(store.injectionsLeft).toBe(1);
  });
  it('is refused when it asks for what cannot be', () => {
    const { store } = scene();
    expect(() => store.inject('head', 'ghost' as never)).toThrow(
      /head cannot have the fault ghost. Name one of refuse/,
    );
    expect(() => store.inject('append', 'lose', { nth: 0 })).toThrow(/inject.nth: 0 is no count/);
    expect(() => store.inject('append', 'delay', { delayMs: -1 })).toThrow(/inject.delayMs: -1 is no time/);
  });
});

describe('rates', () => {
  const faults = async (seed: number, rates: FaultRates): Promise<string[]> => {
    const { store } = scene({ rates }, seed);
    const outcomes: string[] = [];
    for (let n = 0; n < 400; n += 1) outcomes.push((await store.append(`job-${n}`, 'no_stream', [event()])).outcome);
    return outcomes;
  };
  const rates = { append: { refuse: 0.2, executeAndTimeOut: 0.1, lose: 0.1 } };
  it('are about met, by the same calls with the same seed, and by others with another', async () => {
    const first = await faults(7, rates);
    expect(await faults(7, rates)).toEqual(first);
    expect(await faults(8, rates)).not.toEqual(first);
    const share = (outcome: string) => first.filter((one) => one === outcome).length / first.length;
    expect(Math.abs(share('unavailable') - 0.2)).toBeLessThan(0.06);
    expect(Math.abs(share('unknown') - 0.2)).toBeLessThan(0.06);
  });
  it('change nothing about which calls have the others', async () => {
    const fewer = await faults(7, { append: { refuse: 0.2 } });
    const more = await faults(7, rates);
    fewer.forEach((outcome, n) => expect([n, outcome === 'unavailable']).toEqual([n, more[n] === 'unavailable']));
  });
  it('can be set anew, and taken away', async () => {
    const { store } = scene({ rates: { head: { refuse: 1 } } });
    await expect(store.head()).rejects.toThrow();
    store.setRates({});
    expect(await store.head()).toBe('start');
  });
  it.each<[string, object, RegExp]>([
    ['a method that is none', { write: { refuse: 1 } }, /rates.write: no such method. Name one of append/],
    ['a fault that the method cannot have', { head: { lose: 1 } }, /rates.head: head cannot have the fault lose/],
    ['a rate above one', { head: { refuse: 1.5 } }, /rates.head.refuse: 1.5 is no rate. Give a number from 0 to 1/],
    ['rates that exclude one another', { append: { lose: 0.7, ghost: 0.7 } }, /rates.append: the rates add up to 1.4/],
  ])('refuse %s', (_, wrong, words) => {
    expect(() => scene({ rates: wrong as FaultRates })).toThrow(words);
    expect(() => scene().store.setRates(wrong as FaultRates)).toThrow(words);
  });
  it('refuse spans that run backwards', () => {
    expect(() => scene({ delayMs: [5, 1] })).toThrow(/delayMs: \[5, 1\] is no span/);
    expect(() => scene({ ghostMs: [-1, 1] })).toThrow(/ghostMs/);
  });
});

describe('closing a faulty store', () => {
  it('lets delayed calls go on at once and answers them, lands no ghost, and leaves no timer', async () => {
    const { store, memory, clock } = scene({ delayMs: [60_000, 60_000], closesStore: false });
    store.inject('append', 'delay');
    store.inject('append', 'ghost', { nth: 2 });
    const delayed = store.append('job-1', 'no_stream', [event('delayed')]);
    await store.append('job-2', 'no_stream', [event('ghost')]);
    await Promise.all([store.close(), store.close()]);
    expect(await delayed).toMatchObject({ outcome: 'appended' });
    await clock.settle();
    expect(clock.pendingTimers()).toEqual([]);
    expect((await memory.readAll({ after: 'start', limit: 9 })).events.map(({ type }) => type)).toEqual(['delayed']);
    expect(await store.append('job-3', 'any', [event()])).toMatchObject({ outcome: 'refused', code: 'closed' });
    await expect(store.head()).rejects.toMatchObject({ code: 'closed' });
    expect(await store.subscribe({ after: 'start', onEvents: () => undefined }).ended).toEqual({ reason: 'closed' });
  });
  it('closes the store behind it, unless others use that too', async () => {
    for (const closesStore of [true, false]) {
      const { store, memory } = scene({ closesStore });
      await store.close();
      const { outcome } = await memory.append('job-1', 'any', [event()]);
      expect(outcome).toBe(closesStore ? 'refused' : 'appended');
    }
  });
  it('has counted every fault that any method can have', () => {
    const known = new Set<Fault>(Object.values(faultsOf).flat());
    const { store } = scene();
    for (const counts of Object.values(store.counts)) {
      expect(Object.keys(counts).sort()).toEqual(['calls', ...known].sort());
    }
  });
});
