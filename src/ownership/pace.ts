import type { Clock } from '../clock';

/** No turn of the event loop is held longer than this, ms. */
const LONGEST_TURN_MS = 5;

/** Lets a long pass give way in time. */
export class Pace {
  private since: number;

  constructor(private readonly clock: Clock) {
    this.since = clock.monotonic();
  }

  /** Call between two pieces of work. Undefined: go on at once. */
  breathe(): Promise<void> | undefined {
    return this.clock.monotonic() - this.since >= LONGEST_TURN_MS ? this.rest() : undefined;
  }

  private async rest(): Promise<void> {
    await this.clock.yield();
    this.since = this.clock.monotonic();
  }
}
