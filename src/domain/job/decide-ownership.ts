import { ineligibility } from '../placement/eligibility';
import type { Candidate } from '../service/state';
import type { BindJob, ReleaseJob, RequeueJob } from './commands';
import { Draft, outcomeOfSkipped, refuse } from './draft';
import type { AbandonReason, BindingReason, OwnerGone } from './events';
import { openRuns, placeable } from './inspect';
import type { JobDecision } from './refusals';
import { unlessUnreadable } from './slots';
import { refuseNotLive, refuseNotOwner } from './standing';
import type { JobRecord } from './state';
import { countedCrashes } from './suspicion';

/**
 * Claim: `[(JobNextSlotRecomputed), (JobSlotsSkipped)…, JobBoundToService e+1, (JobRunStarted)]`: the new owner accounts for what fell while nobody owned the job. What
 * the misfire policy wants to be run stays pending until it is started.
 * Operator's move: `[(JobReleased(moved)), (JobNextSlotRecomputed), (JobSlotsSkipped), JobBoundToService e+1]`, never with an open run.
 * Where that ends the job, it is not bound: `[JobSlotsSkipped, JobCompleted]`.
 */
export function decideBind(record: JobRecord, command: BindJob): JobDecision {
  const { ownership } = record;
  const { at, zoneData, service, commandId } = command;
  const owned = ownership.kind === 'bound' && ownership.incarnation === service.incarnation;
  const notLive = refuseNotLive(record);
  if (notLive !== null) return notLive;
  if (command.by === 'operator' && owned) return { ok: true, events: [] };
  const ineligible = refuseIneligible(record, service);
  if (ineligible !== null) return ineligible;
  const draft = new Draft(record, at, zoneData, commandId);
  if (command.by === 'claim') {
    if (ownership.kind === 'bound') {
      return refuse(
        'job-bound',
        'jobId',
        record.jobId,
        `This job is owned by ${ownership.serviceId}.`,
        'Only an unbound job can be claimed.',
      );
    }
    bind(draft, service, command.viewPosition, command.why, command);
    return draft.done();
  }
  if (ownership.kind === 'bound') {
    if (openRuns(record).length > 0) {
      return refuse(
        'run-open',
        'jobId',
        record.jobId,
        'A job is not moved while a run is open.',
        'Wait for the end of the run, or cancel it.',
      );
    }
    const { serviceId, incarnation } = ownership;
    draft.push({
      type: 'JobReleased',
      data: { epoch: record.epoch, serviceId, incarnation, reason: 'moved', target: service.serviceId, at },
    });
  }
  bind(draft, service, command.viewPosition, command.why, { start: false });
  return draft.done();
}

const handOvers: ReadonlySet<ReleaseJob['reason']> = new Set(['home', 'rebalance', 'late']);

/** `[JobReleased(drain | ineligible | home | rebalance | late)]`: by the owner, never with an open run. */
export function decideRelease(record: JobRecord, command: ReleaseJob): JobDecision {
  const { incarnation, epoch, serviceId, reason, target, at, zoneData } = command;
  const not = refuseNotLive(record) ?? refuseNotOwner(record, { serviceId, incarnation, epoch });
  if (not !== null) return not;
  if (openRuns(record).length > 0) {
    return refuse(
      'run-open',
      'jobId',
      record.jobId,
      'A job is not released while a run is open.',
      'Release it with the outcome of the run.',
    );
  }
  if (handOvers.has(reason) && (target === null || target === serviceId)) {
    return refuse('target', 'target', target, 'A hand-over names the service that it is for, another one.', 'Name it.');
  }
  const draft = new Draft(record, at, zoneData);
  draft.push({ type: 'JobReleased', data: { epoch, serviceId, incarnation, reason, target, at } });
  return draft.done();
}

const reasonByCause: { readonly [cause in OwnerGone]: AbandonReason } = {
  failed: 'ownerFailed',
  stopped: 'ownerStopped',
  marked: 'ownerMarked',
  unregistered: 'ownerUnregistered',
};

/**
 * The owner is gone by a fact of its service stream, or nothing in the log registers it.
 *
 * - idle: `[JobRequeued, (JobNextSlotRecomputed), (JobSlotsSkipped), JobBoundToService e+1, (JobRunStarted)]`
 * - running, by policy: rerun `[JobRunAbandoned(ownerFailed) × n, JobRequeued, …same slot, attempt + 1]`; fail `[JobRunAbandoned(fail), …]`, and
 *   `JobCompleted(failed)` when it was the last; hold `[JobRunAbandoned(hold), JobHeld, …]`
 * - nobody eligible: `[JobRunAbandoned…, JobRequeued]`, unbound, with the reason
 * - after the second crash it is suspect: started in the same append only by a survivor that runs no other suspect
 * - too many crashes: `[JobRunAbandoned, JobRequeued, JobQuarantined]`
 */
export function decideRequeue(record: JobRecord, command: RequeueJob): JobDecision {
  const not = refuseNotLive(record);
  if (not !== null) return not;
  const { ownership, epoch } = record;
  const { gone, to, at, zoneData, viewPosition } = command;
  if (ownership.kind === 'unbound') {
    return refuse('job-unbound', 'jobId', record.jobId, 'Nobody owns this job: it was requeued already.', 'Claim it.');
  }
  if (ownership.incarnation !== gone.incarnation) {
    return refuse(
      'wrong-owner',
      'incarnation',
      gone.incarnation,
      `This job is owned by ${ownership.serviceId}, incarnation ${ownership.incarnation}.`,
      'Decide on the present state.',
    );
  }
  const ineligible = to === null ? null : refuseIneligible(record, to.service);
  if (ineligible !== null) return ineligible;

  const draft = new Draft(record, at, zoneData);
  const { onOwnerLoss } = record.definition.policies;
  const reason = onOwnerLoss === 'rerun' ? reasonByCause[gone.cause] : onOwnerLoss;
  for (const { slot, attempt, epoch: of, incarnation } of openRuns(record)) {
    draft.push({ type: 'JobRunAbandoned', data: { slot, attempt, epoch: of, incarnation, reason, at } });
    if (reason === 'hold') draft.push({ type: 'JobHeld', data: { slot, attempt, at } });
  }
  const { crashes, windowMs } = command.quarantine;
  const counted = countedCrashes(draft.record).filter((c) => c.at > at - windowMs).length;
  const crashed = reason === 'ownerFailed' && openRuns(record).length > 0;
  const quarantined = crashed && counted >= crashes;
  const over =
    draft.record.inProgress.length === 0 && draft.record.nextSlot === null && draft.record.requested.length === 0;
  draft.push({
    type: 'JobRequeued',
    data: {
      epoch,
      fromServiceId: ownership.serviceId,
      fromIncarnation: ownership.incarnation,
      cause: gone.cause,
      viewPosition,
      nobody: to === null && !quarantined && !over ? (command.nobody ?? 'nobody is eligible') : null,
      at,
    },
  });
  if (quarantined) draft.push({ type: 'JobQuarantined', data: { crashes: counted, windowMs, at } });
  else if (!draft.completeIfOver('failed') && to !== null) {
    bind(draft, to.service, viewPosition, to.why, to);
  }
  return draft.done();
}

function bind(
  draft: Draft,
  service: Candidate,
  viewPosition: string,
  why: BindingReason,
  { start, soleSuspect = false }: { readonly start: boolean; readonly soleSuspect?: boolean },
): void {
  const { serviceId, incarnation } = service;
  const bound = () =>
    draft.push({
      type: 'JobBoundToService',
      data: { epoch: draft.record.epoch + 1, serviceId, incarnation, viewPosition, why, at: draft.at },
    });
  unlessUnreadable(() => draft.recompute());
  // Whoever starts a scheduled slot must be able to evaluate the schedule; whoever only takes the job need not.
  unlessUnreadable(() => draft.skipMissedOfBinding());
  if (draft.completeIfOver(outcomeOfSkipped(draft.record))) return;
  bound();
  if (start) draft.startDue(service, soleSuspect);
}

function refuseIneligible(record: JobRecord, service: Candidate): JobDecision | null {
  const why = ineligibility(placeable(record), service);
  if (why === null) return null;
  const words = {
    handler: `it has no handler '${record.definition.handler}'`,
    tag: 'its labels do not contain the tag of the job',
    'not-live': 'it is not alive',
    draining: 'it is draining',
    full: 'it is full',
  } as const;
  return refuse(
    'service-ineligible',
    'serviceId',
    service.serviceId,
    `This service may not own the job: ${words[why]}.`,
    'Choose an eligible service, or change the tag of the job.',
  );
}
