import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedEventStore, SystemClock, SystemRandom, livenessProfiles, verifyLog } from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { Cluster } from './cluster';
import { seeded } from './seeded';
import { median, percentile } from './statistics';

type Profile = Exclude<keyof typeof livenessProfiles, 'cluster'>;

export const SERVICES = 3;
const KILLS: Readonly<Record<Profile, number>> = { default: 20, tuned: 30 };
const QUICK_KILLS = 2;
const PATIENCE_MS = 60_000;

/**
 * SIGKILL in the middle of a run, to the first run of that job in another process. Three services, real processes on one embedded log, one killed at a
 * time, at a random phase of its beat. Before the next kill another one takes its place, under an id of its own: one that dies and comes back again
 * and again is made to wait. Nothing else runs meanwhile, because the services of another cluster would take its cores.
 */
export const takeover: BenchCase = {
  name: 'takeover',
  keys: ['takeoverDefaultMaxMs', 'takeoverTunedP90Ms', 'takeoverTunedMaxMs'],
  rounds: 'once',
  async run(context: BenchContext): Promise<Measured> {
    const seed = context.seed ?? Math.floor(Math.random() * 2 ** 32);
    context.say(`takeover: seed ${seed}`);
    const random = seeded(seed);
    const kills = (profile: Profile) => (context.quick ? QUICK_KILLS : KILLS[profile]);
    const times = {
      default: await takeoverTimes('default', kills('default'), random, context),
      tuned: await takeoverTimes('tuned', kills('tuned'), random, context),
    };
    return {
      figures: {
        takeoverDefaultMaxMs: Math.round(percentile(times.default, 1)),
        takeoverTunedP90Ms: Math.round(percentile(times.tuned, 0.9)),
        takeoverTunedMaxMs: Math.round(percentile(times.tuned, 1)),
      },
      beside: [
        ...(['default', 'tuned'] as const).map((profile) => ({
          what: `takeover, ${profile}: min / p50 / p90 / max of ${times[profile].length} kills`,
          value: `${words(times[profile])} ms`,
        })),
        { what: 'takeover: seed', value: String(seed) },
      ],
    };
  },
};

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
): Promise<readonly number[]> {
  const directory = join(context.directory, profile);
  mkdirSync(directory);
  const file = join(__dirname, 'takeover-service.js');
  const cluster = new Cluster(file, (host) => [directory, host, profile], PATIENCE_MS);
  try {
    await Promise.all(Array.from({ length: SERVICES }, () => cluster.startOne()));
    const times: number[] = [];
    for (let n = 1; n <= kills; n++) {
      const { ms, from, to } = await cluster.killInMidRun(`long-${n}`, random() * livenessProfiles[profile].beatMs);
      times.push(ms);
      context.say(`takeover, ${profile}: kill ${n} of ${kills}: ${from} → ${to} in ${Math.round(ms)} ms`);
    }
    await checkLog(join(directory, 'log.sqlite'));
    return times;
  } finally {
    await cluster.end();
  }
}

/** A takeover that broke a promise would be no figure. */
async function checkLog(path: string): Promise<void> {
  const store = await EmbeddedEventStore.open({
    path,
    clock: new SystemClock(),
    random: new SystemRandom(),
    readOnly: true,
  });
  try {
    const { violations } = await verifyLog(store);
    if (violations.length > 0) throw new Error(`the log of the takeovers: ${violations[0].words}`);
  } finally {
    await store.close();
  }
}
