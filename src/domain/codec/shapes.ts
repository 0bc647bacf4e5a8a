import type { MisfireRule, MisfireWord } from '../job/definition';
import type { Schedule } from '../schedule';
import type { DomainEvent } from './domain-event';

/** What a field must be for an event to be readable. `?` behind a kind: may be missing. `|null`: may be null. */
export type Kind = 'string' | 'number' | 'boolean' | 'object' | 'array' | 'any';
type Wanted = Kind | `${Kind}|null` | `${Kind}?`;
/** By field: its kind; the words that are known; or the shape of the object that it is. */
export interface Shape {
  readonly [field: string]: Wanted | readonly string[] | Shape;
}

const pending = { nextSlot: 'string|null', zoneData: 'string', nextDueAt: 'number?' } as const;
const run = { slot: 'string', attempt: 'number', epoch: 'number', incarnation: 'string' } as const;
const service = { serviceId: 'string', incarnation: 'string' } as const;

/** A definition is decided on, so all of it must be understood: a word that is not known here would be decided on wrongly. */
const bounds = { start: 'number|null', end: 'number|null', maxRuns: 'number|null', jitterMs: 'number?' } as const;
export const schedules: { readonly [kind in Schedule['kind']]: Shape } = {
  once: { at: 'any', ...bounds },
  interval: { everyMs: 'number', origin: 'number|null', ...bounds },
  cron: { pattern: 'string', zone: 'string', days: ['either', 'both'], ...bounds },
  calendar: {
    every: 'number',
    unit: ['day', 'week', 'month'],
    weekdays: 'array',
    day: 'any',
    missing: ['last', 'skip'],
    at: 'string',
    zone: 'string',
    origin: 'string|null',
    ...bounds,
  },
};
const misfires: readonly MisfireWord[] = ['skip', 'once', 'all'];
/** A misfire policy that is more than a word. */
export const misfire: { readonly [field in keyof MisfireRule]: Wanted | readonly string[] } = {
  policy: misfires,
  run: ['latest', 'earliest'],
  cap: 'number',
  maxAgeMs: 'number|null',
  thresholdMs: 'number',
  onResume: misfires,
};
const definition = {
  definition: {
    handler: 'string',
    payload: 'any?',
    schedule: { kind: Object.keys(schedules) },
    tag: 'object',
    affinity: ['required', 'preferred'],
    policies: {
      retry: { maxRetries: 'number', initialMs: 'number', factor: 'number', maxMs: 'number' },
      overlap: 'any',
      misfire: 'any',
      onOwnerLoss: ['rerun', 'fail', 'hold'],
      onStuck: ['release', 'wait'],
      timeoutMs: 'number|null',
      priority: 'number',
    },
  },
  definitionHash: 'string',
  anchor: 'number',
} as const;

/** Fields that the fold needs, by event type. Every event has `at`; more fields than these are kept and do no harm. */
export const shapes: { readonly [type in DomainEvent['type']]: Shape } = {
  JobScheduled: { jobId: 'string', ...definition, ...pending, renewed: 'boolean', declaration: 'object?' },
  JobRescheduled: { ...definition, ...pending, declaration: 'object?' },
  JobNextSlotRecomputed: { formerSlot: 'string', formerZoneData: 'string', ...pending },
  JobEndSet: { reason: 'string', ...pending },
  JobRunRequested: { slot: 'string', reason: 'string' },
  JobBoundToService: { epoch: 'number', ...service, viewPosition: 'string', why: 'object' },
  JobSlotsSkipped: {
    reason: 'string',
    from: 'string|null',
    to: 'string|null',
    count: 'number',
    slots: 'array',
    ...pending,
  },
  JobRunStarted: {
    ...run,
    serviceId: 'string',
    definitionRevision: 'number',
    soleSuspect: 'boolean?',
    backlogTo: 'string?',
    ...pending,
  },
  JobRunSucceeded: { ...run, durationMs: 'number' },
  JobRunFailed: {
    ...run,
    error: 'string',
    message: 'string',
    durationMs: 'number',
    retriesUsed: 'number',
    retryAt: 'number|null',
  },
  JobRunTimedOut: { ...run, durationMs: 'number', timeoutMs: 'number', retriesUsed: 'number', retryAt: 'number|null' },
  JobRunAbandoned: { ...run, reason: 'string' },
  JobRunOutcomeRefused: { ...run, outcome: 'string', why: 'string' },
  JobReleased: { epoch: 'number', ...service, reason: 'string', target: 'string|null' },
  JobRequeued: {
    epoch: 'number',
    fromServiceId: 'string',
    fromIncarnation: 'string',
    cause: 'string',
    viewPosition: 'string',
    nobody: 'string|null',
  },
  JobHeld: { slot: 'string', attempt: 'number' },
  JobHoldResolved: { resolution: 'string', slot: 'string', reason: 'string', ...pending },
  JobQuarantined: { crashes: 'number', windowMs: 'number' },
  JobReleasedFromQuarantine: { reason: 'string' },
  JobPaused: { reason: 'string' },
  JobResumed: { reason: 'string', backlog: 'object?', ...pending },
  JobCompleted: { outcome: 'string' },
  JobCancelled: { reason: 'string' },
  JobRemoved: { reason: 'string' },
  JobBooksClosed: {
    schemaVersion: 'number',
    state: {
      stage: ['live', 'quarantined', 'completed', 'cancelled', 'removed'],
      jobId: 'string',
      revision: 'number',
      ...definition,
      definitionRevision: 'number',
      scheduledAt: 'number',
      epoch: 'number',
      ownership: { kind: ['bound', 'unbound'] },
      paused: 'boolean',
      held: 'object|null',
      ...pending,
      accountedThrough: 'number|null',
      slotsCounted: 'number',
      inProgress: 'array',
      requested: 'array',
      crashes: 'array',
      closedRuns: 'array',
      backlog: 'object?',
      lastOutcome: 'object|null',
      ending: 'boolean',
      homeReturns: 'array',
      commands: 'array',
    },
  },
  ServiceRegistered: {
    ...service,
    labels: 'object',
    capacity: 'object',
    handlers: 'object',
    process: 'object',
    placementVersion: 'number',
    zoneData: 'string?',
    reason: 'string',
  },
  ServiceReasserted: { ...service, fencedForMs: 'number' },
  ServiceMarkedFailed: { ...service, by: 'string' },
  ServiceDrainStarted: { ...service, reason: 'string' },
  ServiceStopped: { ...service, leftovers: 'array' },
  ServiceHeartbeat: {
    ...service,
    sequence: 'number',
    owned: 'number',
    running: 'number',
    loopDelayMs: 'number',
    clockSkewMs: 'number',
  },
};

/** The first thing that keeps `data` from having the shape, in words; null: it has it. */
export function misshapen(data: unknown, shape: Shape): string | null {
  if (kindOf(data) !== 'object') return 'data is no JSON object';
  const fields = data as Fields;
  if (typeof fields.at !== 'number') return 'at is no number';
  return wrong(fields, shape, '') ?? wrongDefinition(fields) ?? wrongDefinition(fields.state);
}

type Fields = Readonly<Record<string, unknown>>;

function wrong(fields: Fields, shape: Shape, path: string): string | null {
  for (const field in shape) {
    const wanted = shape[field];
    const value = fields[field];
    const problem =
      typeof wanted === 'string'
        ? wrongKind(value, wanted)
        : isWords(wanted)
          ? wrongWord(value, wanted)
          : kindOf(value) !== 'object'
            ? value === undefined
              ? 'is missing'
              : 'is no object'
            : null;
    if (problem !== null) return `${path}${field} ${problem}`;
    if (typeof wanted === 'string' || isWords(wanted)) continue;
    const inside = wrong(value as Fields, wanted, `${path}${field}.`);
    if (inside !== null) return inside;
  }
  return null;
}

function wrongKind(value: unknown, wanted: Wanted): string | null {
  if (value === undefined) return wanted.endsWith('?') ? null : 'is missing';
  if (wanted.startsWith('any') || (value === null && wanted.endsWith('|null'))) return null;
  const kind = kindOf(value);
  return wanted === kind || wanted.startsWith(kind) ? null : `is no ${wanted.replace(/\|null$|\?$/, '')}`;
}

function wrongWord(value: unknown, words: readonly string[]): string | null {
  if (value === undefined) return 'is missing';
  if (typeof value === 'string' && words.includes(value)) return null;
  return `is none of ${words.join(', ')}`;
}

/** What depends on more than the kind of a field. */
function wrongDefinition(of: unknown): string | null {
  const definition = (of as { definition?: { schedule: Fields; policies: Fields } } | undefined)?.definition;
  if (definition === undefined) return null;
  const { schedule, policies } = definition;
  // What a schedule needs depends on its kind, which is known by now.
  return (
    wrong(schedule, schedules[schedule.kind as Schedule['kind']], 'definition.schedule.') ??
    wrongOverlap(policies.overlap) ??
    // … and what a misfire policy needs, on whether it is a word.
    (kindOf(policies.misfire) === 'object'
      ? wrong(policies.misfire as Fields, misfire, 'definition.policies.misfire.')
      : wrong(policies, { misfire: misfires }, 'definition.policies.'))
  );
}

/** A policy that is not known here would let runs begin that it forbids. */
function wrongOverlap(overlap: unknown): string | null {
  const path = 'definition.policies.overlap';
  if (kindOf(overlap) !== 'object') {
    const problem = wrongWord(overlap, ['skip', 'queue', 'replace']);
    return problem === null ? null : `${path} ${problem}`;
  }
  const { allow, ...others } = overlap as Fields;
  const known = Number.isSafeInteger(allow) && (allow as number) > 1 && Object.keys(others).length === 0;
  return known ? null : `${path} is no { allow: n }`;
}

function isWords(wanted: Wanted | readonly string[] | Shape): wanted is readonly string[] {
  return Array.isArray(wanted);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
