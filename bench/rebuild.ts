import { fork } from 'node:child_process';
import { join } from 'node:path';
import {
  EmbeddedEventStore,
  encode,
  HoldfastService,
  resolveOptions,
  SystemClock,
  SystemRandom,
  type DomainEvent,
  type EventStore,
  type JobDefinition,
} from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { policies } from './policies';

/**
 * A view from nothing: a web-only replica without a view's file, on a log of 100,000 jobs with 10 events each. From its start to the moment
 * when it has applied the last event, in a process of its own.
 *
 * The key is for events as a running system has them: all jobs are scheduled, all are bound, then all run again and again, so two events of one
 * job lie 100,000 events apart. Printed beside it: the same events with those of one job next to each other.
 */
const JOBS = 100_000;
const RUNS = 4;
const EVENTS = JOBS * (2 + 2 * RUNS);
const IN_FLIGHT = 512;
const SECOND = 1_000;

type Order = 'interleaved' | 'together';

export const rebuild: BenchCase = {
  name: 'rebuild',
  keys: ['rebuildEventsPerSecond'],
  rounds: 'once',
  async run({ directory, say }: BenchContext): Promise<Measured> {
    const perSecond: Record<Order, number> = { interleaved: 0, together: 0 };
    const micros: Record<Order, number> = { interleaved: 0, together: 0 };
    for (const order of ['interleaved', 'together'] as const) {
      const path = join(directory, `${order}.sqlite`);
      say(`rebuild: writing ${EVENTS} events, ${order}`);
      await writeLog(path, order);
      const took = await rebuiltIn(path, join(directory, order));
      perSecond[order] = EVENTS / took.seconds;
      micros[order] = took.processorMicros;
      say(`rebuild: ${Math.round(perSecond[order])} events/s, ${order}`);
    }
    return {
      figures: { rebuildEventsPerSecond: perSecond.interleaved },
      beside: [
        {
          what: 'view from nothing, events of all jobs interleaved',
          value: `${Math.round(perSecond.interleaved)} events/s`,
        },
        { what: 'view from nothing, events of a job together', value: `${Math.round(perSecond.together)} events/s` },
        {
          what: 'processor time per event, interleaved and together',
          value: `${micros.interleaved.toFixed(1)} and ${micros.together.toFixed(1)} µs`,
        },
      ],
    };
  },
};

const clock = new SystemClock();
const random = new SystemRandom();

async function writeLog(path: string, order: Order): Promise<void> {
  const store = await EmbeddedEventStore.open({ path, clock, random });
  const steps = 2 + 2 * RUNS;
  const waiting = new Set<Promise<void>>();
  for (let n = 0; n < EVENTS; n++) {
    const [job, step] = order === 'together' ? [Math.floor(n / steps), n % steps] : [n % JOBS, Math.floor(n / JOBS)];
    const one = append(store, `job-${name(job)}`, step - 1, eventOf(job, step)).finally(() => waiting.delete(one));
    waiting.add(one);
    if (waiting.size >= IN_FLIGHT) await Promise.race(waiting);
  }
  await Promise.all(waiting);
  await store.close();
}

async function append(store: EventStore, stream: string, head: number, event: DomainEvent): Promise<void> {
  const { type, data, schemaVersion } = encode(event);
  const metadata = JSON.stringify({ schemaVersion });
  const written = { id: random.uuid(clock.wall()), type, data, metadata };
  const answer = await store.append(stream, head < 0 ? 'no_stream' : head, [written]);
  if (answer.outcome !== 'appended') throw new Error(`${stream}: ${JSON.stringify(answer)}`);
}

const noon = Date.UTC(2026, 2, 1, 12);
const iso = (n: number) => new Date(noon + n * 3_600 * SECOND).toISOString();
const name = (job: number) => `report-${String(job).padStart(6, '0')}`;
const owner = { serviceId: 'worker@a', incarnation: '0195a000-0000-7000-8000-000000000001' };

function definitionOf(job: number): JobDefinition {
  return {
    handler: 'report',
    payload: { customer: name(job), filling: 'x'.repeat(170) },
    schedule: { kind: 'interval', everyMs: 3_600 * SECOND, origin: null, start: null, end: null, maxRuns: null },
    tag: { name: 'worker' },
    affinity: 'required',
    policies,
  };
}

/** Scheduled, bound, then start and success in turns. */
export function eventOf(job: number, step: number): DomainEvent {
  const at = noon + job + step * 1_800 * SECOND;
  const pending = (slot: number) => ({ nextSlot: iso(slot), zoneData: '2026a' });
  const round = Math.floor(step / 2);
  const run = { slot: iso(round), attempt: 1, epoch: 1, incarnation: owner.incarnation };
  if (step === 0) {
    const definition = definitionOf(job);
    const hash = name(job).padEnd(64, '0');
    const fields = { jobId: name(job), definition, definitionHash: hash, anchor: noon, renewed: false };
    return { type: 'JobScheduled', data: { ...fields, ...pending(1), at } };
  }
  if (step === 1) {
    const why = { kind: 'claim', rank: 0, candidates: 1, first: owner.serviceId, placementVersion: 1 } as const;
    return {
      type: 'JobBoundToService',
      data: { epoch: 1, ...owner, viewPosition: '1', why: { ...why, labelsMatch: true }, at },
    };
  }
  if (step % 2 === 1) return { type: 'JobRunSucceeded', data: { ...run, durationMs: 5, at } };
  const started = { ...run, serviceId: owner.serviceId, definitionRevision: 0, ...pending(round + 1) };
  return { type: 'JobRunStarted', data: { ...started, at } };
}

interface Took {
  readonly seconds: number;
  /** Processor time of the whole process per event, µs. */
  readonly processorMicros: number;
}

/** In a process of its own. */
function rebuiltIn(log: string, stateDirectory: string): Promise<Took> {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, ['--rebuild', log, stateDirectory]);
    let took: Took | null = null;
    child.on('message', (message: Took) => (took = message));
    child.on('exit', (code) => {
      if (took !== null && code === 0) resolve(took);
      else reject(new Error(`the rebuilding process ended with code ${String(code)}`));
    });
  });
}

async function rebuildHere(log: string, stateDirectory: string): Promise<void> {
  const options = { service: { name: 'reader' }, role: 'web-only', stateDirectory } as const;
  const service = await HoldfastService.open(resolveOptions({ ...options, store: { kind: 'embedded', path: log } }), {
    clock,
    random,
  });
  const before = clock.monotonic();
  const spentBefore = process.cpuUsage();
  await service.start();
  await service.readModel.waitFor(BigInt(EVENTS), 600 * SECOND);
  const { user, system } = process.cpuUsage(spentBefore);
  const took: Took = { seconds: (clock.monotonic() - before) / SECOND, processorMicros: (user + system) / EVENTS };
  if (process.send === undefined) console.log(took);
  else process.send(took);
  const { nextRunTime } = service.readModel.job(name(JOBS - 1)) ?? {};
  if (nextRunTime !== Date.parse(iso(RUNS + 1))) throw new Error(`the view is wrong: next run ${String(nextRunTime)}`);
  await service.close();
}

if (process.argv[2] === '--rebuild') {
  void rebuildHere(process.argv[3], process.argv[4]).then(() => process.disconnect?.());
}
