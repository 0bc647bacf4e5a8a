import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  EventStoreDbEventStore,
  HoldfastService,
  jobType,
  resolveOptions,
  SystemClock,
  SystemRandom,
  verifyLog,
  type RecordedEvent,
} from 'holdfast';
import { Fleet } from '../../processes/fleet';
import { median } from './gaps';

/**
 * How long it takes to move the jobs of a service that was killed, and whether beats wait behind the moves:
 *
 *     node build/test/eventstoredb/faults/takeover.js --store esdb://… [--services 3] [--jobs 3000] [--liveness default]
 *
 * Services are processes of their own, jobs are idle and spread evenly. The times are the log's own (`created`); the last line is JSON.
 */
const clock = new SystemClock();
const random = new SystemRandom();
const Work = jobType<{ ms: number }>('work');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: process.env.HOLDFAST_EVENTSTOREDB_URL ?? '' },
      services: { type: 'string', default: '3' },
      jobs: { type: 'string', default: '3000' },
      liveness: { type: 'string', default: 'default' },
    },
  });
  const connection = values.store;
  const liveness = values.liveness === 'tuned' ? 'tuned' : 'default';
  const [services, jobs] = [Number(values.services), Number(values.jobs)];
  const namespace = `takeover_${clock.wall().toString(36)}_${process.pid.toString(36)}`;
  const stateDirectory = mkdtempSync(join(tmpdir(), 'holdfast-takeover-'));
  const store = await EventStoreDbEventStore.open({ connection, namespace, clock, random });
  await store.identity();
  let fences = 0;
  const program = join(__dirname, '../../processes/service.js');
  const fleet = new Fleet(program, { connection, namespace, stateDirectory, liveness }, (_name, said) => {
    if (said.kind === 'fence' && said.reason !== 'stopped') fences++;
  });
  const client = await HoldfastService.open(
    resolveOptions({
      service: { name: 'client', host: 'test' },
      role: 'web-only',
      store: { kind: 'eventstoredb', connection },
      namespace,
      stateDirectory,
    }),
  );
  await client.start();
  const ids = Array.from({ length: jobs }, (_, n) => `job-${n}`);
  const ownedBy = (id: string) => client.readModel.service(id)?.ownedJobs ?? 0;
  const names = Array.from({ length: services }, (_, n) => `s${n + 1}`);
  for (const name of names) fleet.start(name);
  await until(() => fleet.ready && fleet.running.length === services);
  const waiting = [...ids];
  const start = new Date(clock.wall() + 86_400_000).toISOString();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop())
        await client.jobs.schedule(Work, { ms: 0 }, { id, schedule: { kind: 'interval', every: 3_600_000, start } });
    }),
  );
  const owned = (among: readonly string[]) => among.reduce((sum, name) => sum + ownedBy(`${name}@test`), 0);
  await until(() => owned(names) === jobs);
  await clock.sleep(3_000);
  const [victim, ...survivors] = names;
  const moved = ownedBy(`${victim}@test`);
  const before = await store.head();
  const killedAt = clock.wall();
  await fleet.kill(victim);
  await until(() => owned(survivors) === jobs);
  await clock.sleep(2_000);
  const events = await since(store, before);
  await fleet.close();
  await client.close();
  const report = await verifyLog(store);
  await store.close();
  rmSync(stateDirectory, { recursive: true, force: true });

  const verdict = events.find(({ type }) => type === 'ServiceMarkedFailed');
  const binds = events.filter(({ type }) => type === 'JobBoundToService');
  const last = binds.at(-1);
  if (verdict === undefined || last === undefined) throw new Error('No verdict, or no bind, is in the log.');
  const gaps = survivors.map((name) => {
    const beats = events.filter(({ stream }) => stream === `heartbeat-${name}@test`).map(({ created }) => created);
    return beats.slice(1).map((at, n) => at - beats[n]);
  });
  console.log(
    JSON.stringify({
      services,
      jobs,
      liveness,
      moved,
      binds: binds.length,
      killToVerdictMs: verdict.created - killedAt,
      verdictToLastBindMs: last.created - verdict.created,
      bindsPerSecond: Math.round((binds.length * 1_000) / Math.max(1, last.created - verdict.created)),
      beatGapMedianMs: median(gaps.flat()),
      beatGapMaxMs: Math.max(...gaps.flat()),
      fences,
      violations: report.violationCount,
    }),
  );
  return report.violationCount > 0 ? 1 : 0;
}

async function since(store: EventStoreDbEventStore, before: bigint | 'start'): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (let after = before; ;) {
    const slice = await store.readAll({ after, categories: ['job', 'service', 'heartbeat'], limit: 5_000 });
    events.push(...slice.events);
    after = slice.position;
    if (slice.end) return events;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const begun = clock.monotonic();
  while (!condition()) {
    if (clock.monotonic() - begun > 300_000) throw new Error('waited five minutes in vain');
    await clock.sleep(10);
  }
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
