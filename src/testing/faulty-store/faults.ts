/**
 * What can go wrong with one call:
 *
 * - `refuse`: the store is not asked. An append is `unavailable` (certainly not written), a read rejects with `StoreUnavailableError`, a subscription
 *   ends as `dropped` before it has delivered anything.
 * - `executeAndTimeOut`: the store does it, and the answer is lost. An append is `unknown`, whatever the store answered; all else rejects with
 *   `StoreUnavailableError`.
 * - `lose`: an append never reaches the store and is `unknown`.
 * - `ghost`: an append is `unknown` now, and reaches the store later, when nobody counts on it any more.
 * - `duplicate`: the call reaches the store twice, at once or the second time late; the caller gets one of the two answers. An append at `any` is never
 *   sent twice: the store would have to write it twice.
 * - `delay`: part of the time passes before the store is asked, the rest before its answer arrives.
 * - `drop`: a subscription ends as `dropped`, right before or right after a batch is handled.
 */
export type Fault = 'refuse' | 'executeAndTimeOut' | 'lose' | 'ghost' | 'duplicate' | 'delay' | 'drop';

/** Per method of the port, the faults that it can have. `deliver` is a batch of events on its way to a subscription. */
export const faultsOf = {
  append: ['refuse', 'executeAndTimeOut', 'lose', 'ghost', 'duplicate', 'delay'],
  readStream: ['refuse', 'executeAndTimeOut', 'duplicate', 'delay'],
  readAll: ['refuse', 'executeAndTimeOut', 'duplicate', 'delay'],
  readAt: ['refuse', 'executeAndTimeOut', 'duplicate', 'delay'],
  head: ['refuse', 'executeAndTimeOut', 'duplicate', 'delay'],
  identity: ['refuse', 'executeAndTimeOut', 'duplicate', 'delay'],
  keepLast: ['refuse', 'executeAndTimeOut', 'duplicate', 'delay'],
  raiseGeneration: ['refuse', 'executeAndTimeOut', 'delay'],
  subscribe: ['refuse'],
  deliver: ['drop', 'delay'],
} as const satisfies { readonly [method: string]: readonly Fault[] };

export type FaultyMethod = keyof typeof faultsOf;
export type FaultOf<Method extends FaultyMethod> = (typeof faultsOf)[Method][number];

/** By method: how many of its calls have which fault, each 0 … 1. Of one call: at most one fault, and a delay. Absent: none. */
export type FaultRates = {
  readonly [Method in FaultyMethod]?: { readonly [fault in FaultOf<Method>]?: number };
};

/** Shortest and longest, ms. */
export type Span = readonly [shortest: number, longest: number];

/** Calls of each method so far, and what was done to them. */
export type FaultCounts = {
  readonly [method in FaultyMethod]: { readonly calls: number } & { readonly [fault in Fault]: number };
};

/** A call, as far as a script may aim at it. */
export interface FaultyCall {
  readonly method: FaultyMethod;
  /** Stream of an append, a read of a stream, or `keepLast`; null for all else. */
  readonly stream: string | null;
  /** Types of the events that are appended or delivered; empty for all else. */
  readonly types: readonly string[];
}

/** @throws RangeError that names method, fault, value, rule and remedy. */
export function checkRates(rates: FaultRates): void {
  for (const [method, faults] of Object.entries(rates)) {
    const possible = Object.hasOwn(faultsOf, method) ? faultsOf[method as FaultyMethod] : undefined;
    if (possible === undefined) {
      throw new RangeError(`rates.${method}: no such method. Name one of ${Object.keys(faultsOf).join(', ')}.`);
    }
    let sum = 0;
    for (const [fault, rate] of Object.entries(faults as { readonly [fault: string]: number })) {
      checkFault(method as FaultyMethod, fault as Fault, `rates.${method}`);
      if (!(rate >= 0 && rate <= 1)) {
        throw new RangeError(`rates.${method}.${fault}: ${String(rate)} is no rate. Give a number from 0 to 1.`);
      }
      if (fault !== 'delay') sum += rate;
    }
    if (sum > 1 + Number.EPSILON * 8) {
      throw new RangeError(
        `rates.${method}: the rates add up to ${sum}. A call has at most one fault: let them be 1 together.`,
      );
    }
  }
}

/** @throws RangeError when the method cannot have this fault. */
export function checkFault(method: FaultyMethod, fault: Fault, where: string): void {
  const possible: readonly Fault[] | undefined = Object.hasOwn(faultsOf, method) ? faultsOf[method] : undefined;
  if (possible?.includes(fault) === true) return;
  throw new RangeError(
    `${where}: ${method} cannot have the fault ${fault}. Name one of ${possible?.join(', ') ?? 'no fault'}.`,
  );
}

/** @throws RangeError that names the option. */
export function checkSpan(name: string, [shortest, longest]: Span): void {
  if (shortest >= 0 && longest >= shortest && Number.isFinite(longest)) return;
  throw new RangeError(
    `${name}: [${shortest}, ${longest}] is no span. Give the shortest and the longest time in ms, 0 or more.`,
  );
}
