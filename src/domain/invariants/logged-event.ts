import type { DomainEvent } from '../codec/domain-event';
import type { Origin } from '../codec/origin';
import type { UnreadableEvent } from '../unreadable';

/** An event of the log, decoded. */
export interface LoggedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  /** When a log first took it, by that log's clock. */
  readonly created: number;
  readonly id: string;
  readonly event: DomainEvent | UnreadableEvent;
  /** Where it was copied from: positions in its data count there. Absent or null: it was written in this log. */
  readonly origin?: Origin | null;
}

/** The categories that are checked. */
export type CheckedCategory = 'job' | 'service' | 'heartbeat';
