import type { Clock } from '../../clock';
import type { SubscribeOptions, Subscription, SubscriptionEnd } from '../../event-store';
import type { FaultPlan } from './plan';

/** Thrown through the store's own subscription to end it; nobody outside sees it. */
const DROPPED = new Error('dropped on purpose');

/** A subscription whose batches arrive late, or whose connection breaks off. Nothing is delivered twice or left out: that is the store's promise, kept. */
export class FaultySubscription implements Subscription {
  readonly ended: Promise<SubscriptionEnd>;
  private readonly inner: Subscription;
  private readonly hurry = new AbortController();
  private dropped: string | null = null;
  private closed = false;

  constructor(
    subscribe: (options: SubscribeOptions) => Subscription,
    private readonly options: SubscribeOptions,
    private readonly ports: { readonly clock: Clock; readonly plan: FaultPlan },
  ) {
    this.inner = subscribe({ ...options, onEvents: (...batch) => this.deliver(...batch) });
    this.ended = this.inner.ended.then((end) => {
      const own = end.reason === 'handler' && end.error !== DROPPED;
      return own || this.dropped === null ? end : { reason: 'dropped', message: this.dropped };
    });
  }

  close(): Promise<void> {
    this.closed = true;
    this.hurry.abort();
    return this.inner.close();
  }

  /** The connection breaks off now. */
  async drop(): Promise<void> {
    if (this.closed) return;
    this.dropped ??= 'a fault broke the subscription off';
    this.hurry.abort();
    await this.inner.close();
  }

  private async deliver(...[events, position]: Parameters<SubscribeOptions['onEvents']>): Promise<void> {
    const { clock, plan } = this.ports;
    const planned = plan.next({ method: 'deliver', stream: null, types: events.map(({ type }) => type) });
    const ms = planned.beforeMs + planned.afterMs;
    if (ms > 0) await clock.sleep(ms, this.hurry.signal);
    // Closed, or broken off, while the batch was on its way: it never arrives.
    if (this.closed || this.dropped !== null) return;
    if (planned.fault === 'drop' && planned.dice < 0.5) this.breakOff();
    await this.options.onEvents(events, position);
    if (planned.fault === 'drop') this.breakOff();
  }

  private breakOff(): never {
    this.ports.plan.count('deliver', 'drop');
    this.dropped = 'a fault broke the subscription off';
    throw DROPPED;
  }
}
