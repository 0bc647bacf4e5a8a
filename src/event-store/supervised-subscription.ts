import type { Clock, Random } from '../clock';
import { LONGEST_OUTAGE_REST_MS } from './outage-rest';
import type { EventStore, LogPosition, RecordedEvent, Subscription, SubscriptionEnd } from './port';

export interface SupervisedSubscriptionOptions {
  /** Go on after this position (exclusive). `end`: what is appended from `start` on; until the first event or position has been handled, that of the last try. */
  readonly after: LogPosition | 'end';
  readonly categories?: readonly string[];
  readonly batch?: number;
  /** As in the port. What it has handled is never delivered again; when it fails, the same events come again after a rest. */
  readonly onEvents: (events: readonly RecordedEvent[], position: bigint) => void | Promise<void>;
  readonly onCaughtUp?: () => void;
  /** A handler failed, or the store broke off. For the log and for health. */
  readonly onError?: (error: Error, kind: 'handler' | 'dropped') => void;
}

export interface SubscriptionHealth {
  readonly state: 'idle' | 'live' | 'resting' | 'closed';
  /** Everything up to here was handled; `end`: nothing yet of what began there. */
  readonly position: LogPosition | 'end';
  readonly restarts: number;
  readonly lastError: string | null;
}

const FIRST_REST_MS = 50;
const LONGEST_REST_MS = 5_000;

/**
 * A subscription that goes on for ever: whatever ends it, it begins again after the last position that was *handled*, at once the first
 * time, then with jittered back-off until something was handled again.
 */
export class SupervisedSubscription {
  private subscription: Subscription | null = null;
  private position: LogPosition | 'end';
  private state: SubscriptionHealth['state'] = 'idle';
  private restarts = 0;
  private failures = 0;
  private lastError: string | null = null;
  private readonly stop = new AbortController();
  private loop: Promise<void> | null = null;

  constructor(
    private readonly ports: { readonly store: EventStore; readonly clock: Clock; readonly random: Random },
    private readonly options: SupervisedSubscriptionOptions,
  ) {
    this.position = options.after;
  }

  start(): void {
    this.loop ??= this.run();
  }

  /** Nothing is delivered any more; resolves when a delivery under way has settled. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.subscription?.close();
    await this.loop;
    this.state = 'closed';
  }

  health(): SubscriptionHealth {
    const { state, position, restarts, lastError } = this;
    return { state, position, restarts, lastError };
  }

  private async run(): Promise<void> {
    while (!this.stop.signal.aborted) {
      this.state = 'live';
      const end = await this.untilEnd();
      if (end.reason === 'closed' || this.stop.signal.aborted) break;
      const error = end.reason === 'dropped' ? new Error(end.message) : asError(end.error);
      this.lastError = error.message;
      this.restarts++;
      this.report(error, end.reason);
      await this.rest(end.reason);
    }
    this.state = 'closed';
  }

  private untilEnd(): Promise<SubscriptionEnd> {
    const { categories, batch, onCaughtUp } = this.options;
    try {
      this.subscription = this.ports.store.subscribe({
        after: this.position,
        categories,
        batch,
        onCaughtUp,
        onEvents: async (events, position) => {
          await this.options.onEvents(events, position);
          this.position = position;
          this.failures = 0;
        },
      });
      return this.subscription.ended;
    } catch (error) {
      return Promise.resolve({ reason: 'dropped', message: asError(error).message });
    }
  }

  private report(error: Error, kind: 'handler' | 'dropped'): void {
    try {
      this.options.onError?.(error, kind);
    } catch {
      // Whoever is told must not be able to end the subscription.
    }
  }

  private async rest(after: 'handler' | 'dropped'): Promise<void> {
    const { clock, random } = this.ports;
    if (this.failures++ === 0) return clock.yield();
    const most = after === 'dropped' ? LONGEST_OUTAGE_REST_MS : LONGEST_REST_MS;
    const longest = Math.min(most, FIRST_REST_MS * 2 ** (this.failures - 2));
    this.state = 'resting';
    await clock.sleep(longest * (0.5 + random.next() / 2), this.stop.signal);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
