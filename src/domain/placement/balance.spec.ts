import fc from 'fast-check';
import type { Candidate } from '../service/state';
import { assign, Balance, ineligibility, labelsMatch, type PlaceableJob } from './index';

const candidate = (serviceId: string, more: Partial<Candidate> = {}): Candidate => ({
  serviceId,
  incarnation: `incarnation of ${serviceId}`,
  labels: { host: serviceId, name: 'engine' },
  handlers: ['audit'],
  life: 'live',
  capacity: { maxOwnedJobs: 100_000, maxConcurrentRuns: 4 },
  owned: 0,
  registeredAt: 0,
  placementVersion: 1,
  ...more,
});

type Job = Pick<PlaceableJob, 'jobId' | 'handler' | 'tag' | 'affinity'>;
const job = (jobId: string, more: Partial<Job> = {}): Job => ({
  jobId,
  handler: 'audit',
  tag: {},
  affinity: 'required',
  ...more,
});
const jobs = (count: number, more: Partial<Job> = {}) => Array.from({ length: count }, (_, n) => job(`job-${n}`, more));

/** Services that own jobs, and hand them over by what balance says. */
class Fleet {
  readonly owner = new Map<Job, string>();
  readonly moves: { readonly job: Job; readonly from: string; readonly to: string }[] = [];
  private balances = new Map<string, Balance>();

  constructor(private services: readonly Candidate[]) {}

  give(serviceId: string, of: readonly Job[]): this {
    for (const one of of) this.owner.set(one, serviceId);
    return this;
  }
  /** As the sweeps would have it: by rank, with the load bound. */
  place(of: readonly Job[]): this {
    const asked = of.map((one) => ({ ...one, lastServiceId: null, target: null, nextRunTime: null }));
    const byId = new Map(of.map((one) => [one.jobId, one]));
    for (const { job: placed, ranking } of assign(asked, this.services)) {
      if (ranking.length > 0) this.owner.set(byId.get(placed.jobId)!, ranking[0].candidate.serviceId);
    }
    return this;
  }
  join(service: Candidate): void {
    this.services = [...this.services, service];
    this.balances.clear();
  }
  owned(serviceId: string): number {
    let count = 0;
    for (const owner of this.owner.values()) if (owner === serviceId) count += 1;
    return count;
  }
  counts(): Map<string, number> {
    return new Map(this.services.map(({ serviceId }) => [serviceId, this.owned(serviceId)]));
  }
  ofService(serviceId: string): Job[] {
    return [...this.owner].filter(([, owner]) => owner === serviceId).map(([one]) => one);
  }
  /** What one owner hands over at these counts. */
  decided(serviceId: string, counts: ReadonlyMap<string, number>): [Job, string][] {
    let balance = this.balances.get(serviceId);
    if (balance === undefined) this.balances.set(serviceId, (balance = new Balance(serviceId, this.services)));
    balance.see((id) => counts.get(id) ?? 0);
    const possible = balance.possible();
    const found: [Job, string][] = [];
    for (const one of this.ofService(serviceId)) {
      const target = balance.target(one);
      if (target !== null) found.push([one, target.serviceId]);
    }
    if (found.length > 0) expect(possible).toBe(true);
    return found;
  }
  apply(serviceId: string, found: readonly [Job, string][]): number {
    for (const [one, to] of found) {
      this.moves.push({ job: one, from: serviceId, to });
      this.owner.set(one, to);
    }
    return found.length;
  }
  /** All decide on the same counts, and then all of it happens. @returns how much. */
  round(): number {
    const counts = this.counts();
    const decided = this.services.map(({ serviceId }) => [serviceId, this.decided(serviceId, counts)] as const);
    return decided.reduce((sum, [serviceId, found]) => sum + this.apply(serviceId, found), 0);
  }
  /** One after the other, each on what is so then. */
  inTurn(order: readonly number[]): number {
    return order.reduce((sum, n) => {
      const { serviceId } = this.services[n % this.services.length];
      return sum + this.apply(serviceId, this.decided(serviceId, this.counts()));
    }, 0);
  }
  settle(rounds = 60): void {
    for (let n = 0; n < rounds; n += 1) if (this.round() === 0) return;
    throw new Error(`jobs still move after ${rounds} rounds`);
  }
  /** Nobody hands anything over, also one that has begun nothing. */
  expectQuiet(): void {
    expect(this.round()).toBe(0);
    this.balances = new Map();
    expect(this.round()).toBe(0);
  }
}

describe('balance', () => {
  it('an owner with more than 1.25 times its share gives what is above it, and no more', () => {
    const fleet = new Fleet([candidate('a'), candidate('b')]).give('a', jobs(100));
    expect(fleet.round()).toBe(50);
    expect(Object.fromEntries(fleet.counts())).toEqual({ a: 50, b: 50 });
    fleet.expectQuiet();
  });
  it('up to 1.25 times the share nothing moves', () => {
    const quiet = new Fleet([candidate('a'), candidate('b')]).give('a', jobs(55));
    quiet.give('b', jobs(45, { tag: {} }));
    expect(quiet.round()).toBe(0);
    const [three] = [new Fleet([candidate('a'), candidate('b'), candidate('c')])];
    for (const [id, count] of Object.entries({ a: 125, b: 95, c: 80 })) three.give(id, jobs(count));
    expect(three.round()).toBe(0);
    three.give('a', jobs(2)).give('b', []);
    expect(three.round()).toBeGreaterThan(0);
  });
  it('the share is by capacity', () => {
    const small = candidate('small', { capacity: { maxOwnedJobs: 1_000, maxConcurrentRuns: 4 } });
    const large = candidate('large', { capacity: { maxOwnedJobs: 3_000, maxConcurrentRuns: 4 } });
    const fleet = new Fleet([small, large]).give('small', jobs(400));
    fleet.settle();
    expect(Object.fromEntries(fleet.counts())).toEqual({ small: 100, large: 300 });
  });
  it('jobs that only their owner may own stay, and are no reason for the others to move to it', () => {
    const fleet = new Fleet([candidate('a'), candidate('b'), candidate('c')]);
    fleet
      .give('a', jobs(300, { tag: { host: 'a' } }))
      .give('b', jobs(20))
      .give('c', jobs(20));
    expect(fleet.round()).toBe(0);
    // What may live elsewhere does.
    fleet.give('a', jobs(20));
    fleet.settle();
    expect(fleet.owned('a')).toBe(300);
    fleet.expectQuiet();
  });
  it('is among the services that have the handler', () => {
    const fleet = new Fleet([candidate('a'), candidate('b', { handlers: ['other'] }), candidate('c')]);
    fleet.give('a', jobs(90));
    fleet.settle();
    expect(Object.fromEntries(fleet.counts())).toEqual({ a: 45, b: 0, c: 45 });
  });
  it('gives nothing to one that drains, nor more than one may own', () => {
    const draining = new Fleet([candidate('a'), candidate('b', { life: 'draining' })]).give('a', jobs(90));
    expect(draining.round()).toBe(0);
    const full = candidate('b', { capacity: { maxOwnedJobs: 1, maxConcurrentRuns: 1 } });
    const fleet = new Fleet([candidate('a', { capacity: { maxOwnedJobs: 1, maxConcurrentRuns: 1 } }), full]);
    fleet.give('a', jobs(10)).give('b', jobs(1));
    fleet.settle();
    expect(fleet.owned('b')).toBe(1);
  });
  it('a preferred job does not leave its homes, moves among them, and is left to the return home while it is away', () => {
    const home = { tag: { zone: 'north' }, affinity: 'preferred' as const };
    const north = (id: string) => candidate(id, { labels: { zone: 'north' } });
    const alone = new Fleet([north('a'), candidate('b')]).give('a', jobs(90, home));
    expect(alone.round()).toBe(0);
    const two = new Fleet([north('a'), north('b'), candidate('c')]).give('a', jobs(90, home));
    two.settle();
    expect(Object.fromEntries(two.counts())).toEqual({ a: 45, b: 45, c: 0 });
    const away = new Fleet([candidate('a'), north('b')]).give('a', jobs(90, home));
    expect(away.round()).toBe(0);
    const homeless = new Fleet([candidate('a'), candidate('b')]).give('a', jobs(90, home));
    homeless.settle();
    expect(homeless.owned('b')).toBe(45);
  });
  it('nearly balanced services are seen to be so by their counts alone', () => {
    const counts = new Map([
      ['a', 1_100],
      ['b', 900],
      ['c', 1_000],
    ]);
    const balance = new Balance(
      'a',
      [...counts.keys()].map((id) => candidate(id)),
    );
    balance.see((id) => counts.get(id)!);
    expect(balance.possible()).toBe(false);
  });
  it('nor do services count there that could take nothing: one that drains, and one without a handler of the owner', () => {
    const others = [candidate('b', { life: 'draining' }), candidate('c', { handlers: ['other'] })];
    const balance = new Balance('a', [candidate('a'), ...others]);
    balance.see((id) => (id === 'a' ? 100 : 0));
    expect(balance.possible()).toBe(false);
  });
  it('what has come to its share is done: later differences below 1.25 move nothing, where shares are whole and where not', () => {
    for (const count of [100, 101]) {
      const fleet = new Fleet([candidate('a'), candidate('b')]).give('a', jobs(count));
      fleet.settle();
      expect(Math.abs(fleet.owned('a') - fleet.owned('b'))).toBeLessThanOrEqual(1);
      fleet.give('a', jobs(6));
      expect(fleet.round()).toBe(0);
      fleet.give('b', jobs(12));
      expect(fleet.round()).toBe(0);
    }
  });
  it('jobs of many kinds that are looked at in one round count together', () => {
    const handlers = Array.from({ length: 40 }, (_, n) => `handler-${n}`);
    const fleet = new Fleet([candidate('a', { handlers }), candidate('b', { handlers })]);
    handlers.forEach((handler) => fleet.give('a', jobs(1, { handler })));
    // Kinds that are first looked at when the two are nearly balanced begin nothing.
    expect(fleet.round()).toBe(16);
    fleet.expectQuiet();
  });
  it('none is given what would put it above its share', () => {
    const fleet = new Fleet(['a', 'b', 'c', 'd'].map((id) => candidate(id)));
    fleet.give('a', jobs(4));
    for (const id of ['b', 'c', 'd']) fleet.give(id, jobs(1));
    expect(fleet.round()).toBe(0);
  });
  it('nor is a move made that lifts the target by less than it strips the owner, by their weights', () => {
    const weighing = (serviceId: string, maxOwnedJobs: number, handler: string) =>
      candidate(serviceId, { handlers: [handler], capacity: { maxOwnedJobs, maxConcurrentRuns: 4 } });
    const owned = new Map([
      ['a', 1],
      ['b', 3],
      ['c', 7],
    ]);
    // By weight 0.5, 5 and 5.5 are due. Whether the half job is rounded up differs from kind to kind.
    for (let n = 0; n < 40; n++) {
      const handler = `handler-${n}`;
      const balance = new Balance('a', [
        weighing('a', 10, handler),
        weighing('b', 100, handler),
        weighing('c', 110, handler),
      ]);
      balance.see((id) => owned.get(id)!);
      expect(balance.target(job('j', { handler }))).toBeNull();
    }
  });
  it('an owner within 1.25 times its share gives only to those far below theirs', () => {
    const fleet = new Fleet(['a', 'b', 'c', 'd'].map((id) => candidate(id)));
    const owned = { a: 104, b: 85, c: 62, d: 104 };
    for (const [id, count] of Object.entries(owned)) {
      fleet.give(
        id,
        Array.from({ length: count }, (_, n) => job(`${id}-${n}`)),
      );
    }
    const given = fleet.decided('a', fleet.counts()).map(([, to]) => to);
    expect(given.length).toBeGreaterThan(5);
    expect(new Set(given)).toEqual(new Set(['c']));
  });
  it('what is away from its homes is left to the return home, however little they own', () => {
    const homes = ['b', 'c'].map((id) => candidate(id, { labels: { host: id, name: 'engine', zone: 'north' } }));
    const fleet = new Fleet([candidate('a'), ...homes]);
    fleet.give('a', jobs(50, { tag: { zone: 'north' }, affinity: 'preferred' }));
    fleet.give(
      'c',
      Array.from({ length: 20 }, (_, n) => job(`c-${n}`, { tag: { host: 'c' } })),
    );
    expect(fleet.decided('a', fleet.counts())).toEqual([]);
  });
  it('an owner that is not among the services gives nothing', () => {
    const balance = new Balance('gone', [candidate('a'), candidate('b')]);
    balance.see(() => 100);
    expect([balance.possible(), balance.target(job('j'))]).toEqual([false, null]);
  });
});

const aService = fc.record({
  handlers: fc.subarray(['audit', 'report'], { minLength: 1 }),
  zone: fc.constantFrom('north', 'south'),
  weight: fc.constantFrom(1, 1, 1, 2, 5),
});
const aJob = fc.record({
  handler: fc.constantFrom('audit', 'audit', 'report'),
  tag: fc.constantFrom({}, {}, { zone: 'north' }, { zone: 'south' }, { host: 's-0' }),
  affinity: fc.constantFrom('required' as const, 'required' as const, 'preferred' as const),
  owner: fc.nat(),
});
type Described = {
  readonly services: readonly (typeof aService extends fc.Arbitrary<infer T> ? T : never)[];
  readonly jobs: readonly (typeof aJob extends fc.Arbitrary<infer T> ? T : never)[];
};
const aFleet: fc.Arbitrary<Described> = fc.record({
  services: fc.array(aService, { minLength: 2, maxLength: 7 }),
  jobs: fc.array(aJob, { maxLength: 150 }),
});

/** Each job at one of the services that may own it, whichever chance says. */
function fleetOf({ services, jobs: described }: Described): { fleet: Fleet; candidates: Candidate[] } {
  const candidates = services.map(({ handlers, zone, weight }, n) =>
    candidate(`s-${n}`, {
      handlers,
      labels: { zone, host: `s-${n}` },
      capacity: { maxOwnedJobs: weight * 10_000, maxConcurrentRuns: 4 },
    }),
  );
  const fleet = new Fleet(candidates);
  described.forEach(({ handler, tag, affinity, owner }, n) => {
    const one = job(`job-${n}`, { handler, tag: tag as Job['tag'], affinity });
    const may = candidates.filter((service) => ineligibility(one, service) === null);
    if (may.length > 0) fleet.give(may[owner % may.length].serviceId, [one]);
  });
  return { fleet, candidates };
}

describe('over random fleets', () => {
  it('no ping-pong: moves come to an end, whatever the order in which owners decide, and then none follows', () => {
    fc.assert(
      fc.property(aFleet, fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (described, order) => {
        const { fleet, candidates } = fleetOf(described);
        const everybody = candidates.map((_, n) => n);
        const load = () =>
          candidates.reduce(
            (sum, { serviceId, capacity }) => sum + fleet.owned(serviceId) ** 2 / capacity.maxOwnedJobs,
            0,
          );
        for (let before = load(), quiet = false; !quiet;) {
          quiet = fleet.inTurn([...order, ...everybody]) === 0;
          const after = load();
          // What it strives for gets nearer with every move, so there is a last one.
          if (!quiet) expect(after).toBeLessThan(before);
          before = after;
        }
        fleet.expectQuiet();
      }),
      { numRuns: 150 },
    );
  });
  it('no ping-pong: nor when all decide on the same counts', () => {
    fc.assert(
      fc.property(aFleet, (described) => {
        const { fleet } = fleetOf(described);
        fleet.settle(100);
        fleet.expectQuiet();
      }),
      { numRuns: 150 },
    );
  });
  it('a job goes only to a service that may own it, and never from a home to one that is none', () => {
    fc.assert(
      fc.property(aFleet, (described) => {
        const { fleet, candidates } = fleetOf(described);
        fleet.settle(100);
        const byId = new Map(candidates.map((one) => [one.serviceId, one]));
        for (const { job: moved, from, to } of fleet.moves) {
          expect(ineligibility(moved, byId.get(to)!)).toBeNull();
          if (labelsMatch(moved.tag, byId.get(from)!.labels)) {
            expect(labelsMatch(moved.tag, byId.get(to)!.labels)).toBe(true);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
  it('a service that joins N gets about 1/(N + 1) of the jobs, and nothing else moves', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 20, max: 120 }), (size, perService) => {
        const fleet = new Fleet(Array.from({ length: size }, (_, n) => candidate(`s-${n}`)));
        for (let n = 0; n < size; n += 1) {
          fleet.give(
            `s-${n}`,
            Array.from({ length: perService }, (_, i) => job(`j-${n}-${i}`)),
          );
        }
        fleet.join(candidate('joining'));
        fleet.settle();
        const share = (size * perService) / (size + 1);
        expect(fleet.owned('joining')).toBeGreaterThanOrEqual(Math.floor(0.8 * share) - 1);
        expect(fleet.owned('joining')).toBeLessThanOrEqual(Math.ceil(1.25 * share));
        expect(fleet.moves.filter(({ to }) => to !== 'joining')).toEqual([]);
        expect(fleet.moves.length).toBe(fleet.owned('joining'));
        fleet.expectQuiet();
      }),
      { numRuns: 60 },
    );
  });
  it('so it is where placement has put the jobs; what else moves is what somebody had too much of', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 20, max: 120 }), (size, perService) => {
        const fleet = new Fleet(Array.from({ length: size }, (_, n) => candidate(`s-${n}`)));
        fleet.place(jobs(size * perService));
        fleet.settle();
        fleet.moves.length = 0;
        fleet.join(candidate('joining'));
        fleet.settle();
        const share = (size * perService) / (size + 1);
        expect(fleet.owned('joining')).toBeGreaterThanOrEqual(Math.floor(0.75 * share));
        expect(fleet.owned('joining')).toBeLessThanOrEqual(Math.ceil(1.25 * share));
        expect(fleet.moves.length).toBeLessThanOrEqual(Math.ceil(1.6 * share));
        fleet.expectQuiet();
      }),
      { numRuns: 60 },
    );
  });
  it('several that join together share what each lacks', () => {
    const fleet = new Fleet(Array.from({ length: 20 }, (_, n) => candidate(`s-${n}`)));
    for (let n = 0; n < 20; n += 1)
      fleet.give(
        `s-${n}`,
        Array.from({ length: 12 }, (_, i) => job(`j-${n}-${i}`)),
      );
    for (const id of ['x', 'y', 'z']) fleet.join(candidate(id));
    fleet.settle();
    for (const id of ['x', 'y', 'z']) {
      expect(fleet.owned(id)).toBeGreaterThanOrEqual(4);
      expect(fleet.owned(id)).toBeLessThanOrEqual(16);
    }
    fleet.expectQuiet();
  });
});
