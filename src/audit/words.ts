import type { DomainEvent } from '../domain/codec';
import {
  backfilledInstant,
  describeBacklog,
  overlapWords,
  type BindingReason,
  type Declaration,
  type JobDefinition,
  type JobEvent,
  type Pending,
  type RunRef,
  type SkipReason,
} from '../domain/job';
import { describe } from '../domain/schedule';
import type { ServiceEvent, ServiceHeartbeat } from '../domain/service';
import type { UnreadableEvent } from '../domain/unreadable';

/** An event in plain English, without any payload. */
export function wordsOf(event: DomainEvent | UnreadableEvent): string {
  if (event.type === '$unreadable') return `${event.originalType}: cannot be read here (${event.why})`;
  if (event.type === 'ServiceHeartbeat') return beatWords(event);
  return isJobEvent(event) ? jobWords(event) : serviceWords(event);
}

function isJobEvent(event: JobEvent | ServiceEvent): event is JobEvent {
  return event.type.startsWith('Job');
}

function declaredWords({ declaration }: { readonly declaration?: Declaration }): string {
  return declaration === undefined ? '' : ` as ${declaration.source} declares it (${declaration.hash.slice(0, 12)})`;
}

function jobWords({ type, data }: JobEvent): string {
  switch (type) {
    case 'JobScheduled':
      return `${data.renewed ? 'scheduled anew' : 'scheduled'}${declaredWords(data)}: ${definitionWords(data.definition)}; ${nextWords(data)}`;
    case 'JobRescheduled':
      return `rescheduled${declaredWords(data)}: ${definitionWords(data.definition)}; ${nextWords(data)}`;
    case 'JobNextSlotRecomputed':
      return `slot ${data.formerSlot} (zone data ${data.formerZoneData}) computed anew with zone data ${data.zoneData}; ${nextWords(data)}`;
    case 'JobEndSet':
      return `to end with the open run: ${data.reason}`;
    case 'JobRunRequested':
      return because(requestWords(data.slot), data.reason);
    case 'JobBoundToService':
      return `epoch ${data.epoch}: bound to ${data.serviceId} (incarnation ${data.incarnation}) because ${whyWords(data.why)}; decided at view position ${data.viewPosition}`;
    case 'JobSlotsSkipped':
      return `${skippedWords(data)} skipped: ${skipWords[data.reason] ?? data.reason}; ${nextWords(data)}`;
    case 'JobRunStarted':
      return `${runWords(data)} started on ${data.serviceId} (incarnation ${data.incarnation})${data.soleSuspect === true ? ', as the only suspect there' : ''}${data.backlogTo === undefined ? '' : `; missed slots through ${data.backlogTo} are run after it`}; ${nextWords(data)}`;
    case 'JobRunSucceeded':
      return `${runWords(data)} succeeded after ${data.durationMs} ms`;
    case 'JobRunFailed':
      return `${runWords(data)} failed after ${data.durationMs} ms: ${data.error}: ${data.message}; ${retryWords(data)}`;
    case 'JobRunTimedOut':
      return `${runWords(data)} timed out after ${data.durationMs} ms (limit ${data.timeoutMs} ms); ${retryWords(data)}`;
    case 'JobRunAbandoned':
      return `${runWords(data)} was given up: ${abandonWords[data.reason]}`;
    case 'JobRunOutcomeRefused':
      return `too late: the result of ${runWords(data)} (${data.outcome}, incarnation ${data.incarnation}) was refused, ${data.why}`;
    case 'JobReleased':
      return `epoch ${data.epoch} ended: released by ${data.serviceId} (${releaseWords[data.reason] ?? data.reason}${data.target === null ? '' : `, for ${data.target}`})`;
    case 'JobRequeued':
      return `epoch ${data.epoch} ended: its owner ${data.fromServiceId} (incarnation ${data.fromIncarnation}) ${goneWords[data.cause]}${data.nobody === null ? '' : `; nobody takes it: ${data.nobody}`}`;
    case 'JobHeld':
      return `held for an operator: attempt ${data.attempt} of slot ${data.slot} was lost`;
    case 'JobHoldResolved':
      return `an operator resolved the hold of slot ${data.slot} (${data.resolution}): ${data.reason}`;
    case 'JobQuarantined':
      return `quarantined after ${data.crashes} crashes within ${data.windowMs} ms`;
    case 'JobReleasedFromQuarantine':
      return `released from quarantine: ${data.reason}`;
    case 'JobPaused':
      return because('paused', data.reason);
    case 'JobResumed':
      return `${because('resumed', data.reason)}${data.backlog === undefined ? '' : `; ${describeBacklog(data.backlog)}`}; ${nextWords(data)}`;
    case 'JobCompleted':
      return `completed (${data.outcome})`;
    case 'JobCancelled':
      return because('cancelled', data.reason);
    case 'JobRemoved':
      return because('removed', data.reason);
    case 'JobBooksClosed':
      return `books closed: reading may begin here (state schema ${data.schemaVersion})`;
  }
}

/** A reason may be empty: who asked did not say why. */
function because(what: string, reason: string): string {
  return reason === '' ? what : `${what}: ${reason}`;
}

function serviceWords({ type, data }: ServiceEvent): string {
  const who = `incarnation ${data.incarnation}`;
  switch (type) {
    case 'ServiceRegistered':
      return `${who} registered (${data.reason}): pid ${data.process.pid}, labels ${pairs(data.labels)}, handlers ${Object.keys(data.handlers).join(', ') || 'none'}`;
    case 'ServiceReasserted':
      return `${who} is back after it had fenced itself for ${data.fencedForMs} ms`;
    case 'ServiceMarkedFailed':
      return data.by === 'operator'
        ? `${because(`${who} was marked failed by ${data.actor}`, data.reason)}${data.confirmedDead ? ' (the process is dead)' : ''}`
        : `${who} was marked failed by ${data.observer}: ${
            data.evidence.kind === 'processGone'
              ? 'its process is gone'
              : `silent for ${Math.round(data.evidence.silenceMs)} ms (threshold ${data.evidence.thresholdMs} ms)`
          }`;
    case 'ServiceDrainStarted':
      return `${who} drains: ${data.reason}`;
    case 'ServiceStopped':
      return `${who} stopped${data.leftovers.length === 0 ? '' : `, still running: ${data.leftovers.map(({ jobId }) => jobId).join(', ')}`}`;
  }
}

function beatWords({ data }: ServiceHeartbeat): string {
  return `beat ${data.sequence} of incarnation ${data.incarnation}: owns ${data.owned}, runs ${data.running}`;
}

/** Why a binding was made, as in `placement ranks it first of 2`. */
export function whyWords(why: BindingReason): string {
  const kind = { claim: 'it claimed the job', requeue: 'it took the job over', operator: 'an operator moved it there' };
  const first = why.rank === 0 ? '' : `, first is ${why.first}`;
  const match = why.labelsMatch ? '' : ', its labels do not match the tag';
  return `${kind[why.kind]}: rank ${why.rank} of ${why.candidates} (placement ${why.placementVersion}${first}${match})`;
}

function requestWords(slot: string): string {
  const instant = backfilledInstant(slot);
  if (instant === null) return `a run was asked for (slot ${slot})`;
  return `a run was asked for, to make up for ${new Date(instant).toISOString()} (slot ${slot})`;
}

const abandonWords = {
  ownerFailed: 'its owner was marked failed; the slot is run again',
  ownerStopped: 'its owner stopped; the slot is run again',
  ownerMarked: 'an operator marked its owner failed; the slot is run again',
  ownerUnregistered: 'nothing in the log registers its owner; the slot is run again',
  fail: 'its owner was lost, and the job fails then',
  hold: 'its owner was lost, and an operator must judge',
  lostInProcess: 'its process does not execute it any more; the slot is run again',
  drain: 'its service drained; the slot is run again',
  stuck: 'it ignored its abort; the slot is run again',
  cancelled: 'the job was cancelled',
  replaced: 'a newer slot takes its place',
} as const;
/** Where the word alone says too little. */
const skipWords: { readonly [reason in SkipReason]?: string } = {
  stuck: 'stuck, the handler that it would replace ignores its abort',
  misfire: 'misfire, nobody started them in time',
  tooOld: 'tooOld, they were missed, and are older than the misfire policy runs',
  overCap: 'overCap, they were missed, and are more than the misfire policy runs',
  replaced: 'replaced, it waited for its next attempt and a newer slot takes its place',
};
const releaseWords = {
  drain: 'it drains',
  ineligible: 'it is not eligible any more',
  stuck: 'its handler ignored the abort',
  home: 'the job returns home',
  rebalance: 'for balance',
  late: 'it was due and not started there',
  moved: 'moved by an operator',
} as const;
const goneWords = {
  failed: 'was marked failed',
  stopped: 'has stopped',
  marked: 'was marked failed by an operator',
  unregistered: 'is of no registration in this log',
} as const;

function runWords({ slot, attempt, epoch }: RunRef): string {
  return `attempt ${attempt} of slot ${slot} (epoch ${epoch})`;
}

function skippedWords(data: Extract<JobEvent, { type: 'JobSlotsSkipped' }>['data']): string {
  if (data.from === null || data.to === null) return `slots ${data.slots.join(', ')}`;
  return data.count === 1 ? `slot ${data.from}` : `${data.count} slots from ${data.from} to ${data.to}`;
}

function retryWords({
  retriesUsed,
  retryAt,
}: {
  readonly retriesUsed: number;
  readonly retryAt: number | null;
}): string {
  return retryAt === null ? 'final' : `retry ${retriesUsed} at ${new Date(retryAt).toISOString()}`;
}

function nextWords({ nextSlot, nextDueAt }: Pending): string {
  if (nextSlot === null) return 'no slot follows';
  return `next slot ${nextSlot}${nextDueAt === undefined ? '' : `, due at ${new Date(nextDueAt).toISOString()}`}`;
}

function definitionWords({ handler, schedule, tag, affinity, policies }: JobDefinition): string {
  const overlap = policies.overlap === 'skip' ? '' : `, overlap ${overlapWords(policies.overlap)}`;
  return `handler ${handler}, ${describe(schedule)}, tag ${pairs(tag)} (${affinity})${overlap}`;
}

function pairs(dictionary: { readonly [key: string]: string }): string {
  const entries = Object.entries(dictionary).map(([key, value]) => `${key}=${value}`);
  return `{${entries.join(', ')}}`;
}
