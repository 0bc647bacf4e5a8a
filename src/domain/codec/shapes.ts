import type { DomainEvent } from './domain-event';

/** What a field must be for an event to be readable. `?` behind a kind: may be missing. `|null`: may be null. */
export type Kind = 'string' | 'number' | 'boolean' | 'object' | 'array' | 'any';
export type Shape = { readonly [field: string]: Kind | `${Kind}|null` | `${Kind}?` };

const pending = { nextSlot: 'string|null', zoneData: 'string' } as const;
const run = { slot: 'string', attempt: 'number', epoch: 'number', incarnation: 'string' } as const;
const service = { serviceId: 'string', incarnation: 'string' } as const;
const definition = { definition: 'object', definitionHash: 'string', anchor: 'number' } as const;

/** Fields that the fold needs, by event type. Every event has `at`; more fields than these are kept and do no harm. */
export const shapes: { readonly [type in DomainEvent['type']]: Shape } = {
  JobScheduled: { jobId: 'string', ...definition, ...pending, renewed: 'boolean' },
  JobRescheduled: { ...definition, ...pending },
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
  JobRunStarted: { ...run, serviceId: 'string', definitionRevision: 'number', ...pending },
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
  JobResumed: { reason: 'string', ...pending },
  JobCompleted: { outcome: 'string' },
  JobCancelled: { reason: 'string' },
  JobRemoved: { reason: 'string' },
  JobBooksClosed: { schemaVersion: 'number', state: 'object' },
  ServiceRegistered: {
    ...service,
    labels: 'object',
    capacity: 'object',
    handlers: 'object',
    process: 'object',
    placementVersion: 'number',
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
  const fields = data as Record<string, unknown>;
  if (typeof fields.at !== 'number') return 'at is no number';
  for (const field in shape) {
    const wanted = shape[field];
    const value = fields[field];
    if (value === undefined) {
      if (wanted.endsWith('?')) continue;
      return `${field} is missing`;
    }
    if (value === null && (wanted.endsWith('|null') || wanted === 'any')) continue;
    const kind = wanted.replace(/\|null$|\?$/, '');
    if (kind !== 'any' && kindOf(value) !== kind) return `${field} is no ${kind}`;
  }
  return null;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
