import { SeededRandom, VirtualClock } from '../../src/clock';
import { encode } from '../../src/domain/codec';
import type { JobDefinition, JobEvent, RunRef } from '../../src/domain/job';
import type { ServiceEvent } from '../../src/domain/service';
import { MemoryEventStore, type EventStore, type NewEvent } from '../../src/event-store';
import type { LogFields, Logger } from '../../src/logging';
import { SqliteReadModel } from '../../src/read-model';

export const T0 = Date.UTC(2026, 0, 1);
const ZONE_DATA = '2025b';

/** A logger that keeps its lines. */
export class Lines implements Logger {
  readonly lines: { readonly level: string; readonly fact: string; readonly fields: LogFields }[] = [];
  debug = (fact: string, fields: LogFields = {}) => void this.lines.push({ level: 'debug', fact, fields });
  info = (fact: string, fields: LogFields = {}) => void this.lines.push({ level: 'info', fact, fields });
  warn = (fact: string, fields: LogFields = {}) => void this.lines.push({ level: 'warn', fact, fields });
  error = (fact: string, fields: LogFields = {}) => void this.lines.push({ level: 'error', fact, fields });
  child = (): Logger => this;
  of(fact: string): readonly LogFields[] {
    return this.lines.filter((line) => line.fact === fact).map((line) => line.fields);
  }
}

/** A log in memory that facts are written to as they are, without a decider. */
export class ALog {
  readonly clock = new VirtualClock(T0);
  readonly random: SeededRandom;
  readonly store: MemoryEventStore;
  readonly lines = new Lines();
  /** For the views that are opened from now on. */
  longAfter: number | undefined;
  private readonly views: SqliteReadModel[] = [];

  constructor(
    readonly namespace = '',
    seed = 7,
  ) {
    this.random = new SeededRandom(seed);
    this.store = new MemoryEventStore({ clock: this.clock, random: this.random });
  }

  async job(jobId: string, ...events: JobEvent[]): Promise<bigint> {
    return this.append(
      `${this.prefix}job-${jobId}`,
      events.map((event) => encode(event)),
    );
  }

  async service(serviceId: string, ...events: ServiceEvent[]): Promise<bigint> {
    return this.append(
      `${this.prefix}service-${serviceId}`,
      events.map((event) => encode(event)),
    );
  }

  async raw(stream: string, type: string, data: string): Promise<bigint> {
    return this.append(this.prefix + stream, [{ type, data, schemaVersion: 1 }]);
  }

  async append(
    stream: string,
    events: readonly { readonly type: string; readonly data: string; readonly schemaVersion: number }[],
  ): Promise<bigint> {
    const written = events.map(({ type, data, schemaVersion }): NewEvent => {
      return { id: this.random.uuid(T0), type, data, metadata: JSON.stringify({ schemaVersion }) };
    });
    const answer = await this.store.append(stream, 'any', written);
    if (answer.outcome !== 'appended') throw new Error(JSON.stringify(answer));
    return answer.position;
  }

  async open(path = ':memory:', store: EventStore = this.store): Promise<SqliteReadModel> {
    const { clock, random, namespace, lines: logger, longAfter } = this;
    const view = await SqliteReadModel.open({ path, store, clock, random, namespace, logger, longAfter });
    this.views.push(view);
    return view;
  }

  /** A view that has caught up. */
  async view(path = ':memory:', store: EventStore = this.store): Promise<SqliteReadModel> {
    const view = await this.open(path, store);
    await view.start();
    await view.caughtUp();
    return view;
  }

  /** Until the view has applied everything. */
  async applied(view: SqliteReadModel): Promise<void> {
    const head = await this.store.head();
    if (head === 'start') return;
    await this.clock.runUntil(() => view.position() !== 'start' && (view.position() as bigint) >= head, {
      what: 'the view',
    });
  }

  async close(): Promise<void> {
    for (const view of this.views) await view.close();
    await this.store.close();
  }

  private get prefix(): string {
    return this.namespace === '' ? '' : `${this.namespace}.`;
  }
}

export const slot = (seconds: number): string => new Date(T0 + seconds * 1_000).toISOString();

export function definition(changes: Partial<JobDefinition> & { readonly priority?: number } = {}): JobDefinition {
  const { priority = 0, ...rest } = changes;
  return {
    handler: 'audit',
    payload: { goal: 'load' },
    schedule: { kind: 'interval', everyMs: 60_000, origin: null, start: null, end: null, maxRuns: null },
    tag: {},
    affinity: 'required',
    policies: {
      retry: { maxRetries: 0, initialMs: 1_000, factor: 2, maxMs: 300_000 },
      overlap: 'skip',
      misfire: 'once',
      onOwnerLoss: 'rerun',
      onStuck: 'release',
      timeoutMs: null,
      priority,
    },
    ...rest,
  };
}

export const scheduled = (
  jobId: string,
  dueSeconds: number | null = 60,
  changes: Parameters<typeof definition>[0] = {},
): JobEvent => ({
  type: 'JobScheduled',
  data: {
    at: T0,
    jobId,
    definition: definition(changes),
    definitionHash: 'h',
    anchor: T0,
    renewed: false,
    nextSlot: dueSeconds === null ? null : slot(dueSeconds),
    zoneData: ZONE_DATA,
  },
});

export const rescheduled = (changes: Parameters<typeof definition>[0]): JobEvent => ({
  type: 'JobRescheduled',
  data: {
    at: T0,
    definition: definition(changes),
    definitionHash: 'h2',
    anchor: T0,
    nextSlot: slot(60),
    zoneData: ZONE_DATA,
  },
});

export const bound = (serviceId: string, incarnation: string, epoch = 1): JobEvent => ({
  type: 'JobBoundToService',
  data: {
    at: T0,
    epoch,
    serviceId,
    incarnation,
    viewPosition: '1',
    why: { kind: 'claim', rank: 0, candidates: 1, first: serviceId, placementVersion: 1, labelsMatch: true },
  },
});

export const run = (incarnation: string, slotText: string, attempt = 1, epoch = 1): RunRef => ({
  slot: slotText,
  attempt,
  epoch,
  incarnation,
});

export const started = (serviceId: string, of: RunRef, nextSlot: string | null): JobEvent => ({
  type: 'JobRunStarted',
  data: { at: T0, ...of, serviceId, definitionRevision: 0, nextSlot, zoneData: ZONE_DATA },
});

export const succeeded = (of: RunRef): JobEvent => ({
  type: 'JobRunSucceeded',
  data: { at: T0, ...of, durationMs: 5 },
});

export const failed = (of: RunRef, retryAt: number | null, retriesUsed = 1): JobEvent => ({
  type: 'JobRunFailed',
  data: { at: T0, ...of, error: 'Error', message: 'no', durationMs: 5, retriesUsed, retryAt },
});

export const released = (
  serviceId: string,
  incarnation: string,
  epoch = 1,
  target: string | null = null,
): JobEvent => ({
  type: 'JobReleased',
  data: { at: T0, epoch, serviceId, incarnation, reason: target === null ? 'drain' : 'home', target },
});

export const requeued = (serviceId: string, incarnation: string, epoch = 1): JobEvent => ({
  type: 'JobRequeued',
  data: {
    at: T0,
    epoch,
    fromServiceId: serviceId,
    fromIncarnation: incarnation,
    cause: 'failed',
    viewPosition: '1',
    nobody: 'nobody is eligible',
  },
});

export const abandoned = (of: RunRef): JobEvent => ({
  type: 'JobRunAbandoned',
  data: { at: T0, ...of, reason: 'ownerFailed' },
});

export const paused: JobEvent = { type: 'JobPaused', data: { at: T0, commandId: 'p', reason: '' } };
export const resumed = (nextSlot: string | null): JobEvent => ({
  type: 'JobResumed',
  data: { at: T0, commandId: 'r', reason: '', nextSlot, zoneData: ZONE_DATA },
});
export const cancelled: JobEvent = { type: 'JobCancelled', data: { at: T0, commandId: 'c', reason: '' } };
export const removed: JobEvent = { type: 'JobRemoved', data: { at: T0, commandId: 'x', reason: '' } };

export const registered = (
  serviceId: string,
  incarnation: string,
  handlers: readonly string[] = ['audit'],
): ServiceEvent => ({
  type: 'ServiceRegistered',
  data: {
    at: T0,
    serviceId,
    incarnation,
    labels: { name: serviceId, host: 'h' },
    capacity: { maxOwnedJobs: 1_000_000, maxConcurrentRuns: 10 },
    handlers: Object.fromEntries(handlers.map((name) => [name, '1'])),
    process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
    placementVersion: 1,
    reason: 'start',
  },
});

export const markedFailed = (serviceId: string, incarnation: string, at = T0): ServiceEvent => ({
  type: 'ServiceMarkedFailed',
  data: { at, serviceId, incarnation, by: 'operator', actor: 'me', reason: '', confirmedDead: true },
});

export const stopped = (serviceId: string, incarnation: string, at = T0): ServiceEvent => ({
  type: 'ServiceStopped',
  data: { at, serviceId, incarnation, leftovers: [] },
});
