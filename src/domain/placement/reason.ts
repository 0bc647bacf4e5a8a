import type { BindingReason } from '../job/events';
import type { Candidate } from '../service/state';
import { ineligibility, labelsMatch } from './eligibility';
import type { Ineligibility, Placeable } from './eligibility';
import { placementVersion } from './rank';
import type { RankedCandidate } from './rank';

/** What is recorded in a binding to `service`: its place in the ranking. One that placement left out (an operator may overfill) ranks behind all. */
export function bindingReason(
  kind: BindingReason['kind'],
  job: Placeable,
  service: Candidate,
  ranking: readonly RankedCandidate[],
): BindingReason {
  const index = ranking.findIndex(({ candidate }) => candidate.serviceId === service.serviceId);
  return {
    kind,
    rank: index < 0 ? ranking.length : index,
    candidates: ranking.length,
    first: ranking[0]?.candidate.serviceId ?? service.serviceId,
    placementVersion,
    labelsMatch: labelsMatch(job.tag, service.labels),
  };
}

const words: Record<Ineligibility, string> = {
  handler: 'have no such handler',
  tag: 'do not match the tag',
  'not-live': 'are not alive',
  draining: 'are draining',
  full: 'own as many jobs as they may',
};

/** Why nobody may take the job, in words: `of 3 services 2 do not match the tag, 1 are draining`. */
export function whyNobody(job: Placeable, candidates: readonly Candidate[]): string {
  if (candidates.length === 0) return 'no service is alive';
  const counts = new Map<Ineligibility, number>();
  for (const candidate of candidates) {
    const why = ineligibility(job, candidate) ?? (candidate.owned >= candidate.capacity.maxOwnedJobs ? 'full' : null);
    if (why !== null) counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  const parts = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([why, count]) => `${count} ${words[why]}`);
  const of = `of ${candidates.length} service${candidates.length === 1 ? '' : 's'}`;
  return parts.length === 0 ? `${of} none takes it` : `${of} ${parts.join(', ')}`;
}
