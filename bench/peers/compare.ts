import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchCase, BenchContext, Measured } from '../case';
import { Cluster } from '../cluster';
import { prepared as countRuns } from '../runs';
import { seeded } from '../seeded';
import { median, percentile } from '../statistics';
import { SERVICES, takeoverTimes } from '../takeover';
import type { Place } from './drivers';
import type { Counted, PeerOrder } from './peer-service';
import { CONCURRENCY, peers, type Peer, type Settings, type Takeover } from './peers';
import { install, startServer } from './servers';

/** As Holdfast is measured in this comparison. */
const OUR_JOBS = 20_000;
const OUR_KILLS = { default: 3, tuned: 8 } as const;
/** Kills come at a random moment of so many milliseconds. */
const PHASE_MS = 150;

interface Ours {
  readonly runsPerSecond: number;
  readonly takeoverMs: Readonly<Record<'default' | 'tuned', number>>;
}
type Beside = { what: string; value: string }[];

/**
 * The same two cases, one after the other, for Holdfast and for what else there is: process at concurrency 50, and SIGKILL in mid-run to the first run
 * elsewhere. Each peer has a server of its own and is set as favourably as its documentation allows. None of them keeps a history or fences a run, and
 * Redis is synced once a second, so the figures say what these promises cost.
 */
export const comparison: BenchCase = {
  name: 'peers',
  keys: [],
  rounds: 'once',
  async run(context: BenchContext): Promise<Measured> {
    const random = seeded(context.seed ?? 1);
    const beside: Beside = [];
    const ours = await holdfast(random, context);
    beside.push({ what: `Holdfast: process at c=${CONCURRENCY}`, value: `${Math.round(ours.runsPerSecond)} runs/s` });
    for (const profile of ['default', 'tuned'] as const)
      beside.push({
        what: `Holdfast: takeover, ${profile}, median`,
        value: `${Math.round(ours.takeoverMs[profile])} ms`,
      });
    for (const peer of peers) beside.push(...(await compared(peer, ours, random, context)));
    return { figures: {}, beside };
  },
};

async function holdfast(random: () => number, context: BenchContext): Promise<Ours> {
  const directory = join(context.directory, 'holdfast');
  mkdirSync(directory);
  const own = { directory, say: context.say };
  const { runsPerSecond } = await countRuns(
    (n) => ({ directory: join(directory, `runs-${n}`) }),
    CONCURRENCY,
    context.quick ? 1_000 : OUR_JOBS,
  );
  const kills = (profile: keyof typeof OUR_KILLS) => (context.quick ? 1 : OUR_KILLS[profile]);
  const takeoverMs = {
    default: median(await takeoverTimes('default', kills('default'), random, own)),
    tuned: median(await takeoverTimes('tuned', kills('tuned'), random, own)),
  };
  return { runsPerSecond, takeoverMs };
}

/** A peer that cannot be installed or run is in the table with the reason. */
async function compared(peer: Peer, ours: Ours, random: () => number, context: BenchContext): Promise<Beside> {
  const { say, quick } = context;
  const version = Object.entries(peer.packages).map(([name, v]) => `${name} ${v}`);
  const found: Beside = [];
  const tell = (what: string, value: string) => {
    say(`${peer.name}: ${what}: ${value}`);
    found.push({ what: `${peer.name}: ${what}`, value });
  };
  try {
    const packages = directoryOf(context, peer, 'packages');
    await install(peer.packages, packages);
    const processed = await withServer(peer, directoryOf(context, peer, 'process'), packages, async (place, server) => {
      tell('versions', `${version.join(', ')}, ${peer.server} ${server.version} (${server.settings})`);
      return runsOf({ peer: peer.name, place, settings: peer.process, jobs: quick ? peer.jobs / 5 : peer.jobs });
    });
    const ratio = ours.runsPerSecond / processed;
    tell(
      `process at c=${CONCURRENCY} (${words(peer.process)})`,
      `${Math.round(processed)} runs/s; Holdfast ÷ it: ${ratio.toFixed(2)}`,
    );
    for (const profile of ['default', 'tuned'] as const) {
      const takeover = peer[profile];
      if ('documented' in takeover) tell(`takeover, ${profile}`, `${takeover.documented}; documented, not measured`);
      else if (quick && profile === 'default') tell(`takeover, ${profile}`, 'left out: quick');
      else {
        const directory = directoryOf(context, peer, profile);
        const times = await withServer(peer, directory, packages, (place) =>
          killsOf(peer, place, takeover, random, quick),
        );
        tell(
          `takeover, ${profile} (${words(takeover.settings)})`,
          `median ${Math.round(median(times))} ms, max ${Math.round(percentile(times, 1))} ms of ${times.length}; ` +
            `it ÷ Holdfast: ${(median(times) / ours.takeoverMs[profile]).toFixed(1)}`,
        );
      }
    }
  } catch (error) {
    tell('could not be measured further', String(error).trim().split('\n').join('; '));
  }
  return found;
}

function words(settings: Settings): string {
  const changed = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return changed.length > 0 ? changed.join(', ') : 'as it comes';
}

function directoryOf(context: BenchContext, peer: Peer, what: string): string {
  const directory = join(context.directory, `${peer.name}-${what}`);
  mkdirSync(directory);
  return directory;
}

async function withServer<T>(
  peer: Peer,
  directory: string,
  packages: string,
  use: (place: Place, server: Awaited<ReturnType<typeof startServer>>) => Promise<T>,
): Promise<T> {
  const server = await startServer(peer.server, directory);
  try {
    return await use({ packages, port: server.port }, server);
  } finally {
    await server.stop();
  }
}

const LONGEST_PROCESS_MS = 120_000;
const file = join(__dirname, 'peer-service.js');

function runsOf(order: PeerOrder): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(file, [JSON.stringify(order)]);
    const patience = setTimeout(() => child.kill('SIGKILL'), LONGEST_PROCESS_MS);
    let counted: Counted | null = null;
    child.on('message', (message: Counted) => (counted = message));
    child.on('exit', (code, signal) => {
      clearTimeout(patience);
      if (counted !== null) resolve(counted.runsPerSecond);
      else reject(new Error(`the process ended with ${signal ?? `code ${code}`} before it had run all jobs`));
    });
  });
}

async function killsOf(
  peer: Peer,
  place: Place,
  { settings, kills, patienceMs }: Extract<Takeover, { settings: unknown }>,
  random: () => number,
  quick?: boolean,
): Promise<readonly number[]> {
  const order: PeerOrder = { peer: peer.name, place, settings, jobs: null };
  const cluster = new Cluster(file, () => [JSON.stringify(order)], patienceMs);
  try {
    // One after the other: the first one makes the tables.
    for (let n = 0; n < SERVICES; n++) await cluster.startOne();
    const times: number[] = [];
    for (let n = 1; n <= (quick ? 1 : kills); n++)
      times.push((await cluster.killInMidRun(`long-${n}`, random() * PHASE_MS)).ms);
    return times;
  } finally {
    await cluster.end();
  }
}
