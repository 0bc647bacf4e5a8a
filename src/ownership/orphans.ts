import { openRuns, type JobRecord, type OwnerGone } from '../domain/job';
import type { GoneIncarnation } from '../domain/service';

/** Whether the state has a run whose outcome is not known. */
export function hasOpenRun(state: JobRecord): boolean {
  return openRuns(state).length > 0;
}

/** Why the owner is gone, as JobRequeued says it. Only an observer's verdict counts its open runs as crashes. */
export function causeOf(owner: GoneIncarnation): OwnerGone {
  if (owner.life === 'stopped' || owner.life === 'unregistered') return owner.life;
  return owner.failedBy === 'operator' ? 'marked' : 'failed';
}

/**
 * How a job whose owner is gone may move (protocol 5.10, 5.13, and 6 for an owner that this log never registered):
 * `now`; `idle`: now, unless a run turns out to be open; `silence`: when a full failAfter of silence has been measured.
 */
export function moves(
  jobId: string,
  state: JobRecord,
  owner: GoneIncarnation,
  silent: (incarnation: string) => boolean,
): 'now' | 'idle' | 'silence' {
  // Its process may live on by the log that was lost, until it notices.
  if (owner.life === 'unregistered') return silent(owner.incarnation) ? 'now' : 'silence';
  if (owner.life === 'stopped') {
    return !owner.leftovers.includes(jobId) || silent(owner.incarnation) ? 'now' : 'silence';
  }
  if (owner.failedBy !== 'operator' || owner.confirmedDead || silent(owner.incarnation)) return 'now';
  return hasOpenRun(state) ? 'silence' : 'idle';
}
