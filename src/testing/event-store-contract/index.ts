import type { EventStore } from '../../event-store';
import { appendPart } from './append-part';
import type { ContractCase, EventStoreFactory, Sentence } from './contract';
import { idempotencyPart } from './idempotency-part';
import { lifePart } from './life-part';
import { settled, withPatience } from './props';
import { readPart } from './read-part';
import { refusalPart } from './refusal-part';
import { subscriptionPart } from './subscription-part';

export { brokenAdapters, type BrokenAdapter } from './broken-adapters';
export type { ContractCase, EventStoreFactory } from './contract';

const sentences: readonly Sentence[] = [
  ...appendPart,
  ...idempotencyPart,
  ...refusalPart,
  ...readPart,
  ...subscriptionPart,
  ...lifePart,
];

/**
 * The contract of the event-store port as a list of cases, for authors of adapters. It needs no test framework:
 *
 * ```ts
 * for (const { name, run } of eventStoreContract({ open: () => MyStore.open(…) })) it(name, run);
 * ```
 *
 * Each case opens a log of its own and closes it. Cases that need `reopen` or `another` are there only if the factory offers them.
 */
export function eventStoreContract(factory: EventStoreFactory): readonly ContractCase[] {
  return sentences
    .filter(({ needs }) => needs === undefined || factory[needs] !== undefined)
    .map((sentence) => ({
      name: sentence.name,
      run: () => withPatience(factory.patienceMs, () => perform(sentence, factory)),
    }));
}

async function perform({ test }: Sentence, factory: EventStoreFactory): Promise<void> {
  const opened = new Set<EventStore>();
  const keep = async (opening: Promise<EventStore> | undefined): Promise<EventStore> => {
    if (opening === undefined) throw new Error('The factory does not offer this.');
    const store = await opening;
    opened.add(store);
    return store;
  };
  try {
    await test({
      store: await keep(factory.open()),
      reopen: (store) => keep(factory.reopen?.(store)),
      another: (store) => keep(factory.another?.(store)),
    });
  } finally {
    await settled(Promise.all([...opened].map((store) => store.close())));
    await factory.dispose?.();
  }
}
