import type { Instant } from '../instant';
import { instantOfSlot } from './events';
import type { JobRecord } from './state';

/** When the pending slot is due: at its instant, or later by its jitter; null: none is pending. */
export function pendingDueAt({ nextSlot, nextDueAt }: Pick<JobRecord, 'nextSlot' | 'nextDueAt'>): Instant | null {
  return nextSlot === null ? null : (nextDueAt ?? instantOfSlot(nextSlot));
}

/** Missed slots wait to be run, each for itself or once for all. */
export function owesBacklog({ backlog, nextSlot }: Pick<JobRecord, 'backlog' | 'nextSlot'>): boolean {
  return backlog !== undefined && nextSlot !== null && Date.parse(nextSlot) <= Date.parse(backlog.to);
}
