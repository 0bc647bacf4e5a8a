import type { EventStore } from '../../event-store';

/** How the suite gets at the adapter under test. */
export interface EventStoreFactory {
  /** A store on a new, empty log, for one case alone. */
  open(): Promise<EventStore>;
  /** Where a log outlives its store: closes `store` and opens the same log again. Without it the cases that need it are left out. */
  reopen?(store: EventStore): Promise<EventStore>;
  /** Where several can use one log at once: another store on the log of `store`. Without it the cases that need it are left out. */
  another?(store: EventStore): Promise<EventStore>;
  /** Called after each case, when all its stores are closed. */
  dispose?(): Promise<void>;
  /** How long a case waits for what must happen, ms; default 10,000. */
  readonly patienceMs?: number;
}

/** One sentence of the port's documentation, put to the test. */
export interface ContractCase {
  /** The sentence. Stable: it names the case. */
  readonly name: string;
  /** Rejects (with an AssertionError, as a rule) where the adapter breaks it. */
  run(): Promise<void>;
}

/** What a case works with. */
export interface Scene {
  readonly store: EventStore;
  readonly reopen: (store: EventStore) => Promise<EventStore>;
  readonly another: (store: EventStore) => Promise<EventStore>;
}

export interface Sentence {
  readonly name: string;
  readonly needs?: 'reopen' | 'another';
  readonly test: (scene: Scene) => Promise<void>;
}

/** Collects the sentences of one part of the contract. */
export function part(
  write: (says: (name: string, test: (scene: Scene) => Promise<void>, needs?: Sentence['needs']) => void) => void,
): readonly Sentence[] {
  const sentences: Sentence[] = [];
  write((name, test, needs) => sentences.push({ name, test, needs }));
  return sentences;
}
