import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedEventStore, SystemClock, SystemRandom, livenessProfiles, verifyLog } from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { seeded } from './seeded';
import { median, percentile } from './statistics';
import type { FromService, ToService } from './takeover-service';

type Profile = keyof typeof livenessProfiles;
type Entered = Extract<FromService, { kind: 'entered' }> & { readonly host: string };

const SERVICES = 3;
const KILLS: Readonly<Record<Profile, number>> = { default: 20, tuned: 30 };
const QUICK_KILLS = 2;
/** A run that has been going on for this long is no news to anybody; then the random part of a beat is added. */
const SETTLED_MS = 300;
/** Far beyond any bound that is promised: whoever waits for longer waits in vain. */
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
    const times = {
      default: await killed('default', random, context),
      tuned: await killed('tuned', random, context),
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

/** The times of all kills of one profile, ms. */
async function killed(profile: Profile, random: () => number, context: BenchContext): Promise<readonly number[]> {
  const directory = join(context.directory, profile);
  mkdirSync(directory);
  const cluster = new Cluster(directory, profile);
  try {
    await Promise.all(Array.from({ length: SERVICES }, () => cluster.startOne()));
    const times: number[] = [];
    const kills = context.quick ? QUICK_KILLS : KILLS[profile];
    for (let n = 1; n <= kills; n++) {
      const { ms, from, to } = await oneKill(cluster, `long-${n}`, random() * livenessProfiles[profile].beatMs);
      times.push(ms);
      context.say(`takeover, ${profile}: kill ${n} of ${kills}: ${from} → ${to} in ${Math.round(ms)} ms`);
    }
    await provedBy(join(directory, 'log.sqlite'));
    return times;
  } finally {
    await cluster.end();
  }
}

async function oneKill(cluster: Cluster, job: string, phaseMs: number) {
  cluster.send(cluster.anyHost, { kind: 'schedule', job });
  const first = await cluster.entered(job, 1);
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS + phaseMs));
  const at = process.hrtime.bigint();
  await cluster.kill(first.host);
  const second = await cluster.entered(job, 2);
  if (second.host === first.host || second.slot !== first.slot)
    throw new Error(`${job} began on ${first.host} (${first.slot}) and went on on ${second.host} (${second.slot})`);
  cluster.send(second.host, { kind: 'finish', job });
  await cluster.startOne();
  return { ms: Number(BigInt(second.at) - at) / 1e6, from: first.host, to: second.host };
}

/** A takeover that broke a promise would be no figure. */
async function provedBy(path: string): Promise<void> {
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

/** The processes, and what they said. */
class Cluster {
  private readonly children = new Map<string, ChildProcess>();
  private readonly runs: Entered[] = [];
  private started = 0;
  private failure: Error | null = null;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly directory: string,
    private readonly profile: Profile,
  ) {}

  /** Resolves when the service is registered, and trusted. */
  async startOne(): Promise<void> {
    const host = `h${++this.started}`;
    const child = fork(join(__dirname, 'takeover-service.js'), [this.directory, host, this.profile]);
    this.children.set(host, child);
    let ready = false;
    child.on('message', (message: FromService) => {
      if (message.kind === 'ready') ready = true;
      else this.runs.push({ ...message, host });
      this.wake();
    });
    child.on('exit', (code, signal) => {
      if (this.children.get(host) !== child) return;
      this.failure ??= new Error(`the service on ${host} ended by itself, with ${signal ?? `code ${code}`}`);
      this.wake();
    });
    await this.until(`the service on ${host} to be ready`, () => ready);
  }

  get anyHost(): string {
    return [...this.children.keys()][0];
  }

  send(host: string, message: ToService): void {
    this.children.get(host)?.send(message);
  }

  async entered(job: string, attempt: number): Promise<Entered> {
    let found: Entered | undefined;
    await this.until(`attempt ${attempt} of ${job} to be entered`, () => {
      found = this.runs.find((run) => run.job === job && run.attempt === attempt);
      return found !== undefined;
    });
    return found as Entered;
  }

  /** Resolves when the process is no more. */
  async kill(host: string): Promise<void> {
    const child = this.children.get(host);
    this.children.delete(host);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async end(): Promise<void> {
    await Promise.all([...this.children.keys()].map((host) => this.kill(host)));
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private async until(what: string, isSo: () => boolean): Promise<void> {
    const patience = setTimeout(() => {
      this.failure ??= new Error(`waited ${PATIENCE_MS / 1_000} s in vain for ${what}`);
      this.wake();
    }, PATIENCE_MS);
    try {
      while (!isSo()) {
        if (this.failure) throw this.failure;
        await new Promise<void>((resolve) => this.waiting.add(resolve));
      }
    } finally {
      clearTimeout(patience);
    }
  }
}
