import type { Random } from '../../clock';
import {
  checkFault,
  checkRates,
  faultsOf,
  type Fault,
  type FaultCounts,
  type FaultOf,
  type FaultRates,
  type FaultyCall,
  type FaultyMethod,
  type Span,
} from './faults';

/** What is done to one call. Both times are ms. */
export interface Planned {
  readonly fault: Exclude<Fault, 'delay'> | null;
  readonly beforeMs: number;
  readonly afterMs: number;
  /** In [0, 1): for whatever else the fault leaves open. */
  readonly dice: number;
}

export interface InjectOptions {
  /** The nth call from now on that it aims at, from 1. Default 1. */
  readonly nth?: number;
  /** So many of them in a row. Default 1. */
  readonly times?: number;
  /** Aims at the calls for which it holds. Default: all of the method. */
  readonly when?: (call: FaultyCall) => boolean;
  /** Of a `delay`: how long, ms; it passes before the store is asked. Default: drawn, and split, as by rate. */
  readonly delayMs?: number;
}

interface Injection {
  readonly method: FaultyMethod;
  readonly fault: Fault;
  readonly when: (call: FaultyCall) => boolean;
  readonly delayMs: number | null;
  /** Calls to let pass first. */
  skip: number;
  left: number;
}

type Counts = { [method in FaultyMethod]: { calls: number } & { [fault in Fault]: number } };

/** Says of each call what goes wrong: what a script aims at it, else what the rates draw. The same calls with the same seed have the same faults. */
export class FaultPlan {
  readonly counts: Counts = Object.fromEntries(
    Object.keys(faultsOf).map((method) => [
      method,
      { calls: 0, refuse: 0, executeAndTimeOut: 0, lose: 0, ghost: 0, duplicate: 0, delay: 0, drop: 0 },
    ]),
  ) as Counts;
  private injections: Injection[] = [];

  constructor(
    private readonly random: Random,
    private rates: FaultRates,
    private readonly delayMs: Span,
  ) {
    checkRates(rates);
  }

  setRates(rates: FaultRates): void {
    checkRates(rates);
    this.rates = rates;
  }

  inject<Method extends FaultyMethod>(method: Method, fault: FaultOf<Method>, options: InjectOptions): void {
    checkFault(method, fault, 'inject');
    const { nth = 1, times = 1, when = () => true, delayMs = null } = options;
    for (const [name, value] of Object.entries({ nth, times })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new RangeError(`inject.${name}: ${value} is no count. Give a whole number from 1.`);
      }
    }
    if (delayMs !== null && !(delayMs >= 0 && Number.isFinite(delayMs))) {
      throw new RangeError(`inject.delayMs: ${delayMs} is no time. Give ms, 0 or more.`);
    }
    this.injections.push({ method, fault, when, delayMs, skip: nth - 1, left: times });
  }

  /** Injections that have not met their calls yet. */
  get waiting(): number {
    return this.injections.length;
  }

  next(call: FaultyCall): Planned {
    this.counts[call.method].calls += 1;
    // Always as many draws, so that one fault more or less does not change which calls have the others.
    const [which, whether, length, split, dice] = [0, 0, 0, 0, 0].map(() => this.random.next());
    const delay = this.lengthOf(length);
    const aimed = this.aimedAt(call);
    if (aimed !== null) {
      if (aimed.fault !== 'delay') return { fault: aimed.fault, beforeMs: 0, afterMs: 0, dice };
      this.count(call.method, 'delay');
      if (aimed.delayMs !== null) return { fault: null, beforeMs: aimed.delayMs, afterMs: 0, dice };
      return { fault: null, beforeMs: delay * split, afterMs: delay * (1 - split), dice };
    }
    const rates: { readonly [fault in Fault]?: number } = this.rates[call.method] ?? {};
    const fault = drawn(rates, which);
    if (whether >= (rates.delay ?? 0)) return { fault, beforeMs: 0, afterMs: 0, dice };
    this.count(call.method, 'delay');
    return { fault, beforeMs: delay * split, afterMs: delay * (1 - split), dice };
  }

  /** A fault counts when it is done. */
  count(method: FaultyMethod, fault: Fault): void {
    this.counts[method][fault] += 1;
  }

  snapshot(): FaultCounts {
    return structuredClone(this.counts);
  }

  private lengthOf(dice: number): number {
    const [shortest, longest] = this.delayMs;
    return shortest + dice * (longest - shortest);
  }

  private aimedAt(call: FaultyCall): Injection | null {
    let found: Injection | null = null;
    for (const injection of this.injections) {
      if (injection.method !== call.method || !injection.when(call)) continue;
      if (injection.skip > 0) injection.skip -= 1;
      else found ??= injection;
    }
    if (found !== null && (found.left -= 1) === 0) this.injections = this.injections.filter((one) => one !== found);
    return found;
  }
}

function drawn(rates: { readonly [fault in Fault]?: number }, dice: number): Planned['fault'] {
  let reached = 0;
  for (const fault of ['refuse', 'executeAndTimeOut', 'lose', 'ghost', 'duplicate', 'drop'] as const) {
    reached += rates[fault] ?? 0;
    if (dice < reached) return fault;
  }
  return null;
}
