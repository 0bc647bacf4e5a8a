import type { Candidate } from '../service/state';
import { ineligibility, labelsMatch, type Placeable } from './eligibility';
import { hashText, pairUnit, type TextHash } from '../hash';
import { LOAD_BOUND, rendezvous, weightOf } from './rank';

interface Weighed {
  readonly candidate: Candidate;
  readonly hash: TextHash;
  readonly weight: number;
  owned: number;
}

/** Services among which jobs of one kind (handler, tag, affinity) may move, and what the owner is about to do among them. */
interface Pool {
  /** Empty: its jobs stay where they are. */
  readonly members: readonly Weighed[];
  /** In (0, 1): what is given is rounded up from here on. */
  readonly rounding: number;
  /** The owner has more than the bound, and gives until it has its share. */
  shedding: boolean;
  /** Have less than the bound, and are given until they have their share. */
  readonly filling: Set<Weighed>;
  /** Jobs that may still be given before the counts are seen anew. */
  left: number;
  /** What each lacked of its share when the counts were seen. */
  lacks: ReadonlyMap<Weighed, number>;
}

/**
 * Which of its jobs an owner hands over, and to whom, so that services own what their weight says (protocol §7).
 *
 * Among the services that are eligible for a job, each has a *share* of what they own together, by `maxOwnedJobs`. A job moves from an owner
 * above its share to a service below its own, when one of the two is out of balance: the owner has more than 1.25 times its share, or the other
 * less than its share divided by 1.25. Once begun it goes on until both have about their share.
 *
 * - What only the owner may own has no pool and never moves; it counts as load, as it does when placement ranks.
 * - A `preferred` job moves among services whose labels match, if there are any; one that is away from its home is left to the return home.
 * - Each job picks its target by rendezvous hashing weighted by what the services lack, and an owner gives no more than it has above its share:
 *   owners that decide on the same counts together give each service what it lacks, without a word between them.
 * - Shares are no whole numbers: each owner rounds what it gives up or down by a hash, so that together they round fairly.
 * - A move goes from the larger load to the smaller and leaves them nearer to each other: the sum of owned²/weight falls with every move. So
 *   moves come to an end, whoever makes them, and no job goes back and forth.
 */
export class Balance {
  private readonly all: readonly Weighed[];
  private readonly own: Weighed | null;
  private readonly pools = new Map<string, Pool>();

  /** @param candidates of one membership: with another one, make another balance. */
  constructor(ownerId: string, candidates: readonly Candidate[]) {
    this.all = candidates.map((candidate) => ({
      candidate,
      hash: hashText(candidate.serviceId),
      weight: weightOf(candidate),
      owned: candidate.owned,
    }));
    this.own = this.all.find(({ candidate }) => candidate.serviceId === ownerId) ?? null;
  }

  /**
   * The counts have moved on. What has begun goes on.
   * @param owned by service id: jobs that it owns at the view position, those on their way to it included.
   */
  see(owned: (serviceId: string) => number): void {
    for (const service of this.all) service.owned = owned(service.candidate.serviceId);
    for (const pool of this.pools.values()) this.weigh(pool);
  }

  /**
   * Whether any job could have to move, by what has begun and by the counts alone: a service that can do something of what the owner does has so much less that
   * some kind of job may find them out of balance. False for nearly balanced services, so that nobody looks at jobs.
   */
  possible(): boolean {
    const { own } = this;
    if (own === null) return false;
    for (const pool of this.pools.values()) if (gives(pool)) return true;
    return this.all.some(
      (other) =>
        other !== own &&
        other.candidate.life === 'live' &&
        LOAD_BOUND * (other.owned / other.weight) < own.owned / own.weight &&
        other.candidate.handlers.some((handler) => own.candidate.handlers.includes(handler)),
    );
  }

  /** Whether jobs of this kind are being handed over. */
  wants(job: Placeable): boolean {
    return this.own !== null && gives(this.poolOf(job));
  }

  /** The service that this job of the owner is to be handed over to, which counts it from now on; null: it stays. */
  target(job: Placeable & { readonly jobId: string }): Candidate | null {
    const { own } = this;
    if (own === null) return null;
    const pool = this.poolOf(job);
    if (!gives(pool)) return null;
    const jobHash = hashText(job.jobId);
    let best: Weighed | null = null;
    let highest = -Infinity;
    for (const [service, lack] of pool.lacks) {
      const score = rendezvous(jobHash, service.hash, lack);
      if (score > highest) [best, highest] = [service, score];
    }
    pool.left -= 1;
    if (best === null || !(pool.shedding || pool.filling.has(best))) return null;
    // What was given to it since, of this kind of job and of others.
    if (!evens(own, best, pool) || best.owned >= best.candidate.capacity.maxOwnedJobs) return null;
    own.owned -= 1;
    best.owned += 1;
    return best.candidate;
  }

  private poolOf({ handler, tag, affinity }: Placeable): Pool {
    const key = JSON.stringify([handler, affinity, Object.entries(tag).sort(([a], [b]) => (a < b ? -1 : 1))]);
    let pool = this.pools.get(key);
    if (pool === undefined) {
      const members = this.members({ handler, tag, affinity });
      const rounding = this.own === null ? 0 : pairUnit(hashText(key), this.own.hash);
      pool = { members, rounding, shedding: false, filling: new Set(), left: 0, lacks: new Map() };
      this.weigh(pool);
      // Tags may be as many as jobs: what is forgotten is begun anew.
      if (this.pools.size >= MOST_POOLS) this.pools.clear();
      this.pools.set(key, pool);
    }
    return pool;
  }

  private members(job: Placeable): readonly Weighed[] {
    const { own } = this;
    if (own === null) return [];
    const eligible = this.all.filter(({ candidate }) => ineligibility(job, candidate) === null);
    const homes = eligible.filter(({ candidate }) => labelsMatch(job.tag, candidate.labels));
    const members = homes.length > 0 ? homes : eligible;
    return members.includes(own) ? members : [];
  }

  private weigh(pool: Pool): void {
    const { own } = this;
    pool.left = 0;
    if (own === null || pool.members.length < 2) return;
    const lacks = new Map<Weighed, number>();
    for (const service of pool.members) {
      const over = above(service, pool);
      if (service === own || over >= 0) continue;
      lacks.set(service, -over);
      if (over > -1) pool.filling.delete(service);
      else if (service.owned * LOAD_BOUND < service.owned - over) pool.filling.add(service);
    }
    for (const service of pool.filling) if (!lacks.has(service)) pool.filling.delete(service);
    const over = above(own, pool);
    // Shares are no whole numbers: less than one job above it is its share, or what has begun would never end.
    if (over < 1) pool.shedding = false;
    else if (own.owned > LOAD_BOUND * (own.owned - over)) pool.shedding = true;
    pool.lacks = lacks;
    pool.left = Math.max(0, Math.floor(over + pool.rounding));
  }
}

const MOST_POOLS = 10_000;

function gives({ left, shedding, filling }: Pool): boolean {
  return left >= 1 && (shedding || filling.size > 0);
}

/** One job less here and one more there makes them more equal, and does not put the target above its share. */
function evens(own: Weighed, target: Weighed, pool: Pool): boolean {
  const [over, lack] = [above(own, pool), -above(target, pool)];
  if (over <= 0 || lack < 1) return false;
  return over / own.weight + lack / target.weight >= 1 / own.weight + 1 / target.weight;
}

/** By how many jobs it is above its share of the pool; negative: below. */
function above(service: Weighed, { members }: Pool): number {
  let total = 0;
  let weights = 0;
  for (const { owned, weight } of members) {
    total += owned;
    weights += weight;
  }
  return service.owned - (total * service.weight) / weights;
}
