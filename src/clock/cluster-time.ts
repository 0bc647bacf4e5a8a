import type { Instant } from './clock';

/** The time by which jobs are due: that of the log, never the raw local clock (protocol §9). */
export interface ClusterTime {
  /** Whole milliseconds; never goes back, but for an adopted step back of the log's own clock. */
  now(): Instant;
}
