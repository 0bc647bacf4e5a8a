import type { Refusal } from '../refusal';
import type { JobEvent } from './events';

export type JobRefusalCode =
  | 'job-unknown'
  | 'job-exists'
  | 'job-terminal'
  | 'job-opaque'
  | 'job-quarantined'
  | 'job-not-quarantined'
  | 'job-paused'
  | 'job-not-paused'
  | 'job-held'
  | 'job-suspect'
  | 'job-not-held'
  | 'job-bound'
  | 'job-unbound'
  | 'job-ending'
  | 'wrong-owner'
  | 'wrong-epoch'
  | 'owner-not-gone'
  | 'service-ineligible'
  | 'run-open'
  | 'run-unknown'
  | 'nothing-due'
  | 'never-fires'
  | 'bad-window'
  | 'empty-window'
  | 'window-too-large'
  | 'too-many-requests'
  | 'target';

export type JobRefusal = Refusal<JobRefusalCode>;

/**
 * What `decide` answers: events to append in this order; nothing to add (`events` empty: it is so already, or the command id is known: `knownRevision` tells the revision of its first result); or a refusal.
 */
export type JobDecision =
  | { readonly ok: true; readonly events: readonly JobEvent[]; readonly knownRevision?: number }
  | { readonly ok: false; readonly refusal: JobRefusal };
