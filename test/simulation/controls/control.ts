import type { EventStore, NewEvent } from '../../../src/event-store';
import type { Script, SimulationOptions, Substitution } from '../../../src/testing/simulation';

/**
 * One rule of the protocol, broken: by what is put in the place of a port when services are composed, or of one function of the code for the time of
 * the run. There is no switch in the code. A world that leads to the fault must be found out; unbroken, the same world must be found in order.
 */
export interface Control {
  /** Where the protocol says it. */
  readonly rule: string;
  readonly name: string;
  /** What is put in the place of what. */
  readonly broken: string;
  /** By which of the judge's rules it may be caught. */
  readonly caughtBy: readonly string[];
  /** A world that leads to the fault. The seed moves the moments. */
  readonly script: (seed: number) => Script;
  readonly options?: Pick<SimulationOptions, 'substitute' | 'commandId'>;
  /** Puts functions in the place of others; returns how to put them back. */
  readonly replace?: () => () => void;
}

type Methods = Record<string, (...args: never[]) => unknown>;

/** One method of a class, or one function of a module, replaced; gives back how to undo it. */
export function replaced(
  owner: object,
  name: string,
  make: (original: (this: unknown, ...args: unknown[]) => unknown) => (this: never, ...args: never[]) => unknown,
): () => void {
  const methods = owner as Methods;
  const original = methods[name];
  if (typeof original !== 'function') throw new Error(`There is no ${name} to replace.`);
  methods[name] = make(original as never) as never;
  return () => void (methods[name] = original);
}

export function all(...undo: readonly (() => void)[]): () => void {
  return () => {
    for (const one of undo) one();
  };
}

/** Appends pass through `change` before they are sent. */
export function changingAppends(
  change: (events: readonly NewEvent[], stream: string) => readonly NewEvent[],
): Substitution {
  return (ports) => ({
    ...ports,
    store: storeWith(ports.store, {
      append: (stream, expected, events, options) =>
        ports.store.append(stream, expected, nonEmpty(change(events, stream), events), options),
    }),
  });
}

export function storeWith(store: EventStore, changed: Partial<EventStore>): EventStore {
  return {
    append: (...call) => store.append(...call),
    readStream: (...call) => store.readStream(...call),
    readAll: (...call) => store.readAll(...call),
    readAt: (...call) => store.readAt(...call),
    head: () => store.head(),
    subscribe: (options) => store.subscribe(options),
    keepLast: (...call) => store.keepLast(...call),
    identity: () => store.identity(),
    raiseGeneration: () => store.raiseGeneration(),
    close: () => store.close(),
    ...changed,
  };
}

function nonEmpty(changed: readonly NewEvent[], events: readonly NewEvent[]): readonly NewEvent[] {
  return changed.length === 0 ? events : changed;
}
