import type { Instant } from '../instant';
import type { RequestRun, RescheduleJob, ScheduleJob } from './commands';
import { Draft, firstSlot, refuse } from './draft';
import type { JobDefinition } from './definition';
import { sameSchedule } from './evolve';
import type { JobDecision } from './refusals';
import { refuseEnded, refuseNotLive } from './standing';
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
  const accounted = state.stage === 'absent' ? null : state.accountedThrough;
  const anchor = anchorOf(definition, at, accounted);
  const nextSlot = firstSlot({ schedule: definition.schedule, anchor }, accounted);
  if (nextSlot === null) return neverFires(definition.schedule.kind);
  const draft = new Draft(state, at, zoneData, commandId);
  draft.push({
    type: 'JobScheduled',
    data: { jobId, definition, definitionHash, anchor, renewed: state.stage !== 'absent', nextSlot, zoneData, at },
  });
  return draft.done();
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
  if (record.ending)
    return refuse(
      'job-ending',
      'jobId',
      record.jobId,
      'This job ends with the run that is open.',
      'Wait for its end, then schedule it anew with renew.',
    );
  const { definition, definitionHash, at, zoneData, commandId } = command;
  const draft = new Draft(record, at, zoneData, commandId);
  if (sameSchedule(record.definition, definition)) {
    const { anchor } = record;
    draft.push({ type: 'JobRescheduled', data: { definition, definitionHash, anchor, ...draft.pending(), at } });
    return draft.done();
  }
  draft.skipForGood('rescheduled');
  const { accountedThrough } = draft.record;
  const anchor = anchorOf(definition, at, accountedThrough);
  const nextSlot = firstSlot({ schedule: definition.schedule, anchor }, accountedThrough);
  if (nextSlot === null) return neverFires(definition.schedule.kind);
  draft.push({ type: 'JobRescheduled', data: { definition, definitionHash, anchor, nextSlot, zoneData, at } });
  return draft.done();
}

/** `[JobRunRequested]`: the owner starts it as a slot of its own, under overlap and limits. It stays pending while paused, held or unbound. */
export function decideRequestRun(record: JobRecord, command: RequestRun): JobDecision {
  const not = refuseNotLive(record);
  if (not !== null) return not;
  if (record.ending)
    return refuse(
      'job-ending',
      'jobId',
      record.jobId,
      'This job ends with the run that is open.',
      'Wait for its end, then schedule it anew with renew.',
    );
  const { at, zoneData, commandId, reason } = command;
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
