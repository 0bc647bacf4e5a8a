import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { livenessProfiles, verifyLog, type EventStore } from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { Cluster } from './cluster';
import { readingAt, type Place } from './place';
import { seeded } from './seeded';
import { median, percentile } from './statistics';

type Profile = Exclude<keyof typeof livenessProfiles, 'cluster'>;

export const SERVICES = 3;
const KILLS: Readonly<Record<Profile, number>> = { default: 20, tuned: 30 };
const QUICK_KILLS = 2;
const PATIENCE_MS = 60_000;

/**
 * SIGKILL in the middle of a run, to the first run of that job in another process. Three services, real processes on one log, one killed at a
 * time, at a random phase of its beat. Before the next kill another one takes its place, under an id of its own: one that dies and comes back again
 * and again is made to wait. Nothing else runs meanwhile, because the services of another cluster would take its cores.
 */
export const takeover: BenchCase = {
  name: 'takeover',
  keys: ['takeoverDefaultMaxMs', 'takeoverTunedP90Ms', 'takeoverTunedMaxMs'],
  rounds: 'once',
  async run(context: BenchContext): Promise<Measured> {
    const { times, beside } = await takeovers(context);
    return {
      figures: {
        takeoverDefaultMaxMs: Math.round(percentile(times.default, 1)),
        takeoverTunedP90Ms: Math.round(percentile(times.tuned, 0.9)),
        takeoverTunedMaxMs: Math.round(percentile(times.tuned, 1)),
      },
      beside,
    };
  },
};

type Times = Readonly<Record<Profile, readonly number[]>>;

/** Both profiles, each in a place of its own. */
export async function takeovers(
  context: BenchContext,
  placeIn: (directory: string) => Place | Promise<Place> = (directory) => ({ directory }),
): Promise<{ readonly times: Times; readonly beside: Measured['beside'] }> {
  const seed = context.seed ?? Math.floor(Math.random() * 2 ** 32);
  context.say(`takeover: seed ${seed}`);
  const random = seeded(seed);
  const timesOf = (profile: Profile) =>
    takeoverTimes(profile, context.quick ? QUICK_KILLS : KILLS[profile], random, context, placeIn);
  const times = { default: await timesOf('default'), tuned: await timesOf('tuned') };
  return {
    times,
    beside: [
      ...(['default', 'tuned'] as const).map((profile) => ({
        what: `takeover, ${profile}: min / p50 / p90 / max of ${times[profile].length} kills`,
        value: `${words(times[profile])} ms`,
      })),
      { what: 'takeover: seed', value: String(seed) },
    ],
  };
}

function words(times: readonly number[]): string {
  return [percentile(times, 0), median(times), percentile(times, 0.9), percentile(times, 1)]
    .map(Math.round)
    .join(' / ');
}

/** The times of so many kills, ms. @throws Error when a run did not go on, or the log does not verify afterwards. */
export async function takeoverTimes(
  profile: Profile,
  kills: number,
  random: () => number,
  context: Pick<BenchContext, 'directory' | 'say'>,
  placeIn: (directory: string) => Place | Promise<Place> = (directory) => ({ directory }),
): Promise<readonly number[]> {
  const directory = join(context.directory, profile);
  mkdirSync(directory);
  const place = await placeIn(directory);
  const file = join(__dirname, 'takeover-service.js');
  const cluster = new Cluster(file, (host) => [JSON.stringify(place), host, profile], PATIENCE_MS);
  try {
    await Promise.all(Array.from({ length: SERVICES }, () => cluster.startOne()));
    const times: number[] = [];
    for (let n = 1; n <= kills; n++) {
      const { ms, from, to } = await cluster.killInMidRun(`long-${n}`, random() * livenessProfiles[profile].beatMs);
      times.push(ms);
      context.say(`takeover, ${profile}: kill ${n} of ${kills}: ${from} → ${to} in ${Math.round(ms)} ms`);
    }
    await checkLog(place);
    return times;
  } finally {
    await cluster.end();
  }
}

/** A takeover that broke a promise would be no figure. The check reads and asks who the log is, nothing else. */
async function checkLog(place: Place): Promise<void> {
  const { violations } = await readingAt(place, (log, namespace) => verifyLog(log as EventStore, { namespace }));
  if (violations.length > 0) throw new Error(`the log of the takeovers: ${violations[0].words}`);
}
