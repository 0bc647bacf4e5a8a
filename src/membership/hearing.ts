import type { Clock, Random } from '../clock';
import { decode } from '../domain/codec';
import type { ServiceEvent, ServiceHeartbeat } from '../domain/service';
import type { UnreadableEvent } from '../domain/unreadable';
import { SupervisedSubscription, type EventStore, type RecordedEvent } from '../event-store';
import type { Logger } from '../logging';
import { namespacePrefix } from '../domain/namespace';

export interface HearingPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface HearingOptions {
  readonly namespace: string;
  /** Between a first sign that the log went back in time and the second look that decides, ms. */
  readonly secondLookMs: number;
}

/** Who is told, in log order. */
export interface Listener {
  readonly fact: (serviceId: string, event: ServiceEvent | UnreadableEvent, recorded: RecordedEvent) => void;
  /** `beat` null: it cannot be read here, but it is there. */
  readonly beat: (serviceId: string, beat: ServiceHeartbeat | null, recorded: RecordedEvent) => void;
  /** Everything that was in the log when it was subscribed to has been told. Once per subscription. */
  readonly caughtUp: () => void;
  /** The log is an older one than it was. */
  readonly wentBack: () => void;
}

const SERVICE = 'service';
const HEARTBEAT = 'heartbeat';
const facts: ReadonlySet<string> = new Set<ServiceEvent['type']>([
  'ServiceRegistered',
  'ServiceReasserted',
  'ServiceMarkedFailed',
  'ServiceDrainStarted',
  'ServiceStopped',
]);

/**
 * The one subscription of membership: services and heartbeats, in log order. It knows, too, when the log is no longer the one that was read:
 * an event that was heard is another one now, or it lies beyond the head, or an own append does that was acknowledged (protocol §6).
 */
export class Hearing {
  private subscription: SupervisedSubscription | null = null;
  private readonly before: string;
  private newest: bigint | null = null;
  /** Greatest position of an own append that was acknowledged. */
  private acknowledged: bigint | null = null;
  /** Facts of services are kept for ever, so the newest one that was heard must always be there. */
  private newestFact: { readonly position: bigint; readonly id: string } | null = null;
  private comparing = false;
  private closed = false;

  constructor(
    private readonly ports: HearingPorts,
    private readonly options: HearingOptions,
    private readonly listener: Listener,
  ) {
    this.before = namespacePrefix(options.namespace);
  }

  heartbeatStream(serviceId: string): string {
    return `${this.before}${HEARTBEAT}-${serviceId}`;
  }

  /** Position of the newest event that was heard; 0: none. */
  get position(): bigint {
    return this.newest ?? 0n;
  }

  /** An append of this process was acknowledged at this position. */
  appended(position: bigint): void {
    if (this.acknowledged === null || position > this.acknowledged) this.acknowledged = position;
  }

  start(): void {
    const { store, clock, random, logger } = this.ports;
    const categories = [`${this.before}${SERVICE}`, `${this.before}${HEARTBEAT}`];
    let caughtUp = false;
    this.subscription = new SupervisedSubscription(
      { store, clock, random },
      {
        after: 'start',
        categories,
        onEvents: (events) => {
          for (const recorded of events) this.hear(recorded);
        },
        onCaughtUp: () => {
          if (caughtUp) return;
          caughtUp = true;
          this.listener.caughtUp();
        },
        onError: (error, kind) => {
          logger.warn('membership.interrupted', { error: error.message, kind });
          void this.compare();
        },
      },
    );
    this.subscription.start();
  }

  /** Reads the log anew from its start. */
  async restart(): Promise<void> {
    await this.subscription?.close();
    this.newest = this.acknowledged = this.newestFact = null;
    if (!this.closed) this.start();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.subscription?.close();
  }

  /**
   * Whether the log still holds what was heard until now. Two looks must agree that it does not; a store that does not answer says nothing, and is
   * asked until it does: by then more may have been heard, of another log than what was heard before.
   */
  async compare(): Promise<void> {
    if (this.comparing || this.closed) return;
    this.comparing = true;
    const { newest, acknowledged, newestFact, subscription } = this;
    const isOver = () => this.closed || this.subscription !== subscription;
    try {
      for (let looks = 0; looks < 2 && !isOver();) {
        const differs = await this.differs(later(newest, acknowledged), newestFact);
        if (differs === false) return;
        if (differs) looks++;
        if (looks < 2) await this.ports.clock.sleep(this.options.secondLookMs);
      }
      if (!isOver()) this.listener.wentBack();
    } finally {
      this.comparing = false;
    }
  }

  /** Null: the store does not answer. */
  private async differs(newest: bigint | null, newestFact: Hearing['newestFact']): Promise<boolean | null> {
    const { store, logger } = this.ports;
    if (newest === null) return false;
    try {
      const head = await store.head();
      if (head === 'start' || head < newest) return true;
      return newestFact !== null && (await store.readAt(newestFact.position))?.id !== newestFact.id;
    } catch (error) {
      logger.debug('log.not-compared', { error: String(error) });
      return null;
    }
  }

  private hear(recorded: RecordedEvent): void {
    const { stream, position, id } = recorded;
    // A batch that was broken off comes again as a whole.
    if (this.newest !== null && position <= this.newest) return;
    const event = decode(recorded.type, recorded.data, recorded.metadata);
    const dash = stream.indexOf('-');
    const serviceId = stream.slice(dash + 1);
    if (stream.slice(0, dash) === `${this.before}${HEARTBEAT}`) {
      this.listener.beat(serviceId, event.type === 'ServiceHeartbeat' ? event : null, recorded);
    } else {
      this.listener.fact(serviceId, factOf(event), recorded);
      this.newestFact = { position, id };
    }
    this.newest = position;
  }
}

function later(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

function factOf(event: ReturnType<typeof decode>): ServiceEvent | UnreadableEvent {
  if (event.type === '$unreadable' || facts.has(event.type)) return event as ServiceEvent | UnreadableEvent;
  return { type: '$unreadable', originalType: event.type, why: 'it is no event of a service' };
}
