import type { Clock, Random } from '../../src/clock';
import {
  refuseAppend,
  StoreUnavailableError,
  type AllSlice,
  type AppendOptions,
  type AppendOutcome,
  type EventStore,
  type ExpectedRevision,
  type LogIdentity,
  type LogPosition,
  type NewEvent,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  type StreamSlice,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionEnd,
} from '../../src/event-store';

/**
 * A caller as protocol §3 wants it, in the shape of a store: repeats the identical append until the answer is definite, makes every `any` an exact
 * revision, reads until it is answered, and subscribes anew after the last position that was handled. What the port's contract says of safety must hold
 * for it, whatever the store behind it does.
 */
export class PatientStore implements EventStore {
  private closed = false;

  constructor(
    readonly store: EventStore,
    private readonly ports: { readonly clock: Clock; readonly random: Random },
  ) {}

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options?: AppendOptions,
  ): Promise<AppendOutcome> {
    if (expected !== 'any') return this.untilDefinite(stream, expected, events, options);
    // What is refused for good needs no look at the stream.
    const refused = refuseAppend(stream, expected, events);
    if (refused !== null) return refused;
    for (;;) {
      if (this.closed) return this.store.append(stream, expected, events, options);
      const { head } = await this.readStream(stream, { direction: 'backwards', limit: 1 });
      const answer = await this.untilDefinite(stream, head, events, options);
      if (answer.outcome !== 'conflict') return answer;
    }
  }

  readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice> {
    return this.untilAnswered(() => this.store.readStream(stream, options));
  }
  readAll(options: ReadAllOptions): Promise<AllSlice> {
    return this.untilAnswered(() => this.store.readAll(options));
  }
  readAt(position: bigint): Promise<RecordedEvent | null> {
    return this.untilAnswered(() => this.store.readAt(position));
  }
  head(): Promise<LogPosition> {
    return this.untilAnswered(() => this.store.head());
  }
  keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void> {
    return this.untilAnswered(() => this.store.keepLast(stream, count, maxAgeMs));
  }
  identity(): Promise<LogIdentity> {
    return this.untilAnswered(() => this.store.identity());
  }
  raiseGeneration(): Promise<LogIdentity> {
    return this.store.raiseGeneration();
  }
  close(): Promise<void> {
    this.closed = true;
    return this.store.close();
  }

  subscribe(options: SubscribeOptions): Subscription {
    let [after, closed] = [options.after, false];
    const subscribe = (): Subscription =>
      this.store.subscribe({
        ...options,
        after,
        onEvents: async (events, position) => {
          await options.onEvents(events, position);
          after = position;
        },
      });
    let current = subscribe();
    const untilEnd = async (): Promise<SubscriptionEnd> => {
      for (;;) {
        const end = await current.ended;
        if (end.reason !== 'dropped' || closed) return closed ? { reason: 'closed' } : end;
        if (this.closed) return { reason: 'closed' };
        current = subscribe();
      }
    };
    return {
      ended: untilEnd(),
      close: async () => {
        closed = true;
        await current.close();
      },
    };
  }

  private async untilDefinite(...call: Parameters<EventStore['append']>): Promise<AppendOutcome> {
    for (;;) {
      const answer = await this.store.append(...call);
      if ((answer.outcome !== 'unknown' && answer.outcome !== 'unavailable') || this.closed) return answer;
      await this.ports.clock.yield();
    }
  }

  private async untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || error.code === 'closed' || this.closed) throw error;
      }
      await this.ports.clock.yield();
    }
  }
}
