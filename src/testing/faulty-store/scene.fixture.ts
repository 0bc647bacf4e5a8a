import { SeededRandom, VirtualClock } from '../../clock';
import { MemoryEventStore, type NewEvent } from '../../event-store';
import { FaultyEventStore, type FaultyEventStoreOptions } from '.';

let made = 0;
export const event = (type = 'Happened'): NewEvent => {
  made += 1;
  return { id: `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`, type, data: '{}', metadata: '{}' };
};

/** A faulty store on one in memory, and what that holds. */
export function scene(options: FaultyEventStoreOptions = {}, seed = 1) {
  const clock = new VirtualClock();
  const memory = new MemoryEventStore({ clock, random: new SeededRandom(1) });
  const store = new FaultyEventStore(memory, { clock, random: new SeededRandom(seed) }, options);
  const types = async (stream = 'job-1') =>
    (await memory.readStream(stream, { direction: 'forwards', limit: 1_000 })).events.map(({ type }) => type);
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    void work.then(
      () => (done = true),
      () => (done = true),
    );
    await clock.runUntil(() => done);
    return work;
  };
  return { clock, memory, store, types, settled };
}
