import type { JobRecord } from 'holdfast';
import type { AuditType } from './audit';
import {
  auditState,
  isInactive,
  refuseChange,
  refuseTransition,
  refuseTrigger,
  transitions,
  windowAt,
  type AuditState,
} from './audit-state';

const states = Object.keys(transitions) as AuditState[];

describe('the table of transitions', () => {
  // Written out once more: what Watcher's AuditStateTransitionManager allows, and nothing else.
  const allowed = [
    'PENDING → ONGOING',
    'PENDING → CANCELLED',
    'ONGOING → FAILED',
    'ONGOING → SUCCEEDED',
    'ONGOING → CANCELLED',
    'ONGOING → SUSPENDED',
    'FAILED → DELETED',
    'SUCCEEDED → DELETED',
    'CANCELLED → DELETED',
    'SUSPENDED → ONGOING',
    'SUSPENDED → DELETED',
  ];

  it.each(states.flatMap((from) => states.map((to) => [from, to] as const)))('%s → %s', (from, to) => {
    const refusal = refuseTransition(from, to);
    if (allowed.includes(`${from} → ${to}`)) return expect(refusal).toBeNull();
    expect(refusal).toMatchObject({
      field: 'state',
      value: to,
      rule: `An audit that is ${from} cannot become ${to}.`,
      remedy: expect.stringMatching(/\w\.$/),
    });
  });

  it('what is cancelled, deleted, failed or suspended is inactive', () => {
    expect(states.filter(isInactive).sort()).toEqual(['CANCELLED', 'DELETED', 'FAILED', 'SUSPENDED']);
  });
});

const outcome = (of: 'succeeded' | 'failed' | 'timedOut') =>
  ({ slot: '2026-01-01T00:00:00.000Z', attempt: 1, outcome: of, at: 0, detail: null }) as const;
const run = { slot: 'manual:1', attempt: 1 } as unknown as JobRecord['inProgress'][number];

function record(type: AuditType, more: Partial<JobRecord>): JobRecord {
  const idle = { stage: 'live', paused: false, inProgress: [], requested: [], lastOutcome: null };
  return { ...idle, definition: { payload: { type } }, ...more } as unknown as JobRecord;
}

describe('the state of an audit follows from its job', () => {
  it.each<[string, AuditType, Partial<JobRecord>, AuditState]>([
    ['it has never run', 'CONTINUOUS', {}, 'PENDING'],
    ['its first run is asked for', 'CONTINUOUS', { requested: [{ slot: 'manual:1', at: 0 }] }, 'PENDING'],
    ['its first run is open', 'CONTINUOUS', { inProgress: [run] }, 'ONGOING'],
    ['between two runs', 'CONTINUOUS', { lastOutcome: outcome('succeeded') }, 'ONGOING'],
    ['after a run that failed for good', 'CONTINUOUS', { lastOutcome: outcome('failed') }, 'ONGOING'],
    ['its window is over', 'CONTINUOUS', { stage: 'completed', lastOutcome: outcome('succeeded') }, 'SUCCEEDED'],
    ['its window is over and nothing ever ran', 'CONTINUOUS', { stage: 'completed' }, 'SUCCEEDED'],
    ['its last run of all failed', 'CONTINUOUS', { stage: 'completed', lastOutcome: outcome('timedOut') }, 'FAILED'],
    ['paused', 'CONTINUOUS', { paused: true, lastOutcome: outcome('succeeded') }, 'SUSPENDED'],
    ['in quarantine', 'CONTINUOUS', { stage: 'quarantined' }, 'SUSPENDED'],
    ['cancelled', 'CONTINUOUS', { stage: 'cancelled' }, 'CANCELLED'],
    ['removed', 'CONTINUOUS', { stage: 'removed', paused: true }, 'DELETED'],
    ['it has not run yet', 'ONESHOT', {}, 'PENDING'],
    ['its only run failed', 'ONESHOT', { stage: 'completed', lastOutcome: outcome('failed') }, 'FAILED'],
    ['nobody triggered it', 'EVENT', {}, 'PENDING'],
    ['it was triggered', 'EVENT', { requested: [{ slot: 'manual:1', at: 0 }] }, 'ONGOING'],
    ['the event was answered', 'EVENT', { lastOutcome: outcome('succeeded') }, 'SUCCEEDED'],
    ['the event was not answered', 'EVENT', { lastOutcome: outcome('failed') }, 'FAILED'],
    ['the next event', 'EVENT', { lastOutcome: outcome('failed'), inProgress: [run] }, 'ONGOING'],
  ])('%s (%s)', (_what, type, more, state) => {
    expect(auditState(record(type, more))).toBe(state);
  });
});

describe('a trigger, a change', () => {
  it('is taken by an EVENT audit that lives, whatever became of the last', () => {
    const last = [null, outcome('succeeded'), outcome('failed')];
    for (const lastOutcome of last) expect(refuseTrigger(record('EVENT', { lastOutcome }))).toBeNull();
    expect(refuseTrigger(record('EVENT', { inProgress: [run] }))).toBeNull();
  });

  it.each<[string, JobRecord]>([
    ['of another type', record('ONESHOT', {})],
    ['that is suspended', record('EVENT', { paused: true })],
    ['in quarantine', record('EVENT', { stage: 'quarantined' })],
    ['that is cancelled', record('EVENT', { stage: 'cancelled' })],
  ])('is refused by an audit %s', (_what, audit) => {
    expect(refuseTrigger(audit)).toMatchObject({ value: expect.any(String), remedy: expect.stringMatching(/.+/) });
  });

  it('is possible until the audit is over', () => {
    expect(refuseChange(record('CONTINUOUS', { paused: true }))).toBeNull();
    expect(refuseChange(record('CONTINUOUS', { stage: 'completed' }))).toMatchObject({
      field: 'state',
      value: 'SUCCEEDED',
    });
    expect(refuseChange(record('CONTINUOUS', { stage: 'removed' }))).toMatchObject({
      field: 'state',
      value: 'DELETED',
    });
  });
});

it('the window is from its start on, and before its end', () => {
  const window = { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z' };
  const at = (time: string) => windowAt(window, Date.parse(time));
  expect(at('2025-12-31T23:59:59.999Z')).toBe('before');
  expect(at('2026-01-01T00:00:00.000Z')).toBe('inside');
  expect(at('2026-01-01T23:59:59.999Z')).toBe('inside');
  expect(at('2026-01-02T00:00:00.000Z')).toBe('after');
  expect(windowAt({ start: null, end: null }, 0)).toBe('inside');
});
