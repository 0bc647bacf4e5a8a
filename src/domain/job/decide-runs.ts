import type { AbandonRun, AfterRun, CompleteRun, FailRun, StartRun } from './commands';
import type { RetryPolicy } from './definition';
import { Draft, blocked, refuse } from './draft';
import type { JobRunOutcomeRefused, RunRef } from './events';
import { sameRun } from './evolve';
import { openRuns } from './inspect';
import type { JobDecision } from './refusals';
import { refuseNotLive, refuseNotOwner } from './standing';
import type { JobRecord, OpaqueJob, SlotInProgress } from './state';

/** `[(JobSlotsSkipped coalesced), JobRunStarted]` by the owner. */
export function decideStart(record: JobRecord, command: StartRun): JobDecision {
  const { serviceId, incarnation, epoch, at, zoneData } = command;
  const not = refuseNotLive(record) ?? refuseNotOwner(record, incarnation, epoch);
  if (not !== null) return not;
  const block = blocked(record);
  if (block !== null) {
    const rule = {
      'job-held': 'This job is held for an operator.',
      'job-paused': 'This job is paused.',
      'run-open': 'A run of this job is open.',
    }[block];
    return refuse(block, 'jobId', record.jobId, rule, 'Nothing is started until that has ended.');
  }
  const draft = new Draft(record, at, zoneData);
  if (draft.startDue(serviceId, incarnation)) return draft.done();
  return refuse(
    'nothing-due',
    'jobId',
    record.jobId,
    `Nothing of this job is due (next slot ${record.nextSlot ?? 'none'}).`,
    'Wait for its next run time.',
  );
}

/** `[JobRunSucceeded, (JobSlotsSkipped overlap), (JobReleased | JobRunStarted)]`, or `[JobRunSucceeded, JobCompleted]` when it was the last. */
export function decideComplete(record: JobRecord, command: CompleteRun): JobDecision {
  const { run, durationMs, at, zoneData, then } = command;
  if (!isOpen(record, run)) return decideLate(record, command);
  const draft = new Draft(record, at, zoneData);
  draft.push({ type: 'JobRunSucceeded', data: { ...ref(run), durationMs, at } });
  afterRun(draft, then, 'succeeded');
  return draft.done();
}

/**
 * `[JobRunFailed or JobRunTimedOut]` with the time of the next attempt, or final: then as after a success, with `JobCompleted(failed)` when it was
 * the last. A job that ends with this run (cancel after the run) is not retried.
 */
export function decideFail(record: JobRecord, command: FailRun): JobDecision {
  const { run, durationMs, failure, at, zoneData, then } = command;
  const entry = isOpen(record, run);
  if (!entry) return decideLate(record, command);
  const draft = new Draft(record, at, zoneData);
  pushFailure(draft, entry, run, durationMs, failure);
  afterRun(draft, then, 'failed');
  return draft.done();
}

/**
 * An open run of the owner's own incarnation that ends without an outcome: lost in process `[JobRunAbandoned]`; drain
 * `[JobRunAbandoned(drain), JobReleased(drain)]`; stuck `[JobRunTimedOut or JobRunAbandoned(stuck), JobReleased(stuck)]`.
 * The run that others have abandoned because its owner seemed dead is recorded as refused: its process lives, so it was no crash.
 */
export function decideAbandon(record: JobRecord, command: AbandonRun): JobDecision {
  const { run, reason, timedOut, at, zoneData } = command;
  const entry = isOpen(record, run);
  const draft = new Draft(record, at, zoneData);
  if (!entry) {
    const closed = record.closedRuns.find((r) => sameRun(r, run));
    if (closed?.outcome === 'ownerFailed' && !closed.refused) {
      draft.push(refusedOutcome(record, run, 'abandoned', at));
      return draft.done();
    }
    return refuse(
      'run-unknown',
      'run',
      `${run.slot} attempt ${run.attempt}`,
      'This run is not open.',
      'Nothing is to be done.',
    );
  }
  const not = refuseNotOwner(record, run.incarnation, run.epoch);
  if (not !== null) return not;
  if (timedOut === null) draft.push({ type: 'JobRunAbandoned', data: { ...ref(run), reason, at } });
  else pushFailure(draft, entry, run, timedOut.durationMs, { kind: 'timedOut', timeoutMs: timedOut.timeoutMs });
  if (reason === 'lostInProcess' || draft.completeIfOver('failed')) return draft.done();
  release(draft, reason);
  return draft.done();
}

/** A result of a run that is not open: `[JobRunOutcomeRefused]`, once per run; refused when no such run was ever started. */
export function decideLate(state: JobRecord | OpaqueJob, command: CompleteRun | FailRun): JobDecision {
  const { run, at } = command;
  const outcome = command.kind === 'CompleteRun' ? 'succeeded' : command.failure.kind;
  const record = state.stage === 'opaque' ? state.before : state;
  const jobRecord = record.stage === 'absent' ? null : record;
  if (jobRecord?.closedRuns.some((r) => sameRun(r, run) && r.refused)) return { ok: true, events: [] };
  if (state.stage !== 'opaque' && (jobRecord === null || run.epoch > jobRecord.epoch)) {
    return refuse(
      'run-unknown',
      'run.epoch',
      run.epoch,
      `No run of this epoch was ever started; the epoch is ${jobRecord?.epoch ?? 0}.`,
      'Send outcomes for started runs only.',
    );
  }
  return { ok: true, events: [refusedOutcome(jobRecord, run, outcome, at)] };
}

function refusedOutcome(
  record: JobRecord | null,
  run: RunRef,
  outcome: JobRunOutcomeRefused['data']['outcome'],
  at: number,
): JobRunOutcomeRefused {
  const closed = record?.closedRuns.find((r) => sameRun(r, run));
  const why = closed
    ? `the run had ended: ${closed.outcome}`
    : record
      ? 'the run is not open'
      : 'the job cannot be read here';
  return { type: 'JobRunOutcomeRefused', data: { ...ref(run), outcome, why, at } };
}

function pushFailure(
  draft: Draft,
  entry: SlotInProgress,
  run: RunRef,
  durationMs: number,
  failure: FailRun['failure'],
): void {
  const { at, record } = draft;
  const { retry } = record.definition.policies;
  const again = entry.retriesUsed < retry.maxRetries && !record.ending;
  const retriesUsed = again ? entry.retriesUsed + 1 : entry.retriesUsed;
  const retryAt = again ? at + backoffMs(retry, retriesUsed) : null;
  if (failure.kind === 'timedOut') {
    draft.push({
      type: 'JobRunTimedOut',
      data: { ...ref(run), durationMs, timeoutMs: failure.timeoutMs, retriesUsed, retryAt, at },
    });
  } else {
    const { error, message } = failure;
    draft.push({ type: 'JobRunFailed', data: { ...ref(run), error, message, durationMs, retriesUsed, retryAt, at } });
  }
}

/** min(initial · factor^(n−1), max), whole milliseconds, before retry n. */
export function backoffMs(retry: RetryPolicy, n: number): number {
  return Math.round(Math.min(retry.initialMs * retry.factor ** (n - 1), retry.maxMs));
}

/** What follows in the append that ends a run. */
function afterRun(draft: Draft, then: AfterRun, outcome: 'succeeded' | 'failed'): void {
  const { ownership } = draft.record;
  // While a slot waits for its retry it is still in progress: what falls meanwhile is skipped when it ends.
  if (draft.record.inProgress.length === 0) draft.skipDue('overlap');
  if (draft.completeIfOver(outcome)) return;
  if (then.release !== null) release(draft, then.release);
  else if (then.startNext && ownership.kind === 'bound') draft.startDue(ownership.serviceId, ownership.incarnation);
}

function release(draft: Draft, reason: 'drain' | 'stuck' | 'ineligible'): void {
  const { ownership, epoch } = draft.record;
  if (ownership.kind !== 'bound') return;
  const { serviceId, incarnation } = ownership;
  draft.push({ type: 'JobReleased', data: { epoch, serviceId, incarnation, reason, target: null, at: draft.at } });
}

function isOpen(record: JobRecord, run: RunRef): SlotInProgress | undefined {
  if (record.stage !== 'live' || openRuns(record).length === 0) return undefined;
  return record.inProgress.find((s) => s.run !== null && sameRun(s.run, run));
}

function ref({ slot, attempt, epoch, incarnation }: RunRef): RunRef {
  return { slot, attempt, epoch, incarnation };
}
