import type { Instant } from '../instant';
import type { RequestRun, RescheduleJob, ScheduleJob } from './commands';
import { MOST_WAITING } from './decide-backfill';
import { Draft, firstSlot, pendingAt, refuse } from './draft';
import type { Declaration } from './events';
import type { JobDefinition } from './definition';
import { sameSchedule } from './evolve';
import type { JobDecision } from './refusals';
import { refuseEnded, refuseEnding, refuseNotLive } from './standing';
import type { AbsentJob, JobRecord } from './state';

/**
 * `[JobScheduled]` on no stream. The same id with the same definition: nothing. With another: refused, or as a reschedule (`onConflict: update`).
 * A terminal id is refused unless `renew`: then the same stream begins anew and the epoch continues.
 */
export function decideSchedule(state: AbsentJob | JobRecord, command: ScheduleJob): JobDecision {
  const { jobId, definition, definitionHash, at, zoneData, commandId } = command;
  if (state.stage !== 'absent' && refuseEnded(state) === null) {
    if (state.definitionHash === definitionHash) return { ok: true, events: [] };
    if (command.onConflict === 'update') return decideReschedule(state, { ...command, kind: 'RescheduleJob' });
    return refuse(
      'job-exists',
      'jobId',
      jobId,
      'A job of this id exists with another definition.',
      "Use onConflict: 'update' to change it, or another id.",
    );
  }
  const ended = state.stage === 'absent' ? null : refuseEnded(state);
  if (ended !== null && !command.renew) return ended;
  const draft = new Draft(state, at, zoneData, commandId);
  return begin(draft, state, { jobId, definition, definitionHash }) ?? draft.done();
}

/** A definition, and the declaration that it comes of, if any. */
export interface Given {
  readonly definition: JobDefinition;
  readonly definitionHash: string;
  readonly declaration?: Declaration;
}

/** Adds JobScheduled, of a job that does not exist or has ended. @returns a refusal; null: it was added. */
export function begin(
  draft: Draft,
  state: AbsentJob | JobRecord,
  { jobId, ...given }: Given & { readonly jobId: string },
): JobDecision | null {
  const { at, zoneData } = draft;
  const { schedule } = given.definition;
  const accounted = state.stage === 'absent' ? null : state.accountedThrough;
  const anchor = anchorOf(given.definition, at, accounted);
  const nextSlot = firstSlot({ schedule, anchor }, accounted);
  if (nextSlot === null) return neverFires(schedule.kind);
  const pending = pendingAt({ schedule, anchor }, jobId, nextSlot, zoneData);
  const renewed = state.stage !== 'absent';
  draft.push({ type: 'JobScheduled', data: { jobId, ...given, anchor, renewed, ...pending, at } });
  return null;
}

/**
 * `[(JobSlotsSkipped old pending), JobRescheduled]`. The owner stays. An open run ends under the old definition's revision; a slot that waits
 * for its retry goes on, under the new definition. New slots are later than now and than everything accounted for.
 * A definition that keeps its schedule keeps its slots: those that are pending stay so, also when they are due (a tag that nobody fitted is
 * mended and the job runs), the interval keeps its beat, and `maxRuns` counts on.
 */
export function decideReschedule(record: JobRecord, command: RescheduleJob): JobDecision {
  const ended = refuseEnded(record);
  if (ended !== null) return ended;
  if (record.definitionHash === command.definitionHash) return { ok: true, events: [] };
  const { definition, definitionHash, at, zoneData, commandId } = command;
  const draft = new Draft(record, at, zoneData, commandId);
  return change(draft, { definition, definitionHash }) ?? draft.done();
}

/** Adds JobRescheduled, of a job that has not ended. @returns a refusal; null: it was added. */
export function change(draft: Draft, given: Given): JobDecision | null {
  const { record, at, zoneData } = draft;
  const ending = refuseEnding(record);
  if (ending !== null) return ending;
  const { definition } = given;
  if (sameSchedule(record.definition, definition)) {
    draft.push({ type: 'JobRescheduled', data: { ...given, anchor: record.anchor, ...draft.pending(), at } });
    return null;
  }
  draft.skipForGood('rescheduled');
  const { accountedThrough } = draft.record;
  const anchor = anchorOf(definition, at, accountedThrough);
  const anchored = { schedule: definition.schedule, anchor };
  const nextSlot = firstSlot(anchored, accountedThrough);
  if (nextSlot === null) return neverFires(definition.schedule.kind);
  const pending = pendingAt(anchored, record.jobId, nextSlot, zoneData);
  draft.push({ type: 'JobRescheduled', data: { ...given, anchor, ...pending, at } });
  return null;
}

/** `[JobRunRequested]`: the owner starts it as a slot of its own, under overlap and limits. It stays pending while paused, held or unbound. */
export function decideRequestRun(record: JobRecord, command: RequestRun): JobDecision {
  const not = refuseNotLive(record) ?? refuseEnding(record);
  if (not !== null) return not;
  const { at, zoneData, commandId, reason } = command;
  const waiting = record.requested.length;
  if (waiting >= MOST_WAITING) {
    const rule = `${waiting} requested runs wait already; at most ${MOST_WAITING} may.`;
    return refuse('too-many-requests', 'jobId', record.jobId, rule, 'Wait until some have run, or cancel the job.');
  }
  const draft = new Draft(record, at, zoneData, commandId);
  draft.push({ type: 'JobRunRequested', data: { slot: `manual:${draft.nextRevision}`, reason, at } });
  return draft.done();
}

/** As soon as possible is after everything that was accounted for: a slot runs once. */
function anchorOf({ schedule }: JobDefinition, at: Instant, accountedThrough: Instant | null): Instant {
  const asap = schedule.kind === 'once' && schedule.at === 'asap';
  return asap && accountedThrough !== null ? Math.max(at, accountedThrough + 1) : at;
}

function neverFires(kind: string): JobDecision {
  return refuse(
    'never-fires',
    'schedule',
    kind,
    'No slot of this schedule lies in the future.',
    'Choose a later end, or a later instant.',
  );
}
