import { LogChecker, type Violation } from '../../src/domain/invariants';
import { canonicalMisfire, type JobEvent, type MisfireInput, type Overlap } from '../../src/domain/job';
import type { ServiceEvent } from '../../src/domain/service';
import { anna, at, by, definition, facts, once, run, slotAt } from '../../src/domain/job/story.fixture';

/** What a log shows of a broken misfire policy: times and slots in seconds after noon. */

const registered: ServiceEvent = {
  type: 'ServiceRegistered',
  data: {
    serviceId: anna.serviceId,
    incarnation: anna.incarnation,
    labels: anna.labels,
    capacity: anna.capacity,
    handlers: { audit: '1' },
    process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
    placementVersion: 1,
    reason: 'start',
    at: at(-60),
  },
};

function verify(...events: readonly JobEvent[]): readonly string[] {
  const checker = new LogChecker();
  const violations: Violation[] = [];
  const revisions = new Map<string, number>();
  let position = 0n;
  for (const event of [registered, ...events]) {
    const stream = event.type.startsWith('Job') ? 'job-report' : `service-${anna.serviceId}`;
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    position += 1n;
    const hex = position.toString(16).padStart(12, '0');
    const id = `${hex.slice(4)}-0000-4000-8000-${hex}`;
    violations.push(...checker.check({ stream, revision, position, created: event.data.at, id, event }));
  }
  return [...violations, ...checker.finish()].map(({ invariant, words }) => `${invariant}: ${words}`);
}

const job = (misfire: MisfireInput, overlap: Overlap = 'skip') =>
  definition({}, { misfire: canonicalMisfire(misfire), overlap });
const begin = (misfire: MisfireInput, overlap?: Overlap) =>
  [
    facts.scheduled(0, job(misfire, overlap), 60),
    { ...facts.bound(1, 1, anna), data: { ...facts.bound(1, 1, anna).data, viewPosition: '1' } },
  ] as const;
const of = (seconds: number) => run(seconds, 1, 1, anna);
const started = (when: number, slot: number, next: number, backlogTo?: number) =>
  facts.started(when, of(slot), anna, next, backlogTo === undefined ? {} : { backlogTo: slotAt(backlogTo) });
const ended = (when: number, slot: number) => facts.succeeded(when, of(slot));
const skip = { policy: 'skip', thresholdMs: 30_000 } as const;

describe('holdfast verify and misfire', () => {
  it('finds nothing where the policy was kept', () => {
    expect(verify(...begin(skip), facts.skipped(130, 'misfire', [60, 60, 1], 120), started(130, 120, 180))).toEqual([]);
    expect(verify(...begin('all'), started(130, 60, 120, 120), ended(131, 60), started(131, 120, 180))).toEqual([]);
    const earliest = { policy: 'once', run: 'earliest' } as const;
    expect(
      verify(...begin(earliest), started(130, 60, 120), facts.skipped(130, 'coalesced', [120, 120, 1], 180)),
    ).toEqual([]);
  });

  it.each<[string, RegExp, readonly JobEvent[]]>([
    [
      'a run that skip forbids',
      /70000 ms after its slot: misfire is skip, beyond 30000 ms/,
      [...begin(skip), started(130, 60, 180)],
    ],
    [
      'a slot that is skipped before it is missed',
      /its last slot is 20000 ms old, which is not beyond 30000 ms/,
      [...begin(skip), facts.skipped(80, 'misfire', [60, 60, 1], 120)],
    ],
    [
      'a skip for a policy that the job does not have',
      /\(misfire\), but misfire is once/,
      [...begin('once'), facts.skipped(200, 'misfire', [60, 120, 2], 180)],
    ],
    [
      'slots coalesced under all',
      /\(coalesced\), but misfire is all/,
      [...begin('all'), facts.skipped(200, 'coalesced', [60, 120, 2], 180)],
    ],
    [
      'a run older than the maximal age',
      /310000 ms after its slot: misfire is all, up to an age of 120000 ms/,
      [...begin({ policy: 'all', maxAgeMs: 120_000 }), started(370, 60, 120, 360)],
    ],
    [
      'a slot called too old that is not',
      /its last slot is 70000 ms old, which is not beyond 120000 ms/,
      [...begin({ policy: 'all', maxAgeMs: 120_000 }), facts.skipped(130, 'tooOld', [60, 60, 1], 120)],
    ],
    [
      'more runs of one backlog than the cap',
      /is run 3 of one backlog: misfire is all, with a cap of 2/,
      [
        ...begin({ policy: 'all', cap: 2 }),
        ...[started(190, 60, 120, 180), ended(191, 60), started(191, 120, 180, 180), ended(192, 120)],
        started(192, 180, 240),
      ],
    ],
    [
      'slots skipped for a pause that there is not',
      /\(paused\), but the job is not paused/,
      [...begin('once'), facts.skipped(200, 'paused', [60, 120, 2], 180)],
    ],
    [
      'slots skipped for a hold that there is not',
      /\(held\), but no slot of it is held/,
      [...begin('once'), facts.skipped(200, 'held', [60, 120, 2], 180)],
    ],
    [
      'slots skipped for a handler that is not in the way',
      /\(stuck\), but no run is open/,
      [...begin('once', 'replace'), facts.skipped(200, 'stuck', [60, 120, 2], 180)],
    ],
    [
      'slots skipped for a handler that nothing replaces',
      /\(stuck\), but nothing is to be replaced: overlap is allow\(2\)/,
      [...begin('once', { allow: 2 }), started(60, 60, 120), facts.skipped(130, 'stuck', [120, 120, 1], 180)],
    ],
    [
      'slots skipped that were to replace the run in progress',
      /\(overlap\), but overlap is replace/,
      [...begin('once', 'replace'), started(60, 60, 120), facts.skipped(130, 'overlap', [120, 120, 1], 180)],
    ],
    [
      'slots left to be run one by one where the policy is once',
      /leaves slots through .* to be run after it, but misfire is once/,
      [...begin('once'), started(130, 60, 120, 120), facts.skipped(130, 'coalesced', [120, 120, 1], 180)],
    ],
    [
      'due slots that the run before them leaves without an account',
      /JobRunSucceeded stands where slots from .* on were to be coalesced/,
      [...begin({ policy: 'once', run: 'earliest' }), started(130, 60, 120), ended(131, 60)],
    ],
  ])('finds %s', (_, words, events) => {
    const found = verify(...events);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(words);
  });

  it('knows that a pause may be made up for by another policy than that of the job', () => {
    const policy = { policy: 'skip', onResume: 'once' } as const;
    const backlog = { to: slotAt(180), policy: 'once' } as const;
    const paused = [...begin(policy), facts.paused(10)];
    const late = facts.skipped(300, 'coalesced', [60, 120, 2], 180);
    const coalesced = facts.skipped(300, 'coalesced', [240, 300, 2], 360);
    expect(verify(...paused, facts.resumed(190, 60, backlog), late, started(300, 180, 240), coalesced)).toEqual([]);
    expect(verify(...paused, facts.resumed(190, 60), late, started(300, 180, 240), coalesced)).toEqual([
      expect.stringMatching(/misfire is skip/),
    ]);
  });

  it('finds slots of a pause that its one run leaves behind, also where each later one is run', () => {
    const policy = { policy: 'all', run: 'earliest', onResume: 'once' } as const;
    const backlog = { to: slotAt(180), policy: 'once' } as const;
    const resumed = [...begin(policy), facts.paused(10), facts.resumed(190, 60, backlog)];
    const oneRun = started(250, 60, 120, 240);
    expect(verify(...resumed, oneRun, facts.skipped(250, 'coalesced', [120, 180, 2], 240))).toEqual([]);
    expect(verify(...resumed, oneRun, ended(251, 60))).toEqual([
      expect.stringMatching(/JobRunSucceeded stands where slots from .* on were to be coalesced/),
    ]);
  });

  it('holds nothing against what is asked for as soon as possible', () => {
    const asap = facts.scheduled(0, definition({ schedule: once }, { misfire: 'skip' }), 0);
    expect(verify(asap, begin('once')[1], facts.started(86_400, of(0), anna, null))).toEqual([]);
  });

  it('holds nothing against what waited until the run before it had settled, under replace', () => {
    const over = facts.abandoned(165, of(60), 'replaced');
    expect(verify(...begin(skip, 'replace'), started(60, 60, 120), over, started(165, 120, 180))).toEqual([]);
    const young = { policy: 'all', maxAgeMs: 30_000 } as const;
    expect(verify(...begin(young, 'replace'), started(60, 60, 120), over, started(165, 120, 180))).toEqual([]);
  });

  it('finds a backfill that is there twice (I6)', () => {
    const asked = (revision: number, of: number) => by('c', facts.backfilled(200, revision, of));
    expect(verify(...begin('once'), asked(2, 60), asked(3, 120))).toEqual([]);
    expect(verify(...begin('once'), asked(2, 60), asked(3, 120), asked(4, 60), asked(5, 120))).toHaveLength(2);
  });
});
