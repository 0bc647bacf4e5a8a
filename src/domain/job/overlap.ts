import type { Instant } from '../instant';
import type { Overlap, Slot } from './definition';
import { backfilledInstant, instantOfSlot } from './events';
import { owesBacklog, pendingDueAt } from './pending';
import type { JobRecord, SlotInProgress } from './state';

/**
 * How many runs of one job may be open, and what may begin beside what (protocol §9).
 *
 * A slot is *in progress* from its first start to its end. One that waits for its next attempt is in progress too: its retries belong to its run.
 *
 * 1. Never more open runs than the policy allows, whatever is started: a further attempt, a requested slot, a scheduled one.
 * 2. A scheduled slot begins only where fewer slots are in progress than runs are allowed. A requested one was asked for now: it does not wait for
 *    the retry of another.
 * 3. Under `replace` a new slot begins in the place of the scheduled slots in progress. A requested slot is not replaced, so that of ten that are
 *    asked for ten run; scheduled slots wait for its end.
 */

type Standing = Pick<JobRecord, 'definition' | 'inProgress' | 'nextSlot' | 'backlog'>;

/** The most runs that a policy may allow: what one owner leaves behind must fit into one append. */
export const MOST_ALLOWED = 100;

/** How many runs of the job may be open at once. */
export function runLimit(overlap: Overlap): number {
  return typeof overlap === 'object' ? overlap.allow : 1;
}

/** An overlap policy as people say it: `allow(3)`. */
export function overlapWords(overlap: Overlap): string {
  return typeof overlap === 'object' ? `allow(${overlap.allow})` : overlap;
}

/** As many runs are open as may be: nothing starts before one of them has ended. */
export function isFull({ definition, inProgress }: Standing): boolean {
  return openCount(inProgress) >= runLimit(definition.policies.overlap);
}

/** Whether a new slot may begin once what it replaces has ended. */
export function mayBegin(record: Standing, kind: 'requested' | 'scheduled'): boolean {
  const limit = runLimit(record.definition.policies.overlap);
  const beside = record.inProgress.filter((one) => !isReplaceable(record, one));
  return openCount(beside) < limit && (kind === 'requested' || beside.length < limit);
}

/** Slots in progress that end when a new slot begins. */
export function replaceable(record: Standing): readonly SlotInProgress[] {
  return record.inProgress.filter((one) => isReplaceable(record, one));
}

/** The slots of a backlog follow one another: the next of them does not take the place of the one in progress, or none would ever be done. */
function isReplaceable(record: Standing, { slot }: SlotInProgress): boolean {
  return record.definition.policies.overlap === 'replace' && !isRequested(slot) && !owesBacklog(record);
}

/** Slots that fell while a run had their room: due after `after`, and no later than `through`. */
export interface Waited {
  readonly after: Instant;
  readonly through: Instant;
}

/**
 * What has waited for the end of the last run under `queue` and `replace`, if anything is due; null: nothing waits so.
 *
 * What was due before a requested run began is late by itself (`lateThrough`). What was past when its schedule came into force has waited for no run,
 * nor has what fell during a backfill. Under `replace` nothing waits where an older slot waits for its next attempt, nor where a backlog is
 * worked off.
 */
export function waited(record: JobRecord): Waited | null {
  const { definition, inProgress, anchor, lateThrough = -Infinity } = record;
  const { overlap } = definition.policies;
  if (overlap !== 'queue' && overlap !== 'replace') return null;
  if (overlap === 'replace' && (inProgress.length > 0 || owesBacklog(record))) return null;
  const pending = pendingDueAt(record);
  if (pending === null || pending < anchor) return null;
  const through = runEndedAt(record);
  return through === null || through <= lateThrough ? null : { after: lateThrough, through };
}

/** When the last attempt that was no backfill ended: the past does not cost the present. Null: none has. */
export function runEndedAt({ runEndedAt: before, lastOutcome }: JobRecord): Instant | null {
  if (lastOutcome === null) return null;
  return backfilledInstant(lastOutcome.slot) === null ? lastOutcome.at : (before ?? null);
}

/** The pending slot itself has waited so. */
export function hasWaited(record: JobRecord): boolean {
  const slots = waited(record);
  const pending = pendingDueAt(record);
  return slots !== null && pending !== null && pending > slots.after && pending <= slots.through;
}

/**
 * Whether the scheduled slots that are due fell while no further slot could begin, and one can now that a slot has ended: they are to be skipped.
 * A slot that was due before a requested run began did not fall during it: it is run, late. `queue` and `replace` keep what fell.
 */
export function fellWhileFull(before: Standing, after: JobRecord): boolean {
  const { definition, inProgress } = after;
  const { overlap } = definition.policies;
  if (overlap === 'queue' || overlap === 'replace') return false;
  const limit = runLimit(overlap);
  if (inProgress.length >= limit) return false;
  const pending = pendingDueAt(after);
  const during = before.inProgress.filter(
    ({ slot, run }) => !(isRequested(slot) && run !== null && pending !== null && pending <= run.startedAt),
  );
  return during.length >= limit;
}

function openCount(slots: readonly SlotInProgress[]): number {
  return slots.filter(({ run }) => run !== null).length;
}

function isRequested(slot: Slot): boolean {
  return instantOfSlot(slot) === null;
}
