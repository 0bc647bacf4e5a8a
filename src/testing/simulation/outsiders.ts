import type { SeededRandom } from '../../clock';
import { encode } from '../../domain/codec';
import { decide, dueAt, evolve, type JobCommand, type JobEvent, type JobRecord, type JobState } from '../../domain/job';
import { placementVersion } from '../../domain/placement';
import type { Candidate } from '../../domain/service';
import type { NewEvent } from '../../event-store';
import { drawn, uuidOf } from './draws';
import type { SimulatedLog } from './simulated-log';

/** Writes what no process of the world can read. */
export const NEWER = 'a newer release';
/** Writes what was decided by a log that is no more, and arrives where the revisions agree. */
export const LOST = 'the log that was lost';

/** So often a job that was moved by a lost log is not started by it. */
const STARTS_NOTHING = 0.25;
/** What comes to be due so soon is waited for, ms: long before others may take the job. */
const SOON_MS = 500;

const COMMON = { $correlationId: 'outside', $causationId: 'outside' };

/** Those who append to the log and are no process of the world. */
export class Outsiders {
  private appends = 0;
  private stopped = false;

  constructor(
    private readonly world: {
      readonly seed: number;
      readonly log: SimulatedLog;
      /** By the clock of the log, whole ms since 1970. */
      readonly logTime: () => number;
      readonly job: (jobId: string) => JobState | undefined;
      /** Service ids with a living incarnation. */
      readonly services: () => readonly string[];
      /** By the true time, ms. */
      readonly after: (delayMs: number, run: () => void) => void;
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

  /** An idle job is moved to an incarnation that the log never registered, which sometimes starts the next run of it. */
  async lostMove(jobId: string): Promise<void> {
    const { log, job, note, logTime } = this.world;
    const state = job(jobId);
    if (state?.stage !== 'live') return;
    const random = drawn(this.world.seed, 'lost', jobId, this.appends);
    const service = this.unregistered(random, state);
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
    note('moved-by-a-lost-log');
    await log.append(LOST, `job-${jobId}`, state.revision, this.eventsOf(jobId, decision.events));
    const bound = job(jobId);
    if (bound?.stage !== 'live' || random.next() < STARTS_NOTHING) return;
    const due = (dueAt(bound) ?? Infinity) - logTime();
    this.world.after(due > SOON_MS ? 0 : Math.max(0, due), () => void this.lostStart(jobId, service.incarnation));
  }

  /**
   * What is due, else what was asked for there, is started by the incarnation that the log never registered, if nobody has taken the job from it.
   */
  private async lostStart(jobId: string, owner: string): Promise<void> {
    const { log, job, note, logTime } = this.world;
    const state = job(jobId);
    if (this.stopped || state?.stage !== 'live' || state.ownership.kind !== 'bound') return;
    const { epoch, ownership } = state;
    const { serviceId, incarnation } = ownership;
    if (incarnation !== owner) return;
    const common = { at: logTime(), zoneData: 'simulated' };
    const request = { kind: 'RequestRun', commandId: this.uuid(jobId), reason: 'asked there', ...common } as const;
    const start = { kind: 'StartRun', serviceId, incarnation, epoch, soleSuspect: true, ...common } as const;
    const isDue = (dueAt(state) ?? Infinity) <= common.at;
    const events = decided(state, isDue ? [start] : [request, start]);
    if (!events.some(({ type }) => type === 'JobRunStarted')) return;
    note('started-by-a-lost-log');
    await log.append(LOST, `job-${jobId}`, state.revision, this.eventsOf(jobId, events));
  }

  /** Nothing is written by them any more. */
  stop(): void {
    this.stopped = true;
  }

  private eventsOf(jobId: string, events: readonly JobEvent[]): NewEvent[] {
    return events.map(encode).map(({ type, data, schemaVersion }) => {
      return { id: this.uuid(jobId), type, data, metadata: JSON.stringify({ ...COMMON, schemaVersion }) };
    });
  }

  private unregistered(random: SeededRandom, { definition }: JobRecord): Candidate {
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

/** What these commands add, one after the other. */
function decided(state: JobState, commands: readonly JobCommand[]): readonly JobEvent[] {
  let after = state;
  return commands.flatMap((command) => {
    const decision = decide(after, command);
    if (!decision.ok) return [];
    after = decision.events.reduce((before, event) => evolve(before, event, before.revision + 1), after);
    return decision.events;
  });
}
