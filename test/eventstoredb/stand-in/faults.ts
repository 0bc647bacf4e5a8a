import type { Connections } from './connections';

/**
 * What goes wrong with an append.
 *
 * - `silence`: nothing is written and nothing is answered. `commit: true`: written, never answered.
 * - `late`: written at once, answered when `until` resolves.
 * - `second-answer`: answered twice (batch only; a plain call has one answer).
 * - `drop-before`, `drop-after`: the connection is reset before or after the events are written.
 * - `reset`: the transport breaks the call off, and nothing is written; `commit: true`: after it is written.
 * - the others refuse: `not-ready`, `busy`, `timeout` (forwarded to a leader that does not answer), `no-leader`, or `not-leader`, which names a leader.
 */
export type AppendFault =
  | { readonly kind: 'silence'; readonly commit?: boolean }
  | { readonly kind: 'late'; readonly until: Promise<unknown> }
  | { readonly kind: 'second-answer' }
  | { readonly kind: 'drop-before' }
  | { readonly kind: 'drop-after' }
  | { readonly kind: 'reset'; readonly commit?: boolean }
  | Refusing;

export type Refusing =
  | { readonly kind: 'not-ready' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'no-leader' }
  | { readonly kind: 'access-denied' }
  | { readonly kind: 'unauthenticated' }
  | { readonly kind: 'not-leader'; readonly host: string; readonly port: number };

/** What goes wrong with a read, or with the beginning of a subscription. */
export type ReadFault = { readonly kind: 'silence' } | { readonly kind: 'drop' } | Refusing;

export interface FaultScope {
  /** How many calls it hits; Infinity: until `clear`. Default 1. */
  readonly times?: number;
  /** Only calls about this stream (`$all` for reads of the whole log). */
  readonly stream?: (name: string) => boolean;
}

/** A fault that was ordered. */
export interface OrderedFault {
  /** How many calls it has hit. */
  readonly hits: number;
  clear(): void;
}

class Orders<Fault> {
  private readonly orders: { fault: Fault; left: number; hits: number; stream: (name: string) => boolean }[] = [];

  add(fault: Fault, { times = 1, stream = () => true }: FaultScope): OrderedFault {
    const order = { fault, left: times, hits: 0, stream };
    this.orders.push(order);
    return {
      get hits() {
        return order.hits;
      },
      clear: () => void (order.left = 0),
    };
  }

  take(stream: string): Fault | undefined {
    const order = this.orders.find(({ left, stream: matches }) => left > 0 && matches(stream));
    if (!order) return undefined;
    order.left--;
    order.hits++;
    return order.fault;
  }

  clear(): void {
    for (const order of this.orders) order.left = 0;
    this.orders.length = 0;
  }
}

/** An open subscription, as far as faults can do something to it. */
export interface Afflicted {
  endCleanly(): void;
  dropTooSlow(): void;
  mute(): void;
}

export interface Member {
  readonly host: string;
  readonly port: number;
  readonly state: 'leader' | 'follower' | 'unknown';
  readonly alive: boolean;
}

/** The control of the stand-in: everything that can be made to go wrong, in the process of the test. */
export class Faults {
  private readonly appends = new Orders<AppendFault>();
  private readonly reads = new Orders<ReadFault>();
  private readonly capabilities = new Orders<ReadFault>();
  private readonly gossips = new Orders<ReadFault>();
  /** Ordered by the services; not for tests. */
  readonly subscriptions = new Set<Afflicted>();
  /** What gossip says; undefined: this node alone, leading. */
  members: readonly Member[] | undefined;
  /** Where the leader is, when it is not this node: calls that require the leader are refused with this address. */
  leader: { readonly host: string; readonly port: number } | undefined;

  constructor(
    private readonly connections: Connections,
    private readonly onKill: () => void,
  ) {}

  onAppend(fault: AppendFault, scope: FaultScope = {}): OrderedFault {
    return this.appends.add(fault, scope);
  }

  /** Reads and new subscriptions. */
  onRead(fault: ReadFault, scope: FaultScope = {}): OrderedFault {
    return this.reads.add(fault, scope);
  }

  onServerFeatures(fault: ReadFault, scope: FaultScope = {}): OrderedFault {
    return this.capabilities.add(fault, scope);
  }

  onGossip(fault: ReadFault, scope: FaultScope = {}): OrderedFault {
    return this.gossips.add(fault, scope);
  }

  /** Every open subscription ends as if there were nothing more to say: `end` at the client, and no error. */
  endSubscriptions(): void {
    for (const one of [...this.subscriptions]) one.endCleanly();
  }

  /** Every open subscription is dropped as the real server drops a consumer that lags behind. */
  dropSlowSubscriptions(): void {
    for (const one of [...this.subscriptions]) one.dropTooSlow();
  }

  /** Every open subscription stays open and says nothing any more. */
  muteSubscriptions(): void {
    for (const one of this.subscriptions) one.mute();
  }

  freeze(): void {
    this.connections.freeze();
  }

  thaw(): void {
    this.connections.thaw();
  }

  dropConnections(): void {
    this.connections.dropAll();
  }

  /** The process of the server dies; its data stays. */
  async kill(): Promise<void> {
    await this.connections.kill();
    this.onKill();
  }

  /** Starts again, on the same port. */
  async restart(): Promise<void> {
    await this.connections.listen();
  }

  /** Nothing that was ordered hits any more; what has happened stays. */
  clear(): void {
    for (const orders of [this.appends, this.reads, this.capabilities, this.gossips]) orders.clear();
    this.leader = undefined;
    this.members = undefined;
  }

  takeAppend(stream: string): AppendFault | undefined {
    return this.appends.take(stream);
  }

  takeRead(stream: string): ReadFault | undefined {
    return this.reads.take(stream);
  }

  takeServerFeatures(): ReadFault | undefined {
    return this.capabilities.take('');
  }

  takeGossip(): ReadFault | undefined {
    return this.gossips.take('');
  }
}
