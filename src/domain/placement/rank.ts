import type { Candidate } from '../service/state';
import { ineligibility, labelsMatch } from './eligibility';
import type { Placeable } from './eligibility';
import { hashText, pairUnit } from '../hash';
import type { TextHash } from '../hash';

/** Version of the ranking. Processes with different versions may disagree about who steps in first; safety does not depend on it. */
export const placementVersion = 1;

/** A service that owns this many times its share of the jobs goes behind those that own less, and hands jobs over to them. */
export const LOAD_BOUND = 1.25;

/** What placement looks at in a job that needs an owner. */
export interface PlaceableJob extends Placeable {
  readonly jobId: string;
  /** The service that owned it last: placement is sticky to the service id, so one that restarts gets its jobs back. Null: never bound. */
  readonly lastServiceId: string | null;
  /** The service it was released for; null: none. */
  readonly target: string | null;
  /** Service id whose `owned` count holds this job already: the owner's, when its incarnation is gone. Default: none. */
  readonly countedAt?: string | null;
}

export interface RankedCandidate {
  readonly candidate: Candidate;
  /** Its labels contain the tag (may be false with affinity `preferred` only). */
  readonly labelsMatch: boolean;
  /** It owns more than its share, and went behind those that do not. */
  readonly overShare: boolean;
}

interface Entry {
  readonly candidate: Candidate;
  readonly hash: TextHash;
  readonly weight: number;
  owned: number;
}

interface Scored extends RankedCandidate {
  /** Smaller goes first. */
  readonly order: number;
  readonly score: number;
}

/**
 * Ranks services for jobs at one view position. It counts what it gave to the first of each ranking,
 * so later jobs of the same pass see growing counts.
 */
export class Placement {
  private readonly entries: readonly Entry[];
  private readonly byId: ReadonlyMap<string, Entry>;

  /** @param candidates services read from the same snapshot as the jobs; any order. */
  constructor(candidates: readonly Candidate[]) {
    this.entries = candidates.map((candidate) => ({
      candidate,
      hash: hashText(candidate.serviceId),
      weight: weightOf(candidate),
      owned: candidate.owned,
    }));
    this.byId = new Map(this.entries.map((entry) => [entry.candidate.serviceId, entry]));
  }

  /**
   * Services that may take the job, best first: the target of a release; then, with affinity `preferred`, those whose labels match;
   * among them the last owner; then weighted rendezvous hashing, those over their share at the end.
   * Left out: the ineligible, and those that own `maxOwnedJobs` already. Empty: nobody may.
   */
  rank(job: PlaceableJob): RankedCandidate[] {
    const eligible = this.entries.filter(
      (entry) =>
        ineligibility(job, entry.candidate) === null &&
        ownedWithout(job, entry) < entry.candidate.capacity.maxOwnedJobs,
    );
    let total = 0;
    let weights = 0;
    for (const entry of eligible) {
      total += ownedWithout(job, entry);
      weights += entry.weight;
    }
    const jobHash = hashText(job.jobId);
    const scored = eligible.map((entry): Scored => {
      const { candidate, weight } = entry;
      const matches = labelsMatch(job.tag, candidate.labels);
      const overShare = ownedWithout(job, entry) >= (LOAD_BOUND * total * weight) / weights + 1;
      const first = candidate.serviceId === job.target;
      const order =
        (first ? 0 : 8) +
        (matches ? 0 : 4) +
        (candidate.serviceId === job.lastServiceId ? 0 : 2) +
        (overShare && candidate.serviceId !== job.lastServiceId ? 1 : 0);
      return {
        candidate,
        labelsMatch: matches,
        overShare,
        order,
        score: rendezvous(jobHash, entry.hash, weight),
      };
    });
    scored.sort(
      (a, b) => a.order - b.order || b.score - a.score || (a.candidate.serviceId < b.candidate.serviceId ? -1 : 1),
    );
    return scored.map(({ candidate, labelsMatch: matches, overShare }) => ({
      candidate,
      labelsMatch: matches,
      overShare,
    }));
  }

  /** Ranks the job and counts it for the first of the ranking. */
  assign(job: PlaceableJob): RankedCandidate[] {
    const ranking = this.rank(job);
    const first = ranking[0]?.candidate.serviceId;
    if (first !== undefined && first !== job.countedAt) {
      this.add(first, 1);
      if (job.countedAt != null) this.add(job.countedAt, -1);
    }
    return ranking;
  }

  private add(serviceId: string, jobs: number): void {
    const entry = this.byId.get(serviceId);
    if (entry !== undefined) entry.owned += jobs;
  }
}

/** Ranks the services for one job. See `Placement.rank`. */
export function rank(job: PlaceableJob, candidates: readonly Candidate[]): RankedCandidate[] {
  return new Placement(candidates).rank(job);
}

/** A job with the key by which a pass takes jobs: its soonest next slot or run, ms; null: nothing is pending. */
export interface AssignableJob extends PlaceableJob {
  readonly nextRunTime: number | null;
}

export interface Assignment<Job> {
  readonly job: Job;
  /** Best first; empty: nobody may take it. */
  readonly ranking: readonly RankedCandidate[];
}

/**
 * One pass over the jobs that need an owner: soonest next run first (nothing pending last), then id; counts grow as it goes.
 * A generator, so that a long pass can yield between jobs. The result does not depend on the order of either input.
 */
export function* assign<Job extends AssignableJob>(
  jobs: readonly Job[],
  candidates: readonly Candidate[],
): Generator<Assignment<Job>, void> {
  const placement = new Placement(candidates);
  const sorted = [...jobs].sort(
    (a, b) =>
      compare(a.nextRunTime ?? Number.POSITIVE_INFINITY, b.nextRunTime ?? Number.POSITIVE_INFINITY) ||
      compare(a.jobId, b.jobId),
  );
  for (const job of sorted) yield { job, ranking: placement.assign(job) };
}

/** What its share is measured by. */
export function weightOf({ capacity }: Candidate): number {
  return Math.max(1, capacity.maxOwnedJobs);
}

/** Rendezvous hashing with a weight: the highest of all goes first, each as often as its weight says. */
export function rendezvous(job: TextHash, service: TextHash, weight: number): number {
  return -weight / Math.log(pairUnit(job, service));
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function ownedWithout(job: PlaceableJob, entry: Entry): number {
  return job.countedAt === entry.candidate.serviceId ? entry.owned - 1 : entry.owned;
}
