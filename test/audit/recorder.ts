import { decode, encode } from '../../src/domain/codec';
import type { DomainEvent } from '../../src/domain/codec';
import { LogChecker, type LoggedEvent, type Violation } from '../../src/domain/invariants';
import { absentJob, closeBooks, decide, evolve } from '../../src/domain/job';
import type { JobCommand, JobDecision, JobDefinition, JobEvent, JobRecord, JobState } from '../../src/domain/job';
import { bindingReason, rank } from '../../src/domain/placement';
import {
  absentService,
  candidateOf,
  currentIncarnation,
  decideService,
  evolveService,
  liveIncarnation,
} from '../../src/domain/service';
import type { Candidate, ServiceCommand, ServiceEvent, ServiceState } from '../../src/domain/service';
import { eventIds, type EventStore, type RecordedEvent } from '../../src/event-store';

export const zoneData = '2026a';
export const quarantine = { crashes: 3, windowMs: 3_600_000 };

/** Writes a log with the deciders alone: what it holds is what a fleet of services could have written. */
export class Recorder {
  readonly events: RecordedEvent[] = [];
  now = Date.parse('2020-05-01T08:00:00.000Z');
  private readonly jobs = new Map<string, JobState>();
  private readonly services = new Map<string, ServiceState>();
  private commands = 0;

  /** The decision, appended if there was one. */
  job(
    jobId: string,
    command: JobCommand,
    booksEvery = 500,
    /** What a decider with other zone data would have made of it. */
    elsewhere: (event: JobEvent) => JobEvent = (event) => event,
  ): JobDecision {
    const before = this.jobState(jobId);
    const decision = decide(before, command);
    if (!decision.ok || decision.events.length === 0) return decision;
    const events = decision.events.map(elsewhere);
    let after = events.reduce((state, event, n) => evolve(state, event, before.revision + 1 + n), before);
    const books = closeBooks(after, booksEvery);
    if (books !== null) {
      events.push(books);
      after = evolve(after, books, after.revision + 1);
    }
    this.jobs.set(jobId, after);
    this.append(`job-${jobId}`, before.revision, events);
    return decision;
  }

  service(serviceId: string, command: ServiceCommand): ReturnType<typeof decideService> {
    const before = this.serviceState(serviceId);
    const decision = decideService(before, command);
    if (!decision.ok || decision.events.length === 0) return decision;
    const apply = (state: ServiceState, event: ServiceEvent, n: number) =>
      evolveService(state, event, before.revision + 1 + n);
    this.services.set(serviceId, decision.events.reduce(apply, before));
    this.append(`service-${serviceId}`, before.revision, decision.events);
    return decision;
  }

  beat(serviceId: string, sequence: number): void {
    const incarnation = this.live(serviceId).incarnation;
    this.append(`heartbeat-${serviceId}`, this.events.filter((e) => e.stream === `heartbeat-${serviceId}`).length - 1, [
      {
        type: 'ServiceHeartbeat',
        data: {
          at: this.now,
          serviceId,
          incarnation,
          sequence,
          owned: 0,
          running: 0,
          loopDelayMs: 0,
          clockSkewMs: 0,
          probe: false,
        },
      },
    ]);
  }

  jobState(jobId: string): JobState {
    return this.jobs.get(jobId) ?? absentJob;
  }
  record(jobId: string): JobRecord {
    const state = this.jobState(jobId);
    if (state.stage === 'absent' || state.stage === 'opaque') throw new Error(`${jobId} is ${state.stage}`);
    return state;
  }
  serviceState(serviceId: string): ServiceState {
    return this.services.get(serviceId) ?? absentService(serviceId);
  }
  live(serviceId: string): Candidate {
    const one = liveIncarnation(this.serviceState(serviceId));
    if (one === null) throw new Error(`${serviceId} is not alive`);
    return candidateOf(serviceId, one, 0);
  }
  /** Every service as it is now. */
  candidates(): Candidate[] {
    return [...this.services.values()].flatMap((state) => {
      const one = currentIncarnation(state);
      return one === null ? [] : [candidateOf(state.serviceId, one, 0)];
    });
  }
  /** The position of a view that has seen everything. */
  view(): string {
    return String(this.events.at(-1)?.position ?? 0n);
  }
  commandId(): string {
    this.commands += 1;
    return `command-${this.commands}`;
  }

  /** The job is bound to the service by its own claim, and started there if it is due. */
  claim(jobId: string, serviceId: string, start = true): JobDecision {
    return this.job(jobId, {
      kind: 'BindJob',
      by: 'claim',
      service: this.live(serviceId),
      viewPosition: this.view(),
      why: this.why('claim', jobId, serviceId),
      start,
      soleSuspect: true,
      at: this.now,
      zoneData,
    });
  }
  why(kind: 'claim' | 'requeue' | 'operator', jobId: string, serviceId: string) {
    const { definition } = this.record(jobId);
    const placeable = { ...definition, jobId, lastServiceId: null, target: null };
    return bindingReason(kind, definition, this.live(serviceId), rank(placeable, this.candidates()));
  }
  register(
    serviceId: string,
    incarnation: string,
    more: Partial<Extract<ServiceCommand, { kind: 'RegisterService' }>> = {},
  ) {
    const [name, host] = serviceId.split('@');
    return this.service(serviceId, {
      kind: 'RegisterService',
      serviceId,
      incarnation,
      labels: { name, host },
      capacity: { maxOwnedJobs: 100, maxConcurrentRuns: 4 },
      handlers: { audit: '1' },
      process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
      placementVersion: 1,
      zoneData,
      reason: 'start',
      supersede: null,
      at: this.now,
      ...more,
    });
  }
  schedule(jobId: string, definition: JobDefinition, more: { readonly renew?: boolean } = {}): JobDecision {
    return this.job(jobId, {
      kind: 'ScheduleJob',
      jobId,
      definition,
      definitionHash: JSON.stringify(definition),
      onConflict: 'refuse',
      renew: false,
      commandId: this.commandId(),
      at: this.now,
      zoneData,
      ...more,
    });
  }
  startRun(jobId: string): JobDecision {
    const { ownership, epoch } = this.record(jobId);
    if (ownership.kind !== 'bound') throw new Error(`${jobId} has no owner`);
    const { serviceId, incarnation } = ownership;
    return this.job(jobId, {
      kind: 'StartRun',
      serviceId,
      incarnation,
      epoch,
      soleSuspect: true,
      at: this.now,
      zoneData,
    });
  }
  complete(jobId: string): JobDecision {
    const run = this.record(jobId).inProgress[0]?.run;
    if (run == null) throw new Error(`${jobId} does not run`);
    return this.job(jobId, {
      kind: 'CompleteRun',
      run,
      durationMs: 5,
      then: { release: null, startNext: false },
      at: this.now,
      zoneData,
    });
  }
  markFailed(serviceId: string, observer: string): void {
    this.service(serviceId, {
      kind: 'MarkServiceFailed',
      by: 'observer',
      incarnation: this.live(serviceId).incarnation,
      observer,
      observerIncarnation: this.live(observer).incarnation,
      evidence: { kind: 'silence', lastBeat: 3, silenceMs: 6_200, thresholdMs: 6_000, membershipPosition: this.view() },
      viewRevision: this.serviceState(serviceId).revision,
      at: this.now,
    });
  }
  requeue(jobId: string, to: string | null, start = true, soleSuspect = true): JobDecision {
    const { ownership } = this.record(jobId);
    if (ownership.kind !== 'bound') throw new Error(`${jobId} has no owner`);
    const { serviceId, incarnation } = ownership;
    const owner = this.serviceState(serviceId).incarnations.find((one) => one.incarnation === incarnation);
    const gone = owner?.life === 'stopped' ? 'stopped' : owner?.failedBy === 'operator' ? 'marked' : 'failed';
    const cause = owner === undefined ? 'unregistered' : gone;
    return this.job(jobId, {
      kind: 'RequeueJob',
      gone: { serviceId, incarnation, cause },
      to: to === null ? null : { service: this.live(to), why: this.why('requeue', jobId, to), start, soleSuspect },
      nobody: to === null ? 'no service is alive' : null,
      viewPosition: this.view(),
      quarantine,
      at: this.now,
      zoneData,
    });
  }

  private append(stream: string, head: number, events: readonly DomainEvent[]): void {
    const encoded = events.map(encode);
    const ids = eventIds(this.commandId(), stream, head < 0 ? 'no_stream' : head, encoded);
    encoded.forEach(({ type, data, schemaVersion }, n) => {
      const metadata = JSON.stringify({ $correlationId: 'c', $causationId: 'c', schemaVersion });
      const position = BigInt(this.events.length + 1);
      const id = ids[n];
      this.events.push({ stream, revision: head + 1 + n, position, created: this.now, id, type, data, metadata });
    });
  }
}

/** What the checker says of a log. */
export function check(events: readonly RecordedEvent[], namespace = ''): Violation[] {
  const checker = new LogChecker({ namespace });
  const found = events.flatMap((event) => checker.check(logged(event)));
  return [...found, ...checker.finish()];
}

export function logged(recorded: RecordedEvent): LoggedEvent {
  const { stream, revision, position, created, id, type, data, metadata } = recorded;
  return { stream, revision, position, created, id, event: decode(type, data, metadata) };
}

/** Numbers positions and the revisions of each stream anew, as a store would that takes these events in this order. */
export function renumber(events: readonly RecordedEvent[]): RecordedEvent[] {
  const heads = new Map<string, number>();
  return events.map((event, n) => {
    const revision = (heads.get(event.stream) ?? -1) + 1;
    heads.set(event.stream, revision);
    return { ...event, revision, position: BigInt(n + 1) };
  });
}

/** Puts the events into a store, one append each, in this order. A store takes what is sent to it in the order of sending. */
export async function writeTo(store: EventStore, events: readonly RecordedEvent[], namespace = ''): Promise<void> {
  const prefix = namespace === '' ? '' : `${namespace}.`;
  const answers = await Promise.all(
    events.map(({ stream, id, type, data, metadata }) =>
      store.append(`${prefix}${stream}`, 'any', [{ id, type, data, metadata }]),
    ),
  );
  for (const answer of answers) if (answer.outcome !== 'appended') throw new Error(JSON.stringify(answer.outcome));
}
