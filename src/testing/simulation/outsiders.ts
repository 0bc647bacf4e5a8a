import { encode } from '../../domain/codec';
import { decide, type JobRecord, type JobState } from '../../domain/job';
import { placementVersion } from '../../domain/placement';
import type { Candidate } from '../../domain/service';
import { drawn, uuidOf } from './draws';
import type { SimulatedLog } from './simulated-log';

/** Writes what no process of the world can read. */
export const NEWER = 'a newer release';
/** Writes what was decided by a log that is no more, and arrives where the revisions agree. */
export const LOST = 'the log that was lost';

const COMMON = { $correlationId: 'outside', $causationId: 'outside' };

/** Those who append to the log and are no process of the world. */
export class Outsiders {
  private appends = 0;

  constructor(
    private readonly world: {
      readonly seed: number;
      readonly log: SimulatedLog;
      /** By the clock of the log, ms since 1970. */
      readonly logTime: () => number;
      readonly job: (jobId: string) => JobState | undefined;
      /** Service ids with a living incarnation. */
      readonly services: () => readonly string[];
      readonly note: (what: string) => void;
    },
  ) {}

  /** A service of a later release writes what nobody here can read into the stream of a job. */
  async newer(jobId: string): Promise<void> {
    const { log, job, note } = this.world;
    if (job(jobId)?.stage !== 'live') return;
    const event = { id: this.uuid(jobId), type: 'JobTeleported', data: '{}', metadata: '{"schemaVersion":1}' };
    note('newer-event');
    await log.append(NEWER, `job-${jobId}`, 'any', [event]);
  }

  /** An idle job is moved to an incarnation that the log never registered. */
  async lostMove(jobId: string): Promise<void> {
    const { log, job, note, logTime } = this.world;
    const state = job(jobId);
    if (state?.stage !== 'live') return;
    const service = this.unregistered(jobId, state);
    const decision = decide(state, {
      kind: 'BindJob',
      by: 'operator',
      service,
      viewPosition: '0',
      why: { kind: 'operator', rank: 0, candidates: 1, first: service.serviceId, placementVersion, labelsMatch: true },
      start: false,
      at: logTime(),
      zoneData: 'simulated',
    });
    if (!decision.ok) return;
    const events = decision.events.map(encode).map(({ type, data, schemaVersion }) => {
      return { id: this.uuid(jobId), type, data, metadata: JSON.stringify({ ...COMMON, schemaVersion }) };
    });
    note('moved-by-a-lost-log');
    await log.append(LOST, `job-${jobId}`, state.revision, events);
  }

  private unregistered(jobId: string, { definition }: JobRecord): Candidate {
    const random = drawn(this.world.seed, 'lost', jobId, this.appends);
    const services = this.world.services();
    // Sometimes not even the service is known.
    const known = services.length > 0 && random.next() < 0.8;
    return {
      serviceId: known ? services[Math.floor(random.next() * services.length)] : 'of-no-registration',
      incarnation: uuidOf(random),
      labels: definition.tag,
      handlers: [definition.handler],
      life: 'live',
      capacity: { maxOwnedJobs: 1_000, maxConcurrentRuns: 1 },
      owned: 0,
      registeredAt: 0,
      placementVersion,
    };
  }

  private uuid(jobId: string): string {
    return uuidOf(drawn(this.world.seed, 'outside', jobId, this.appends++));
  }
}
