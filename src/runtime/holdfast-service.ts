import { join } from 'node:path';
import { SystemClock, SystemRandom, type Clock, type ClusterTime, type Random } from '../clock';
import { CommandExecutor, Jobs, Services } from '../commands';
import { Declarations, Reconciler } from '../declarations';
import { ineligibility } from '../domain/placement';
import { placeable, type JobRecord } from '../domain/job';
import type { EventStore, LogIdentity, LogPosition } from '../event-store';
import { silentLogger, type Logger } from '../logging';
import { ServiceMembership, type Membership, type Processes } from '../membership';
import { OwnershipSweep } from '../ownership';
import { Queries } from '../queries';
import { SqliteReadModel, ViewLockedError, type OwnJobs, type ReadModel } from '../read-model';
import { HandlerRegistry, Worker, type HandlerDefinition, type Leftover } from '../worker';
import { FactFeed, type PublishedEvent } from './fact-feed';
import type { HealthCheck, Readiness } from './health';
import { onceReachable, openStore } from './open-store';
import type { ResolvedOptions } from './options';
import { makeStateDirectory } from './state-directory';
import { within } from './within';

/** Another living process bears this service id, and the option says to throw. The message names both. */
export class IdentityConflictError extends Error {
  override readonly name = 'IdentityConflictError';
}

/** How long the end waits for the log, at each step, when it does not answer. */
const STORE_PATIENCE_MS = 2_000;
const READY_PATIENCE_MS = 1_000;

/** What may be put in the place of the machine's own: a test's clock, a seeded randomness, a log of one's own. */
export interface RuntimePorts {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** `process.versions.tz` by default. */
  readonly zoneData?: string;
  /** Takes the place of the log that the options name. The view is in memory then, no directory is made, and the store is not closed. */
  readonly store?: EventStore;
  /** What stands between the worker and a handler: for tests that observe, delay or break it. Asked once per registered handler. */
  readonly aroundHandler?: (handler: HandlerDefinition) => HandlerDefinition;
  /** What this process can say of itself, and prove of a former one of its service id. Default: by the machine's own means. */
  readonly processes?: Processes;
}

/** Those that a service goes on with. */
type OwnPorts = Required<Pick<RuntimePorts, 'clock' | 'random' | 'logger' | 'zoneData'>> &
  Pick<RuntimePorts, 'processes'>;

/**
 * One service, composed from its ports: the log, the view, membership, the sweep, the worker.
 *
 * `open` reaches for the log and nothing else; `start` sets the loops going; `close` drains and ends, within
 * drainTimeout + abortGrace + a few seconds for the store. No Nest in here: the module and the stand-alone service are thin over it.
 */
export class HoldfastService {
  readonly handlers: HandlerRegistry;
  /** What the code of this process declares. Filled before `start`, like the handlers. */
  readonly declared = new Declarations(Intl.DateTimeFormat().resolvedOptions().timeZone);
  /** How that is brought into the log, once per start. */
  readonly declarations: Reconciler;
  readonly jobs: Jobs;
  readonly services: Services;
  readonly queries: Queries;
  private worker: Worker | null = null;
  private sweep: OwnershipSweep | null = null;
  private serviceMembership: ServiceMembership | null = null;
  private own: { readonly at: LogPosition; readonly candidate: ReturnType<ReadModel['candidate']> } | null = null;
  private starting: Promise<void> | null = null;
  private closing: Promise<readonly Leftover[]> | null = null;

  private constructor(
    readonly options: ResolvedOptions,
    private readonly ports: OwnPorts,
    private readonly store: EventStore,
    private identity: LogIdentity,
    private readonly view: SqliteReadModel,
    readonly executor: CommandExecutor,
    private readonly time: SwitchableTime,
    private readonly feed: FactFeed,
    aroundHandler: RuntimePorts['aroundHandler'],
  ) {
    this.handlers = new HandlerRegistry(aroundHandler);
    this.jobs = new Jobs(executor, (handler) => this.handlers.get(handler)?.defaults);
    this.services = new Services(executor);
    this.queries = new Queries(view, ports.clock);
    this.declarations = new Reconciler(
      {
        ...ports,
        commands: executor,
        view,
        clusterTime: time,
        incarnation: () => this.serviceMembership?.incarnation() ?? null,
      },
      {
        serviceId: options.serviceId,
        source: options.labels.name,
        registers: options.role === 'worker',
        ...options.declarations,
      },
    );
  }

  /**
   * Opens the log and the view's file. Waits for a server that does not answer, for as long as that takes; the log of the process tells of it.
   * @throws StoreUnusableError when the log cannot be used as it is.
   */
  static async open(asked: ResolvedOptions, ports: RuntimePorts = {}): Promise<HoldfastService> {
    const options: ResolvedOptions = ports.store ? { ...asked, store: { kind: 'adapter', store: ports.store } } : asked;
    const clock = ports.clock ?? new SystemClock();
    const random = ports.random ?? new SystemRandom();
    const logger = (ports.logger ?? silentLogger).child({ serviceId: options.serviceId });
    const zoneData = ports.zoneData ?? process.versions.tz ?? 'unknown';
    const { namespace } = options;
    const inMemory = options.store.kind === 'memory' || ports.store !== undefined;
    if (!inMemory) makeStateDirectory(options.stateDirectory);
    const store = await openStore(options, clock, random, logger);
    const file = join(options.stateDirectory, `view-${encodeURIComponent(options.serviceId)}`);
    const { identity, view } = await onceReachable(options, { clock, logger }, async () => ({
      identity: await store.identity(),
      view: await openView(inMemory ? null : file, { store, clock, random, namespace, logger }),
    }));
    const time = new SwitchableTime(clock);
    const executor = new CommandExecutor({
      store,
      clock,
      random,
      clusterTime: time,
      zoneData,
      namespace,
      directory: view,
      logger,
      options: { commandTimeoutMs: options.commandTimeoutMs },
    });
    const feed = new FactFeed({ store, clock, random, namespace, logger });
    return new HoldfastService(
      options,
      { clock, random, logger, zoneData, processes: ports.processes },
      store,
      identity,
      view,
      executor,
      time,
      feed,
      ports.aroundHandler,
    );
  }

  get serviceId(): string {
    return this.options.serviceId;
  }

  /** The view of the log: synchronous reads. */
  get readModel(): ReadModel {
    return this.view;
  }

  /** Null for a web-only replica, and before `start`. */
  get membership(): Membership | null {
    return this.serviceMembership;
  }

  /** Called for every fact of jobs and services that is appended from now on, in log order. Returns how to stop it. */
  onFact(listener: (event: PublishedEvent) => void): () => void {
    return this.feed.on(listener);
  }

  /** Sets the loops going. Does not wait for the registration: another process may bear this service id, and then it takes a while. */
  start(): Promise<void> {
    return (this.starting ??= this.startLoops());
  }

  /**
   * Drains and ends: nothing new is begun, idle jobs are released, running handlers have `drainTimeoutMs` and then the grace of an abort.
   * @returns the jobs whose handlers had not settled; they are named in the log too.
   */
  close(): Promise<readonly Leftover[]> {
    return (this.closing ??= this.drainAndEnd());
  }

  /** Registers again after an operator's mark (which fences this process until it is restarted, or told this). Anything else: nothing. */
  rejoin(): void {
    this.serviceMembership?.rejoin();
  }

  /** Looks at the log, the view and own trust now. */
  async readiness(): Promise<Readiness> {
    const [store, view, trust] = [await this.storeCheck(), this.viewCheck(), this.trustCheck()];
    return {
      ready: store.ok && view.ok && trust.ok && this.closing === null,
      serviceId: this.serviceId,
      role: this.options.role,
      checks: { store, view, trust },
      declarations: this.declarations.health(),
    };
  }

  private async startLoops(): Promise<void> {
    await this.view.start();
    await this.feed.start();
    if (this.options.role === 'worker') await this.startWork();
    this.declarations.start(this.declared.all());
  }

  private async startWork(): Promise<void> {
    const { clock, random, logger } = this.ports;
    const { liveness, labels, capacity, namespace } = this.options;
    const ownJobs = this.view.ownJobs(this.serviceId);
    const membership = new ServiceMembership(
      {
        store: this.store,
        commands: this.executor,
        clock,
        random,
        logger,
        counts: () => this.counts(ownJobs),
        viewApplied: (position) => this.view.waitFor(position, Infinity),
        viewPosition: () => this.view.position(),
        wantPass: () => this.worker?.wake(),
        onLogWentBack: () => this.forgetLog(),
        processes: this.ports.processes,
      },
      {
        serviceId: this.serviceId,
        labels,
        capacity,
        handlers: this.handlers.versions(),
        namespace,
        liveness,
        sharedKernel: this.options.store.kind === 'embedded',
      },
    );
    this.serviceMembership = membership;
    this.time.use(membership.clusterTime);
    const worker = new Worker(
      {
        ownJobs,
        commands: this.executor,
        outstanding: (jobId) => this.executor.outstanding(jobId),
        membership,
        clock,
        clusterTime: membership.clusterTime,
        handlers: this.handlers,
        logger,
        generation: () => this.identity.generation,
        eligible: (record) => this.mayStay(record),
      },
      { maxConcurrentRuns: capacity.maxConcurrentRuns, abortGraceMs: liveness.abortGraceMs },
    );
    this.worker = worker;
    const sweep = new OwnershipSweep(
      {
        readModel: this.view,
        commands: this.executor,
        membership,
        startsRuns: worker,
        clock,
        random,
        logger,
        viewBehindMs: () => membership.viewBehindMs(),
      },
      {
        claimGraceMs: liveness.claimGraceMs,
        failAfterMs: liveness.failAfterMs,
        homeAfterMs: this.options.homeAfterMs,
        quarantine: this.options.quarantine,
      },
    );
    this.sweep = sweep;
    membership.start();
    worker.start((listener) => this.view.onAdvance(listener));
    sweep.start();
    if (this.options.onIdentityConflict === 'throw') await this.refuseSharedName(membership);
  }

  /** Waits until it is known who bears this service id: a full failAfter where another incarnation of it has not ended. */
  private async refuseSharedName(membership: ServiceMembership): Promise<void> {
    const { failAfterMs } = this.options.liveness;
    if ((await membership.named(3 * failAfterMs)) !== 'identity-conflict') return;
    throw new IdentityConflictError(membership.health().detail ?? `another process bears the id ${this.serviceId}`);
  }

  /** The log is an older one than was known: whatever was read of it is read anew, its generation too. */
  private forgetLog(): void {
    const { logger } = this.ports;
    this.executor.forget();
    void this.view.rebuild('the log went back in time').catch((error: unknown) => {
      logger.error('view.not-rebuilt', { error: String(error) });
    });
    void this.feed.restart().catch((error: unknown) => {
      logger.error('facts.not-restarted', { error: String(error) });
    });
    void this.store.identity().then(
      (identity) => (this.identity = identity),
      (error: unknown) => logger.error('log.identity-not-read', { error: String(error) }),
    );
  }

  private counts(ownJobs: OwnJobs): { owned: number; running: number } {
    const incarnation = this.serviceMembership?.incarnation() ?? null;
    return { owned: incarnation === null ? 0 : ownJobs.count(incarnation).owned, running: this.worker?.running ?? 0 };
  }

  /** Whether a job that ran here may stay: its tag may have changed meanwhile. */
  private mayStay(record: JobRecord): boolean {
    const position = this.view.position();
    // Asked for every run: what the view says of this service changes with the view only.
    if (this.own?.at !== position) this.own = { at: position, candidate: this.view.candidate(this.serviceId) };
    const { candidate: own } = this.own;
    return own === null || ineligibility(placeable(record), own.candidate) === null;
  }

  private async drainAndEnd(): Promise<readonly Leftover[]> {
    const { clock, logger } = this.ports;
    const { drainTimeoutMs, liveness } = this.options;
    // A signal may come in the middle of the start: what has begun is ended in order.
    if (this.starting !== null) await within(clock, STORE_PATIENCE_MS, this.starting);
    await within(clock, STORE_PATIENCE_MS, this.declarations.close());
    const { serviceMembership: membership, worker, sweep } = this;
    let leftovers: readonly Leftover[] = [];
    if (membership && worker && sweep) {
      // Beats go on to the very end: a service that drains is alive.
      await within(clock, STORE_PATIENCE_MS, membership.drain('close'));
      const released = within(clock, drainTimeoutMs, sweep.drain());
      leftovers = await worker.drain(drainTimeoutMs);
      await released;
      // What was running then is idle now.
      await within(clock, STORE_PATIENCE_MS, sweep.drain());
      await within(clock, STORE_PATIENCE_MS, sweep.close());
      await within(clock, STORE_PATIENCE_MS, membership.stop(leftovers));
      worker.close();
      await within(clock, STORE_PATIENCE_MS, membership.close());
      for (const { jobId, slot, attempt } of leftovers) logger.warn('job.left-over', { jobId, slot, attempt });
      logger.info('service.closed', { leftovers: leftovers.length, withinMs: drainTimeoutMs + liveness.abortGraceMs });
    }
    await within(clock, STORE_PATIENCE_MS, this.feed.close());
    await within(clock, STORE_PATIENCE_MS, this.view.close());
    await within(clock, STORE_PATIENCE_MS, this.executor.close());
    if (this.options.store.kind !== 'adapter') await within(clock, STORE_PATIENCE_MS, this.store.close());
    return leftovers;
  }

  private async storeCheck(): Promise<HealthCheck> {
    const head = await within(this.ports.clock, READY_PATIENCE_MS, this.store.head());
    return head === null
      ? { ok: false, detail: `the log did not answer within ${READY_PATIENCE_MS} ms` }
      : { ok: true, detail: `the log answers; its head is ${head}` };
  }

  private viewCheck(): HealthCheck {
    const { state, position, opaque, rebuilt, lastError } = this.view.health();
    const words = [`${state} at position ${position}`];
    if (state === 'rebuilding') words.push(`${rebuilt} events applied`);
    if (opaque > 0) words.push(`${opaque} jobs cannot be read here`);
    if (lastError !== null) words.push(`last error: ${lastError}`);
    return { ok: state === 'live', detail: words.join('; ') };
  }

  private trustCheck(): HealthCheck {
    if (this.options.role === 'web-only') return { ok: true, detail: 'a web-only replica owns nothing' };
    const { serviceMembership: membership } = this;
    if (membership === null) return { ok: false, detail: 'not started' };
    const { state, detail, trustRemainingMs } = membership.health();
    const fence = membership.trust.check();
    return fence === null && (state === 'registered' || state === 'draining')
      ? { ok: state === 'registered', detail: `${state}; trusted for another ${Math.round(trustRemainingMs)} ms` }
      : { ok: false, detail: detail ?? `${state}: ${fence ?? 'not registered'}` };
  }
}

/** Cluster time from membership once there is one; before, and on a web-only replica, the wall clock. */
class SwitchableTime implements ClusterTime {
  private source: ClusterTime | null = null;
  constructor(private readonly clock: Clock) {}
  use(source: ClusterTime): void {
    this.source = source;
  }
  now(): number {
    return this.source?.now() ?? this.clock.wall();
  }
}

/** How many processes of one id may stand side by side on one folder: one serves, the others say that the id is taken. */
const VIEW_FILES = 8;

/** A view of its own for each process: that another one bears the same id is for membership to find out, and to tell. */
async function openView(
  file: string | null,
  ports: Omit<Parameters<typeof SqliteReadModel.open>[0], 'path'>,
): Promise<SqliteReadModel> {
  if (file === null) return SqliteReadModel.open({ ...ports, path: ':memory:' });
  for (let n = 1; ; n++) {
    const path = n === 1 ? `${file}.sqlite` : `${file}~${n}.sqlite`;
    try {
      return await SqliteReadModel.open({ ...ports, path });
    } catch (error) {
      if (!(error instanceof ViewLockedError) || n === VIEW_FILES) throw error;
      ports.logger.warn('view.file-in-use', { path });
    }
  }
}
