import type { Trouble } from './troubles';

/** What came over whom, and when: so that a verdict can be told from one on a service that nothing was wrong with. */
export class TroubleHistory {
  /** `place` null: over all. */
  private readonly past: { readonly place: string | null; readonly from: number; readonly to: number }[] = [];

  /**
   * An outage of the log, which comes over all alike, is no excuse for a verdict. What strikes single appends is: the dice may lose all heartbeats
   * of one service for failAfter. So is a slow log: what is on its way to one view takes longer than to another, and a view that is behind ends the
   * beats (5.12).
   */
  note(trouble: Trouble, place: string | null, from: number, to: number): void {
    const byDice = 'rate' in trouble && trouble.rate < 1;
    if (place !== null || byDice || trouble.kind === 'slow')
      this.past.push({ place, from, to: to + aftermathMs(trouble) });
  }

  /** A backup was put in the place of the log. */
  restored(place: string, from: number, to: number): void {
    this.past.push({ place, from, to });
  }

  befell(place: string, from: number, to: number): boolean {
    return this.past.some((one) => (one.place ?? place) === place && one.from <= to && one.to >= from);
  }
}

/** One way of an undisturbed connection takes no longer, ms. */
const SLOWEST_MS = 120;

/** How long what was sent while it lasted is on its way afterwards. */
function aftermathMs(trouble: Trouble): number {
  switch (trouble.kind) {
    case 'lag':
      return 2 * trouble.ms;
    case 'ghost':
    case 'duplicate':
    case 'beats':
      return trouble.delayMs;
    case 'slow':
      return SLOWEST_MS * trouble.factor;
    default:
      return 0;
  }
}
