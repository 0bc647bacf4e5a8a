import type { AllSlice, LogPosition, SubscribeOptions, Subscription, SubscriptionEnd } from './port';
import { checkLimit } from './read-check';

/**
 * A subscription over a store that is read in slices: pulls whenever it is woken, delivers in order, never concurrently,
 * and pulls the next slice only when the last one was handled.
 */
export class PulledSubscription implements Subscription {
  readonly ended: Promise<SubscriptionEnd>;
  private end!: (how: SubscriptionEnd) => void;
  private pulling: Promise<void> | null = null;
  private woken = false;
  private over = false;
  private caughtUp = false;

  constructor(
    private position: LogPosition,
    private readonly options: SubscribeOptions,
    private readonly pull: (after: LogPosition, limit: number) => Promise<AllSlice>,
  ) {
    if (options.batch !== undefined) checkLimit('batch', options.batch);
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  /** Something may have been appended. */
  wake(): void {
    this.woken = true;
    if (this.pulling === null && !this.over) {
      this.pulling = this.run().finally(() => {
        this.pulling = null;
        if (this.woken && !this.over) this.wake();
      });
    }
  }

  async close(): Promise<void> {
    this.finish({ reason: 'closed' });
    await this.pulling;
  }

  private finish(how: SubscriptionEnd): void {
    this.over = true;
    this.end(how);
  }

  private async run(): Promise<void> {
    const limit = this.options.batch ?? 500;
    while (this.woken && !this.over) {
      this.woken = false;
      // Delivery is never inside the call that appended or subscribed.
      await Promise.resolve();
      for (let more = true; more && !this.over;) more = await this.step(limit);
    }
  }

  private async step(limit: number): Promise<boolean> {
    let slice: AllSlice;
    try {
      slice = await this.pull(this.position, limit);
    } catch (error) {
      this.finish({ reason: 'dropped', message: error instanceof Error ? error.message : String(error) });
      return false;
    }
    if (this.over) return false;
    const moved = slice.position !== this.position;
    if (moved && slice.position !== 'start') {
      try {
        await this.options.onEvents(slice.events, slice.position);
      } catch (error) {
        this.finish({ reason: 'handler', error });
        return false;
      }
    }
    this.position = slice.position;
    if (slice.end && !this.over && (moved || !this.caughtUp)) {
      this.caughtUp = true;
      try {
        this.options.onCaughtUp?.();
      } catch (error) {
        this.finish({ reason: 'handler', error });
        return false;
      }
    }
    return !slice.end;
  }
}
