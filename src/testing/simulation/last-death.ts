import type { SeededRandom } from '../../clock';
import type { LivenessOptions } from '../../membership';
import type { Judge } from './judge';
import type { JudgedIncarnation } from './judged';
import { fits } from './quiescence';
import type { SimulatedProcess } from './simulated-process';
import type { Witness } from './witness';

/** What the passes of view and sweep take, ms. */
const PASSES_MS = 250;
/** Ways between a service and the log: the last beat to its observer, the observer's own and back, verdict, requeue, each seen by the next. */
const WAYS = 8;

type Life = JudgedIncarnation & { readonly incarnation: string };

export interface QuietWorld {
  readonly judge: Judge;
  readonly witness: Witness;
  readonly liveness: LivenessOptions;
  /** Longest of one way between a service and the log, ms. */
  readonly wayMs: number;
  /** True time. */
  readonly now: number;
  readonly living: (process: string) => SimulatedProcess | null;
  /** Processes that may own jobs and live. */
  readonly workers: number;
  /** More than one place goes by that service id. */
  readonly shared: (serviceId: string) => boolean;
}

/** An owner that dies when all is well, and what must have another one by when. */
export interface LastDeath {
  readonly owner: Life;
  readonly diedAt: number;
  /** When the newest heartbeat began that anybody can have heard of. */
  readonly beatAt: number;
  readonly jobs: readonly { readonly jobId: string; readonly withinMs: number; readonly heirs: readonly string[] }[];
  /** True time by which all must have another one. */
  readonly until: number;
}

/** Draws one who owns jobs that another could take; null: there is none. */
export function lastDeath(world: QuietWorld, random: SeededRandom): LastDeath | null {
  const alive = world.judge.alive().filter((one) => settled(one, world));
  const deaths = alive.filter(({ serviceId }) => !world.shared(serviceId)).map((owner) => of(owner, alive, world));
  const possible = deaths.filter(({ jobs }) => jobs.length > 0);
  return possible[Math.floor(random.next() * possible.length)] ?? null;
}

/** I5 within the stated bound: what it owned has been bound to another in time. */
export function checkTakenOver({ owner, diedAt, beatAt, jobs }: LastDeath, judge: Judge): void {
  for (const { jobId, withinMs, heirs } of jobs) {
    const job = judge.jobs.get(jobId);
    // Quarantined, ended, or not to be read: nobody's.
    if (job === undefined || job.state.stage !== 'live') continue;
    const taken = job.boundAt > diedAt;
    if (taken) judge.note('taken-over');
    if (taken && job.boundAt - beatAt <= withinMs) continue;
    const when = taken ? `after ${Math.round(job.boundAt - beatAt)} ms` : 'not yet';
    judge.violate(
      'I5',
      `${owner.process} has died, and ${jobId} is bound to another ${when}: ${heirs.join(', ')} could take it within ${Math.round(withinMs)} ms of the last heartbeat.`,
    );
  }
}

function of(owner: Life, alive: readonly Life[], world: QuietWorld): LastDeath {
  const { judge, witness, now } = world;
  const beatAt = world.living(owner.process)?.told.beatAt ?? now;
  const jobs = [...judge.jobs].flatMap(([jobId, { state }]) => {
    if (state.stage !== 'live' || state.ownership.kind !== 'bound') return [];
    if (state.ownership.incarnation !== owner.incarnation) return [];
    // In whose process a handler of the job has not settled, that one may not take it.
    const heirs = alive.filter(
      (one) =>
        one !== owner &&
        fits(state, one) &&
        !witness.openRuns().some((run) => run.jobId === jobId && run.process === one.process),
    );
    if (heirs.length === 0) return [];
    return [{ jobId, withinMs: boundMs(owner, heirs, alive, world), heirs: heirs.map(({ serviceId }) => serviceId) }];
  });
  return { owner, diedAt: now, beatAt, jobs, until: beatAt + Math.max(0, ...jobs.map(({ withinMs }) => withinMs)) };
}

/** Protocol 5.15, from the last heartbeat on. */
function boundMs(owner: Life, heirs: readonly Life[], alive: readonly Life[], world: QuietWorld): number {
  const { judge, liveness, wayMs, workers } = world;
  const { failAfterMs, claimGraceMs, beatMs, clockRateError } = liveness;
  // Whoever has judged it wrongly waits twice as long; one that has not is enough.
  const lives = [...judge.incarnations.values()].filter(({ serviceId }) => serviceId === owner.serviceId);
  const judges = new Set(lives.flatMap(({ judgedBy }) => judgedBy));
  const doubled = alive.every((one) => one === owner || judges.has(one.serviceId));
  // An observer looks twice in a beat: it may take one look to begin a beat that shows the silence, and one to find it so.
  const verdictMs = ((doubled ? 2 : 1) * failAfterMs + beatMs) * (1 + clockRateError);
  // The dead one may be ranked first, and whoever lives and cannot take the job; those that claim others meanwhile prolong the wait once.
  const others = workers - 1 - heirs.length;
  const graces = 1 + others + (others > 0 ? 1 : 0);
  return verdictMs + graces * claimGraceMs + PASSES_MS + WAYS * wayMs;
}

/** It has been there for long enough to have heard everyone for a full failAfter, and to be heard. */
function settled(one: Life, { now, liveness, living }: QuietWorld): boolean {
  const told = living(one.process)?.told;
  const { failAfterMs, selfFenceAfterMs } = liveness;
  const trusted = told !== undefined && told.whyNoTrust(one.incarnation, selfFenceAfterMs) === null;
  return trusted && !one.draining && now - one.registeredAt >= 2 * failAfterMs;
}
