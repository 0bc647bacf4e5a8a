import type { AbandonRun, AfterRun, CompleteRun, FailRun, StartRun } from './commands';
import type { RetryPolicy } from './definition';
import { Draft, anchoredSchedule, blocked, outcomeOfSkipped, refuse } from './draft';
import { backfilledInstant, instantOfSlot, type JobRunOutcomeRefused, type RunRef } from './events';
import { sameRun } from './evolve-runs';
import { dueAt, openRuns } from './inspect';
import { misfireRule } from './misfire';
import { fellWhileFull, mayBegin, replaceable, runLimit } from './overlap';
import { pendingDueAt } from './pending';
import type { JobDecision } from './refusals';
import { countSlots, unlessUnreadable } from './slots';
import { refuseNotLive, refuseNotOwner } from './standing';
import type { JobRecord, OpaqueJob, SlotInProgress } from './state';
import { isSuspect } from './suspicion';

/** `[(JobSlotsSkipped)…, JobRunStarted, (JobSlotsSkipped coalesced)]` by the owner; `[JobSlotsSkipped…, (JobCompleted)]` when all that was due was missed for good. */
export function decideStart(record: JobRecord, command: StartRun): JobDecision {
  const { serviceId, incarnation, epoch, at, zoneData } = command;
  const not = refuseNotLive(record) ?? refuseNotOwner(record, { serviceId, incarnation, epoch });
  if (not !== null) return not;
  const block = blocked(record);
  if (block !== null) {
    const rule = {
      'job-held': 'This job is held for an operator.',
      'job-paused': 'This job is paused.',
      'run-open': openWords(record),
    }[block];
    if (command.stuck === true && block === 'run-open') return decideStuck(record, command);
    return refuse(block, 'jobId', record.jobId, rule, 'Nothing is started until that has ended.');
  }
  if (command.stuck === true) return nothingDue(record, 'No run of this job is open that a new slot would replace.');
  if (isSuspect(record) && command.soleSuspect !== true) {
    return refuse(
      'job-suspect',
      'jobId',
      record.jobId,
      `This job is suspect: ${record.crashes.length} owners have died in it since its last success. At most one suspect runs per service.`,
      'Start it when no other suspect runs in this process.',
    );
  }
  const draft = new Draft(record, at, zoneData);
  const started = draft.startDue({ serviceId, incarnation }, command.soleSuspect === true);
  if (started || draft.nextRevision > record.revision + 1) {
    if (!started) draft.completeIfOver(outcomeOfSkipped(draft.record));
    return draft.done();
  }
  return nothingDue(record, `Nothing of this job is due (next slot ${record.nextSlot ?? 'none'}).`);
}

/** `[JobSlotsSkipped(stuck)]`: a handler that ignores its abort keeps the slots that would replace it from starting. */
function decideStuck(record: JobRecord, { at, zoneData }: StartRun): JobDecision {
  const draft = new Draft(record, at, zoneData);
  if (mayBegin(record, 'scheduled') && draft.due() !== null) {
    draft.skipDue('stuck');
    return draft.done();
  }
  return nothingDue(
    record,
    `No scheduled slot waits to replace the open run (next slot ${record.nextSlot ?? 'none'}).`,
  );
}

function nothingDue(record: JobRecord, rule: string): JobDecision {
  return refuse('nothing-due', 'jobId', record.jobId, rule, 'Wait for its next run time.');
}

function openWords(record: JobRecord): string {
  const open = openRuns(record).length;
  if (open === 1) return 'A run of this job is open.';
  return `${open} runs of this job are open; its overlap policy allows ${runLimit(record.definition.policies.overlap)}.`;
}

/** `[JobRunSucceeded, (JobSlotsSkipped overlap), (JobReleased | JobRunStarted)]`, or `[JobRunSucceeded, JobCompleted]` when it was the last. */
export function decideComplete(record: JobRecord, command: CompleteRun): JobDecision {
  const { run, durationMs, at, zoneData, then } = command;
  const entry = isOpen(record, run);
  if (!entry) return decideLate(record, command);
  const draft = new Draft(record, at, zoneData);
  draft.push({ type: 'JobRunSucceeded', data: { ...ref(run), durationMs, at } });
  afterRun(draft, record, then, 'succeeded', entry);
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
  afterRun(draft, record, then, 'failed', entry);
  return draft.done();
}

/**
 * An open run of the owner's own incarnation that ends without an outcome: lost in process `[JobRunAbandoned]`; drain
 * `[JobRunAbandoned(drain), JobReleased(drain)]`; stuck `[JobRunTimedOut or JobRunAbandoned(stuck), JobReleased(stuck)]`; replaced
 * `[JobRunAbandoned(replaced), (JobSlotsSkipped coalesced), (JobReleased | JobRunStarted)]`, its handler has settled; `lostInProcess` instead of
 * `replaced` when no slot waits any more to take its place. While other runs are open the job is not released: whoever ends the last one does it.
 * A run that others have ended meanwhile is recorded as refused, once: its process lives, so it was no crash. With `onStuck: wait` a stuck
 * run adds nothing: the job stays until the handler has settled.
 */
export function decideAbandon(record: JobRecord, command: AbandonRun): JobDecision {
  const { run, timedOut, at, zoneData } = command;
  const entry = isOpen(record, run);
  const draft = new Draft(record, at, zoneData);
  if (!entry) {
    const unknown = refuseUnknownRun(record, run);
    if (unknown !== null) return unknown;
    const closed = record.closedRuns.find((r) => sameRun(r, run));
    if (closed === undefined || closed.refused || ownWords.has(closed.outcome)) return { ok: true, events: [] };
    draft.push(refusedOutcome(record, run, 'abandoned', at));
    return draft.done();
  }
  if (command.reason === 'replaced') return decideMadeRoom(record, command, entry);
  const { reason } = command;
  if (reason === 'stuck' && record.definition.policies.onStuck === 'wait') return { ok: true, events: [] };
  if (timedOut === null) draft.push({ type: 'JobRunAbandoned', data: { ...ref(run), reason, at } });
  else pushFailure(draft, entry, run, timedOut.durationMs, { kind: 'timedOut', timeoutMs: timedOut.timeoutMs });
  if (reason === 'lostInProcess') return draft.done();
  unlessUnreadable(() => skipOverlap(draft, record, entry));
  if (!draft.completeIfOver('failed')) release(draft, reason);
  return draft.done();
}

/**
 * A handler that was told to make room has settled. Its slot has ended when a newer one is due that may take its place, or was skipped as
 * `stuck` since this run began: the handler took too long. Otherwise nobody wants the room any more (the newer slot was cancelled, its job paused
 * or given another schedule or policy, by which it may be missed): the handler was interrupted for nothing, and its slot is run again, at no cost
 * of retries.
 */
function decideMadeRoom(record: JobRecord, command: AbandonRun, entry: SlotInProgress): JobDecision {
  const { run, at, zoneData, then = { release: null, startNext: false } } = command;
  const draft = new Draft(record, at, zoneData);
  const due = dueAt(record);
  const wanted = due !== null && due <= at && replaceable(record).includes(entry) && isFollowed(record, command);
  const outlasted = entry.run?.outlasted === true;
  const reason = wanted || outlasted ? 'replaced' : 'lostInProcess';
  draft.push({ type: 'JobRunAbandoned', data: { ...ref(run), reason, at } });
  afterRun(draft, record, then, 'failed', entry);
  return draft.done();
}

/** Of what is due something is run in its place: not all of it is missed. */
function isFollowed(record: JobRecord, { run, at, zoneData }: AbandonRun): boolean {
  if (record.requested.length > 0) return true;
  const trial = new Draft(record, at, zoneData);
  trial.push({ type: 'JobRunAbandoned', data: { ...ref(run), reason: 'replaced', at } });
  let runs: number | null = null;
  unlessUnreadable(() => (runs = trial.skipMissed()?.run ?? null));
  return runs !== null;
}

/** How the owner itself ends a run. */
const ownWords: ReadonlySet<string> = new Set([
  'succeeded',
  'failed',
  'timedOut',
  'lostInProcess',
  'drain',
  'stuck',
  'replaced',
]);

/**
 * A result of a run that is not open: `[JobRunOutcomeRefused]`, once per run; nothing when the run ended with this very outcome (it is the
 * same result again); refused when no such run was ever started, as far as the record knows.
 */
export function decideLate(state: JobRecord | OpaqueJob, command: CompleteRun | FailRun): JobDecision {
  const { run, at } = command;
  const outcome = command.kind === 'CompleteRun' ? 'succeeded' : command.failure.kind;
  const record = state.stage === 'opaque' ? state.before : state;
  const jobRecord = record.stage === 'absent' ? null : record;
  const closed = jobRecord?.closedRuns.find((r) => sameRun(r, run));
  if (closed !== undefined && (closed.refused || closed.outcome === outcome)) return { ok: true, events: [] };
  if (state.stage !== 'opaque') {
    const unknown = refuseUnknownRun(state, run);
    if (unknown !== null) return unknown;
  }
  return { ok: true, events: [refusedOutcome(jobRecord, run, outcome, at)] };
}

/**
 * The refusal for a run that no JobRunStarted has made; null: there was one, or it may be forgotten. Slot and attempt name one run, so
 * another owner or epoch of the same two is wrong.
 */
function refuseUnknownRun(record: JobRecord, run: RunRef): JobDecision | null {
  const { slot, attempt, epoch, incarnation } = run;
  const remedy = 'Send outcomes for started runs only, as their JobRunStarted names them.';
  const inProgress = record.inProgress.find((s) => s.slot === slot);
  if (epoch > record.epoch || attempt < 1 || (inProgress !== undefined && attempt > inProgress.attempt)) {
    const rule = `No such run was ever started; the epoch of the job is ${record.epoch}.`;
    return refuse('run-unknown', 'run', `${slot}, attempt ${attempt}, epoch ${epoch}`, rule, remedy);
  }
  const known = [...openRuns(record), ...record.closedRuns].filter((r) => r.slot === slot && r.attempt === attempt);
  if (known.length === 0 || known.some((r) => sameRun(r, run))) return null;
  const [actual] = known;
  const rule = `Attempt ${attempt} of slot ${slot} was started under epoch ${actual.epoch} by incarnation ${actual.incarnation}.`;
  if (actual.incarnation !== incarnation) return refuse('wrong-owner', 'run.incarnation', incarnation, rule, remedy);
  return refuse('wrong-epoch', 'run.epoch', epoch, rule, remedy);
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

/**
 * What follows in the append that ends a run. The outcome is recorded also where the schedule cannot be evaluated.
 * @param before the outcome. @param ended the slot of the run.
 */
function afterRun(
  draft: Draft,
  before: JobRecord,
  then: AfterRun,
  outcome: 'succeeded' | 'failed',
  ended: SlotInProgress,
): void {
  const { ownership } = draft.record;
  unlessUnreadable(() => skipOverlap(draft, before, ended));
  if (draft.completeIfOver(outcome)) return;
  if (then.release !== null) release(draft, then.release);
  else if (then.startNext && ownership.kind === 'bound') {
    unlessUnreadable(() => draft.startDue(ownership, ended.run?.soleSuspect === true));
    draft.completeIfOver(outcome);
  }
}

/**
 * Scheduled slots that fell while none could begin are skipped when one can again. While a slot waits for its retry, it has not ended. Missed
 * slots that are still to be run are not, nor is what fell during a backfill: the past does not cost the present.
 */
function skipOverlap(draft: Draft, before: JobRecord, ended: SlotInProgress): void {
  if (draft.owes || backfilledInstant(ended.slot) !== null || !fellWhileFull(before, draft.record)) return;
  if (!endsBacklog(draft, ended)) draft.skipDue('overlap');
}

/**
 * A scheduled slot that was started while later ones were due: the last of a backlog. What fell while that was worked off is missed, too, and is
 * the misfire policy's. Under `all` not where too many slots fell within one run: the runs take longer than the period, and the job would never be
 * done with its backlog.
 */
function endsBacklog(draft: Draft, { slot, attempt, run }: SlotInProgress): boolean {
  const { definition } = draft.record;
  const pending = pendingDueAt(draft.record);
  if (instantOfSlot(slot) === null || attempt > 1 || run === null || pending === null) return false;
  if (pending > run.startedAt) return false;
  const { misfire, overlap } = definition.policies;
  if (misfireRule(misfire).policy !== 'all') return true;
  return countSlots(anchoredSchedule(draft.record), run.startedAt, draft.at) <= runLimit(overlap);
}

/** Not while another run is open: whoever ends the last one releases. */
function release(draft: Draft, reason: 'drain' | 'stuck' | 'ineligible'): void {
  const { ownership, epoch } = draft.record;
  if (ownership.kind !== 'bound' || openRuns(draft.record).length > 0) return;
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
