import { backfilledInstant, type JobEvent } from '../job/events';
import type { JobRecord } from '../job/state';
import type { JobTrack } from './job-track';
import { heldOf, runWords } from './job-track';
import { checkCoalesced } from './misfire-rules';
import { checkBinding, checkRelease, checkRequeue } from './ownership-rules';
import type { At } from './ownership-rules';
import { checkOutcome, checkRefusedOutcome, checkStart } from './run-rules';
import type { ServiceFacts } from './service-facts';
import { checkMoved, checkSkipped, checkUnmoved } from './slot-rules';
import type { SuspectRuns } from './suspect-runs';
import type { Report } from './violation';

/** What may follow a JobRequeued that says neither who takes the job nor why nobody does. */
const afterRequeue = new Set<JobEvent['type']>([
  'JobBoundToService',
  'JobNextSlotRecomputed',
  'JobSlotsSkipped',
  'JobQuarantined',
  'JobCompleted',
]);
/** What may stand between a lost run that is given up and the JobRequeued that says why its owner is gone. */
const untilRequeue = new Set<JobEvent['type']>(['JobRunAbandoned', 'JobHeld', 'JobRequeued']);
const inTerminal = new Set<JobEvent['type']>(['JobRunOutcomeRefused', 'JobScheduled', 'JobRemoved', 'JobBooksClosed']);

/** What rules need to know beyond the job at hand. */
export interface LogFacts {
  readonly services: ServiceFacts;
  readonly suspects: SuspectRuns;
}

/** Checks one readable event of one job against what the log said before, and folds it. */
export function checkJobEvent(
  track: JobTrack,
  jobId: string,
  event: JobEvent,
  at: At,
  facts: LogFacts,
  report: Report,
): void {
  checkOne(track, jobId, event, at, facts, report);
  if ('nextSlot' in event.data) track.nextDueAt = event.data.nextDueAt ?? null;
}

function checkOne(
  track: JobTrack,
  jobId: string,
  event: JobEvent,
  at: At,
  { services, suspects }: LogFacts,
  report: Report,
): void {
  if (track.requeued !== null) {
    if (!afterRequeue.has(event.type)) {
      report('transition', `${event.type} follows a JobRequeued that left open who takes the job.`);
    }
    if (event.type !== 'JobSlotsSkipped' && event.type !== 'JobNextSlotRecomputed') track.requeued = null;
  }
  if (track.givenUp.length > 0 && !untilRequeue.has(event.type)) {
    for (const { words } of track.givenUp) {
      report('transition', `${event.type} follows ${words}, and no JobRequeued says why its owner is gone.`);
    }
    track.givenUp = [];
  }
  if (track.stage === 'absent' && event.type !== 'JobScheduled' && event.type !== 'JobBooksClosed') {
    report('transition', `${event.type} stands before the JobScheduled of the job.`);
  }
  if (track.terminal() && !inTerminal.has(event.type)) {
    report('I3', `${event.type} in a job that is ${track.stage}: nothing changes a terminal job.`);
  }
  checkCoalesced(track, event, report);
  track.commands.check(addedOnce(event), event.data.commandId, at.revision, report);
  switch (event.type) {
    case 'JobScheduled':
      return scheduled(track, jobId, event.data, at, report);
    case 'JobRescheduled':
      checkMoved(track, event.data.nextSlot, event.data.at, event.type, report);
      track.define(event.data.definition, at.revision);
      return;
    case 'JobNextSlotRecomputed':
      if (event.data.formerSlot !== track.nextSlot) {
        report(
          'I8',
          `JobNextSlotRecomputed names ${event.data.formerSlot}, but pending is ${track.nextSlot ?? 'none'}.`,
        );
      }
      checkMoved(track, event.data.nextSlot, event.data.at, event.type, report);
      return;
    case 'JobEndSet':
      if (event.data.nextSlot !== null) report('transition', `JobEndSet leaves slot ${event.data.nextSlot} pending.`);
      checkMoved(track, event.data.nextSlot, event.data.at, event.type, report);
      track.backlog = null;
      return;
    case 'JobRunRequested': {
      const { slot } = event.data;
      if (slot !== `manual:${at.revision}` && !slot.startsWith(`backfill:${at.revision}:`)) {
        report('transition', `JobRunRequested at revision ${at.revision} names its slot ${slot}.`);
      }
      track.requested.add(slot);
      return;
    }
    case 'JobBoundToService':
      return checkBinding(track, event, at, services, report);
    case 'JobSlotsSkipped':
      return checkSkipped(track, event, report);
    case 'JobRunStarted':
      return checkStart(track, jobId, event, at, suspects, report);
    case 'JobRunSucceeded':
    case 'JobRunFailed':
    case 'JobRunTimedOut':
    case 'JobRunAbandoned':
      return checkOutcome(track, event, at, services, report);
    case 'JobRunOutcomeRefused':
      return checkRefusedOutcome(track, event, report);
    case 'JobReleased':
      return checkRelease(track, event, at, report);
    case 'JobRequeued':
      return checkRequeue(track, event, at, services, report);
    default:
      checkFlags(track, event, at, report);
      if (event.type === 'JobBooksClosed') suspects.restored(jobId, track);
  }
}

/** What a command adds once. A backfill asks for many runs, each of another time. */
function addedOnce(event: JobEvent): string {
  const instant = event.type === 'JobRunRequested' ? backfilledInstant(event.data.slot) : null;
  return instant === null ? event.type : `${event.type} (backfill of ${instant})`;
}

function scheduled(
  track: JobTrack,
  jobId: string,
  data: Extract<JobEvent, { type: 'JobScheduled' }>['data'],
  at: At,
  report: Report,
): void {
  if (data.jobId !== jobId) report('transition', `JobScheduled of job ${data.jobId} stands in the stream of ${jobId}.`);
  if (track.stage !== 'absent' && !track.terminal()) {
    report('transition', `JobScheduled, but the job is ${track.stage}: only a terminal job begins anew.`);
  }
  if (data.renewed !== (track.stage !== 'absent')) {
    report('transition', `JobScheduled says renewed: ${data.renewed}, but the job is ${track.stage}.`);
  }
  track.stage = 'live';
  track.paused = false;
  track.held = [];
  track.slots.clear();
  track.requested.clear();
  track.backlog = null;
  track.define(data.definition, at.revision);
  track.nextSlot = null;
  checkMoved(track, data.nextSlot, data.at, 'JobScheduled', report);
}

type FlagEvent = Extract<
  JobEvent,
  {
    type:
      | 'JobHeld'
      | 'JobHoldResolved'
      | 'JobQuarantined'
      | 'JobReleasedFromQuarantine'
      | 'JobPaused'
      | 'JobResumed'
      | 'JobCompleted'
      | 'JobCancelled'
      | 'JobRemoved'
      | 'JobBooksClosed';
  }
>;

function checkFlags(track: JobTrack, event: FlagEvent, at: At, report: Report): void {
  switch (event.type) {
    case 'JobHeld': {
      const slot = track.slots.get(event.data.slot);
      if (slot === undefined || slot.run !== null) {
        report('transition', `JobHeld for slot ${event.data.slot}, which does not wait after a lost run.`);
      }
      if (track.held.includes(event.data.slot)) {
        report('transition', `JobHeld, but slot ${event.data.slot} is held already.`);
      }
      track.held = [...track.held, event.data.slot];
      return;
    }
    case 'JobHoldResolved':
      if (track.held[0] !== event.data.slot) {
        const is = track.held[0] ?? 'none';
        report('transition', `JobHoldResolved for slot ${event.data.slot}, but ${is} is held.`);
      }
      if (event.data.resolution !== 'retry') track.slots.delete(event.data.slot);
      track.held = track.held.filter((slot) => slot !== event.data.slot);
      checkUnmoved(track, event.data.nextSlot, event.type, report);
      return;
    case 'JobQuarantined':
      if (track.owner !== null || track.stage !== 'live') {
        report(
          'transition',
          `JobQuarantined, but the job is ${track.stage}${track.owner === null ? '' : ' and owned'}.`,
        );
      }
      for (const run of track.openRuns()) report('transition', `JobQuarantined while ${runWords(run)} is open.`);
      if (!track.terminal()) track.stage = 'quarantined';
      return;
    case 'JobReleasedFromQuarantine':
      if (track.stage !== 'quarantined')
        report('transition', `JobReleasedFromQuarantine, but the job is ${track.stage}.`);
      if (!track.terminal()) track.stage = 'live';
      return;
    case 'JobPaused':
      if (track.paused) report('transition', 'JobPaused, but the job is paused already.');
      track.paused = true;
      return;
    case 'JobResumed':
      if (!track.paused) report('transition', 'JobResumed, but the job is not paused.');
      track.paused = false;
      checkUnmoved(track, event.data.nextSlot, event.type, report);
      track.backlog = event.data.backlog === undefined ? null : { ...event.data.backlog, runs: 0 };
      return;
    case 'JobCompleted':
    case 'JobCancelled':
    case 'JobRemoved':
      return ends(track, event, at, report);
    case 'JobBooksClosed':
      compareBooks(track, event.data.state, report);
  }
}

function ends(
  track: JobTrack,
  event: Extract<FlagEvent, { type: 'JobCompleted' | 'JobCancelled' | 'JobRemoved' }>,
  at: At,
  report: Report,
): void {
  for (const run of track.openRuns()) report('I13', `${event.type} while ${runWords(run)} is open.`);
  if (event.type === 'JobCompleted') {
    if (track.nextSlot !== null) report('I8', `JobCompleted while slot ${track.nextSlot} is pending.`);
    for (const slot of track.requested) report('I8', `JobCompleted while ${slot} waits to be started.`);
    for (const [slot, { run }] of track.slots) {
      if (run === null) report('I8', `JobCompleted while slot ${slot} waits for its next attempt.`);
    }
    track.stage = 'completed';
  } else if (event.type === 'JobCancelled') {
    checkMoved(track, null, event.data.at, event.type, report);
    for (const slot of track.requested) report('I8', `JobCancelled drops ${slot}, which waits to be started.`);
    track.stage = 'cancelled';
  } else {
    if (track.stage === 'removed') report('transition', 'JobRemoved, but the job is removed already.');
    track.stage = 'removed';
  }
  track.nextSlot = null;
  track.requested.clear();
  track.slots.clear();
  track.backlog = null;
  track.held = [];
  if (track.owner !== null) track.endEpoch(at.revision);
}

/** Closed books are read instead of all that came before: they must say the same. */
function compareBooks(track: JobTrack, state: JobRecord, report: Report): void {
  if (track.stage !== 'absent' && !track.opaque) {
    const { ownership } = state;
    const open = state.inProgress.flatMap(({ run }) => (run === null ? [] : [runWords(run)]));
    const pairs: readonly (readonly [string, unknown, unknown])[] = [
      ['stage', state.stage, track.stage],
      ['epoch', state.epoch, track.epoch],
      ['owner', ownership.kind === 'bound' ? ownership.incarnation : null, track.owner?.incarnation ?? null],
      ['paused', state.paused, track.paused],
      ['held slots', heldOf(state).join('; '), track.held.join('; ')],
      ['next slot', state.nextSlot, track.nextSlot],
      ['open runs', open.sort().join('; '), track.openRuns().map(runWords).sort().join('; ')],
      [
        'waiting requests',
        state.requested
          .map(({ slot }) => slot)
          .sort()
          .join('; '),
        [...track.requested].sort().join('; '),
      ],
      ['accounted through', state.accountedThrough ?? Number.NEGATIVE_INFINITY, track.accountedThrough],
      ['backlog through', state.backlog?.to ?? null, track.backlog?.to ?? null],
      ['definition revision', state.definitionRevision, track.definitionRevision],
    ];
    for (const [what, says, is] of pairs) {
      if (says !== is) {
        report(
          'transition',
          `JobBooksClosed says ${what} ${String(says)}, but the events before add up to ${String(is)}.`,
        );
      }
    }
  }
  track.restore(state);
}
