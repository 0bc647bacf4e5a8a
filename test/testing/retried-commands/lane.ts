import type { SeededRandom } from '../../../src/clock';
import {
  AbandonJobRunCommand,
  BackfillJobCommand,
  BindJobToServiceCommand,
  CancelJobCommand,
  CompleteJobRunCommand,
  DeclareJobCommand,
  DrainServiceCommand,
  FailJobRunCommand,
  MarkServiceFailedCommand,
  PauseJobCommand,
  ReassertServiceCommand,
  RegisterServiceCommand,
  ReleaseFromQuarantineCommand,
  ReleaseJobCommand,
  RemoveJobCommand,
  RequeueJobCommand,
  RescheduleJobCommand,
  ResolveHoldCommand,
  ResumeJobCommand,
  RunJobNowCommand,
  ScheduleJobCommand,
  StartJobRunCommand,
  StopServiceCommand,
  type AnyCommand,
  type CommandToJob,
} from '../../../src/commands';
import { openRuns, type BindingReason, type JobRecord, type JobState } from '../../../src/domain/job';
import {
  candidateOf,
  currentIncarnation,
  liveIncarnation,
  type Candidate,
  type ServiceState,
} from '../../../src/domain/service';

/** A command that is to be sent until its answer is definite. */
export interface Sending {
  readonly id: string;
  /**
   * A new instance with the same ids for every sending, as callers make it, under this command id; null: the command of a service's own loop, which
   * sends its one instance again.
   */
  readonly commandId: string | null;
  readonly make: (commandId: string) => AnyCommand;
}

/** What a lane knows when it chooses: read from the log itself, without faults. */
export interface Seen {
  readonly service: (serviceId: string) => ServiceState;
  readonly job: (jobId: string) => JobState;
  readonly head: string;
}

const minutely = { kind: 'interval', every: 60_000 } as const;
const definitions = [
  { handler: 'audit', schedule: minutely, policies: { retry: { maxRetries: 2, initialMs: 1_000 } } },
  { handler: 'audit', schedule: minutely, policies: { onOwnerLoss: 'hold' } },
  { handler: 'audit', schedule: minutely, payload: { of: 'sales' }, policies: { onOwnerLoss: 'fail' } },
  { handler: 'audit', schedule: { ...minutely, maxRuns: 3 }, payload: 3, policies: { misfire: 'skip' } },
  { handler: 'audit', schedule: minutely, policies: { misfire: { policy: 'all', cap: 3 } } },
  { handler: 'audit', payload: 'once' },
] as const;
const why = (kind: BindingReason['kind'], first: string): BindingReason => ({
  kind,
  rank: 0,
  candidates: 1,
  first,
  placementVersion: 1,
  labelsMatch: true,
});

/** The life of two services and of one job after another, one command at a time: right ones and wrong ones. */
export class Lane {
  private made = 0;
  private jobs = 0;
  readonly services: readonly string[];

  constructor(
    private readonly name: string,
    private readonly random: SeededRandom,
  ) {
    this.services = [`a@${name}`, `b@${name}`];
  }

  get jobId(): string {
    return `${this.name}.${this.jobs}`;
  }

  next(seen: Seen): Sending {
    const states = this.services.map((serviceId) => seen.service(serviceId));
    const dead = states.findIndex((state) => liveIncarnation(state) === null);
    if (dead >= 0 && this.chance(0.5)) return this.register(this.services[dead], states[dead]);
    if (this.chance(0.15)) return this.toService(seen);
    const state = seen.job(this.jobId);
    if (state.stage === 'opaque') throw new Error(`${this.jobId} cannot be read`);
    if (state.stage !== 'absent' && this.chance(0.05)) return this.wrong(state);
    if (state.stage === 'absent') return this.begin(false);
    if (state.stage === 'live') return this.alive(state, seen);
    if (state.stage === 'quarantined') {
      const { jobId } = this;
      return this.caller((commandId) => new ReleaseFromQuarantineCommand({ jobId, commandId, reason: 'mended' }));
    }
    if (this.chance(0.4)) return this.begin(true);
    if (state.stage !== 'removed' && this.chance(0.5)) {
      const { jobId } = this;
      return this.caller((commandId) => new RemoveJobCommand({ jobId, commandId }));
    }
    this.jobs += 1;
    return this.begin(false);
  }

  /** Somebody else asks the same job for a run, at the same moment. */
  rival(): Sending {
    const { jobId } = this;
    return this.caller((commandId) => new RunJobNowCommand({ jobId, commandId, reason: 'a rival' }));
  }

  private alive(record: JobRecord, seen: Seen): Sending {
    const { jobId } = this;
    const [run] = openRuns(record);
    if (record.ownership.kind === 'unbound') {
      if (record.held !== null && this.chance(0.8)) return this.resolve();
      return this.chance(0.7) ? this.bind(seen) : this.ask(record);
    }
    const { serviceId, incarnation } = record.ownership;
    const owner = seen.service(serviceId).incarnations.find((one) => one.incarnation === incarnation);
    if (owner?.life === 'failed' || owner?.life === 'stopped') {
      const cause = owner.life === 'stopped' ? 'stopped' : owner.failedBy === 'operator' ? 'marked' : 'failed';
      const to = this.chance(0.8) ? this.live(seen) : null;
      const command = new RequeueJobCommand({
        jobId,
        gone: { serviceId, incarnation, cause },
        to: to === null ? null : { service: to, why: why('requeue', to.serviceId), start: this.chance(0.5) },
        nobody: to === null ? 'nobody is eligible' : null,
        viewPosition: seen.head,
        quarantine: { crashes: this.one([1, 2]), windowMs: 3_600_000 },
      });
      return this.loop(command);
    }
    if (record.held !== null && this.chance(0.8)) return this.resolve();
    if (run !== undefined && this.chance(0.7)) return this.ends(run);
    if (this.chance(0.6))
      return this.loop(new StartJobRunCommand({ jobId, serviceId, incarnation, epoch: record.epoch }));
    if (this.chance(0.2)) {
      const reason = this.one(['drain', 'ineligible', 'home', 'rebalance'] as const);
      return this.loop(
        new ReleaseJobCommand({ jobId, serviceId, incarnation, epoch: record.epoch, reason, target: null }),
      );
    }
    return this.ask(record);
  }

  private ends({
    slot,
    attempt,
    epoch,
    incarnation,
  }: JobRecord['closedRuns'][number] | ReturnType<typeof openRuns>[number]): Sending {
    const { jobId } = this;
    const run = { slot, attempt, epoch, incarnation };
    const then = { release: this.one([null, null, null, 'drain'] as const), startNext: this.chance(0.5) };
    const dice = this.random.next();
    if (dice < 0.5) return this.loop(new CompleteJobRunCommand({ jobId, run, durationMs: 5, then }));
    if (dice < 0.8) {
      const failure = this.chance(0.5)
        ? ({ kind: 'failed', error: 'Error', message: 'broken' } as const)
        : ({ kind: 'timedOut', timeoutMs: 5 } as const);
      return this.loop(new FailJobRunCommand({ jobId, run, durationMs: 5, failure, then }));
    }
    const reason = this.one(['lostInProcess', 'drain', 'stuck'] as const);
    return this.loop(new AbandonJobRunCommand({ jobId, run, reason, timedOut: null }));
  }

  private ask(record: JobRecord): Sending {
    const { jobId } = this;
    const dice = this.random.next();
    if (dice < 0.24) return this.caller((commandId) => new RunJobNowCommand({ jobId, commandId }));
    if (dice < 0.3) {
      const window = { from: record.scheduledAt - 300_000, to: record.scheduledAt };
      return this.caller((commandId) => new BackfillJobCommand({ jobId, commandId, ...window }));
    }
    if (dice < 0.55) {
      return record.paused
        ? this.caller((commandId) => new ResumeJobCommand({ jobId, commandId }))
        : this.caller((commandId) => new PauseJobCommand({ jobId, commandId }));
    }
    if (dice < 0.7) {
      const priority = Math.floor(this.random.next() * 10);
      return this.caller((commandId) => new RescheduleJobCommand({ jobId, commandId, policies: { priority } }));
    }
    if (dice < 0.8) return this.declare();
    const mode = this.one(['now', 'afterRun'] as const);
    return dice < 0.92
      ? this.caller((commandId) => new CancelJobCommand({ jobId, commandId, mode }))
      : this.caller((commandId) => new RemoveJobCommand({ jobId, commandId }));
  }

  private begin(renew: boolean): Sending {
    if (!renew && this.chance(0.3)) return this.declare();
    const { jobId } = this;
    const definition = this.one(definitions);
    return this.caller((commandId) => new ScheduleJobCommand({ jobId, commandId, renew, ...definition }));
  }

  private declare(): Sending {
    const { jobId } = this;
    const declaration = { hash: this.one(['h1', 'h2', 'h3']), source: 'app' };
    const disabled = this.chance(0.2);
    const definition = this.one(definitions);
    return this.caller(
      (commandId) => new DeclareJobCommand({ jobId, commandId, declaration, disabled, ...definition }),
    );
  }

  private resolve(): Sending {
    const { jobId } = this;
    const resolution = this.one(['retry', 'fail', 'succeeded'] as const);
    return this.caller((commandId) => new ResolveHoldCommand({ jobId, commandId, resolution }));
  }

  private bind(seen: Seen): Sending {
    const { jobId } = this;
    const service = this.live(seen);
    if (service === null) return this.rival();
    if (this.chance(0.2)) {
      const { serviceId } = service;
      return this.caller((commandId) => new BindJobToServiceCommand({ jobId, commandId, serviceId }));
    }
    const { head: viewPosition } = seen;
    const start = this.chance(0.6);
    return this.loop(
      new BindJobToServiceCommand({
        by: 'claim',
        jobId,
        service,
        viewPosition,
        why: why('claim', service.serviceId),
        start,
      }),
    );
  }

  /** Something that the state does not allow, or an operator's word of another state. */
  private wrong(record: JobRecord): Sending {
    const { jobId } = this;
    const [run] = record.closedRuns.slice(-1);
    if (run !== undefined && this.chance(0.5)) return this.ends(run);
    const commands: readonly ((commandId: string) => CommandToJob)[] = [
      (commandId) => new ResumeJobCommand({ jobId, commandId }),
      (commandId) => new ReleaseFromQuarantineCommand({ jobId, commandId }),
      (commandId) => new ScheduleJobCommand({ jobId, commandId, ...definitions[0] }),
      (commandId) => new ResolveHoldCommand({ jobId, commandId, resolution: 'retry' }),
      (commandId) => new BindJobToServiceCommand({ jobId, commandId, serviceId: 'nobody' }),
    ];
    return this.caller(this.one(commands));
  }

  private toService(seen: Seen): Sending {
    const index = this.chance(0.5) ? 0 : 1;
    const serviceId = this.services[index];
    const state = seen.service(serviceId);
    const live = liveIncarnation(state);
    if (live === null) return this.register(serviceId, state);
    const { incarnation } = live;
    const dice = this.random.next();
    if (dice < 0.15) return this.loop(new ReassertServiceCommand({ serviceId, incarnation, fencedForMs: 7 }));
    if (dice < 0.25) return this.caller((commandId) => new DrainServiceCommand({ serviceId, commandId }));
    if (dice < 0.4) return this.loop(new StopServiceCommand({ serviceId, incarnation, leftovers: [] }));
    if (dice < 0.55) {
      const confirmedDead = this.chance(0.5);
      return this.caller((commandId) => new MarkServiceFailedCommand({ serviceId, commandId, confirmedDead }));
    }
    const observer = this.services[1 - index];
    return this.loop(
      new MarkServiceFailedCommand({
        by: 'observer',
        serviceId,
        incarnation,
        observer,
        observerIncarnation: currentIncarnation(seen.service(observer))?.incarnation ?? incarnation,
        evidence: { kind: 'silence', lastBeat: 1, silenceMs: 6_100, thresholdMs: 6_000, membershipPosition: seen.head },
        viewRevision: state.revision,
      }),
    );
  }

  private register(serviceId: string, state: ServiceState): Sending {
    const [name, host] = serviceId.split('@');
    return this.loop(
      new RegisterServiceCommand({
        serviceId,
        incarnation: `${serviceId}.${state.incarnations.length}`,
        labels: { name, host },
        capacity: { maxOwnedJobs: 100, maxConcurrentRuns: 4 },
        handlers: { audit: '1' },
        process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
        placementVersion: 1,
        reason: 'start',
        supersede: null,
      }),
    );
  }

  private live(seen: Seen): Candidate | null {
    const candidates = this.services.flatMap((serviceId) => {
      const one = liveIncarnation(seen.service(serviceId));
      return one === null || one.life !== 'live' ? [] : [candidateOf(serviceId, one, 0)];
    });
    return candidates.length === 0 ? null : this.one(candidates);
  }

  private caller(make: (commandId: string) => AnyCommand): Sending {
    this.made += 1;
    const commandId = `${this.name}.command.${this.made}`;
    return { id: commandId, commandId, make };
  }

  private loop(command: AnyCommand): Sending {
    this.made += 1;
    return { id: `${this.name}.loop.${this.made}`, commandId: null, make: () => command };
  }

  private chance(rate: number): boolean {
    return this.random.next() < rate;
  }
  private one<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random.next() * choices.length)];
  }
}
