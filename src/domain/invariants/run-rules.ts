import { instantOfSlot } from '../job/events';
import type {
  AbandonReason,
  JobRunAbandoned,
  JobRunFailed,
  JobRunOutcomeRefused,
  JobRunStarted,
  JobRunSucceeded,
  JobRunTimedOut,
  RunRef,
} from '../job/events';
import type { GivenUp, JobTrack, TrackedSlot } from './job-track';
import { runWords, sameRun } from './job-track';
import { checkMisfireStart } from './misfire-rules';
import { ownerWords } from './ownership-rules';
import type { At } from './ownership-rules';
import type { ServiceFacts } from './service-facts';
import { checkUnmoved } from './slot-rules';
import type { SuspectRuns } from './suspect-runs';
import type { Report } from './violation';

/** I12: a first attempt may precede its slot by this much of the log's clock, not more. */
const EARLY_MS = 5_000;

/** I2, I12: a start is the owner's, of the right epoch, once per (job, slot, attempt), and not early. */
export function checkStart(
  track: JobTrack,
  jobId: string,
  { data }: JobRunStarted,
  at: At,
  suspects: SuspectRuns,
  report: Report,
): void {
  const words = `JobRunStarted of ${runWords(data)}`;
  checkStarter(track, data, words, report);
  if (track.stage === 'quarantined') report('transition', `${words} in a quarantined job.`);
  if (track.paused) report('transition', `${words} while the job is paused.`);
  if (track.held.length > 0) report('transition', `${words} while slot ${track.held[0]} is held.`);
  const known = track.slots.get(data.slot);
  checkOverlap(track, data, words, report);
  if (known !== undefined) checkLaterAttempt(track, known, data, words, report);
  else checkFirstAttempt(track, data, at, words, report);

  if (known === undefined && instantOfSlot(data.slot) !== null) {
    checkMisfireStart(track, data, words, report);
    track.account(data.slot);
    track.nextSlot = data.nextSlot;
  } else {
    checkUnmoved(track, data.nextSlot, words, report);
  }
  track.requested.delete(data.slot);
  const { slot, attempt, epoch, incarnation, soleSuspect = false } = data;
  const run = { slot, attempt, epoch, incarnation, revision: at.revision, soleSuspect };
  if (soleSuspect) suspects.started(jobId, track, run, report);
  track.slots.set(slot, {
    attempt,
    retriesUsed: known?.retriesUsed ?? 0,
    retryAt: null,
    run,
  });
}

/**
 * Never more open runs than the definition in force at the start allows, whatever is started. A scheduled slot begins only where fewer slots are
 * in progress: those that wait for their next attempt count. (A requested one does not wait for the retry of another.)
 */
function checkOverlap(track: JobTrack, data: JobRunStarted['data'], words: string, report: Report): void {
  const limit = track.runLimit();
  const overlap = track.definition?.overlap;
  const policy = typeof overlap === 'object' ? `allow(${overlap.allow})` : overlap;
  const others = [...track.slots].filter(([slot]) => slot !== data.slot);
  const open = others.flatMap(([, { run }]) => (run === null ? [] : [run]));
  if (open.length >= limit) {
    report('transition', `${words} while ${open.map(runWords).join(', ')} is open: overlap is ${policy}.`);
  } else if (others.length >= limit && !track.slots.has(data.slot) && instantOfSlot(data.slot) !== null) {
    const names = others.map(([slot]) => slot).join(', ');
    report('transition', `${words} while slot ${names} is in progress: overlap is ${policy}.`);
  }
}

function checkStarter(track: JobTrack, data: JobRunStarted['data'], words: string, report: Report): void {
  if (data.epoch > track.epoch) report('I1', `${words}: ${ownerWords(track)}; there is no such epoch.`);
  else if (data.epoch < track.epoch || track.owner === null) {
    report('I3', `${words}: that epoch has ended; ${ownerWords(track)}.`);
  } else if (track.owner.incarnation !== data.incarnation || track.owner.serviceId !== data.serviceId) {
    report('I2', `${words} by service ${data.serviceId}: ${ownerWords(track)}.`);
  }
}

function checkLaterAttempt(
  track: JobTrack,
  known: TrackedSlot,
  data: JobRunStarted['data'],
  words: string,
  report: Report,
): void {
  if (data.attempt <= known.attempt) {
    report('I2', `${words}: attempt ${data.attempt} of this slot was started before.`);
  } else {
    if (data.attempt !== known.attempt + 1) {
      report('transition', `${words}: the attempt before was ${known.attempt}; attempts are consecutive.`);
    }
    if (known.run !== null) report('transition', `${words} while ${runWords(known.run)} is open.`);
    if (known.retryAt !== null && data.at < known.retryAt) {
      report('transition', `${words} at ${data.at}, before its retry is due (${known.retryAt}).`);
    }
  }
  track.closeRun(known);
}

function checkFirstAttempt(track: JobTrack, data: JobRunStarted['data'], at: At, words: string, report: Report): void {
  if (data.attempt !== 1) {
    report('I2', `${words}: this slot is not in progress; a new slot begins with attempt 1.`);
  }
  if (data.definitionRevision !== track.definitionRevision) {
    report(
      'transition',
      `${words} executes definition revision ${data.definitionRevision}; in force is ${track.definitionRevision}.`,
    );
  }
  const instant = instantOfSlot(data.slot);
  if (instant === null) {
    if (!track.requested.has(data.slot)) report('I2', `${words}: no such request waits to be started.`);
    return;
  }
  if (!(instant > track.accountedThrough)) {
    const through = new Date(track.accountedThrough).toISOString();
    report('I2', `${words}: slots through ${through} are accounted for; the slot would run twice.`);
  } else if (data.slot !== track.nextSlot) {
    report('I8', `${words}: the slot that was pending is ${track.nextSlot ?? 'none'}, and it is not accounted for.`);
  }
  if (data.nextSlot !== null && !((instantOfSlot(data.nextSlot) ?? NaN) > instant)) {
    report('I8', `${words}: the next slot ${data.nextSlot} does not come after it.`);
  }
  const pending = data.slot === track.nextSlot ? track.nextDueAt : null;
  const early = (pending ?? instant) - at.created;
  if (early > EARLY_MS) {
    const before = pending === null ? 'its slot' : 'its slot was due';
    report('I12', `${words} was written at ${new Date(at.created).toISOString()}, ${early} ms before ${before}.`);
  }
}

/** I3: an outcome closes a run that is open in the stream, once. */
export function checkOutcome(
  track: JobTrack,
  event: JobRunSucceeded | JobRunFailed | JobRunTimedOut | JobRunAbandoned,
  at: At,
  services: ServiceFacts,
  report: Report,
): void {
  const words = `${event.type} of ${runWords(event.data)}`;
  const slot = openSlot(track, event.data);
  if (slot === null) {
    report('I3', `${words}: ${whyNotOpen(track, event.data)}.`);
    return;
  }
  track.closeRun(slot);
  switch (event.type) {
    case 'JobRunSucceeded':
      track.slots.delete(event.data.slot);
      return;
    case 'JobRunFailed':
    case 'JobRunTimedOut': {
      const { retriesUsed, retryAt } = event.data;
      if (retriesUsed < slot.retriesUsed || retriesUsed > slot.retriesUsed + 1) {
        report('transition', `${words} counts ${retriesUsed} retries; before it were ${slot.retriesUsed}.`);
      }
      slot.retriesUsed = retriesUsed;
      slot.retryAt = retryAt;
      if (retryAt === null) track.slots.delete(event.data.slot);
      return;
    }
    case 'JobRunAbandoned':
      checkAbandoned(track, event, words, at, services, report);
      if (endsSlot.has(event.data.reason)) track.slots.delete(event.data.slot);
  }
}

/** After these the slot is not run again. */
const endsSlot: ReadonlySet<string> = new Set(['fail', 'cancelled', 'replaced']);

const byOwnerLoss = new Set(['ownerFailed', 'ownerStopped', 'ownerMarked', 'ownerUnregistered', 'fail', 'hold']);

/** What a run of an owner that nothing registers is given up as. */
function isGivenUp(reason: AbandonReason): reason is GivenUp['reason'] {
  return reason === 'ownerUnregistered' || reason === 'fail' || reason === 'hold';
}

function checkAbandoned(
  track: JobTrack,
  { data }: JobRunAbandoned,
  words: string,
  at: At,
  services: ServiceFacts,
  report: Report,
): void {
  const { reason, incarnation } = data;
  if (!byOwnerLoss.has(reason)) return;
  const facts = services.incarnation(incarnation);
  const end = facts?.end ?? null;
  const serviceId = facts?.serviceId ?? track.owner?.serviceId;
  const known = serviceId === undefined || services.readable(serviceId);
  if (known && isGivenUp(reason) && (end === null || reason === 'ownerUnregistered')) {
    // The JobRequeued of the same append says why the owner is gone, and by which view.
    const { revision, position, id } = at;
    track.givenUp = [...track.givenUp, { reason, words: `${words} as ${reason}`, revision, position, id }];
  } else if (known && end === null) {
    report('transition', `${words} as ${reason}, but no fact of the log says that this incarnation has ended.`);
  } else if (
    end !== null &&
    (reason === 'ownerStopped' ? end.kind === 'failed' : reason === 'ownerFailed' && end.kind === 'stopped')
  ) {
    report('transition', `${words} as ${reason}, but the incarnation has ${end.kind}.`);
  }
  const policy = track.definition?.onOwnerLoss;
  if ((reason === 'fail' || reason === 'hold') && policy !== undefined && policy !== reason) {
    report('transition', `${words} as ${reason}, but the job says ${policy} for a lost owner.`);
  }
}

/** A late outcome is recorded once per run, and only when the run is not open. */
export function checkRefusedOutcome(track: JobTrack, { data }: JobRunOutcomeRefused, report: Report): void {
  const words = `JobRunOutcomeRefused of ${runWords(data)}`;
  if (openSlot(track, data) !== null)
    report('transition', `${words}, but that run is open: its outcome is to be accepted.`);
  const closed = track.closed.find((run) => sameRun(run, data));
  if (closed?.refused === true) report('transition', `${words}: it was recorded before.`);
  if (closed !== undefined) closed.refused = true;
}

function openSlot(track: JobTrack, run: RunRef): TrackedSlot | null {
  const slot = track.slots.get(run.slot);
  return slot?.run != null && sameRun(slot.run, run) ? slot : null;
}

function whyNotOpen(track: JobTrack, run: RunRef): string {
  if (track.closed.some((closed) => sameRun(closed, run))) return 'this run has ended before; a run has one outcome';
  if (run.epoch !== track.epoch || track.owner === null) return `that epoch has ended; ${ownerWords(track)}`;
  const open = track.openRuns().map(runWords).join(', ');
  return open === '' ? 'no run is open' : `the open run is ${open}`;
}
