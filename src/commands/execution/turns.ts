import type { Clock } from '../../clock';

/** Waits no longer than this for the turn: an append that hangs must not hold up a cancel. */
const LONGEST_WAIT_MS = 1_000;

/**
 * Commands of this process on one stream take turns, so that they do not lose races against each other.
 * A courtesy, never a lock: whoever has waited long enough goes ahead, and compare-and-set decides.
 */
export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  constructor(private readonly clock: Clock) {}

  /** Resolves when it is this caller's turn, with the function that ends the turn (idempotent). */
  async take(stream: string, patience: { readonly signal: AbortSignal }): Promise<() => void> {
    const before = this.last.get(stream);
    let end: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.last.set(stream, turn);
    if (before !== undefined) await this.waitFor(before, patience.signal);
    return () => {
      end();
      if (this.last.get(stream) === turn) this.last.delete(stream);
    };
  }

  private async waitFor(before: Promise<void>, signal: AbortSignal): Promise<void> {
    const patience = new AbortController();
    const give = (): void => patience.abort();
    signal.addEventListener('abort', give, { once: true });
    await Promise.race([before, this.clock.sleep(LONGEST_WAIT_MS, patience.signal)]);
    signal.removeEventListener('abort', give);
    patience.abort();
  }
}
