import fc from 'fast-check';
import type { Tag } from '../job/definition';
import type { Candidate } from '../service/state';
import { assign, bindingReason, homeFor, ineligibility, Placement, rank, whyNobody } from './index';
import type { AssignableJob, PlaceableJob } from './index';

const candidate = (serviceId: string, more: Partial<Candidate> = {}): Candidate => ({
  serviceId,
  incarnation: `incarnation of ${serviceId}`,
  labels: { host: serviceId, name: 'engine' },
  handlers: ['audit'],
  life: 'live',
  capacity: { maxOwnedJobs: 1_000, maxConcurrentRuns: 4 },
  owned: 0,
  registeredAt: 0,
  placementVersion: 1,
  ...more,
});
const job = (jobId: string, more: Partial<AssignableJob> = {}): AssignableJob => ({
  jobId,
  handler: 'audit',
  tag: {},
  affinity: 'required',
  lastServiceId: null,
  target: null,
  nextRunTime: 0,
  ...more,
});
const fleet = (size: number, more: Partial<Candidate> = {}) =>
  Array.from({ length: size }, (_, n) => candidate(`engine@host-${n}`, more));
const many = (size: number) => Array.from({ length: size }, (_, n) => job(`job-${n}`, { nextRunTime: n % 7 }));
const ids = (ranking: readonly { candidate: Candidate }[]) => ranking.map((ranked) => ranked.candidate.serviceId);
const owners = (jobs: readonly AssignableJob[], candidates: readonly Candidate[]) =>
  new Map([...assign(jobs, candidates)].map((one) => [one.job.jobId, one.ranking[0]?.candidate.serviceId]));

describe('ranking', () => {
  it('leaves out whoever is ineligible or full', () => {
    const candidates = [
      candidate('a', { life: 'draining' }),
      candidate('b', { life: 'failed' }),
      candidate('c', { handlers: ['other'] }),
      candidate('d', { owned: 5, capacity: { maxOwnedJobs: 5, maxConcurrentRuns: 1 } }),
      candidate('e'),
    ];
    expect(ids(rank(job('j'), candidates))).toEqual(['e']);
    expect(ids(rank(job('j', { tag: { host: 'x' } }), candidates))).toEqual([]);
  });
  it('puts label matches before all others when the tag is preferred', () => {
    const candidates = fleet(10);
    for (let n = 0; n < 10; n += 1) {
      const ranking = rank(
        job(`j${n}`, { affinity: 'preferred', tag: { host: 'engine@host-3' }, lastServiceId: 'engine@host-5' }),
        candidates,
      );
      expect(ids(ranking).slice(0, 2)).toEqual(['engine@host-3', 'engine@host-5']);
      expect(ranking.map((ranked) => ranked.labelsMatch)).toEqual([true, ...Array<boolean>(9).fill(false)]);
    }
  });
  it('puts the target of a release first, before matches and the last owner, if it is eligible', () => {
    const asked = {
      affinity: 'preferred',
      tag: { host: 'engine@host-3' },
      lastServiceId: 'engine@host-5',
      target: 'engine@host-7',
    } as const;
    expect(ids(rank(job('j', asked), fleet(10))).slice(0, 3)).toEqual([
      'engine@host-7',
      'engine@host-3',
      'engine@host-5',
    ]);
    const gone = fleet(10).filter((one) => one.serviceId !== 'engine@host-7');
    expect(ids(rank(job('j', asked), gone))[0]).toBe('engine@host-3');
  });
  it('gives a restarted service its jobs back, though it owned more than its share', () => {
    const candidates = [candidate('a', { owned: 40 }), candidate('b', { owned: 2 })];
    for (const { jobId } of many(20)) {
      expect(ids(rank(job(jobId, { lastServiceId: 'a', countedAt: 'a' }), candidates))).toEqual(['a', 'b']);
    }
  });
  it('does not call a service full of the very jobs that it is to get back', () => {
    const full = { maxOwnedJobs: 3, maxConcurrentRuns: 1 };
    const candidates = [candidate('a', { owned: 3, capacity: full }), candidate('b', { owned: 3, capacity: full })];
    const orphans = ['x', 'y', 'z'].map((id) => job(id, { lastServiceId: 'a', countedAt: 'a' }));
    expect([...assign(orphans, candidates)].map((one) => ids(one.ranking))).toEqual([['a'], ['a'], ['a']]);
    expect(rank(job('new'), candidates)).toEqual([]);
  });
  it('puts whoever owns 1.25 times the mean, plus one, behind the others', () => {
    // Mean 10: at 13.5 and above a service is over its share.
    const candidates = [candidate('a', { owned: 14 }), candidate('b', { owned: 13 }), candidate('c', { owned: 3 })];
    for (const { jobId } of many(50)) {
      const ranking = rank(job(jobId), candidates);
      expect(ranking[2]).toMatchObject({ candidate: { serviceId: 'a' }, overShare: true });
    }
    const firsts = new Set(many(50).map((one) => ids(rank(one, candidates))[0]));
    expect(firsts).toEqual(new Set(['b', 'c']));
  });
  it('follows the capacity', () => {
    const candidates = [
      candidate('big', { capacity: { maxOwnedJobs: 3_000, maxConcurrentRuns: 1 } }),
      candidate('small', { capacity: { maxOwnedJobs: 1_000, maxConcurrentRuns: 1 } }),
    ];
    const big = [...owners(many(4_000), candidates).values()].filter((id) => id === 'big').length;
    expect(big).toBeGreaterThan(2_850);
    expect(big).toBeLessThan(3_150);
  });
});

describe('a pass', () => {
  it('takes the soonest first, then by id, those with nothing pending last', () => {
    const jobs = [
      job('c', { nextRunTime: null }),
      job('b', { nextRunTime: 5 }),
      job('a', { nextRunTime: 5 }),
      job('d', { nextRunTime: 1 }),
    ];
    expect([...assign(jobs, fleet(2))].map((one) => one.job.jobId)).toEqual(['d', 'a', 'b', 'c']);
  });
  it('never gives more than maxOwnedJobs', () => {
    const candidates = fleet(3, { capacity: { maxOwnedJobs: 4, maxConcurrentRuns: 1 }, owned: 1 });
    const got = [...owners(many(12), candidates).values()];
    for (const { serviceId } of candidates) expect(got.filter((id) => id === serviceId)).toHaveLength(3);
    expect(got.filter((id) => id === undefined)).toHaveLength(3);
  });
  it('keeps everybody within 1.25 times the mean, plus one', () => {
    const given = [...owners(many(5_000), fleet(20)).values()];
    for (const { serviceId } of fleet(20)) {
      const own = given.filter((id) => id === serviceId).length;
      expect(own).toBeLessThanOrEqual(1.25 * 250 + 1);
      expect(own).toBeGreaterThan(150);
    }
  });
  it('moves about 1/N of the jobs, when one joins, leaves, or both', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 30 }), fc.nat(), (size, salt) => {
        const candidates = Array.from({ length: size + 1 }, (_, n) => candidate(`s${salt}-${n}`));
        const jobs = many(1_500);
        const before = owners(jobs, candidates.slice(0, size));
        const after = owners(jobs, candidates);
        const moved = jobs.filter(({ jobId }) => before.get(jobId) !== after.get(jobId)).length;
        expect(moved).toBeLessThan((2.5 * jobs.length) / (size + 1));
        const joined = [...after.values()].filter((id) => id === `s${salt}-${size}`).length;
        expect(joined).toBeGreaterThan((0.4 * jobs.length) / (size + 1));
      }),
      { numRuns: 15 },
    );
  });
  it('does not depend on the order of jobs or services, and never ranks one that is ineligible', () => {
    const tag = fc.constantFrom<Tag>({}, { name: 'engine' }, { zone: 'a' }, { zone: 'b', name: 'engine' });
    const jobs = fc.uniqueArray(
      fc.record({
        jobId: fc.string({ minLength: 1, maxLength: 6 }),
        handler: fc.constantFrom('audit', 'report'),
        tag,
        affinity: fc.constantFrom('required' as const, 'preferred' as const),
        lastServiceId: fc.constantFrom(null, 's1', 's2', 'gone'),
        target: fc.constantFrom(null, null, null, 's3', 'gone'),
        nextRunTime: fc.constantFrom(null, 1, 2),
      }),
      { selector: (one) => one.jobId, maxLength: 20 },
    );
    const services = fc.uniqueArray(
      fc.record({
        n: fc.integer({ min: 0, max: 12 }),
        handlers: fc.subarray(['audit', 'report']),
        life: fc.constantFrom('live' as const, 'live' as const, 'draining' as const, 'failed' as const),
        zone: fc.constantFrom('a', 'b'),
        owned: fc.integer({ min: 0, max: 12 }),
      }),
      { selector: (one) => one.n, maxLength: 10 },
    );
    fc.assert(
      fc.property(jobs, services, fc.infiniteStream(fc.nat()), (list, described, keys) => {
        const candidates = described.map(({ n, zone, ...rest }) =>
          candidate(`s${n}`, {
            ...rest,
            labels: { host: `h${n}`, name: 'engine', zone },
            capacity: { maxOwnedJobs: 10, maxConcurrentRuns: 1 },
          }),
        );
        const passed = [...assign(list, candidates)];
        const shuffle = <T>(items: readonly T[]) =>
          items
            .map((item) => ({ item, key: keys.next().value }))
            .sort((a, b) => a.key - b.key)
            .map(({ item }) => item);
        expect([...assign(shuffle(list), shuffle(candidates))]).toEqual(passed);
        for (const { job: one, ranking } of passed) {
          const given = new Set(ids(ranking));
          expect(given.size).toBe(ranking.length);
          for (const service of candidates) {
            if (ineligibility(one, service) !== null || service.owned >= 10)
              expect(given).not.toContain(service.serviceId);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the return home', () => {
  const away = candidate('away');
  const home = candidate('home', { registeredAt: 50_000 });
  const asked: PlaceableJob = job('j', { affinity: 'preferred', tag: { host: 'home' } });
  it('is due once a matching service has been registered for homeAfter', () => {
    expect(homeFor(asked, away, [away, home], 59_999, 10_000, [])).toBeNull();
    expect(homeFor(asked, away, [away, home], 60_000, 10_000, [])).toBe(home);
  });
  it('waits twice as long per return within the hour', () => {
    expect(homeFor(asked, away, [away, home], 89_999, 10_000, [80_000, 85_000])).toBeNull();
    expect(homeFor(asked, away, [away, home], 90_000, 10_000, [80_000, 85_000])).toBe(home);
    expect(homeFor(asked, away, [away, home], 3_700_000, 3_600_000, [90_000])).toBe(home);
    expect(homeFor(asked, away, [away, home], 3_700_000, 3_600_000, [100_001])).toBeNull();
  });
  it('is not made by a job that must stay, is at home, or finds no eligible home', () => {
    expect(homeFor({ ...asked, affinity: 'required' }, away, [away, home], 90_000, 10_000, [])).toBeNull();
    expect(homeFor(asked, home, [away, candidate('home')], 90_000, 10_000, [])).toBeNull();
    expect(homeFor(asked, away, [away], 90_000, 10_000, [])).toBeNull();
    const draining = candidate('home', { life: 'draining' });
    const without = candidate('home', { handlers: [] });
    const full = candidate('home', { owned: 1, capacity: { maxOwnedJobs: 1, maxConcurrentRuns: 1 } });
    for (const one of [draining, without, full]) {
      expect(homeFor(asked, away, [away, one], 90_000, 10_000, [])).toBeNull();
    }
  });
});

describe('why', () => {
  it('a service got the job: its place among the ranked', () => {
    const candidates = fleet(3);
    const asked = job('j', { affinity: 'preferred', tag: { host: 'engine@host-1' } });
    const ranking = new Placement(candidates).rank(asked);
    const second = ranking[1]!.candidate;
    expect(bindingReason('requeue', asked, second, ranking)).toEqual({
      kind: 'requeue',
      rank: 1,
      candidates: 3,
      first: 'engine@host-1',
      placementVersion: 1,
      labelsMatch: false,
    });
    expect(bindingReason('operator', asked, candidate('overfilled'), ranking).rank).toBe(3);
  });
  it('nobody gets it, counted by cause', () => {
    expect(whyNobody(job('j'), [])).toBe('no service is alive');
    const full = candidate('f', { owned: 1, capacity: { maxOwnedJobs: 1, maxConcurrentRuns: 1 } });
    const asked = job('j', { tag: { name: 'engine' } });
    expect(
      whyNobody(asked, [
        candidate('a', { life: 'draining' }),
        candidate('b', { labels: {} }),
        candidate('c', { labels: {} }),
        full,
      ]),
    ).toBe('of 4 services 1 are draining, 1 own as many jobs as they may, 2 do not match the tag');
  });
});
