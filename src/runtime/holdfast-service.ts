import { CommandExecutor, Jobs, Services } from '../commands';
import { Declarations, Reconciler } from '../declarations';
import { ineligibility } from '../domain/placement';
import { placeable, type JobRecord } from '../domain/job';
import type { EventStore, LogPosition, StoreUnusableError } from '../event-store';
import { ServiceMembership, type Membership } from '../membership';
import { OwnershipSweep } from '../ownership';
import { Queries } from '../queries';
import type { OwnJobs, ReadModel, SqliteReadModel } from '../read-model';
import { HandlerRegistry, Worker, type Leftover } from '../worker';
import type { LogAcquaintance } from './acquaintance';
import { ClockComparison } from './clock-comparison';
import { FactFeed, type PublishedEvent } from './fact-feed';
import type { Readiness } from './health';
import { openParts, type Opened, type OwnPorts, type RuntimePorts } from './opening';
import type { ResolvedOptions } from './options';
import { storeCheck, trustCheck, viewCheck } from './readiness';
import { SwitchableTime } from './switchable-time';
import { within } from './within';
import { ZoneDataComparison } from './zone-data-comparison';

/** Another living process bears this service id, and the option says to throw. The message names both. */
export class IdentityConflictError extends Error {
  override readonly name = 'IdentityConflictError';
}

/** How long the end waits for the log, at each step, when it does not answer. */
const STORE_PATIENCE_MS = 2_000;
/** How long the start waits for a log that says nothing at all; it goes on in the background. */
const START_PATIENCE_MS = 2_000;

/**
 * One service, composed from its ports: the log, the view, membership, the sweep, the worker.
 *
 * `open` reaches for the log and nothing else; `start` sets the loops going; `close` drains and ends, within
 * drainTimeout + abortGrace + a few seconds for the store. No Nest in here: the module and the stand-alone service are thin over it.
 */
export class HoldfastService {
  readonly options: ResolvedOptions;
  readonly executor: CommandExecutor;
  readonly handlers: HandlerRegistry;
  /** What the code of this process declares. Filled before `start`, like the handlers. */
  readonly declared: Declarations;
  /** How that is brought into the log, once per start. */
  readonly declarations: Reconciler;
  readonly jobs: Jobs;
  readonly services: Services;
  readonly queries: Queries;
  private readonly ports: OwnPorts;
  private readonly store: EventStore;
  private readonly log: LogAcquaintance;
  private readonly view: SqliteReadModel;
  private readonly time: SwitchableTime;
  private readonly feed: FactFeed;
  private comparison: ClockComparison | null = null;
  private readonly zoneData: ZoneDataComparison;
  private worker: Worker | null = null;
  private sweep: OwnershipSweep | null = null;
  private serviceMembership: ServiceMembership | null = null;
  private own: { readonly at: LogPosition; readonly candidate: ReturnType<ReadModel['candidate']> } | null = null;
  private starting: Promise<void> | null = null;
  /** The log has answered, and the view is one of this log: nothing that needs them runs before. */
  private logFound = false;
  /** From `start` until the loops run, however long the log is not there. */
  private going: Promise<void> | null = null;
  private closing: Promise<readonly Leftover[]> | null = null;

  private constructor({ options, ports, store, log, view }: Opened, aroundHandler: RuntimePorts['aroundHandler']) {
    this.options = options;
    this.ports = ports;
    this.store = store;
    this.log = log;
    this.view = view;
    this.time = new SwitchableTime(ports.clock);
    const { namespace, commandTimeoutMs, schedules } = options;
    const { clusterTime, directory } = { clusterTime: this.time, directory: view };
    const executor = new CommandExecutor({
      ...ports,
      ...{ store, clusterTime, namespace, directory, options: { commandTimeoutMs, ...schedules } },
      appended: (position) => this.serviceMembership?.appended(position),
    });
    this.executor = executor;
    log.onOther(() => this.otherLog());
    this.feed = new FactFeed({ ...ports, store, namespace });
    this.handlers = new HandlerRegistry(aroundHandler);
    this.jobs = new Jobs(executor, (handler) => this.handlers.get(handler)?.defaults);
    this.services = new Services(executor);
    this.declared = new Declarations(Intl.DateTimeFormat().resolvedOptions().timeZone, schedules);
    this.queries = new Queries(view, ports.clock);
    this.zoneData = new ZoneDataComparison(view, ports, options.serviceId);
    this.declarations = new Reconciler(
      {
        ...ports,
        commands: executor,
        view,
        clusterTime: this.time,
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
   * Opens the log and the view's file, and waits for nothing: a server that is not there is asked in the background until it answers.
   * @throws StoreUnusableError what can be known at once says that the log cannot be used as it is.
   */
  static async open(asked: ResolvedOptions, ports: RuntimePorts = {}): Promise<HoldfastService> {
    return new HoldfastService(await openParts(asked, ports), ports.aroundHandler);
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

  /**
   * Sets the loops going. Does not wait for the registration: another process may bear this service id, and then it takes a while. A log that does
   * not answer is not waited for either: as soon as it does, everything begins by itself.
   * @throws IdentityConflictError with `onIdentityConflict: 'throw'`, where the log answered.
   */
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
    const { clock } = this.ports;
    const checks = {
      store: await storeCheck(this.store, this.log, clock),
      view: viewCheck(this.view),
      trust: trustCheck(this.options.role, this.serviceMembership, this.log),
    };
    return {
      ready: checks.store.ok && checks.view.ok && checks.trust.ok && this.closing === null,
      serviceId: this.serviceId,
      role: this.options.role,
      checks,
      zoneData: this.zoneData.health(),
      declarations: this.declarations.health(),
    };
  }

  /**
   * Resolves when the log's server has refused again and again, before it ever answered, to be used as it is (no access, a foreign log); never
   * otherwise. It is asked on, and everything begins by itself when it has been put right; a process of its own had better end and say so.
   */
  whenUnusable(): Promise<StoreUnusableError> {
    return this.log.unusable();
  }

  private async startLoops(): Promise<void> {
    const { clock, logger } = this.ports;
    const found = this.findLog();
    const going = (this.going = found.then((isFound) => (isFound ? this.setGoing() : undefined)));
    going.catch((error: unknown) => logger.error('service.start-failed', { error: String(error) }));
    const patience = new AbortController();
    const refused = this.log.firstWord().then(() => (this.log.identity === null ? null : found));
    await Promise.race([found, refused, clock.sleep(START_PATIENCE_MS, patience.signal)]);
    patience.abort();
    // Else it goes on in the background.
    if (this.logFound || this.closing !== null) await going;
  }

  /** Until the log has answered, and the view is one of this log. @returns false: it was closed before that. */
  private async findLog(): Promise<boolean> {
    if ((await this.log.known()) === null) return false;
    try {
      await this.view.start();
    } catch (error) {
      if (this.closing !== null) return false;
      throw error;
    }
    this.logFound = this.closing === null;
    return this.logFound;
  }

  private async setGoing(): Promise<void> {
    this.feed.start();
    this.zoneData.start();
    if (this.options.role === 'worker') this.startWork();
    else this.compareClocks();
    this.declarations.start(this.declared.all());
    const { serviceMembership: membership } = this;
    if (membership !== null && this.options.onIdentityConflict === 'throw') await this.refuseSharedName(membership);
  }

  /** A worker's membership knows the clock of the log by its own beats. */
  private compareClocks(): void {
    this.comparison = new ClockComparison(this.store, this.ports);
    this.comparison.start();
  }

  private startWork(): void {
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
        generation: () => this.generation(),
        eligible: (record) => this.mayStay(record),
      },
      {
        maxConcurrentRuns: capacity.maxConcurrentRuns,
        abortGraceMs: liveness.abortGraceMs,
        selfFenceAfterMs: liveness.selfFenceAfterMs,
      },
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
        ...this.options.balance,
        quarantine: this.options.quarantine,
        ephemeralHost: this.options.ephemeralHost ? this.options.labels.host : null,
      },
    );
    this.sweep = sweep;
    membership.start();
    worker.start((listener) => this.view.onAdvance(listener));
    sweep.start();
  }

  /** Waits until it is known who bears this service id: a full failAfter where another incarnation of it has not ended. */
  private async refuseSharedName(membership: ServiceMembership): Promise<void> {
    const { failAfterMs } = this.options.liveness;
    if ((await membership.named(3 * failAfterMs)) !== 'identity-conflict') return;
    throw new IdentityConflictError(membership.health().detail ?? `another process bears the id ${this.serviceId}`);
  }

  /** Somebody has asked the log who it is, and it is another one, or was put back. */
  private otherLog(): void {
    if (this.serviceMembership === null) this.forgetLog();
    else this.serviceMembership.wentBack();
  }

  /** The log is an older one than was known: whatever was read of it is read anew, its generation too. */
  private forgetLog(): void {
    const { logger } = this.ports;
    this.executor.forget();
    this.worker?.forgetLog();
    void this.view.rebuild('the log went back in time').catch((error: unknown) => {
      logger.error('view.not-rebuilt', { error: String(error) });
    });
    void this.feed.restart().catch((error: unknown) => {
      logger.error('facts.not-restarted', { error: String(error) });
    });
    this.log.renew();
  }

  /** Nothing runs before the log has said who it is. */
  private generation(): number {
    const { identity } = this.log;
    if (identity === null) throw new Error('The log has not said who it is, and a run has begun.');
    return identity.generation;
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
    this.log.close();
    // One that waits for the log is not the view's any more; then the start ends by itself.
    if (!this.logFound) await within(clock, STORE_PATIENCE_MS, this.view.close());
    // A signal may come in the middle of the start: what has begun is ended in order.
    if (this.going !== null) await within(clock, STORE_PATIENCE_MS, this.going);
    this.zoneData.close();
    this.comparison?.close();
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
}
