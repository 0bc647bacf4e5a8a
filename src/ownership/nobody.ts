import type { Candidate } from '../domain/service';
import { ineligibility, labelsMatch, type Placeable } from '../domain/placement';

/** Why no service may take this job, in words that name what is missing; `full`: there is one that fits, and it owns as many as it may. */
export function nobodyTakes(
  job: Placeable,
  candidates: readonly Candidate[],
): { readonly why: 'unfit' | 'full'; readonly reason: string } {
  const unfit = (reason: string) => ({ why: 'unfit' as const, reason });
  const live = candidates.filter((c) => c.life === 'live');
  if (candidates.length === 0) return unfit('no service is alive');
  if (live.length === 0) return unfit(`all ${candidates.length} services that are alive are draining`);
  const fit = live.filter((c) => ineligibility(job, c) === null);
  if (fit.length > 0) {
    return { why: 'full', reason: `each of the ${fit.length} services that fit owns as many jobs as it may` };
  }
  const able = live.filter((c) => c.handlers.includes(job.handler));
  if (able.length === 0) return unfit(`none of ${live.length} live services has the handler "${job.handler}"`);
  const having = `none of ${able.length} live services with the handler "${job.handler}" has`;
  const missing = Object.entries(job.tag).find(
    ([key, value]) => !able.some((c) => labelsMatch({ [key]: value }, c.labels)),
  );
  if (missing !== undefined) return unfit(`${having} the label ${missing[0]}=${missing[1]}`);
  const pairs = Object.entries(job.tag).map(([key, value]) => `${key}=${value}`);
  return unfit(`${having} all of the labels ${pairs.join(', ')}`);
}
