import type { Clock, Random } from '../clock';
import type { EventStore, LogIdentity } from '../event-store';
import type { Logger } from '../logging';

export interface SqliteReadModelOptions {
  /** The view's file, of this service alone; or `:memory:`. */
  readonly path: string;
  readonly store: EventStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Prefix of the streams; empty: none. */
  readonly namespace: string;
  readonly logger: Logger;
  /** Told who the log is, whenever the view was compared with it: it may be of another generation than it was. */
  readonly identified?: (log: LogIdentity) => void;
  /** A rebuild that has met so many events, and has more before it, goes on beside the view, the fast way. Default 10,000. */
  readonly longAfter?: number;
}
