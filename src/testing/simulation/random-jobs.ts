import type { SeededRandom } from '../../clock';
import type { Overlap } from '../../domain/job';
import type { Behaviour } from './behaviours';
import type { MisfireInput } from '../../domain/job';
import { Draw } from './draws';
import { randomSchedule, type Season } from './random-schedules';
import type { JobScript } from './script';

const weights: ReadonlyMap<Behaviour, number> = new Map<Behaviour, number>([
  ['brief', 36],
  ['long', 22],
  ['faulty', 12],
  ['hanging', 8],
  ['deaf', 7],
  ['blocking', 7],
  ['deadly', 6],
]);

/** Mostly what a job has that says nothing; else each policy, with limits that an outage of a minute reaches. */
export const misfires: ReadonlyMap<MisfireInput, number> = new Map<MisfireInput, number>([
  ['once', 40],
  [{ policy: 'once', run: 'earliest' }, 8],
  [{ policy: 'once', onResume: 'once' }, 8],
  [{ policy: 'skip', thresholdMs: 5_000 }, 10],
  [{ policy: 'skip', onResume: 'all', cap: 3 }, 8],
  ['all', 10],
  [{ policy: 'all', cap: 2, onResume: 'all' }, 8],
  [{ policy: 'all', maxAgeMs: 90_000, onResume: 'once', run: 'earliest' }, 8],
]);

/** Jobs with missed slots have more of them when they come often. */
const OFTEN_MS = 15_000;
/** Most do not say; those that do have slots that fall during their runs. */
export const overlaps: readonly Overlap[] = [
  'skip',
  'queue',
  'queue',
  'replace',
  'replace',
  { allow: 2 },
  { allow: 3 },
];

/** 20–50 jobs of every kind. @param names of their handlers; null: those of the simulation's own, by weight. */
export function randomJobs(random: SeededRandom, durationMs: number, names: readonly string[] | null): JobScript[] {
  const draw = new Draw(random);
  const count = 20 + Math.floor(draw.next() * 31);
  const jobs = Array.from({ length: count }, (_, n) => randomJob(`job-${n}`, draw, durationMs, names));
  // Drawn after the rest: what else a seed makes does not change with it.
  return jobs.map((job) => withMisfire(job, draw));
}

/** Handlers that hold up their process, or end it, do so at their own pace. */
const rareHandlers: readonly string[] = ['deadly', 'blocking'];
const WITH_A_SCHEDULE = 0.45;
/** Jobs whose slots are to fall during their runs mostly stay as they are. */
const WITH_A_DENSE_SCHEDULE = 0.25;

/** Many of the jobs come by a schedule of any kind instead. */
export function withSchedules(jobs: readonly JobScript[], random: SeededRandom, season: Season): JobScript[] {
  const draw = new Draw(random);
  return jobs.map((job) => {
    const dense = job.policies?.overlap !== 'skip' && job.handler !== 'brief';
    if (!draw.chance(dense ? WITH_A_DENSE_SCHEDULE : WITH_A_SCHEDULE) || rareHandlers.includes(job.handler)) return job;
    const { dueMs: _due, ...rest } = job;
    const leastMs = Math.round(dense ? draw.between(5, 15) : draw.between(15, 60)) * 1_000;
    return { ...rest, schedule: randomSchedule(draw, season, leastMs) };
  });
}

function withMisfire(job: JobScript, draw: Draw): JobScript {
  const misfire = draw.weighted(misfires);
  const often = draw.chance(0.25) && job.handler === 'brief' && job.schedule?.kind === 'interval';
  return {
    ...job,
    ...(often && { schedule: { kind: 'interval', every: OFTEN_MS } }),
    policies: { ...job.policies, misfire },
  };
}

function randomJob(id: string, draw: Draw, durationMs: number, names: readonly string[] | null): JobScript {
  const handler = names === null ? draw.weighted(weights) : draw.of(names);
  const at = Math.round(draw.chance(0.75) ? draw.between(1_000, 25_000) : draw.between(25_000, durationMs * 0.8));
  const rare = handler === 'deadly' || handler === 'blocking' ? 2 : 1;
  const overlap = draw.chance(0.4) ? draw.of(overlaps) : 'skip';
  const often = overlap !== 'skip' && handler !== 'brief' && draw.chance(0.6);
  const every = Math.round((often ? draw.between(5, 20) : draw.between(35, 160)) * rare) * 1_000;
  const when: Pick<JobScript, 'schedule' | 'dueMs'> = draw.weighted(
    new Map<Pick<JobScript, 'schedule' | 'dueMs'>, number>([
      [{ schedule: { kind: 'interval', every } }, 55],
      [{ schedule: { kind: 'interval', every, maxRuns: 4 } }, 8],
      [
        { schedule: { kind: 'cron', pattern: draw.of(['* * * * *', '*/2 * * * *', '20 */2 * * * *']), zone: 'UTC' } },
        12,
      ],
      [{ dueMs: Math.round(draw.between(at, durationMs)) }, 17],
      [{}, 8],
    ]),
  );
  const tag = draw.weighted(
    new Map<{ [key: string]: string }, number>([
      [{}, 65],
      [{ name: 'worker' }, 8],
      [{ zone: draw.of(['x', 'y']) }, 15],
      [{ host: `host-${draw.of(['a', 'b', 'c'])}` }, 12],
    ]),
  );
  return {
    id,
    at,
    handler,
    ...when,
    tag,
    affinity: draw.chance(0.35) ? 'preferred' : 'required',
    policies: {
      retry: { maxRetries: draw.of([0, 1, 3]), initialMs: draw.of([100, 1_000, 5_000]) },
      overlap,
      onOwnerLoss: draw.of(['rerun', 'rerun', 'rerun', 'fail', 'hold'] as const),
      onStuck: draw.of(['release', 'release', 'wait'] as const),
      timeoutMs: handler === 'hanging' ? draw.of([2_000, 8_000, 20_000]) : draw.of([null, null, 4_000]),
      priority: draw.of([0, 0, 0, 0, 0, 5]),
    },
  };
}
