import type { Origin } from '../codec/origin';
import type { JobBoundToService, JobReleased, JobRequeued } from '../job/events';
import { labelsMatch } from '../placement/eligibility';
import type { JobTrack } from './job-track';
import { overdueWords } from './overdue';
import { runWords } from './job-track';
import type { ServiceFacts } from './service-facts';
import type { Report } from './violation';

/** Where the event stands that is checked. */
export interface At {
  readonly id: string;
  readonly revision: number;
  readonly position: bigint;
  readonly created: number;
  readonly origin?: Origin | null;
}

/** I1, I4, I10: epochs are consecutive, each with one owner, given to a service that was eligible in the decider's view. */
export function checkBinding(
  track: JobTrack,
  { data }: JobBoundToService,
  at: At,
  services: ServiceFacts,
  report: Report,
): void {
  const whom = `service ${data.serviceId} (incarnation ${data.incarnation})`;
  if (data.epoch !== track.epoch + 1) {
    report(
      'I1',
      `Epoch ${data.epoch} is bound to ${whom}, but the epoch before was ${track.epoch}: epochs are consecutive.`,
    );
  }
  if (track.owner !== null) {
    report(
      'I1',
      `The job is bound to ${whom} while epoch ${track.epoch} of incarnation ${track.owner.incarnation} has not ended.`,
    );
  }
  if (track.stage === 'quarantined') report('transition', `A quarantined job is bound to ${whom}.`);
  for (const run of track.openRuns()) report('I3', `The job is bound to ${whom} while ${runWords(run)} is open.`);
  checkEligible(track, data, at, services, report);
  track.epoch = data.epoch;
  track.owner = { serviceId: data.serviceId, incarnation: data.incarnation };
  track.epochEndedAt = null;
}

function checkEligible(
  track: JobTrack,
  data: JobBoundToService['data'],
  at: At,
  services: ServiceFacts,
  report: Report,
): void {
  if (!services.readable(data.serviceId)) return;
  const view = services.view(data.viewPosition, at);
  const bound = `Epoch ${data.epoch} is bound to service ${data.serviceId} (incarnation ${data.incarnation}) at view position ${view}`;
  if (view >= at.position) report('I4', `${bound}, which is not before the event itself.`);
  const facts = services.incarnation(data.incarnation);
  if (facts === null || facts.registeredPosition > view) {
    report('I4', `${bound}, where that incarnation was not registered.`);
    return;
  }
  if (facts.serviceId !== data.serviceId) {
    report('I4', `${bound}, but that incarnation is one of service ${facts.serviceId}.`);
  }
  if (facts.end !== null && facts.end.position <= view) {
    report('I4', `${bound}, but it had ${facts.end.kind} at position ${facts.end.position}.`);
  }
  if (facts.drainPosition !== null && facts.drainPosition <= view) {
    report('I10', `${bound}, but its drain had started at position ${facts.drainPosition}.`);
  }
  if (track.definition === null) return;
  const { handler, tag, affinity } = track.definition;
  if (!facts.handlers.has(handler)) report('I4', `${bound}, which has no handler ${handler}.`);
  if (affinity === 'required' && !labelsMatch(tag, facts.labels)) {
    report(
      'I4',
      `${bound}, whose labels ${JSON.stringify(facts.labels)} do not contain the tag ${JSON.stringify(tag)}.`,
    );
  }
}

export function checkRelease(track: JobTrack, { data }: JobReleased, at: At, report: Report): void {
  if (!ownedBy(track, data.epoch, data.incarnation)) {
    report('I3', `JobReleased of epoch ${data.epoch} by incarnation ${data.incarnation}: ${ownerWords(track)}.`);
  }
  for (const run of track.openRuns()) report('I3', `The job is released while ${runWords(run)} is open.`);
  track.endEpoch(at.revision);
}

/** 5.7: an owner is gone by a fact of its service stream, or because the log has no registration of it, in the view of the decider; nothing else. */
export function checkRequeue(
  track: JobTrack,
  { data }: JobRequeued,
  at: At,
  services: ServiceFacts,
  report: Report,
): void {
  const { epoch, fromServiceId, fromIncarnation, cause, viewPosition, nobody } = data;
  if (!ownedBy(track, epoch, fromIncarnation)) {
    report('I3', `JobRequeued of epoch ${epoch} from incarnation ${fromIncarnation}: ${ownerWords(track)}.`);
  }
  for (const run of track.openRuns()) report('I3', `The job is requeued while ${runWords(run)} is open.`);
  if (services.readable(fromServiceId)) {
    const view = services.view(viewPosition, at);
    const words = `JobRequeued from service ${fromServiceId} (incarnation ${fromIncarnation}) as ${cause} at view position ${view}`;
    const facts = services.incarnation(fromIncarnation);
    for (const { reason, words: run } of track.givenUp) {
      if (reason === 'ownerUnregistered' && cause !== 'unregistered')
        report('transition', `${run}, but JobRequeued says ${cause}.`);
    }
    if (cause === 'unregistered') {
      if (view >= at.position) report('transition', `${words}, which is not before the event itself.`);
      else if (facts !== null && facts.registeredPosition <= view)
        report('transition', `${words}, but it was registered at position ${facts.registeredPosition}.`);
    } else if (facts === null || facts.end === null) {
      report('transition', `${words}, but no fact of the log says that this incarnation has ended.`);
    } else if (facts.end.position > view || view >= at.position) {
      report('transition', `${words}, but it ended at position ${facts.end.position}.`);
    } else if ((facts.end.kind === 'stopped') !== (cause === 'stopped')) {
      report('transition', `${words}, but it has ${facts.end.kind}.`);
    }
    const overdue = facts === null ? null : overdueWords(track, facts, at.created, services);
    if (overdue !== null) report('I5', `The job ${overdue}`);
  }
  track.givenUp = [];
  track.endEpoch(at.revision);
  if (nobody === null) track.requeued = at;
}

export function ownedBy(track: JobTrack, epoch: number, incarnation: string): boolean {
  return track.owner?.incarnation === incarnation && track.epoch === epoch;
}

export function ownerWords(track: JobTrack): string {
  if (track.owner !== null) {
    return `the owner is service ${track.owner.serviceId} (incarnation ${track.owner.incarnation}) under epoch ${track.epoch}`;
  }
  return track.epoch === 0
    ? 'the job was never bound'
    : `epoch ${track.epoch} ended${track.epochEndedAt === null ? '' : ` at revision ${track.epochEndedAt}`} and nobody owns the job`;
}
