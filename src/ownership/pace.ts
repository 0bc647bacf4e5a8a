import type { Clock } from '../clock';

/** No turn of the event loop is held longer than this, ms. */
const LONGEST_TURN_MS = 5;

/** Lets a long pass give way in time. */
export class Pace {
  private since: number;
  private rested = 0;

  constructor(private readonly clock: Clock) {
    this.since = clock.monotonic();
  }

  /** Call between two pieces of work. Undefined: go on at once. */
  breathe(): Promise<void> | undefined {
    return this.clock.monotonic() - this.since >= LONGEST_TURN_MS ? this.rest() : undefined;
  }

  /** How long this pass has held the event loop, without the turns that it gave to others. Milliseconds. */
  get spentMs(): number {
    return this.rested + (this.clock.monotonic() - this.since);
  }

  private async rest(): Promise<void> {
    this.rested += this.clock.monotonic() - this.since;
    await this.clock.yield();
    this.since = this.clock.monotonic();
  }
}
