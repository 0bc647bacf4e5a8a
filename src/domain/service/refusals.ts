import type { Refusal } from '../refusal';
import type { ServiceEvent } from './events';

export type ServiceRefusalCode =
  /** The stream has no registration. */
  | 'service-unknown'
  /** An event of the stream could not be read: nothing is decided on it. */
  | 'service-unreadable'
  /** Another incarnation of this service id has neither failed nor stopped. */
  | 'service-alive'
  /** The command speaks of another service than the stream does. */
  | 'service-mismatch'
  | 'incarnation-unknown'
  /** Failed is terminal. */
  | 'incarnation-failed'
  /** Stopped is terminal. */
  | 'incarnation-stopped'
  /** The stream has moved since the evidence was seen. */
  | 'evidence-outdated'
  /** The silence is shorter than the threshold it is measured against. */
  | 'evidence-insufficient';

export type ServiceRefusal = Refusal<ServiceRefusalCode>;

/**
 * What `decideService` answers: events to append in this order; nothing to add (`events` empty: it is so already, or the command is known: `knownRevision` tells the revision of its first result); or a refusal.
 */
export type ServiceDecision =
  | { readonly ok: true; readonly events: readonly ServiceEvent[]; readonly knownRevision?: number }
  | { readonly ok: false; readonly refusal: ServiceRefusal };
