import type { Trouble } from './troubles';

/** What came over whom, and when: so that a verdict can be told from a false one. */
export class TroubleHistory {
  private readonly past: { readonly place: string; readonly from: number; readonly to: number }[] = [];

  /** An outage of the log, which comes over all, is no excuse for a verdict. */
  note(trouble: Trouble, place: string | null, from: number, to: number): void {
    if (place !== null) this.past.push({ place, from, to });
    void trouble;
  }

  befell(place: string, from: number, to: number): boolean {
    return this.past.some((one) => one.place === place && one.from <= to && one.to >= from);
  }
}
