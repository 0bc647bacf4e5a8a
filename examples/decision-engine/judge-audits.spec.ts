import type { HoldfastEvent, JobState } from 'holdfast';
import { parts, readAudits } from './audits';
import { exampleFile } from './cluster/read-cluster';
import { judgeAudit, type Case, type LogEntry } from './judge-audits';

/** The judge on evidence that is sound, and on the same with one thing wrong. */

const audits = readAudits(exampleFile('audits.json'));
const [a, c] = ['incarnation-a', 'incarnation-c'];
const slot = (s: number) => new Date(s * 1_000).toISOString();
const ref = (s: number | string, incarnation = a) => ({
  slot: typeof s === 'string' ? s : slot(s),
  attempt: 1,
  epoch: 1,
  incarnation,
});

type Told = readonly [seconds: number, type: HoldfastEvent['type'], data?: object];

/** Facts in their order: of the audit, or (types that begin with Service) of engines. */
function log(audit: string, told: readonly Told[]): LogEntry[] {
  return told.map(([seconds, type, data = {}], revision) => {
    const stream = type.startsWith('Service') ? 'service-engine@host-a' : `job-${audit}`;
    const recorded = { stream, revision, created: seconds * 1_000 } as LogEntry['recorded'];
    return { recorded, event: { type, data: { at: seconds * 1_000, ...data } } as unknown as HoldfastEvent };
  });
}

const engines: readonly Told[] = [
  [0, 'ServiceRegistered', { incarnation: a, labels: { name: 'engine', host: 'host-a' } }],
  [0, 'ServiceRegistered', { incarnation: c, labels: { name: 'engine', host: 'host-c' } }],
];
const scheduled: Told = [1, 'JobScheduled', { definition: { schedule: { kind: 'interval', end: 20_000 } } }];
const bound = (s: number, incarnation: string): Told => [s, 'JobBoundToService', { incarnation }];
const start = (s: number, more: object = {}): Told => [
  s,
  'JobRunStarted',
  { ...ref(s), serviceId: 'engine@host-a', ...more },
];
const success = (s: number | string, at = Number(s)): Told => [at, 'JobRunSucceeded', ref(s)];
const run = (s: number): readonly Told[] => [start(s), success(s)];
const requeued: Told = [12, 'JobRequeued', { fromIncarnation: c }];
const drain = (s: number): Told => [s, 'ServiceDrainStarted'];

const ongoing = { lastOutcome: { outcome: 'succeeded' } };
function judged(id: string, facts: readonly Told[], state: object = ongoing): string[] {
  const audit = audits.find((one) => one.id === id)!;
  const job = { stage: 'live', paused: false, inProgress: [], requested: [], lastOutcome: null, ...state };
  const kill: Case['kill'] = {
    serviceId: 'engine@host-c',
    incarnation: c,
    at: 10_000,
    signal: 'SIGKILL',
    job: parts.victim,
  };
  const definition = { payload: { type: audit.spec.type } };
  const entries = log(id, [...engines, ...facts]);
  return judgeAudit({ audit, state: { ...job, definition } as unknown as JobState, entries, kill });
}
/** The facts without those of a type, or with others in the place of one. */
const without = (facts: readonly Told[], ...types: string[]) => facts.filter(([, type]) => !types.includes(type));

describe('an audit that runs on', () => {
  const sound = [scheduled, bound(2, a), ...run(2), ...run(4), ...run(6), drain(7)];
  it.each<[string, readonly Told[], object, string[]]>([
    ['is well', sound, ongoing, []],
    ['that was scheduled twice', [scheduled, ...sound], ongoing, ['audit-balance: scheduled 2 times']],
    ['that never ran', [scheduled, bound(2, a), drain(7)], ongoing, ['audit-balance: never ran']],
    ['that stopped', [...sound.slice(0, -1), drain(60)], ongoing, [expect.stringContaining('it did not run on')]],
    [
      'that is FAILED',
      sound,
      { stage: 'completed', lastOutcome: { outcome: 'failed' } },
      ['audit-balance: is FAILED in the end, not ONGOING'],
    ],
  ])('%s', (_what, facts, state, wrong) => {
    expect(judged('audit-balance', facts, state)).toEqual(wrong);
  });

  it('on an engine that does not fit', () => {
    const facts = [
      scheduled,
      bound(2, a),
      start(2, { incarnation: c, serviceId: 'engine@host-c' }),
      success(2),
      drain(3),
    ];
    expect(judged('audit-pinned-a', facts)).toContain(
      'audit-pinned-a: ran on engine@host-c, which does not fit its tag',
    );
    expect(judged('audit-nobody-fits', facts, {})).toContain('audit-nobody-fits: nobody fits, and yet it was bound');
  });
});

describe('an audit whose owner died', () => {
  const sound = [scheduled, bound(2, c), ...run(9), requeued, bound(12, a), ...run(13), drain(15)];
  it.each<[string, readonly Told[], string]>([
    [
      'and that was not requeued',
      without(sound, 'JobRequeued'),
      'its owner engine@host-c died and it was never requeued',
    ],
    ['and that nobody took', sound.slice(0, 5), 'was requeued and nobody took it'],
    ['and that ran no more', [...sound.slice(0, 6), drain(15)], 'was requeued and never ran again'],
  ])('%s', (_what, facts, words) => {
    expect(judged('audit-balance', sound)).toEqual([]);
    expect(judged('audit-balance', facts)).toContain(`audit-balance: ${words}`);
  });

  it('before it has anything to run: it moves all the same', () => {
    const idle = [scheduled, bound(2, c), requeued, bound(12, a), drain(15)];
    expect(judged(parts.tomorrow, idle, {})).toEqual([]);
    expect(judged(parts.tomorrow, without(idle, 'JobRequeued'), {})).toHaveLength(1);
    expect(judged(parts.tomorrow, [...idle, ...run(14)], {})).toEqual([
      `${parts.tomorrow}: ran, and is to run tomorrow`,
    ]);
  });
});

describe('the parts of the story', () => {
  const asked = (s: number, of: string): Told => [s, 'JobRunRequested', { slot: of }];
  const sound: { readonly [id: string]: readonly Told[] } = {
    'audit-once': [scheduled, bound(2, a), ...run(2)],
    [parts.event]: [
      scheduled,
      bound(2, a),
      asked(3, 'manual:3'),
      [3, 'JobRunStarted', ref('manual:3')],
      success('manual:3', 4),
    ],
    [parts.cancelled]: [scheduled, bound(2, a), ...run(2), [3, 'JobCancelled']],
    [parts.ending]: [scheduled, bound(2, a), ...run(2), ...run(19), [19, 'JobCompleted']],
    [parts.suspended]: [scheduled, bound(2, a), ...run(2), [3, 'JobPaused'], [8, 'JobResumed'], ...run(9), drain(10)],
    [parts.changed]: [
      scheduled,
      bound(2, a),
      [3, 'JobRescheduled', { anchor: 3_000, definition: { schedule: { kind: 'interval', everyMs: 2_000 } } }],
      start(5, { definitionRevision: 4 }),
      success(5),
      drain(6),
    ],
  };
  const completed = { stage: 'completed', ...ongoing };
  const states: { readonly [id: string]: object } = {
    'audit-once': completed,
    [parts.cancelled]: { stage: 'cancelled' },
    [parts.ending]: completed,
  };
  const judge = (id: string, facts: readonly Told[]) => judged(id, facts, states[id] ?? ongoing);

  it.each(Object.keys(sound))('%s is well', (id) => {
    expect(judge(id, sound[id])).toEqual([]);
  });

  it.each<[string, (facts: readonly Told[]) => readonly Told[], string]>([
    ['audit-once', (f) => [...f, ...run(3)], 'a ONESHOT that succeeded 2 times'],
    [parts.event, (f) => without(f, 'JobRunRequested', 'JobRunStarted', 'JobRunSucceeded'), 'was never triggered'],
    [parts.event, (f) => without(f, 'JobRunSucceeded'), 'its trigger manual:3 was answered 0 times'],
    [parts.event, (f) => [...f, success('manual:3', 5)], 'its trigger manual:3 was answered 2 times'],
    [parts.event, (f) => [...f, success('manual:9', 5)], 'ran in slot manual:9, and nobody triggered it'],
    [parts.cancelled, (f) => without(f, 'JobCancelled'), 'was never cancelled'],
    [parts.cancelled, (f) => [...f, ...run(5)], 'ran after it was cancelled'],
    [parts.ending, (f) => [...f, ...run(20)], `ran in slot ${slot(20)}, after its end`],
    [parts.ending, (f) => without(f, 'JobRunStarted', 'JobRunSucceeded'), 'never ran within its window'],
    [parts.suspended, (f) => without(f, 'JobPaused'), 'was never suspended'],
    [parts.suspended, (f) => without(f, 'JobResumed'), 'was never resumed'],
    [
      parts.suspended,
      (f) => [...f.slice(0, 5), ...run(5), ...f.slice(5)],
      `ran in slot ${slot(5)}, while it was suspended`,
    ],
    [parts.suspended, (f) => f.slice(0, 6), 'was resumed and never ran again'],
    [parts.changed, (f) => without(f, 'JobRescheduled'), 'was never changed'],
    [
      parts.changed,
      (f) => [...f, start(5, { definitionRevision: 2 })],
      `ran in slot ${slot(5)} by a definition that had been changed`,
    ],
    [
      parts.changed,
      (f) => [...f.slice(0, 3), start(60, { definitionRevision: 4 }), success(60), drain(60)],
      'its new interval did not hold from the next run on',
    ],
  ])('%s: the judge notices', (id, spoilt, words) => {
    expect(judge(id, spoilt(sound[id]))).toContain(`${id}: ${words}`);
  });
});
