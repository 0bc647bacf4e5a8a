import type { AuditSpec } from './audit';
import { changedAudit, defineAudit, inWordsOfAudits, type AuditDefinition } from './audit-definition';
import { exampleFile } from './cluster/read-cluster';
import { readAudits } from './audits';

const spec: Omit<AuditSpec, 'id'> = { type: 'CONTINUOUS', goal: 'dummy', interval: '300' };
const defined = (more: Partial<AuditSpec> = {}): AuditDefinition => {
  const result = defineAudit({ ...spec, ...more });
  if (!result.ok) throw new Error(result.refusals[0].rule);
  return result.value;
};

describe('an audit as a job', () => {
  it.each<[string, Partial<AuditSpec>, object]>([
    ['seconds', { interval: '300' }, { kind: 'interval', every: 300_000 }],
    ['a duration', { interval: 'PT5M' }, { kind: 'interval', every: 'PT5M' }],
    [
      'a cron pattern',
      { interval: '*/5 * * * *', zone: 'Europe/Berlin' },
      { kind: 'cron', pattern: '*/5 * * * *', zone: 'Europe/Berlin' },
    ],
    [
      'a window',
      { start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' },
      { kind: 'interval', start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' },
    ],
    ['ONESHOT', { type: 'ONESHOT', interval: undefined }, { kind: 'once' }],
    ['EVENT', { type: 'EVENT', interval: undefined }, { kind: 'once', at: '9999-12-31T00:00:00.000Z' }],
  ])('%s', (_what, more, schedule) => {
    expect(defined(more).schedule).toMatchObject(schedule);
  });

  it.each<[string, object, object]>([
    ['an unknown type', { type: 'SOMETIMES' }, { field: 'type', value: 'SOMETIMES' }],
    ['an unknown goal', { goal: 'world-peace' }, { field: 'goal', value: 'world-peace' }],
    ['a CONTINUOUS audit without an interval', { interval: undefined }, { field: 'interval' }],
    ['a ONESHOT audit with an interval', { type: 'ONESHOT' }, { field: 'interval', value: '300' }],
    [
      'an EVENT audit with an end',
      { type: 'EVENT', interval: undefined, end: '2026-01-01T00:00:00Z' },
      { field: 'end' },
    ],
    ['an interval in a zone', { zone: 'UTC' }, { field: 'zone', value: 'UTC' }],
    ['a scope that is no object', { scope: 'az-1' }, { field: 'scope', value: '"az-1"' }],
    ['an unknown part of a scope', { scope: { racks: ['r1'] } }, { field: 'scope.racks' }],
    ['a list in a scope that is none', { scope: { zones: 'az-1' } }, { field: 'scope.zones', value: '"az-1"' }],
    ['an exclusion that is none', { scope: { exclude: { zones: ['az-1'] } } }, { field: 'scope.exclude.zones' }],
    ['a negative observation', { observeMs: -1 }, { field: 'observeMs', value: '-1' }],
  ])('%s is refused: field, value, rule, remedy', (_what, more, refusal) => {
    expect(defineAudit({ ...spec, ...(more as Partial<AuditSpec>) })).toMatchObject({
      ok: false,
      refusals: [{ ...refusal, rule: expect.stringMatching(/.+/), remedy: expect.stringMatching(/.+/) }],
    });
  });

  it('names everything that is wrong at once', () => {
    const wrong = defineAudit({ ...spec, interval: undefined, goal: 'world-peace', observeMs: NaN });
    expect(wrong).toMatchObject({ refusals: [{ field: 'interval' }, { field: 'goal' }, { field: 'observeMs' }] });
  });

  it('what the schedule is refused for is said of the interval', () => {
    const refusal = { code: 'bad-pattern', field: 'schedule.pattern', value: 'x', rule: 'r', remedy: 'm' };
    expect(inWordsOfAudits(refusal)).toEqual({ ...refusal, field: 'interval' });
  });
});

describe('an audit that changes', () => {
  const changed = (from: Partial<AuditSpec>, changes: Parameters<typeof changedAudit>[1]) => {
    const result = changedAudit(defined(from), changes);
    if (!result.ok) throw new Error(`${result.refusals[0].field}: ${result.refusals[0].rule}`);
    return result.value;
  };
  const balance = { goal: 'workload-balancing', parameters: { metric: 'memory' } };

  it('keeps what the change leaves out', () => {
    const before = { ...balance, scope: { zones: ['az-1'] }, tag: { name: 'engine' }, end: '2026-02-01T00:00:00Z' };
    expect(changed(before, {})).toEqual(defined(before));
    expect(changed(before, { interval: '60' })).toEqual(defined({ ...before, interval: '60' }));
  });

  it('another goal brings its own strategy and parameters', () => {
    expect(changed(balance, { goal: 'server-consolidation' }).payload).toMatchObject({
      strategy: 'consolidation',
      parameters: { maxLoad: 0.8, maxHosts: 100 },
    });
  });

  it('other parameters take the place of all', () => {
    expect(changed(balance, { parameters: { threshold: 0.3 } }).payload.parameters).toMatchObject({
      metric: 'cpu',
      threshold: 0.3,
    });
  });

  it('a cron pattern loses its zone when it becomes an interval', () => {
    expect(changed({ interval: '0 * * * *', zone: 'Europe/Berlin' }, { interval: '60' }).payload).toMatchObject({
      interval: '60',
      zone: null,
    });
  });

  it('null takes a bound of the window away', () => {
    const window = { start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' };
    expect(changed(window, { end: null }).payload).toMatchObject({ start: window.start, end: null });
  });

  it('a strategy of another goal is refused', () => {
    expect(changedAudit(defined(balance), { strategy: 'consolidation' })).toMatchObject({
      refusals: [{ field: 'strategy', value: 'consolidation' }],
    });
  });
});

it('the audits of the demo are audits', () => {
  const audits = readAudits(exampleFile('audits.json'));
  for (const { specAt } of audits) expect(defineAudit(specAt(0))).toMatchObject({ ok: true });
  expect(audits.find(({ id }) => id === 'audit-ending')?.specAt(0)).toMatchObject({ end: '1970-01-01T00:00:20.000Z' });
});
