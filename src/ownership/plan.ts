import type { Candidate, GoneIncarnation } from '../domain/service';
import { placeable, type JobRecord } from '../domain/job';
import { assign, rank, type PlaceableJob, type RankedCandidate } from '../domain/placement';
import type { JobRow, SweepPlace, SweepSnapshot } from '../read-model';
import type { Claimables } from './claimables';
import type { LeftOut } from './left-out';
import type { Ledger } from './ledger';
import { nobodyTakes } from './nobody';
import { moves } from './orphans';
import type { Pace } from './pace';

/** A job that this service is to take, or to set free, now. */
export interface Claim {
  readonly row: JobRow;
  readonly state: JobRecord;
  /** Its owner that is gone; null: the job is unbound. */
  readonly gone: { readonly serviceId: string; readonly owner: GoneIncarnation; readonly onlyIdle: boolean } | null;
  /** Best first; empty: nobody may take it. */
  readonly ranking: readonly RankedCandidate[];
  /** Why nobody may take it; null: this service takes it. */
  readonly nobody: string | null;
}

export interface Plan {
  /** Soonest next run first, then id. */
  readonly claims: readonly Claim[];
  /** Monotonic time at which something will be to do that is not now; null: nothing. */
  readonly next: number | null;
  /** Waits for a rank, a silence or a rest. */
  readonly waiting: number;
  /** Jobs that nobody takes and that were not known as such, with the reason. */
  readonly unplaced: readonly { readonly jobId: string; readonly reason: string }[];
  /** Jobs that were looked at, whoever takes them. */
  readonly looked: number;
  /** More jobs lie behind this place; null: none. */
  readonly behind: SweepPlace | null;
}

export interface PlanContext {
  readonly serviceId: string;
  /** Monotonic, ms. */
  readonly now: number;
  /** Jobs that were read at most, of the unowned and of the orphaned each. */
  readonly page: number;
  /** How many more jobs this service may own. */
  readonly room: () => number;
  /** How long until a condition without an event of its own is looked at again, ms. */
  readonly pollMs: number;
  readonly claimables: Claimables;
  readonly leftOut: LeftOut;
  readonly ledger: Ledger;
  readonly accepts: (row: JobRow) => boolean;
  readonly silentSinceEnd: (incarnation: string) => boolean;
  /** An append of this process to the job waits or is in flight. */
  readonly holds: (jobId: string) => boolean;
  readonly pace: Pace;
}

interface Unowned extends PlaceableJob {
  readonly nextRunTime: number | null;
  readonly row: JobRow;
  readonly state: JobRecord;
  readonly gone: { readonly serviceId: string; readonly owner: GoneIncarnation } | null;
}

/**
 * What this service is to do about the jobs without a living owner that one snapshot shows. The assignment is computed for all of them, in one
 * order, whatever this process may do about each.
 */
export async function planClaims(snapshot: SweepSnapshot, context: PlanContext): Promise<Plan> {
  const { claimables, leftOut, now } = context;
  const claims: Claim[] = [];
  const unplaced: { jobId: string; reason: string }[] = [];
  let next = Infinity;
  let waiting = 0;
  let taken = 0;
  const wait = (until: number) => {
    waiting += 1;
    next = Math.min(next, until);
  };
  claimables.progressed(snapshot.candidates, now);
  const behind = placeBehind(snapshot, context.page);
  const jobs = await unownedJobs(snapshot, behind, leftOut, context.pace);
  const everybody = neutral(snapshot.candidates);
  for (const { job, ranking } of assign(jobs, snapshot.candidates)) {
    await context.pace.breathe();
    const nobody = ranking.length === 0 ? nobodyTakes(job, snapshot.candidates) : null;
    if (nobody !== null && job.gone === null) {
      const isNew = leftOut.add(job.jobId, job.row.revision, nobody.why);
      if (isNew) unplaced.push({ jobId: job.jobId, reason: nobody.reason });
      continue;
    }
    const move = job.gone === null ? 'now' : moves(job.jobId, job.state, job.gone.owner, context.silentSinceEnd);
    if (move === 'silence') {
      wait(now + context.pollMs);
      continue;
    }
    const order = nobody === null ? ranking : plainRanking(job.jobId, everybody);
    const step = stepIn(job, order, nobody === null, context);
    if (step === null) continue;
    if (step > now) {
      wait(step);
      continue;
    }
    const gone = job.gone === null ? null : { ...job.gone, onlyIdle: move === 'idle' };
    if (nobody === null && context.room() <= taken) {
      wait(now + context.pollMs);
      continue;
    }
    if (nobody === null) taken += 1;
    claims.push({ row: job.row, state: job.state, gone, ranking, nobody: nobody?.reason ?? null });
  }
  return { claims, next: next === Infinity ? null : next, waiting, unplaced, looked: jobs.length, behind };
}

/** Up to where both lists are whole: each ends at its own place when it is full. */
function placeBehind({ unowned, orphaned }: SweepSnapshot, page: number): SweepPlace | null {
  const ends = [unowned, orphaned.map(({ job }) => job)]
    .filter((rows) => rows.length >= page)
    .map((rows): SweepPlace => rows[rows.length - 1]);
  return ends.sort(byPlace)[0] ?? null;
}

/** The order in which a sweep takes jobs: soonest next run first, nothing pending last, then id. */
export function byPlace(a: SweepPlace, b: SweepPlace): number {
  const [left, right] = [a.nextRunTime ?? Infinity, b.nextRunTime ?? Infinity];
  if (left !== right) return left < right ? -1 : 1;
  return a.jobId < b.jobId ? -1 : a.jobId > b.jobId ? 1 : 0;
}

/** When this service is to act; null: not at all. */
function stepIn(job: Unowned, order: readonly RankedCandidate[], takes: boolean, context: PlanContext): number | null {
  const { claimables, ledger, now, serviceId } = context;
  const claim =
    job.gone === null ? `unbound ${job.row.epoch} ${job.state.ownership.since}` : `gone ${job.gone.owner.incarnation}`;
  const firstSeen = claimables.firstSeen(job.jobId, claim, now);
  const own = order.findIndex(({ candidate }) => candidate.serviceId === serviceId);
  if (own < 0) return null;
  // Looked at again even when the view has moved on before the answer came, and nothing else wakes the sweep.
  if (context.holds(job.jobId) || ledger.isAhead(job.jobId)) return now + context.pollMs;
  const better = order.slice(0, own).map(({ candidate }) => candidate.serviceId);
  const forTarget = job.target !== null && better[0] === job.target;
  const step = claimables.stepsInAt(firstSeen, better, forTarget);
  if (step > now) return step;
  // An earlier handler of this job is stuck here: this process ranks itself out until it has settled.
  if (takes && !context.accepts(job.row)) return now + context.pollMs;
  return ledger.restsUntil(job.jobId, now) ?? step;
}

async function unownedJobs(
  snapshot: SweepSnapshot,
  behind: SweepPlace | null,
  leftOut: LeftOut,
  pace: Pace,
): Promise<Unowned[]> {
  const jobs: Unowned[] = [];
  const shown = (row: JobRow) => behind === null || byPlace(row, behind) <= 0;
  for (const row of snapshot.unowned) {
    await pace.breathe();
    if (!shown(row) || leftOut.has(row.jobId, row.revision) || row.state.stage !== 'live') continue;
    const { ownership } = row.state;
    if (ownership.kind !== 'unbound') continue;
    jobs.push(unowned(row, row.state, ownership.lastServiceId, ownership.target, null));
  }
  for (const { job: row, owner, ownerServiceId } of snapshot.orphaned) {
    await pace.breathe();
    // A job that cannot be read here is left to those that can.
    if (!shown(row) || row.state.stage !== 'live') continue;
    jobs.push(unowned(row, row.state, ownerServiceId, null, { serviceId: ownerServiceId, owner }));
  }
  return jobs;
}

function unowned(
  row: JobRow,
  state: JobRecord,
  lastServiceId: string | null,
  target: string | null,
  gone: Unowned['gone'],
): Unowned {
  const { jobId, nextRunTime } = row;
  const countedAt = gone?.serviceId ?? null;
  return { jobId, ...placeable(state), lastServiceId, target, countedAt, nextRunTime, row, state, gone };
}

const ANY = { handler: 'any', tag: {}, affinity: 'preferred', lastServiceId: null, target: null } as const;

/** The live services as if each could take anything. */
function neutral(candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates
    .filter(({ life }) => life === 'live')
    .map((candidate) => ({
      ...candidate,
      handlers: [ANY.handler],
      owned: 0,
      capacity: { ...candidate.capacity, maxOwnedJobs: 1 },
    }));
}

/** Plain rendezvous over all live services: who sets free what nobody may take. */
function plainRanking(jobId: string, everybody: readonly Candidate[]): readonly RankedCandidate[] {
  return rank({ jobId, ...ANY }, everybody);
}
