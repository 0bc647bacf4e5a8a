import { fork } from 'node:child_process';
import { join } from 'node:path';
import {
  EmbeddedEventStore,
  encode,
  SystemClock,
  SystemRandom,
  verifyLog,
  type DomainEvent,
  type EventStore,
} from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { policies } from './policies';

/**
 * `verify` of a log of a million events, in a process of its own: 2,000 jobs that run again and again, their events interleaved, and between them
 * 18,000 jobs that run once and have ended. What the check holds in memory is of jobs that live.
 */
const SECOND = 1_000;
const IN_FLIGHT = 512;
const RECURRING = 2_000;
/** Of every so many events, one life of a job that runs once. */
const ONCE_EVERY = 25;

export const verify: BenchCase = {
  name: 'verify',
  keys: ['verifyEventsPerSecond', 'verifyRssMiB'],
  rounds: 'once',
  async run({ directory, say, quick = false }: BenchContext): Promise<Measured> {
    const events = quick ? 20_000 : 1_000_000;
    const path = join(directory, 'log.sqlite');
    say(`verify: writing ${events} events`);
    await writeLog(path, events);
    const took = await verifiedIn(path);
    if (took.violations > 0) throw new Error(`the log breaks ${took.violations} rules`);
    const perSecond = took.events / took.seconds;
    return {
      figures: { verifyEventsPerSecond: perSecond, verifyRssMiB: took.rssMiB },
      beside: [
        { what: `verify of ${took.events} events of ${took.jobs} jobs`, value: `${took.seconds.toFixed(1)} s` },
        { what: 'the same, processor time per event', value: `${took.processorMicros.toFixed(1)} µs` },
        { what: 'the same, most memory of the process', value: `${took.rssMiB.toFixed(0)} MiB` },
      ],
    };
  },
};

const clock = new SystemClock();
const random = new SystemRandom();

/** Writes the log; what happens in it is the same every time. */
async function writeLog(path: string, events: number): Promise<void> {
  const store = await EmbeddedEventStore.open({ path, clock, random });
  const waiting = new Set<Promise<void>>();
  const written = { count: 0 };
  const write = async (stream: string, head: number, batch: readonly DomainEvent[]): Promise<void> => {
    written.count += batch.length;
    const one = append(store, stream, head, batch).finally(() => waiting.delete(one));
    waiting.add(one);
    if (waiting.size >= IN_FLIGHT) await Promise.race(waiting);
  };
  await write(`service-${owner.serviceId}`, -1, [registered()]);
  await Promise.all(waiting);
  for (let job = 0; job < RECURRING; job++)
    await write(`job-report-${job}`, -1, [scheduled(`report-${job}`, true), bound()]);
  await Promise.all(waiting);
  let [turn, ended] = [0, 0];
  while (written.count < events) {
    const job = turn % RECURRING;
    const round = Math.floor(turn / RECURRING);
    turn++;
    await write(`job-report-${job}`, 1 + 2 * round, [
      started(slotOf(round + 1), slotOf(round + 2)),
      succeeded(slotOf(round + 1)),
    ]);
    if (turn % ONCE_EVERY === 0) {
      const id = `once-${ended++}`;
      const end: DomainEvent = { type: 'JobCompleted', data: { outcome: 'succeeded', at: noon } };
      await write(`job-${id}`, -1, [
        scheduled(id, false),
        bound(),
        started(slotOf(1), null),
        succeeded(slotOf(1)),
        end,
      ]);
    }
  }
  await Promise.all(waiting);
  await store.close();
}

async function append(store: EventStore, stream: string, head: number, batch: readonly DomainEvent[]): Promise<void> {
  const events = batch.map((event) => {
    const { type, data, schemaVersion } = encode(event);
    const cause = random.uuid(clock.wall());
    const metadata = JSON.stringify({ $correlationId: cause, $causationId: cause, schemaVersion });
    return { id: random.uuid(clock.wall()), type, data, metadata };
  });
  const answer = await store.append(stream, head < 0 ? 'no_stream' : head, events);
  if (answer.outcome !== 'appended') throw new Error(`${stream}: ${JSON.stringify(answer)}`);
}

/** Slots lie in the past, so no start is early. */
const noon = Date.UTC(2020, 2, 1, 12);
const slotOf = (n: number) => new Date(noon + n * 60 * SECOND).toISOString();
const owner = { serviceId: 'worker@a', incarnation: '0195a000-0000-7000-8000-000000000001' };
const run = (slot: string) => ({ slot, attempt: 1, epoch: 1, incarnation: owner.incarnation });

function registered(): DomainEvent {
  return {
    type: 'ServiceRegistered',
    data: {
      ...owner,
      labels: { name: 'worker', host: 'a' },
      capacity: { maxOwnedJobs: 10_000, maxConcurrentRuns: 100 },
      handlers: { report: '1' },
      process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
      placementVersion: 1,
      reason: 'start',
      at: noon,
    },
  };
}

function scheduled(jobId: string, recurring: boolean): DomainEvent {
  const bounds = { start: null, end: null, maxRuns: null };
  const schedule = recurring
    ? ({ kind: 'interval', everyMs: 60 * SECOND, origin: null, ...bounds } as const)
    : ({ kind: 'once', at: noon + 60 * SECOND, ...bounds } as const);
  const payload = { customer: jobId, filling: 'x'.repeat(170) };
  const definition = {
    handler: 'report',
    payload,
    schedule,
    tag: { name: 'worker' },
    affinity: 'required',
    policies,
  } as const;
  const pending = { nextSlot: slotOf(1), zoneData: '2026a' };
  const hash = jobId.padEnd(64, '0');
  return {
    type: 'JobScheduled',
    data: { jobId, definition, definitionHash: hash, anchor: noon, renewed: false, ...pending, at: noon },
  };
}

function bound(): DomainEvent {
  const why = {
    kind: 'claim',
    rank: 0,
    candidates: 1,
    first: owner.serviceId,
    placementVersion: 1,
    labelsMatch: true,
  } as const;
  return { type: 'JobBoundToService', data: { epoch: 1, ...owner, viewPosition: '1', why, at: noon } };
}

function started(slot: string, nextSlot: string | null): DomainEvent {
  const { serviceId } = owner;
  const data = { ...run(slot), serviceId, definitionRevision: 0, nextSlot, zoneData: '2026a', at: Date.parse(slot) };
  return { type: 'JobRunStarted', data };
}

function succeeded(slot: string): DomainEvent {
  return { type: 'JobRunSucceeded', data: { ...run(slot), durationMs: 5, at: Date.parse(slot) + 5 } };
}

interface Took {
  readonly events: number;
  readonly jobs: number;
  readonly violations: number;
  readonly seconds: number;
  readonly processorMicros: number;
  readonly rssMiB: number;
}

function verifiedIn(log: string): Promise<Took> {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, ['--verify', log]);
    let took: Took | null = null;
    child.on('message', (message: Took) => (took = message));
    child.on('exit', (code) => {
      if (took !== null && code === 0) resolve(took);
      else reject(new Error(`the verifying process ended with code ${String(code)}`));
    });
  });
}

async function verifyHere(path: string): Promise<void> {
  const store = await EmbeddedEventStore.open({ path, clock, random, readOnly: true });
  const before = clock.monotonic();
  const spentBefore = process.cpuUsage();
  const { events, jobs, violationCount } = await verifyLog(store);
  const { user, system } = process.cpuUsage(spentBefore);
  const took: Took = {
    events,
    jobs,
    violations: violationCount,
    seconds: (clock.monotonic() - before) / SECOND,
    processorMicros: (user + system) / events,
    rssMiB: process.resourceUsage().maxRSS / 1_024,
  };
  await store.close();
  if (process.send === undefined) console.log(took);
  else process.send(took);
}

// For a person: `--write-log <path> <events>` and `--verify <path>` do their part alone.
if (process.argv[2] === '--verify') void verifyHere(process.argv[3]).then(() => process.disconnect?.());
if (process.argv[2] === '--write-log') void writeLog(process.argv[3], Number(process.argv[4] ?? 1_000_000));
