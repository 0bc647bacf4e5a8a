import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { HoldfastService, jobType, livenessProfiles, resolveOptions } from 'holdfast';
import { Conductor } from './conductor';
import { Diary, monoNow } from './diary';
import { readEvidence, type JobPlan } from './evidence';
import { isGood, judge } from './judge';
import { Ledger } from './ledger';
import type { ChaosOptions } from './options';
import { Place } from './places';
import { plan } from './plan';
import { lastLine, reportOf, tell } from './report';
import { leastOfEach } from './tame';
import { LATE_MS, type WorkPayload } from './service-orders';

const Work = jobType<WorkPayload>('work');
const DRAIN_TIMEOUT_MS = 4_000;
/** Beyond its own bound, for the store's patience at each step of a drain, on a machine that others use. */
const DRAIN_PATIENCE_MS = 20_000;
const START_PATIENCE_MS = 90_000;
const CALM_PATIENCE_MS = 120_000;
const TICK_MS = 50;

/** Every fifth job is long: whoever is killed is killed in the middle of some. Half of the long ones have a home, and every tenth of all besides. */
function jobsOf(count: number, hosts: readonly string[]): (JobPlan & { readonly home: string | null })[] {
  return Array.from({ length: count }, (_, n) => {
    const long = n % 5 === 0;
    return {
      id: `work-${n}`,
      everyMs: 4_000 + 1_000 * (n % 7),
      ms: long ? 2_500 + 500 * (n % 9) : 20 + 10 * (n % 30),
      home: [3, 5].includes(n % 10) ? hosts[Math.floor(n / 10) % hosts.length] : null,
    };
  });
}

/** One run of the chaos, and its judgement. @returns whether all is well. */
export async function chaos(
  options: ChaosOptions,
  where: { readonly directory: string; readonly logDirectory: string },
): Promise<boolean> {
  const { directory, logDirectory } = where;
  const { minutes, seed, services, profile, json } = options;
  const begun = monoNow();
  const out = json ? process.stderr : process.stdout;
  const say = (words: string) => out.write(`${((monoNow() - begun) / 1_000).toFixed(1).padStart(7)} s  ${words}\n`);
  say(`seed ${seed}, profile ${profile}, ${services} services, ${options.jobs} jobs, ${minutes} minutes of faults`);
  const diary = new Diary(directory);
  const ledger = new Ledger(join(directory, 'ledger.sqlite'));
  const hosts = Array.from({ length: services }, (_, n) => `h${n + 1}`);
  const jobs = jobsOf(options.jobs, hosts);
  const liveness = livenessProfiles[profile];
  const places = hosts.map((host) => new Place(host, { ...where, profile, drainTimeoutMs: DRAIN_TIMEOUT_MS }));
  const termBoundMs = DRAIN_TIMEOUT_MS + liveness.abortGraceMs + DRAIN_PATIENCE_MS;
  const conductor = new Conductor(places, where, termBoundMs, say);
  const ticking = watchOwnTurns(diary);
  const interrupt = () => void conductor.killAll().finally(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let endingAt = Infinity;
  try {
    await schedule(jobs, logDirectory, diary);
    await until('every service to work', START_PATIENCE_MS, () => places.every((place) => place.steady));
    const allRan = (at: number) => ledger.enteredSince(at).size === jobs.length;
    await until('every job to run', START_PATIENCE_MS, () => allRan(0), 500);
    say('every job has run once: the faults begin');
    await conductor.make(plan(seed, profile), monoNow() + minutes * 60_000, leastOfEach(minutes));
    const calmAt = Date.now();
    say('the last fault is over: every job must run again');
    await until('every job to run again', CALM_PATIENCE_MS, () => allRan(calmAt), 500).catch((error: unknown) => {
      const ran = ledger.enteredSince(calmAt);
      const missing = jobs.filter(({ id }) => !ran.has(id)).map(({ id }) => id);
      const named = missing.slice(0, 10).join(', ');
      conductor.seen.push(`${String(error)}: ${missing.length} did not run after the last fault: ${named}, …`);
    });
    conductor.lookAfter();
    endingAt = Date.now();
    say('every service is asked to drain and end');
    await conductor.end();
  } finally {
    await conductor.killAll();
    clearInterval(ticking);
    ledger.close();
  }
  say('the judge reads');
  const evidence = await readEvidence(where, {
    faults: conductor.faults,
    jobs,
    seen: conductor.seen,
    settings: { minutes, services, liveness, drainTimeoutMs: DRAIN_TIMEOUT_MS },
    endingAt,
  });
  const judgement = judge(evidence);
  const report = reportOf(evidence, judgement);
  out.write(`\n${tell(report, judgement)}\n\n`);
  process.stdout.write(
    `${json ? JSON.stringify({ seed, profile, services, minutes, ...report }) : lastLine(report)}\n`,
  );
  return isGood(judgement);
}

async function schedule(jobs: ReturnType<typeof jobsOf>, logDirectory: string, diary: Diary): Promise<void> {
  const client = await HoldfastService.open(
    resolveOptions({
      service: { name: 'client', host: 'conductor' },
      role: 'web-only',
      store: { kind: 'embedded', path: join(logDirectory, 'log.sqlite') },
      stateDirectory: logDirectory,
    }),
  );
  try {
    await Promise.all(
      jobs.map(async ({ id, everyMs, ms, home }, n) => {
        const placed = home === null ? {} : { tag: { host: home }, affinity: 'preferred' as const };
        const options = { id, schedule: { kind: 'interval' as const, every: everyMs }, ...placed };
        await client.jobs.schedule(Work, { ms, guarded: n % 4 === 0 }, options);
        diary.note('conductor.scheduled', { job: id });
      }),
    );
  } finally {
    await client.close();
  }
}

/** This process, too, tells when it was not scheduled. */
function watchOwnTurns(diary: Diary): NodeJS.Timeout {
  let last = monoNow();
  return setInterval(() => {
    const now = monoNow();
    if (now - last - TICK_MS > LATE_MS) diary.note('late', { fromMono: last, toMono: now });
    last = now;
  }, TICK_MS);
}

async function until(what: string, patienceMs: number, isSo: () => boolean, pollMs = 50): Promise<void> {
  for (const end = monoNow() + patienceMs; !isSo(); await rest(pollMs))
    if (monoNow() > end) throw new Error(`waited ${patienceMs / 1_000} s in vain for ${what}`);
}
