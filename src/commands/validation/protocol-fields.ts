import type { Check } from './check';
import {
  arrayOf,
  boolean,
  isRecord,
  missing,
  nothingWrong,
  nullable,
  number,
  object,
  oneOf,
  refusal,
  text,
  whole,
} from './check';
import { dictionary, handlerName, id } from './fields';

/** Fields of the commands that services send. Checked like those that people send: the log is written by nobody else. */

/** A position of the log, decimal. */
export const position: Check = (value, field) => {
  if (value === undefined) return missing(field);
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return nothingWrong;
  return refusal('wrong-type', field, value, 'It must be a position as a decimal string.', 'Pass String(position).');
};

export const epoch: Check = whole(1);
export const durationMs: Check = whole(0);

/** One run: slot, attempt, epoch and incarnation. */
export const run: Check = object({ slot: text(200, 1), attempt: whole(1), epoch, incarnation: id });

export const afterRun: Check = object({
  release: nullable(oneOf('drain', 'ineligible')),
  startNext: boolean,
});

const capacityShape = { maxOwnedJobs: whole(0), maxConcurrentRuns: whole(0) };
export const capacity: Check = object(capacityShape);

export const candidate: Check = object({
  serviceId: id,
  incarnation: id,
  labels: dictionary,
  handlers: arrayOf(handlerName, 10_000),
  life: oneOf('live', 'draining', 'failed', 'stopped'),
  capacity,
  owned: whole(0),
  registeredAt: number(0),
  placementVersion: whole(0),
});

export const bindingReason: Check = object({
  kind: oneOf('claim', 'requeue', 'operator'),
  rank: whole(0),
  candidates: whole(0),
  first: id,
  placementVersion: whole(0),
  labelsMatch: boolean,
});

/** Handler name → version. */
export const handlerVersions: Check = (value, field) => {
  if (value === undefined) return missing(field);
  if (!isRecord(value)) {
    return refusal('wrong-type', field, value, 'It must be an object of handler versions.', 'Pass { "audit": "1" }.');
  }
  return Object.entries(value).flatMap(([name, version]) => [
    ...handlerName(name, `${field}.${name.slice(0, 128)}`),
    ...text(128)(version, `${field}.${name.slice(0, 128)}`),
  ]);
};

export const processIdentity: Check = object({
  pid: whole(0),
  bootId: nullable(text(200)),
  pidNamespace: nullable(text(200)),
  startTicks: nullable(text(200)),
});

/** What an observer holds against an incarnation. */
export const evidence: Check = object({
  kind: oneOf('silence', 'processGone'),
  lastBeat: whole(-1),
  silenceMs: number(0),
  thresholdMs: number(0),
  membershipPosition: text(20, 1),
});
