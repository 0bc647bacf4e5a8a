import type { Clock, Random } from '../clock';
import { decode } from '../domain/codec';
import type { JobEvent } from '../domain/job';
import type { ServiceEvent } from '../domain/service';
import { SupervisedSubscription, type EventStore, type RecordedEvent } from '../event-store';
import type { Logger } from '../logging';
import { namespacePrefix } from '../domain/namespace';

/** A fact of a job or service as it stands in the log. */
export interface PublishedEvent {
  readonly event: JobEvent | ServiceEvent;
  /** Job id or service id. */
  readonly id: string;
  readonly revision: number;
  readonly position: bigint;
  /** When the log took it, ms since the epoch. */
  readonly created: number;
}

/**
 * Facts as they are appended, from the log's head at start, each at most once in this process. A listener that throws is told to the log
 * and missed nothing for others: the feed is a courtesy, and never waits.
 */
export class FactFeed {
  private readonly listeners = new Set<(event: PublishedEvent) => void>();
  private subscription: SupervisedSubscription | null = null;
  private restarting: Promise<void> | null = null;
  private closed = false;

  constructor(
    private readonly ports: {
      readonly store: EventStore;
      readonly clock: Clock;
      readonly random: Random;
      readonly namespace: string;
      readonly logger: Logger;
    },
  ) {}

  on(listener: (event: PublishedEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  start(): void {
    const { namespace, logger } = this.ports;
    const prefix = namespacePrefix(namespace);
    this.subscription = new SupervisedSubscription(this.ports, {
      after: 'end',
      categories: [`${prefix}job`, `${prefix}service`],
      onEvents: (events) => {
        if (this.listeners.size === 0) return;
        for (const recorded of events) this.publish(recorded);
      },
      onError: (error) => logger.warn('facts.interrupted', { error: error.message }),
    });
    this.subscription.start();
  }

  /** From the log's head anew: the log is another one now. One at a time, and none once it is closed. */
  restart(): Promise<void> {
    return (this.restarting ??= this.anew().finally(() => (this.restarting = null)));
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.restarting;
    await this.subscription?.close();
  }

  private async anew(): Promise<void> {
    await this.subscription?.close();
    if (!this.closed) this.start();
  }

  private publish({ stream, type, data, metadata, revision, position, created }: RecordedEvent): void {
    const event = decode(type, data, metadata);
    if (event.type === '$unreadable' || event.type === 'ServiceHeartbeat') return;
    const id = stream.slice(stream.indexOf('-') + 1);
    for (const listener of this.listeners) {
      try {
        listener({ event, id, revision, position, created });
      } catch (error) {
        this.ports.logger.error('facts.listener-failed', { type, error: String(error) });
      }
    }
  }
}
