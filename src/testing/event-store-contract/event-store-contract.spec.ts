import { AssertionError } from 'node:assert/strict';
import { SystemClock, SystemRandom } from '../../clock';
import { MemoryEventStore } from '../../event-store';
import { brokenAdapters, eventStoreContract, type EventStoreFactory } from '.';

const memory: EventStoreFactory = {
  open: async () => new MemoryEventStore({ clock: new SystemClock(), random: new SystemRandom() }),
  another: async (store) => store,
};

describe('the memory store keeps the contract:', () => {
  for (const { name, run } of eventStoreContract(memory)) it(name, run);
});

describe('the contract suite', () => {
  it('has no two cases of one name', () => {
    const names = eventStoreContract(memory).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('leaves out the cases that the factory does not offer', () => {
    const all = eventStoreContract({ ...memory, reopen: async (store) => store }).length;
    expect(eventStoreContract(memory).length).toBeLessThan(all);
    expect(eventStoreContract({ open: memory.open }).length).toBeLessThan(eventStoreContract(memory).length);
  });

  it('has ten broken adapters as controls', () => {
    expect(new Set(brokenAdapters.map(({ name }) => name)).size).toBe(10);
  });

  describe.each(brokenAdapters)('notices an adapter that $name:', ({ fails, wrap }) => {
    it(`fails "${fails}"`, async () => {
      const cases = eventStoreContract({ open: async () => wrap(await memory.open()), patienceMs: 500 });
      const named = cases.find(({ name }) => name === fails);
      if (!named) throw new Error(`there is no case "${fails}"`);
      await expect(named.run()).rejects.toThrow(AssertionError);
    });
  });
});
