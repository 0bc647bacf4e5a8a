import type { Affinity, Tag } from '../job/definition';
import type { Candidate } from '../service/state';

/** What of a job decides who may own it. */
export interface Placeable {
  readonly handler: string;
  readonly tag: Tag;
  readonly affinity: Affinity;
}

export type Ineligibility = 'handler' | 'tag' | 'not-live' | 'draining' | 'full';

/** The labels contain every pair of the tag. */
export function labelsMatch(tag: Tag, labels: { readonly [key: string]: string }): boolean {
  for (const key in tag) {
    if (!Object.hasOwn(labels, key) || labels[key] !== tag[key]) return false;
  }
  return true;
}

/** Why this service may not be given this job; null: it may. Capacity is not looked at here (an operator may overfill; placement does not). */
export function ineligibility(job: Placeable, service: Candidate): Ineligibility | null {
  if (service.life === 'draining') return 'draining';
  if (service.life !== 'live') return 'not-live';
  if (!service.handlers.includes(job.handler)) return 'handler';
  if (job.affinity === 'required' && !labelsMatch(job.tag, service.labels)) return 'tag';
  return null;
}
