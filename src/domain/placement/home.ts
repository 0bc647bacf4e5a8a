import type { Instant } from '../instant';
import type { Candidate } from '../service/state';
import type { Placeable } from './eligibility';
import { labelsMatch } from './eligibility';
import { rank } from './rank';

const HOUR_MS = 3_600_000;

/**
 * Where an idle job should return to (protocol §1): affinity `preferred`, the owner's labels do not match the tag, and a matching eligible
 * service has been registered without interruption for `homeAfterMs`, doubled per return within the last hour. The best ranked of those; null: it stays.
 *
 * @param owner the present owner.
 * @param now cluster time.
 * @param homeAfterMs default of the product: 10,000.
 * @param homeReturns when the job returned home before.
 */
export function homeFor(
  job: Placeable & { readonly jobId: string },
  owner: Pick<Candidate, 'serviceId' | 'labels'>,
  candidates: readonly Candidate[],
  now: Instant,
  homeAfterMs: number,
  homeReturns: readonly Instant[],
): Candidate | null {
  if (job.affinity !== 'preferred' || labelsMatch(job.tag, owner.labels)) return null;
  const recent = homeReturns.filter((at) => at > now - HOUR_MS).length;
  const settledFor = homeAfterMs * 2 ** recent;
  const homes = candidates.filter(
    (candidate) =>
      candidate.serviceId !== owner.serviceId &&
      labelsMatch(job.tag, candidate.labels) &&
      now - candidate.registeredAt >= settledFor,
  );
  if (homes.length === 0) return null;
  return rank({ ...job, lastServiceId: null, target: null }, homes)[0]?.candidate ?? null;
}
