import type { Trouble } from './troubles';

/** What came over whom, and when: so that a verdict can be told from one on a service that nothing was wrong with. */
export class TroubleHistory {
  private readonly past: { readonly place: string; readonly from: number; readonly to: number }[] = [];

  /** An outage of the log, which comes over all, is no excuse for a verdict. */
  note(trouble: Trouble, place: string | null, from: number, to: number): void {
    if (place !== null) this.past.push({ place, from, to: to + aftermathMs(trouble) });
  }

  befell(place: string, from: number, to: number): boolean {
    return this.past.some((one) => one.place === place && one.from <= to && one.to >= from);
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
