import { EmbeddedEventStore, encode, SystemClock, SystemRandom, type DomainEvent, type JobDefinition } from 'holdfast';
import { policies } from './policies';

/** One job, as a case wants it. */
export interface JobToBind {
  readonly jobId: string;
  readonly handler: string;
  readonly payload: JobDefinition['payload'];
  readonly schedule: JobDefinition['schedule'];
  /** The slot to come, and when it is due. */
  readonly pending: Pick<Extract<DomainEvent, { type: 'JobScheduled' }>['data'], 'nextSlot' | 'zoneData' | 'nextDueAt'>;
}

const clock = new SystemClock();
const random = new SystemRandom();
/** The service of every case that has its jobs bound so. */
export const SERVICE = 'bench@bench';
const IN_FLIGHT = 512;

/**
 * Brings jobs into the log of a running service, from another process, in the fastest honest way: for each job one append of JobScheduled and
 * of JobBoundToService, with the incarnation of that service, as its own claim would be. The service projects them like any others.
 */
export async function bindJobs(path: string, jobs: Iterable<JobToBind>, incarnation: string): Promise<void> {
  const store = await EmbeddedEventStore.open({ path, clock, random });
  const waiting = new Set<Promise<void>>();
  for (const job of jobs) {
    const { jobId } = job;
    const events = lifeOf(job, incarnation).map((event) => {
      const { type, data, schemaVersion } = encode(event);
      return { id: random.uuid(clock.wall()), type, data, metadata: JSON.stringify({ schemaVersion }) };
    });
    const one = store
      .append(`job-${jobId}`, 'no_stream', events)
      .then(({ outcome }) => {
        if (outcome !== 'appended') throw new Error(`job ${jobId}: ${outcome}`);
      })
      .finally(() => waiting.delete(one));
    waiting.add(one);
    if (waiting.size >= IN_FLIGHT) await Promise.race(waiting);
  }
  await Promise.all(waiting);
  await store.close();
}

function lifeOf({ jobId, handler, payload, schedule, pending }: JobToBind, incarnation: string): DomainEvent[] {
  const at = clock.wall();
  const definition = { handler, payload, schedule, tag: {}, affinity: 'required', policies } as const;
  const why = {
    kind: 'claim',
    rank: 0,
    candidates: 1,
    first: SERVICE,
    placementVersion: 1,
    labelsMatch: true,
  } as const;
  const hash = jobId.padEnd(64, '0');
  return [
    {
      type: 'JobScheduled',
      data: { jobId, definition, definitionHash: hash, anchor: at, renewed: false, ...pending, at },
    },
    { type: 'JobBoundToService', data: { epoch: 1, serviceId: SERVICE, incarnation, viewPosition: '1', why, at } },
  ];
}
