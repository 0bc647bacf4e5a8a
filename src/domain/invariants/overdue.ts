import { labelsMatch } from '../placement/eligibility';
import type { JobTrack } from './job-track';
import type { IncarnationFacts, ServiceFacts } from './service-facts';

/**
 * I5 has a bound of seconds, made of options that a log does not tell. This is far above it with any option, so that what exceeds it was not slow, but
 * forgotten.
 */
const OVERDUE_MS = 600_000;

/**
 * Whether a job was left with an owner that is gone, though another service could have taken it all the while: one that is eligible, and whose beats the
 * log has without a gap. A store outage is a gap. Null: not so, or the log does not show it.
 */
export function overdueWords(
  track: JobTrack,
  owner: IncarnationFacts,
  now: number,
  services: ServiceFacts,
): string | null {
  const { end, confirmedDead } = owner;
  if (end === null || now - end.created < OVERDUE_MS || track.definition === null) return null;
  // An operator's mark moves what runs only when silence was measured after it, and beats may be heard for ever.
  if (end.byOperator && !confirmedDead) return null;
  const { handler, tag, affinity } = track.definition;
  const since = now - OVERDUE_MS;
  for (const one of services.alive()) {
    const could =
      one.drainPosition === null &&
      one.registeredCreated <= since &&
      one.beatingSince !== null &&
      one.beatingSince <= since &&
      services.beats(one, now) &&
      one.handlers.has(handler) &&
      (affinity === 'preferred' || labelsMatch(tag, one.labels));
    if (!could) continue;
    const minutes = Math.floor((now - end.created) / 60_000);
    return `was left with incarnation ${owner.incarnation} of service ${owner.serviceId} for ${minutes} minutes after that had ${end.kind}, though service ${one.serviceId}, which is eligible, lived.`;
  }
  return null;
}
