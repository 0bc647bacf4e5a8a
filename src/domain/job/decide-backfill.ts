import type { Instant } from '../instant';
import type { BackfillJob } from './commands';
import { Draft, anchoredSchedule, refuse } from './draft';
import type { JobDecision } from './refusals';
import { countSlots, slotsBetween } from './slots';
import { refuseEnding, refuseNotLive } from './standing';
import type { JobRecord } from './state';

/** Requested slots of a job that may wait at the same time, backfills and runs on request together: the state holds each, and a cancel names it. */
export const MOST_WAITING = 10_000;

/**
 * `[JobRunRequested(backfill:<its revision>:<instant>) × n]`: a run for each slot of the schedule in force in [from, to), the oldest first. They are
 * requested slots: each is run, or skipped by name, whatever has become of the scheduled slot of that time; the owner starts one when no
 * scheduled slot is due.
 */
export function decideBackfill(record: JobRecord, command: BackfillJob): JobDecision {
  const not = refuseNotLive(record) ?? refuseEnding(record);
  if (not !== null) return not;
  const { from, to, limit, at, zoneData, commandId, reason } = command;
  const wrong = refuseWindow(record, command);
  if (wrong !== null) return wrong;
  const anchored = anchoredSchedule(record);
  const count = countSlots(anchored, from - 1, to - 1);
  if (count === 0) {
    const rule = 'The schedule in force has no slot in this window.';
    return refuse('empty-window', 'from', iso(from), rule, 'Choose another window; its end is not part of it.');
  }
  if (count > limit) {
    const rule = `This window has ${count} slots; at most ${limit} may be made up for at once.`;
    return refuse('window-too-large', 'limit', limit, rule, 'Choose a shorter window, or raise the limit.');
  }
  const waiting = record.requested.length;
  if (waiting + count > MOST_WAITING) {
    const rule = `${waiting} requested runs wait already; with these ${count} it would be more than ${MOST_WAITING}.`;
    return refuse('window-too-large', 'from', iso(from), rule, 'Wait until some have run, or choose a shorter window.');
  }
  const draft = new Draft(record, at, zoneData, commandId);
  for (const instant of slotsBetween(anchored, from - 1, to - 1, count)) {
    const slot = `backfill:${draft.nextRevision}:${iso(instant)}`;
    draft.push({ type: 'JobRunRequested', data: { slot, reason, at } });
  }
  return draft.done();
}

function refuseWindow(record: JobRecord, { from, to, at }: BackfillJob): JobDecision | null {
  if (from >= to) {
    return refuse('bad-window', 'to', iso(to), `The window begins at ${iso(from)}.`, 'Give an end that is later.');
  }
  if (to > at) {
    const rule = `A backfill is for a time gone by; it is ${iso(at)}.`;
    return refuse('bad-window', 'to', iso(to), rule, 'Give an end that has passed: what is to come runs by itself.');
  }
  const { schedule } = record.definition;
  if (schedule.kind !== 'once') return null;
  const rule = 'A job that runs once has no slots to make up for.';
  return refuse('bad-window', 'jobId', record.jobId, rule, 'Ask for a run now.');
}

function iso(instant: Instant): string {
  return new Date(instant).toISOString();
}
