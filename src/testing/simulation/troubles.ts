/** What may be wrong with the way between a process and the log, for a while. Rates are from 0 to 1, times are ms of true time. */
export type Trouble =
  /** Nothing passes in that direction. `lands`: what was sent meanwhile arrives when it ends, long after the caller has given up. */
  | { readonly kind: 'cut'; readonly direction: 'out' | 'in' | 'both'; readonly lands: boolean }
  /** Everything takes so many times as long. */
  | { readonly kind: 'slow'; readonly factor: number }
  /** The log cannot be reached, and the client knows at once. */
  | { readonly kind: 'refuse'; readonly rate: number }
  /** The append is executed, and the caller is told nothing but that this is not known. */
  | { readonly kind: 'unknown'; readonly rate: number }
  /** The caller is told that it is not known; the append arrives so much later. */
  | { readonly kind: 'ghost'; readonly rate: number; readonly delayMs: number }
  /** The append arrives once more, so much later. */
  | { readonly kind: 'duplicate'; readonly rate: number; readonly delayMs: number }
  /** What is appended reaches these subscriptions so much later. */
  | { readonly kind: 'lag'; readonly of: 'view' | 'membership' | 'both'; readonly ms: number }
  /** Heartbeats, and nothing else, are lost or come late. */
  | { readonly kind: 'beats'; readonly rate: number; readonly delayMs: number }
  /** Reads of jobs are answered by a node that is so far behind. */
  | { readonly kind: 'stale'; readonly rate: number; readonly ms: number };

export type TroubleKind = Trouble['kind'];

/** A trouble that has come over a process, or over all. */
export interface Befallen {
  readonly trouble: Trouble;
  /** Name of the place in the world; null: all. */
  readonly place: string | null;
  readonly since: number;
}

/** The troubles of the world at this moment. */
export class Troubles {
  private readonly active = new Set<Befallen>();
  private waiters: { readonly clear: () => boolean; readonly run: () => void }[] = [];

  add(trouble: Trouble, place: string | null, since: number): Befallen {
    const befallen = { trouble, place, since };
    this.active.add(befallen);
    return befallen;
  }

  end(befallen: Befallen): void {
    this.active.delete(befallen);
    this.tell();
  }

  clear(): void {
    this.active.clear();
    this.tell();
  }

  /** The newest of that kind that concerns this place; null: none. */
  of<Kind extends TroubleKind>(place: string, kind: Kind): Extract<Trouble, { kind: Kind }> | null {
    let found: Trouble | null = null;
    for (const { trouble, place: whose } of this.active)
      if (trouble.kind === kind && (whose === null || whose === place)) found = trouble;
    return found as Extract<Trouble, { kind: Kind }> | null;
  }

  blocked(place: string, direction: 'out' | 'in'): Extract<Trouble, { kind: 'cut' }> | null {
    for (const { trouble, place: whose } of this.active) {
      if (trouble.kind !== 'cut' || (whose !== null && whose !== place)) continue;
      if (trouble.direction === 'both' || trouble.direction === direction) return trouble;
    }
    return null;
  }

  /** Called once when nothing blocks that direction any more. */
  whenOpen(place: string, direction: 'out' | 'in', run: () => void): void {
    this.waiters.push({ clear: () => this.blocked(place, direction) === null, run });
  }

  private tell(): void {
    const open = this.waiters.filter(({ clear }) => clear());
    if (open.length === 0) return;
    this.waiters = this.waiters.filter((waiter) => !open.includes(waiter));
    for (const { run } of open) run();
  }
}
