import { candidateOf, currentIncarnation, isTerminal, type ServiceState } from '../../domain/service';
import type { JobRow, ReadModel } from '../../read-model';
import type { JobColumns } from '../../read-model/job-columns';
import { compareKeys, compareText } from '../../read-model/keyset';

/** What the log says at one position, by id. */
export interface LogAt {
  readonly jobs: ReadonlyMap<string, JobColumns>;
  readonly services: ReadonlyMap<string, ServiceState>;
}

/** What is read, and the answer as text. */
export type Reads = ReadonlyMap<string, string>;

/** As many jobs as a sweep asks for: the same answer may be one that the view remembers. */
const PAGE = 200;

/** What the loops of a service read of its view: of all, and of the newest incarnation of each of these services. */
export function foundReads(view: ReadModel, services: LogAt['services']): Reads {
  const { candidates, loads, unowned, orphaned } = view.sweep(PAGE);
  const found = new Map<string, unknown>([
    ['candidates', candidates],
    ['loads', [...loads]],
    ['jobs without an owner', idsOf(unowned)],
    [
      'jobs of owners that are gone',
      orphaned.map(({ job, owner, ownerServiceId }) => [job.jobId, ownerServiceId, owner.incarnation, owner.life]),
    ],
  ]);
  for (const [serviceId, incarnation] of newestOf(services)) {
    const own = view.ownJobs(serviceId);
    found.set(`jobs of ${serviceId}`, {
      ids: idsOf(own.all(incarnation, null, PAGE)),
      withOpenRun: idsOf(own.withOpenRun(incarnation)),
      nextDueTime: own.nextDueTime(incarnation),
      count: own.count(incarnation),
    });
  }
  return asText(found);
}

/** The same, from the folds of all jobs and services. */
export function wantedReads(log: LogAt): Reads {
  const { services } = log;
  const jobs = [...log.jobs].map(([id, columns]) => ({ ...columns, id, n: 0, due: columns.nextRunTime }));
  const owned = (serviceId: string, incarnation: string) =>
    jobs.filter((job) => job.serviceId === serviceId && job.incarnation === incarnation);
  const candidates = [...services.values()]
    .sort((a, b) => compareText(a.serviceId, b.serviceId))
    .flatMap((service) => {
      const newest = currentIncarnation(service);
      if (newest === null || isTerminal(newest)) return [];
      return [candidateOf(service.serviceId, newest, owned(service.serviceId, newest.incarnation).length)];
    });
  const loads = candidates.map(({ serviceId, incarnation }) => {
    const own = owned(serviceId, incarnation);
    const load = {
      running: runsOf(own),
      suspects: runsOf(own.filter(({ suspect }) => suspect === 1)),
      coming: jobs.filter(({ target }) => target === serviceId).length,
    };
    return [serviceId, load] as const;
  });
  const inOrder = [...jobs].sort(compareKeys);
  const wanted = new Map<string, unknown>([
    ['candidates', candidates],
    ['loads', loads],
    [
      'jobs without an owner',
      inOrder
        .filter(({ stage, serviceId }) => stage === 'live' && serviceId === null)
        .slice(0, PAGE)
        .map(({ id }) => id),
    ],
    [
      'jobs of owners that are gone',
      inOrder
        .flatMap(({ id, serviceId, incarnation }) => {
          if (serviceId === null || incarnation === null) return [];
          const life = lifeOf(services.get(serviceId), incarnation);
          return isGone(life) ? [[id, serviceId, incarnation, life]] : [];
        })
        .slice(0, PAGE),
    ],
  ]);
  for (const [serviceId, incarnation] of newestOf(services)) {
    const own = owned(serviceId, incarnation).sort((a, b) => compareText(a.id, b.id));
    const times = own.flatMap(({ nextRunTime }) => nextRunTime ?? []);
    wanted.set(`jobs of ${serviceId}`, {
      ids: own.slice(0, PAGE).map(({ id }) => id),
      withOpenRun: own.filter(({ running }) => running > 0).map(({ id }) => id),
      nextDueTime: times.length === 0 ? null : Math.min(...times),
      count: { owned: own.length, running: runsOf(own) },
    });
  }
  return asText(wanted);
}

function newestOf(services: LogAt['services']): readonly (readonly [string, string])[] {
  return [...services.values()].flatMap((service) => {
    const newest = currentIncarnation(service);
    return newest === null ? [] : [[service.serviceId, newest.incarnation] as const];
  });
}

/** Null: what the log says of that service cannot all be read. */
function lifeOf(service: ServiceState | undefined, incarnation: string): string | null {
  const registered = service?.incarnations.findLast((one) => one.incarnation === incarnation);
  if (registered !== undefined) return registered.life;
  return (service?.unreadable ?? null) === null ? 'unregistered' : null;
}

function isGone(life: string | null): boolean {
  return life === 'failed' || life === 'stopped' || life === 'unregistered';
}

function runsOf(jobs: readonly JobColumns[]): number {
  return jobs.reduce((sum, { running }) => sum + running, 0);
}

function idsOf(rows: readonly JobRow[]): readonly string[] {
  return rows.map(({ jobId }) => jobId);
}

function asText(reads: ReadonlyMap<string, unknown>): Reads {
  return new Map([...reads].map(([what, answer]) => [what, JSON.stringify(answer)]));
}
