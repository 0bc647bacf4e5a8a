import { VirtualClock } from '../../src/clock';
import {
  absentJob,
  decide,
  dueAt,
  evolve,
  isSuspect,
  openRuns,
  type JobCommand,
  type JobRecord,
  type JobState,
  type Tag,
} from '../../src/domain/job';
import type { Candidate, Incarnation } from '../../src/domain/service';
import type { SweepSettings } from '../../src/ownership';
import type { JobRow, SweepPlace, SweepSnapshot } from '../../src/read-model';
import { Member } from './member';

/** What of a job a test says; the rest is plain. */
export interface JobWords {
  readonly tag?: Tag;
  readonly affinity?: 'required' | 'preferred';
  readonly handler?: string;
  readonly nextRunTime?: number | null;
  readonly onOwnerLoss?: 'rerun' | 'fail' | 'hold';
}

export interface Append {
  readonly at: number;
  readonly by: string;
  readonly jobId: string;
  readonly types: readonly string[];
  readonly command: JobCommand;
}

/**
 * Jobs and services in memory, decided on by the domain with compare-and-set, seen by several sweeps on one virtual clock. View, membership and
 * worker do what a test says, so that a specification of the sweep fails for the sweep's reasons.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly jobs = new Map<string, { state: JobRecord; nextRunTime: number | null; position: bigint }>();
  readonly services = new Map<string, Incarnation[]>();
  readonly appends: Append[] = [];
  readonly members: Member[] = [];
  position = 1n;
  private order: readonly string[] | null = null;
  private commands = 0;
  /** How long the store takes for an append, ms of virtual time. */
  latencyMs = 0;

  get now(): number {
    return this.clock.wall();
  }

  job(jobId: string, words: JobWords = {}): void {
    const { nextRunTime = this.now + 3_600_000, tag = {}, affinity = 'required', handler = 'audit' } = words;
    const retry = { maxRetries: 0, initialMs: 1_000, factor: 2, maxMs: 300_000 };
    const onOwnerLoss = words.onOwnerLoss ?? 'rerun';
    const at = nextRunTime === null || nextRunTime <= this.now ? ('asap' as const) : nextRunTime;
    const policies = {
      retry,
      onOwnerLoss,
      overlap: 'skip',
      misfire: 'once',
      onStuck: 'release',
      timeoutMs: null,
      priority: 0,
    } as const;
    const schedule = { kind: 'once', at, start: null, end: null, maxRuns: null } as const;
    const definition = { handler, payload: null, schedule, tag, affinity, policies };
    const scheduled = {
      kind: 'ScheduleJob',
      jobId,
      definition,
      definitionHash: '',
      onConflict: 'refuse',
      renew: false,
    } as const;
    this.order = null;
    this.jobs.set(jobId, {
      state: this.after(absentJob, { ...scheduled, ...this.caller() }),
      nextRunTime: null,
      position: 0n,
    });
    if (nextRunTime === null) this.decideOn(jobId, { kind: 'PauseJob', reason: 'test', ...this.caller() });
    this.set(jobId, this.state(jobId));
  }

  state(jobId: string): JobRecord {
    const job = this.jobs.get(jobId);
    if (!job) throw new Error(`no job ${jobId}`);
    return job.state;
  }

  /** What the owner, or somebody outside, does to the job. */
  decideOn(jobId: string, command: JobCommand): void {
    this.set(jobId, this.after(this.state(jobId), command));
  }

  private caller() {
    this.commands += 1;
    return { at: this.now, zoneData: 'test', commandId: `command-${this.commands}` };
  }

  private after(state: JobState, command: JobCommand): JobRecord {
    const decision = decide(state, command);
    if (!decision.ok) throw new Error(`${command.kind}: ${decision.refusal.rule}`);
    return decision.events.reduce<JobState>((s, event) => evolve(s, event, s.revision + 1), state) as JobRecord;
  }

  set(jobId: string, state: JobRecord): void {
    const job = this.jobs.get(jobId)!;
    const nextRunTime = dueAt(state);
    if (nextRunTime !== job.nextRunTime) this.order = null;
    Object.assign(job, { state, nextRunTime, position: this.position + 1n });
    this.advance();
  }

  /** Changes a job from outside, whatever the domain thinks of it. */
  change(jobId: string, change: (state: JobRecord) => Partial<JobRecord>): void {
    const state = this.state(jobId);
    this.set(jobId, { ...state, ...change(state), revision: state.revision + 1 });
  }

  owner(jobId: string): string | null {
    const ownership = this.jobs.get(jobId)?.state.ownership;
    return ownership?.kind === 'bound' ? ownership.serviceId : null;
  }

  owned(serviceId: string): number {
    return [...this.jobs.keys()].filter((jobId) => this.owner(jobId) === serviceId).length;
  }

  register(
    serviceId: string,
    options: {
      labels?: Record<string, string>;
      handlers?: string[];
      maxOwnedJobs?: number;
      maxConcurrentRuns?: number;
    } = {},
  ): string {
    const incarnations = this.services.get(serviceId) ?? [];
    const incarnation = `${serviceId}#${incarnations.length + 1}`;
    incarnations.push({
      incarnation,
      registeredRevision: incarnations.length,
      registeredAt: this.now,
      labels: { host: 'h', name: serviceId, ...options.labels },
      capacity: {
        maxOwnedJobs: options.maxOwnedJobs ?? 1_000_000,
        maxConcurrentRuns: options.maxConcurrentRuns ?? 50,
      },
      handlers: Object.fromEntries((options.handlers ?? ['audit']).map((h) => [h, '1'])),
      process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
      placementVersion: 1,
      life: 'live',
      endedRevision: null,
      endedAt: null,
      failedBy: null,
      confirmedDead: false,
      leftovers: [],
    });
    this.services.set(serviceId, incarnations);
    this.advance();
    return incarnation;
  }

  /** The newest incarnation of the service changes its life. */
  mark(serviceId: string, end: Partial<Incarnation>): void {
    const incarnations = this.services.get(serviceId) ?? [];
    incarnations.push({ ...incarnations.pop()!, endedAt: this.now, endedRevision: 1, ...end });
    this.advance();
  }

  /** The process is gone, and an observer has said so. */
  fail(serviceId: string): void {
    this.mark(serviceId, { life: 'failed', failedBy: 'observer' });
  }

  startRun(jobId: string): void {
    this.decideOn(jobId, { kind: 'RequestRun', reason: 'test', ...this.caller() });
    const { ownership, epoch } = this.state(jobId);
    if (ownership.kind !== 'bound') throw new Error('not bound');
    const { serviceId, incarnation } = ownership;
    this.decideOn(jobId, { kind: 'StartRun', serviceId, incarnation, epoch, at: this.now, zoneData: 'test' });
  }

  endRun(jobId: string): void {
    const { run } = this.state(jobId).inProgress[0];
    const then = { release: null, startNext: false };
    this.decideOn(jobId, { kind: 'CompleteRun', run: run!, durationMs: 1, then, at: this.now, zoneData: 'test' });
  }

  member(
    serviceId: string,
    settings: Partial<SweepSettings> = {},
    options: Parameters<World['register']>[1] = {},
  ): Member {
    const member = new Member(this, serviceId, this.register(serviceId, options), settings);
    this.members.push(member);
    return member;
  }

  advance(): bigint {
    this.position += 1n;
    const { position } = this;
    for (const member of this.members) member.advanced(position);
    return position;
  }

  /** Runs until nothing is claimable, by virtual time. */
  async until(condition: () => boolean, what: string, limitMs = 60_000): Promise<void> {
    await this.clock.runUntil(condition, { what, limitMs });
  }

  async close(): Promise<void> {
    for (const member of this.members) void member.sweep.close();
    await this.clock.advance(20_000);
  }

  snapshot(limit: number, after: SweepPlace | null = null): SweepSnapshot {
    const unowned: JobRow[] = [];
    const orphaned: SweepSnapshot['orphaned'][number][] = [];
    for (const jobId of this.inOrder()) {
      if (after !== null && !isBehind({ jobId, nextRunTime: this.jobs.get(jobId)!.nextRunTime }, after)) continue;
      const { ownership, stage } = this.jobs.get(jobId)!.state;
      if (stage !== 'live' && (stage as string) !== 'opaque') continue;
      if (ownership.kind === 'unbound') {
        if (unowned.length < limit && stage === 'live') unowned.push(this.row(jobId));
        continue;
      }
      const { serviceId, incarnation } = ownership;
      const owner = this.services.get(serviceId)?.find((i) => i.incarnation === incarnation);
      if ((owner === undefined || gone(owner)) && orphaned.length < limit) {
        const orphan = owner ?? ({ incarnation, life: 'unregistered' } as const);
        orphaned.push({ job: this.row(jobId), owner: orphan, ownerServiceId: serviceId });
      }
    }
    return { position: this.position, candidates: this.candidates(), loads: this.loads(), unowned, orphaned };
  }

  /** Job ids by next run time, then id. */
  private inOrder(): readonly string[] {
    return (this.order ??= [...this.jobs]
      .map(([jobId, { nextRunTime }]) => ({ jobId, nextRunTime }))
      .sort((a, b) => (a.nextRunTime ?? Infinity) - (b.nextRunTime ?? Infinity) || (a.jobId < b.jobId ? -1 : 1))
      .map(({ jobId }) => jobId));
  }

  candidates(): Candidate[] {
    const owned = new Map<string, number>();
    for (const { state } of this.jobs.values()) {
      if (state.ownership.kind === 'bound') {
        const { serviceId } = state.ownership;
        owned.set(serviceId, (owned.get(serviceId) ?? 0) + 1);
      }
    }
    return [...this.services].flatMap(([serviceId, incarnations]) => {
      const current = incarnations[incarnations.length - 1];
      return gone(current)
        ? []
        : [{ ...current, serviceId, handlers: Object.keys(current.handlers), owned: owned.get(serviceId) ?? 0 }];
    });
  }

  /** What services run, as the jobs say. */
  loads(): SweepSnapshot['loads'] {
    const loads = new Map<string, { running: number; suspects: number; coming: number }>();
    const of = (serviceId: string) => {
      const load = loads.get(serviceId) ?? { running: 0, suspects: 0, coming: 0 };
      loads.set(serviceId, load);
      return load;
    };
    for (const { state } of this.jobs.values()) {
      const { ownership } = state;
      if (ownership.kind === 'unbound') {
        if (state.stage === 'live' && ownership.target !== null) of(ownership.target).coming += 1;
      } else if (openRuns(state).length > 0) {
        of(ownership.serviceId).running += 1;
        if (isSuspect(state)) of(ownership.serviceId).suspects += 1;
      }
    }
    return loads;
  }

  row(jobId: string): JobRow {
    const { state, nextRunTime, position } = this.jobs.get(jobId)!;
    const bound = state.ownership.kind === 'bound' ? state.ownership : null;
    return {
      jobId,
      nextRunTime,
      state,
      handler: state.definition.handler,
      serviceId: bound?.serviceId ?? null,
      incarnation: bound?.incarnation ?? null,
      tag: state.definition.tag,
      status: bound ? 'bound' : 'unbound',
      suspect: isSuspect(state),
      epoch: state.epoch,
      attempt: 0,
      revision: state.revision,
      position,
      lastOutcome: null,
    };
  }
}

function isBehind(a: SweepPlace, b: SweepPlace): boolean {
  const [left, right] = [a.nextRunTime ?? Infinity, b.nextRunTime ?? Infinity];
  return left === right ? a.jobId > b.jobId : left > right;
}

function gone(incarnation: Incarnation): boolean {
  return incarnation.life === 'failed' || incarnation.life === 'stopped';
}
