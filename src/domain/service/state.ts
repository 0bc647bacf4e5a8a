import type { Instant } from '../instant';
import type { Capacity, Labels, ProcessIdentity } from './events';

/** What the events of one service add up to. */
export interface ServiceState {
  /** −1: the stream has no event. */
  readonly revision: number;
  readonly serviceId: string;
  /** Every incarnation, in the order of its registration (by revision, never by id). */
  readonly incarnations: readonly Incarnation[];
  /** Set when an event could not be read: nothing is decided on this stream. */
  readonly unreadable: { readonly revision: number; readonly type: string; readonly why: string } | null;
  /** Callers' commands (drain, mark failed), as for jobs: at most 64. */
  readonly commands: readonly { readonly id: string; readonly revision: number; readonly at: Instant }[];
}

export type IncarnationLife = 'live' | 'draining' | 'failed' | 'stopped';

export interface Incarnation {
  readonly incarnation: string;
  /** Revision of its ServiceRegistered. */
  readonly registeredRevision: number;
  readonly registeredAt: Instant;
  readonly labels: Labels;
  readonly capacity: Capacity;
  readonly handlers: { readonly [handler: string]: string };
  readonly process: ProcessIdentity;
  readonly placementVersion: number;
  /** Of its process; absent: unknown. */
  readonly zoneData?: string;
  readonly life: IncarnationLife;
  /** Revision of the event that ended it; null while it lives. */
  readonly endedRevision: number | null;
  readonly endedAt: Instant | null;
  /** Who marked it failed; null otherwise. */
  readonly failedBy: 'observer' | 'operator' | null;
  /** An operator vouched for its death. */
  readonly confirmedDead: boolean;
  /** Job ids that were still running when it stopped. */
  readonly leftovers: readonly string[];
}

/** Owns jobs by the log, which has no registration of it: the binding was decided by a log that a backup has taken the place of. */
export interface UnregisteredIncarnation {
  readonly incarnation: string;
  readonly life: 'unregistered';
}

/** Whose jobs are to be requeued. */
export type GoneIncarnation = Incarnation | UnregisteredIncarnation;

/** A service as placement and eligibility see it. */
export interface Candidate {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly labels: Labels;
  readonly handlers: readonly string[];
  readonly life: IncarnationLife;
  readonly capacity: Capacity;
  /** Jobs owned at the view position. */
  readonly owned: number;
  readonly registeredAt: Instant;
  readonly placementVersion: number;
}
