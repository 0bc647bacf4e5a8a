import type { Crash, JobRecord } from './state';

/**
 * Who is to blame when a process dies (protocol §5.11). A crash names every job that ran in the process, so the first two say little. After
 * them the job is *suspect*: at most one suspect runs per service, and only crashes in which it was the sole suspect count on. A job that
 * kills its process has died in it as often as any job beside it, so it is suspect no later than they are, and from then on dies alone.
 *
 * A success, an operator's release from quarantine, and late outcomes of the runs in question end the suspicion.
 */
const CRASHES_OF_A_SUSPECT = 2;

/** @param more crashes that are about to be counted. */
export function isSuspect({ crashes }: Pick<JobRecord, 'crashes'>, more = 0): boolean {
  return crashes.length + more >= CRASHES_OF_A_SUSPECT;
}

/**
 * Crashes that count towards quarantine. A suspect that was started without being known as the sole one was started by a release that had
 * no such rule: nobody knows what ran beside it.
 */
export function countedCrashes({ crashes }: Pick<JobRecord, 'crashes'>): readonly Crash[] {
  return crashes.filter((crash, index) => index < CRASHES_OF_A_SUSPECT || crash.soleSuspect === true);
}
