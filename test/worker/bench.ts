import { SeededRandom, VirtualClock } from '../../src/clock';
import {
  BindJobToServiceCommand,
  CommandExecutor,
  RegisterServiceCommand,
  ScheduleJobCommand,
  type CommandToJob,
  type ExecuteOptions,
  type JobExecution,
  type ScheduleJobFields,
} from '../../src/commands';
import type { JobRecord } from '../../src/domain/job';
import { MemoryEventStore, type EventStore } from '../../src/event-store';
import { silentLogger, type LogFields, type Logger } from '../../src/logging';
import type { FenceReason, Membership, Trust } from '../../src/membership';
import { SqliteReadModel } from '../../src/read-model';
import { FaultyEventStore } from '../../src/testing/faulty-store';
import { HandlerRegistry, Worker, type HandlerDefinition, type JobContext, type RunJob } from '../../src/worker';

type FenceListener = Parameters<Trust['onFence']>[0];
type TrustListener = Parameters<Trust['onTrust']>[0];

/** Own trust as a test says it. */
export class SaidTrust implements Trust {
  reason: FenceReason | null = null;
  looks = 0;
  private readonly fences = new Set<FenceListener>();
  private readonly trusts = new Set<TrustListener>();
  private waiting: ((trusted: boolean) => void)[] = [];

  constructor(private readonly incarnation: () => string) {}

  check(): FenceReason | null {
    this.looks++;
    return this.reason;
  }
  remainingMs(): number {
    return this.reason === null ? 1_000 : 0;
  }
  settled(): Promise<boolean> {
    if (this.reason !== 'clock-jump') return Promise.resolve(this.reason === null);
    return new Promise((resolve) => this.waiting.push(resolve));
  }
  onFence(listener: FenceListener): () => void {
    this.fences.add(listener);
    return () => void this.fences.delete(listener);
  }
  onTrust(listener: TrustListener): () => void {
    this.trusts.add(listener);
    return () => void this.trusts.delete(listener);
  }

  fence(reason: FenceReason = 'trust-expired'): void {
    this.reason = reason;
    for (const listener of this.fences) listener({ incarnation: this.incarnation(), reason });
    for (const resolve of this.waiting.splice(0)) resolve(false);
  }
  doubt(): void {
    this.reason = 'clock-jump';
  }
  /** The doubt is settled; as in membership, only those who wait are told. */
  settleDoubt(): void {
    this.reason = null;
    for (const resolve of this.waiting.splice(0)) resolve(true);
  }
  trustAgain(): void {
    this.reason = null;
    for (const listener of this.trusts) listener({ incarnation: this.incarnation(), returned: true });
  }
}

/** A handler that a test ends when it likes. */
export class Held {
  readonly contexts: JobContext[] = [];
  private readonly ends: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  readonly run: RunJob = (_, context) => {
    this.contexts.push(context);
    return new Promise<void>((resolve, reject) => this.ends.push({ resolve, reject }));
  };
  get entered(): number {
    return this.contexts.length;
  }
  /** The oldest that still runs returns. */
  finish(): void {
    this.ends.shift()!.resolve();
  }
  fail(error: unknown): void {
    this.ends.shift()!.reject(error);
  }
  /** Every entry throws what its signal says, as a well-behaved handler does. */
  readonly yielding: RunJob = (_, context) => {
    this.contexts.push(context);
    return new Promise<void>((_resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason as Error), { once: true });
    });
  };
}

/** One service on a real log with a real view and executor, on a virtual clock; trust says what the test says. */
export class Bench {
  readonly clock: VirtualClock;
  readonly store: MemoryEventStore;
  readonly handlers = new HandlerRegistry();
  readonly trust = new SaidTrust(() => this.incarnation);
  readonly lines: { readonly level: string; readonly fact: string; readonly fields: LogFields }[] = [];
  readonly sent: CommandToJob[] = [];
  incarnation = '';
  draining = false;
  passes = 0;
  /** Or the error of a view that cannot be read. */
  eligible: boolean | Error | ((record: JobRecord) => boolean) = true;
  /** Called before a command goes to the executor, and after its answer: a test may fence, wait or throw. */
  before: (command: CommandToJob) => void | Promise<void> = () => undefined;
  after: (command: CommandToJob) => void | Promise<void> = () => undefined;
  /** Called at the start of each read of due jobs. */
  onDue: () => void = () => undefined;
  view!: SqliteReadModel;
  executor!: CommandExecutor;
  worker!: Worker;

  constructor(
    readonly serviceId = 'a@test',
    log?: Bench,
  ) {
    this.clock = log?.clock ?? new VirtualClock();
    this.store = log?.store ?? new MemoryEventStore({ clock: this.clock, random: new SeededRandom(1) });
  }

  async open(
    handlers: readonly HandlerDefinition[],
    options: {
      readonly maxConcurrentRuns?: number;
      readonly abortGraceMs?: number;
      /** The view shows everything so much later, ms of virtual time. */
      readonly viewLagMs?: number;
      /** Default true; false: a test starts the worker. */
      readonly start?: boolean;
    } = {},
  ): Promise<this> {
    const { clock, store, serviceId } = this;
    const random = new SeededRandom([...serviceId].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7));
    const logger = this.logger();
    this.view = await SqliteReadModel.open({
      path: ':memory:',
      store: lagging(store, clock, options.viewLagMs ?? 0),
      clock,
      random,
      namespace: '',
      logger: silentLogger,
    });
    this.executor = new CommandExecutor({
      store,
      clock,
      random,
      clusterTime: { now: () => clock.wall() },
      zoneData: 'test',
      namespace: '',
      directory: this.view,
      logger: silentLogger,
    });
    for (const handler of handlers) this.handlers.register(handler);
    this.incarnation = random.uuid(clock.wall());
    await this.view.start();
    const registered = await this.executor.execute(
      new RegisterServiceCommand({
        serviceId,
        incarnation: this.incarnation,
        labels: { host: 'test', name: serviceId },
        capacity: { maxOwnedJobs: 1_000_000, maxConcurrentRuns: 1_000 },
        handlers: this.handlers.versions(),
        process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
        placementVersion: 1,
        reason: 'start',
        supersede: null,
      }),
    );
    await this.shown(registered.position);
    const own = this.view.ownJobs(serviceId);
    this.worker = new Worker(
      {
        ownJobs: new Proxy(own, {
          get: (target, key, receiver) => {
            if (key === 'due') this.onDue();
            const value: unknown = Reflect.get(target, key, receiver);
            return typeof value === 'function' ? (value.bind(target) as unknown) : value;
          },
        }),
        commands: { execute: (command, how) => this.execute(command, how) },
        outstanding: (jobId) => this.executor.outstanding(jobId),
        membership: this.membership(),
        clock,
        clusterTime: { now: () => clock.wall() },
        handlers: this.handlers,
        logger,
        generation: () => 1,
        eligible: (record) => {
          if (this.eligible instanceof Error) throw this.eligible;
          return typeof this.eligible === 'function' ? this.eligible(record) : this.eligible;
        },
      },
      {
        maxConcurrentRuns: options.maxConcurrentRuns ?? 50,
        abortGraceMs: options.abortGraceMs ?? 1_000,
        selfFenceAfterMs: 4_000,
      },
    );
    if (options.start !== false) this.start();
    return this;
  }

  start(): void {
    this.worker.start((listener) => this.view.onAdvance(listener));
  }

  /** Schedules a job and binds it to a service, as an operator would. */
  async job(fields: ScheduleJobFields & { readonly jobId: string }, to = this.serviceId): Promise<void> {
    await this.executor.execute(new ScheduleJobCommand(fields));
    const bound = await this.executor.execute(new BindJobToServiceCommand({ jobId: fields.jobId, serviceId: to }));
    await this.shown(bound.position);
  }

  /** Many at once, due now. */
  async jobs(count: number, handler: string, prefix = 'j'): Promise<void> {
    const ids = Array.from({ length: count }, (_, n) => `${prefix}${n}`);
    const schedule = { kind: 'once', at: 'asap' } as const;
    await Promise.all(ids.map((jobId) => this.executor.execute(new ScheduleJobCommand({ jobId, handler, schedule }))));
    const { serviceId } = this;
    const bound = await Promise.all(
      ids.map((jobId) => this.executor.execute(new BindJobToServiceCommand({ jobId, serviceId }))),
    );
    await this.shown(bound.reduce((last, { position }) => (position > last ? position : last), 0n));
  }

  async send(command: CommandToJob): Promise<JobExecution> {
    const result = await this.executor.execute(command);
    await this.shown(result.position);
    return result;
  }

  until(what: string, condition: () => boolean, limitMs = 30_000): Promise<void> {
    return this.clock.runUntil(condition, { what, limitMs });
  }

  async types(jobId: string): Promise<readonly string[]> {
    const { events } = await this.store.readStream(`job-${jobId}`, { direction: 'forwards', limit: 10_000 });
    return events.map(({ type, data }) => {
      const { reason } = JSON.parse(data) as { reason?: unknown };
      const told = ['JobRunAbandoned', 'JobReleased'].includes(type) && typeof reason === 'string';
      return told ? `${type}(${String(reason)})` : type;
    });
  }

  facts(fact: string): readonly LogFields[] {
    return this.lines.filter((line) => line.fact === fact).map(({ fields }) => fields);
  }

  async close(): Promise<void> {
    this.worker.close();
    await this.executor.close();
    await this.view.close();
  }

  private async shown(position: bigint): Promise<void> {
    let shown = false;
    void this.view.waitFor(position, Infinity).then(() => (shown = true));
    await this.until('the view to show it', () => shown);
  }

  private async execute(command: CommandToJob, how?: ExecuteOptions): Promise<JobExecution> {
    this.sent.push(command);
    await this.before(command);
    const result = await this.executor.execute(command, how);
    await this.after(command);
    return result;
  }

  private membership(): Membership {
    return {
      serviceId: this.serviceId,
      trust: this.trust,
      clusterTime: { now: () => this.clock.wall() },
      incarnation: () => this.incarnation,
      isOwn: (incarnation) => incarnation === this.incarnation,
      mayClaim: () => this.trust.reason === null,
      draining: () => this.draining,
      silentSinceEnd: () => false,
      silences: () => [],
      passCompleted: () => void this.passes++,
      health: () => {
        throw new Error('not asked for');
      },
    };
  }

  private logger(fixed: LogFields = {}): Logger {
    const line = (level: string) => (fact: string, fields?: LogFields) =>
      void this.lines.push({ level, fact, fields: { ...fixed, ...fields } });
    return {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: (fields) => this.logger({ ...fixed, ...fields }),
    };
  }
}

/** The log as a view sees it that is behind. */
function lagging(store: MemoryEventStore, clock: VirtualClock, lagMs: number): EventStore {
  if (lagMs === 0) return store;
  return new FaultyEventStore(
    store,
    { clock, random: new SeededRandom(1) },
    { rates: { deliver: { delay: 1 } }, delayMs: [lagMs, lagMs], closesStore: false },
  );
}
