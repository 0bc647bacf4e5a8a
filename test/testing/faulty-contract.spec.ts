import { AssertionError } from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom, SystemClock, SystemRandom } from '../../src/clock';
import { EmbeddedEventStore, MemoryEventStore, type EventStore } from '../../src/event-store';
import {
  brokenAdapters,
  eventStoreContract,
  FaultyEventStore,
  type EventStoreFactory,
  type FaultRates,
} from '../../src/testing';
import { PatientStore } from './patient-store';

const clock = new SystemClock();
const random = new SystemRandom();

const reads = { refuse: 0.05, executeAndTimeOut: 0.05, duplicate: 0.05, delay: 0.01 } as const;
/** Of what is called a few dozen times in all. */
const seldom = { refuse: 0.25, executeAndTimeOut: 0.25, duplicate: 0.25, delay: 0.25 } as const;
const rates: FaultRates = {
  append: { refuse: 0.05, executeAndTimeOut: 0.08, lose: 0.05, ghost: 0.05, duplicate: 0.07, delay: 0.02 },
  readStream: reads,
  readAll: reads,
  readAt: seldom,
  head: reads,
  identity: seldom,
  keepLast: seldom,
  subscribe: { refuse: 0.2 },
  deliver: { drop: 0.2, delay: 0.02 },
};

/**
 * Cases whose claim is not one of safety, or is one that no caller can hold where answers get lost. All others are claims about what is in the log,
 * what an append may add to it, and what of it a reader or a subscription is given: they hold whatever becomes of the calls.
 */
const leftOut: { readonly [name: string]: string } = {
  'a subscription from the end delivers only what is appended after it was made':
    'broken off before it has handled anything, it has no position to go on from',
  'events that another store on the log appends are delivered too': 'it listens from the end: as above',
  'onCaughtUp is called when everything has been delivered, not before':
    'counts events through a handler: one whose connection breaks off right after it is handled is caught up by another subscription',
  'a handler that rejects ends its subscription with reason handler, and is not called again':
    'who subscribes anew after a break is called again for an event that was not handled',
  'raiseGeneration raises the generation by one and keeps the identity':
    'it is no append: sent again after a lost answer it raises once more (a generation may be left out)',
  'the generation is never raised beyond 511': 'as above',
  'close gives the appends under way their answers': 'of an answer that is lost, `unknown` is the one that is given',
};

let seed = 0;
const faulty = (store: EventStore): EventStore => {
  seed += 1;
  const behind = new FaultyEventStore(
    store,
    { clock, random: new SeededRandom(seed) },
    { rates, delayMs: [0, 2], ghostMs: [0, 5] },
  );
  opened.push(behind);
  return new PatientStore(behind, { clock, random });
};
const opened: FaultyEventStore[] = [];

const memory: EventStoreFactory = {
  open: async () => faulty(new MemoryEventStore({ clock, random })),
  another: async (store) => store,
};

let directory: string;
const file = async () => faulty(await EmbeddedEventStore.open({ path: join(directory, 'log.sqlite'), clock, random }));
const embedded: EventStoreFactory = {
  open: () => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-faulty-'));
    return file();
  },
  reopen: async (store) => {
    await store.close();
    return file();
  },
  another: file,
  dispose: async () => rmSync(directory, { recursive: true, force: true }),
};

describe.each([
  ['in memory', memory],
  ['embedded', embedded],
])(
  'behind faults, to a caller that keeps to the protocol, the store %s keeps its promises of safety:',
  (_, factory) => {
    for (const { name, run } of eventStoreContract(factory)) if (!Object.hasOwn(leftOut, name)) it(name, run);
  },
);

describe('behind faults, the cases still notice an adapter that', () => {
  const sound = async (): Promise<EventStore> => new MemoryEventStore({ clock, random });
  const unseen: readonly string[] = [
    // A wrong event in the middle of an append is refused before any adapter is asked.
    'events of one append are written together or not at all',
    // An adapter that does not wait for its handler does not hear either that a fault broke the connection off.
    'onEvents is never called while an earlier call has not settled',
  ];
  const noticed = brokenAdapters.filter(({ fails }) => !Object.hasOwn(leftOut, fails) && !unseen.includes(fails));
  it.each(noticed)('$name', async ({ fails, wrap }) => {
    const cases = eventStoreContract({ open: async () => faulty(wrap(await sound())), patienceMs: 500 });
    await expect(cases.find(({ name }) => name === fails)?.run()).rejects.toThrow(AssertionError);
  });
});

describe('the cases', () => {
  it('that are left out are there', () => {
    const names = eventStoreContract(embedded).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(leftOut)));
    expect(names.length - Object.keys(leftOut).length).toBeGreaterThanOrEqual(80);
  });
  it('have met every fault', () => {
    const met = new Map<string, number>();
    for (const { counts } of opened) {
      for (const [method, faults] of Object.entries(counts)) {
        for (const [fault, n] of Object.entries(faults)) {
          met.set(`${method} ${fault}`, (met.get(`${method} ${fault}`) ?? 0) + n);
        }
      }
    }
    for (const [method, faults] of Object.entries(rates)) {
      if (faults === seldom) continue;
      for (const fault of Object.keys(faults)) {
        expect([method, fault, (met.get(`${method} ${fault}`) ?? 0) > 0]).toEqual([method, fault, true]);
      }
    }
    for (const fault of Object.keys(seldom)) {
      const all = ['readAt', 'identity', 'keepLast'].map((method) => met.get(`${method} ${fault}`) ?? 0);
      expect(all.reduce((sum, n) => sum + n)).toBeGreaterThan(0);
    }
  });
});
