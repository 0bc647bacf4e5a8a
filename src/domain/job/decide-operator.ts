import type { CancelJob, PauseJob, ReleaseFromQuarantine, RemoveJob, ResolveHold, ResumeJob } from './commands';
import { Draft, outcomeOfSkipped, refuse } from './draft';
import { slotOf } from './events';
import { openRuns } from './inspect';
import { misfireRule } from './misfire';
import type { JobDecision } from './refusals';
import { refuseEnded, refuseNotLive } from './standing';
import type { Backlog, JobRecord } from './state';

/** `[JobPaused]`: an open run may finish, nothing else starts, `retryAt` is kept. */
export function decidePause(record: JobRecord, { at, zoneData, commandId, reason }: PauseJob): JobDecision {
  const not = refuseNotLive(record);
  if (not !== null) return not;
  if (record.paused)
    return refuse('job-paused', 'jobId', record.jobId, 'This job is paused already.', 'Nothing is to be done.');
  const draft = new Draft(record, at, zoneData, commandId);
  draft.push({ type: 'JobPaused', data: { reason, at } });
  return draft.done();
}

/** `[(JobSlotsSkipped(paused)), JobResumed]`, or `[JobResumed(backlog)]` by the misfire policy. A `once` that fell during the pause is not skipped: it runs, late. */
export function decideResume(record: JobRecord, { at, zoneData, commandId, reason }: ResumeJob): JobDecision {
  const not = refuseNotLive(record);
  if (not !== null) return not;
  if (!record.paused)
    return refuse('job-not-paused', 'jobId', record.jobId, 'This job is not paused.', 'Nothing is to be done.');
  const draft = new Draft(record, at, zoneData, commandId);
  resume(draft, reason);
  return draft.done();
}

/** Adds what a resume is made of, for a live job that is paused. */
export function resume(draft: Draft, reason: string): void {
  const backlog = whatFell(draft);
  draft.push({ type: 'JobResumed', data: { reason, ...backlog, ...draft.pending(), at: draft.at } });
  draft.completeIfOver(outcomeOfSkipped(draft.record));
}

/** `[JobRunAbandoned(cancelled)…, (JobSlotsSkipped(cancelled))…, JobCancelled]`; `afterRun` with a slot in progress: `[(JobSlotsSkipped(cancelled))…, JobEndSet]`, and its end completes the job. */
export function decideCancel(record: JobRecord, command: CancelJob): JobDecision {
  const not = refuseEnded(record);
  if (not !== null) return not;
  const { at, zoneData, commandId, reason } = command;
  const draft = new Draft(record, at, zoneData, commandId);
  if (command.mode === 'afterRun' && record.stage === 'live' && record.inProgress.length > 0) {
    if (record.ending) return { ok: true, events: [] };
    draft.skipForGood('cancelled');
    draft.skipRequested('cancelled');
    draft.push({ type: 'JobEndSet', data: { reason, nextSlot: null, zoneData, at } });
    return draft.done();
  }
  end(draft);
  draft.push({ type: 'JobCancelled', data: { reason, at } });
  return draft.done();
}

/** As cancel, `+ JobRemoved`; a job that has ended: `[JobRemoved]`. */
export function decideRemove(record: JobRecord, { at, zoneData, commandId, reason }: RemoveJob): JobDecision {
  if (record.stage === 'removed') return { ok: true, events: [] };
  const draft = new Draft(record, at, zoneData, commandId);
  if (refuseEnded(record) === null) {
    end(draft);
    draft.push({ type: 'JobCancelled', data: { reason, at } });
  }
  draft.push({ type: 'JobRemoved', data: { reason, at } });
  return draft.done();
}

/** `[(JobSlotsSkipped(held)), JobHoldResolved(retry | fail | succeeded)]`, and `JobCompleted` when that ended the last slot. */
export function decideResolveHold(record: JobRecord, command: ResolveHold): JobDecision {
  const not = refuseNotLive(record);
  if (not !== null) return not;
  if (record.held === null)
    return refuse('job-not-held', 'jobId', record.jobId, 'This job is not held.', 'Nothing is to be done.');
  const { at, zoneData, commandId, reason, resolution } = command;
  const draft = new Draft(record, at, zoneData, commandId);
  const { slot } = record.held;
  // Slots that were missed before the run that is held are not skipped for it.
  if (!draft.owes) draft.skipDue('held');
  draft.push({ type: 'JobHoldResolved', data: { resolution, slot, reason, ...draft.pending(), at } });
  if (resolution !== 'retry') draft.completeIfOver(resolution === 'fail' ? 'failed' : 'succeeded');
  return draft.done();
}

/** `[JobReleasedFromQuarantine]`: unbound, with no crashes counted. */
export function decideReleaseFromQuarantine(record: JobRecord, command: ReleaseFromQuarantine): JobDecision {
  const not = refuseEnded(record);
  if (not !== null) return not;
  if (record.stage !== 'quarantined') {
    return refuse(
      'job-not-quarantined',
      'jobId',
      record.jobId,
      'This job is not in quarantine.',
      'Nothing is to be done.',
    );
  }
  const { at, zoneData, commandId, reason } = command;
  const draft = new Draft(record, at, zoneData, commandId);
  draft.push({ type: 'JobReleasedFromQuarantine', data: { reason, at } });
  return draft.done();
}

/** No terminal job has an open run, and no slot vanishes. */
function end(draft: Draft): void {
  const { at } = draft;
  for (const { slot, attempt, epoch, incarnation } of openRuns(draft.record)) {
    draft.push({ type: 'JobRunAbandoned', data: { slot, attempt, epoch, incarnation, reason: 'cancelled', at } });
  }
  draft.skipForGood('cancelled');
  draft.skipRequested('cancelled');
}

/** Skips what fell during a pause, or says how it is to be made up for: by the policy for that, whatever the job does with other missed slots. */
function whatFell(draft: Draft): { readonly backlog?: Backlog } {
  const { schedule, policies } = draft.record.definition;
  const { onResume } = misfireRule(policies.misfire);
  if (onResume === 'skip') {
    if (schedule.kind !== 'once') draft.skipDue('paused');
    return {};
  }
  const due = draft.due();
  return due === null ? {} : { backlog: { to: slotOf(due.last), policy: onResume } };
}
