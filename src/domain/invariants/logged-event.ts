import type { DomainEvent } from '../codec/domain-event';
import type { UnreadableEvent } from '../unreadable';

/** An event of the log, decoded. */
export interface LoggedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  /** When the log took it, by the log's clock. */
  readonly created: number;
  readonly id: string;
  readonly event: DomainEvent | UnreadableEvent;
}

/** The categories that are checked. */
export type CheckedCategory = 'job' | 'service' | 'heartbeat';
