import type { livenessProfiles } from 'holdfast';

/** What a service process of the chaos is told at its start. */
export interface ServiceOrders {
  readonly serviceId: string;
  /** Label, and the home of some jobs. */
  readonly host: string;
  /** Of the ledger and the diaries. */
  readonly directory: string;
  /** Of the log and the views. */
  readonly logDirectory: string;
  readonly profile: keyof typeof livenessProfiles;
  readonly drainTimeoutMs: number;
}

/** And while it lives. */
export type ServiceTold =
  { readonly kind: 'full'; readonly full: boolean } | { readonly kind: 'stall'; readonly ms: number };

/** How it stands, several times a second. */
export interface ServiceSaid {
  /** Registered, trusted, and allowed to claim. */
  readonly mayClaim: boolean;
  /** Jobs that it owns. */
  readonly owned: number;
  /** Handlers that have more than a second to go. */
  readonly busy: number;
  /** Another living process bears its id. */
  readonly conflict: boolean;
  /** Transactions that failed since the disk was full, or since it had room again. */
  readonly refused: number;
}

export interface WorkPayload {
  /** How long a run lasts. */
  readonly ms: number;
  /** The handler asks `guard()` before it writes, and stops when it is told to; if not, it writes once more then. */
  readonly guarded: boolean;
}

/** A tick of a process that comes later than this is written down, ms. */
export const LATE_MS = 250;
