import { AssertionError } from 'node:assert';
import { history } from '../../audit';
import { SeededRandom, SystemClock, VirtualClock, type Instant } from '../../clock';
import { MemoryEventStore, type EventStore } from '../../event-store';
import { silentLogger, type Logger } from '../../logging';
import type { JobRow } from '../../read-model';
import {
  HoldfastService,
  resolveOptions,
  type ResolvedOptions,
  type RuntimePorts,
  type ServiceOptions,
} from '../../runtime';
import type { HandlerDefinition } from '../../worker';
import { FlowOfTime, PATIENCE_MS } from './flow-of-time';
import { MortalProcess } from './mortal-process';
import { ObservedRuns, type ObservedRun } from './observed-runs';
import { millisecondsOf, type VirtualDuration } from './virtual-duration';

export interface HoldfastTestingOptions {
  /** The wall clock at the beginning; default 2026-01-01T00:00:00Z. */
  readonly now?: Date | Instant;
  /** For whatever is random; the same seed, the same ids. Default 1. */
  readonly seed?: number;
  /** How long, in real ms, time stands still for a handler that runs; then it is passed over. Default 2,000. */
  readonly handlerPatienceMs?: number;
  /** Default: none, what Holdfast would log is dropped. */
  readonly logger?: Logger;
}

/** What a second service of a test is: `name` by default that of the application. */
export type PeerOptions = Partial<ServiceOptions> & Pick<ServiceOptions, 'host'>;

interface Peer {
  readonly service: HoldfastService;
  readonly process: MortalProcess;
}

const HISTORY_SHOWN = 8;

/**
 * Time, the log, and the other services, of a test of an application. Injectable where `HoldfastTestingModule` is imported.
 *
 * Virtual time stands still but for `advance`, `runUntil`, `during`, `join`, and while the application starts and ends; and it waits for
 * handlers: they are really called, and what they do (a database, a socket) takes real time, but no virtual time.
 */
export class HoldfastTesting {
  readonly clock: VirtualClock;
  /** The log, in memory: `history(testing.store, id)`, `verifyLog(testing.store)`. */
  readonly store: EventStore;
  private readonly observed: ObservedRuns;
  private readonly handlers: HandlerDefinition[] = [];
  private readonly peers = new Map<string, Peer>();
  /** Ids of services that are joining, joined or leaving. */
  private readonly taken = new Set<string>();
  private readonly logger: Logger;
  private readonly seed: number;
  private seeds = 0;
  private application: HoldfastService | null = null;
  private closing: Promise<void> | null = null;
  private running = false;
  private over = false;
  private readonly real = new SystemClock();
  private readonly flow: FlowOfTime;

  constructor(options: HoldfastTestingOptions = {}) {
    const { now, seed = 1, handlerPatienceMs = 2_000, logger = silentLogger } = options;
    check('now', now, now === undefined || Number.isFinite(Number(now)), 'A Date, or ms since 1970.');
    check('seed', seed, Number.isSafeInteger(seed), 'A whole number.');
    check('handlerPatienceMs', handlerPatienceMs, handlerPatienceMs >= 0, 'Real milliseconds, 0 or more.');
    this.clock = new VirtualClock(now === undefined ? undefined : Number(now));
    this.seed = seed;
    this.logger = logger;
    this.store = new MemoryEventStore({ clock: this.clock, random: this.nextRandom() });
    this.observed = new ObservedRuns(this.clock, handlerPatienceMs);
    const { clock, observed, store } = this;
    this.flow = new FlowOfTime({ clock, observed, store, services: () => this.services() });
  }

  /** What the application's service is made of. */
  ports(): RuntimePorts {
    return {
      ...this.portsOf(this.store),
      aroundHandler: (handler) => {
        this.handlers.push(handler);
        return this.observed.around(handler);
      },
    };
  }

  /** The wall clock. `Date.now()` of the code under test is the machine's: take the time of a run from its `scheduledAt`. */
  now(): Date {
    return new Date(this.clock.wall());
  }

  /**
   * Lets time go on, and everything happen that falls due on the way; handlers that are entered are waited for.
   * @throws RangeError for a duration that is none.
   */
  async advance(duration: VirtualDuration): Promise<void> {
    this.service();
    await this.flow.advance(millisecondsOf(duration));
  }

  /**
   * Lets time go on, from timer to timer, until the condition holds.
   * @throws Error when it does not hold within `within` (default an hour) of virtual time.
   */
  async runUntil(
    what: string,
    condition: () => boolean | Promise<boolean>,
    within: VirtualDuration = '1h',
  ): Promise<void> {
    this.service();
    const ms = millisecondsOf(within, 'within');
    if (await this.flow.until(condition, ms)) return;
    throw new Error(`Waited ${ms} ms of virtual time for ${what}; it does not hold at ${this.now().toISOString()}.`);
  }

  /** Lets time go on until the promise has settled: for a command that waits, or `app.get(…)`'s own timers. Its value, or its rejection. */
  async during<T>(work: Promise<T>): Promise<T> {
    let open = true;
    const done = work.finally(() => (open = false));
    done.catch(() => undefined);
    await this.flow.whileNot(() => !open);
    return done;
  }

  /**
   * Asserts who owns the job. A claim takes a moment: time goes on until it is so, for at most `within` (default a second; 0: now).
   * @param serviceId default the application's own service; null: nobody.
   * @returns its row of the view.
   * @throws AssertionError that shows the services and the last facts of the job.
   */
  async expectOwner(
    jobId: string,
    serviceId: string | null = this.service().serviceId,
    options: { readonly within?: VirtualDuration } = {},
  ): Promise<JobRow> {
    const ms = millisecondsOf(options.within ?? '1s', 'within');
    const { readModel } = this.service();
    const row = () => readModel.job(jobId);
    await this.flow.until(() => row() !== null && row()?.serviceId === serviceId, ms);
    const found = row();
    if (found !== null && found.serviceId === serviceId) return found;
    throw await this.otherOwner(jobId, found, serviceId);
  }

  private async otherOwner(jobId: string, row: JobRow | null, serviceId: string | null): Promise<AssertionError> {
    const actual = row?.serviceId ?? null;
    const told: string[] = [];
    for await (const { created, words } of history(this.store, jobId))
      told.push(`  ${new Date(created).toISOString()}  ${words}`);
    const is =
      row === null ? 'there is no such job' : actual === null ? `nobody owns it (${row.status})` : `${actual} owns it`;
    const wanted = serviceId === null ? 'nobody' : serviceId;
    const services = this.service()
      .readModel.services()
      .map(({ serviceId: id, current }) => `${id} (${current?.life ?? 'unreadable'})`);
    return new AssertionError({
      message: [
        `Expected ${wanted} to own the job ${jobId}; ${is} at ${this.now().toISOString()}.`,
        `Services: ${services.join(', ')}.`,
        ...told.slice(-HISTORY_SHOWN),
      ].join('\n'),
      actual,
      expected: serviceId,
      operator: 'expectOwner',
    });
  }

  /** Entries of handlers so far, in their order: of all services, of one job or of all. */
  runs(jobId?: string): readonly ObservedRun[] {
    return this.observed.all().filter((run) => jobId === undefined || run.jobId === jobId);
  }

  /**
   * A second service on the same log, with the same handlers (the same instances: `run.serviceId` and `context.serviceId` tell who). It is
   * registered and may claim when this resolves.
   * @throws RangeError for a service id that a living service of this test has.
   */
  async join(peer: PeerOptions): Promise<HoldfastService> {
    const app = this.service();
    const { labels } = app.options;
    const service = { name: labels.name, ...peer };
    const { liveness, namespace, capacity, drainTimeoutMs, homeAfterMs, balance, quarantine, commandTimeoutMs } =
      app.options;
    const asked = { liveness, namespace, capacity, drainTimeoutMs, homeAfterMs, balance, quarantine, commandTimeoutMs };
    const options = resolveOptions({ ...asked, service, store: { kind: 'memory' } });
    const { serviceId } = options;
    if (serviceId === app.serviceId || this.taken.has(serviceId))
      throw new RangeError(
        `service.id = ${serviceId}: a service of this test bears this id. Give the new one another host or id, or kill that one before.`,
      );
    this.taken.add(serviceId);
    const process = new MortalProcess(this.clock, this.store);
    try {
      return await this.open(options, process);
    } catch (error) {
      process.kill();
      this.forget(serviceId);
      throw error;
    }
  }

  private async open(options: ResolvedOptions, process: MortalProcess): Promise<HoldfastService> {
    const opened = await HoldfastService.open(options, {
      ...this.portsOf(process.store),
      clock: process.clock,
      aroundHandler: (handler) => this.observed.around(handler, () => process.killed),
    });
    for (const handler of this.handlers) opened.handlers.register(handler);
    this.peers.set(opened.serviceId, { service: opened, process });
    await this.during(opened.start());
    await this.runUntil(`${opened.serviceId} to be ready`, () => mayClaim(opened), PATIENCE_MS);
    return opened;
  }

  /**
   * The end of a service that joined, as by SIGKILL: no drain, no last word. Its jobs move when the others have found it silent for long
   * enough (`failAfterMs`): let time go on.
   * @throws RangeError for the application's own service, and for one that has not joined or is gone.
   */
  async kill(serviceId: string): Promise<void> {
    const { process } = this.peer(serviceId, 'kill');
    process.kill();
    this.forget(serviceId);
    await this.flow.settle();
  }

  /** The end of a service that joined, in order: it drains and hands its jobs over. */
  async leave(serviceId: string): Promise<void> {
    const { service } = this.peer(serviceId, 'leave');
    // Not to be killed, nor to leave once more, while it leaves; its id is taken until it has.
    this.peers.delete(serviceId);
    await this.during(service.close());
    this.forget(serviceId);
  }

  /** Names of the timers that are pending: none after the application was closed. */
  pendingTimers(): readonly string[] {
    return this.clock.pendingTimers();
  }

  /** Called by the module: time flows while the application's service starts, until it may claim and its declared jobs are in the log. */
  async started(service: HoldfastService): Promise<void> {
    this.running = true;
    if (service.options.role === 'worker')
      await this.runUntil(`${service.serviceId} to be ready`, () => mayClaim(service), PATIENCE_MS);
    await this.during(service.declarations.settled());
    await this.flow.settle();
  }

  /** Called by the module: the service of the application, which has not started. */
  adopt(service: HoldfastService): void {
    this.application = service;
  }

  /** Called by the module: time flows while the service is starting, whatever it waits for. */
  async flowWhileStarting(service: HoldfastService, done: () => boolean): Promise<void> {
    // Before its loops run there is nothing to wait for but the host's own start, which takes real time.
    // A start that fails is told to nobody here: this keeps no process alive.
    while (!done() && service.membership === null)
      await new Promise<void>((resolve) => this.real.setTimer(1, resolve, { keepAlive: false }));
    await this.flow.whileNot(done);
  }

  /**
   * Drains and ends every service, as `app.close()` does, which is still to be called. Idempotent.
   * @throws Error when a timer is left. (`app.close()` says so too, but Nest 12 only logs what is thrown at its end.)
   */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    // After what lets time go on now.
    await this.flow.settle();
    await this.during(Promise.all(this.services().map((service) => service.close())));
    this.peers.clear();
    await this.store.close();
    this.over = true;
    await this.clock.settle();
    const left = this.pendingTimers();
    if (left.length > 0) throw new Error(`Timers are left after the end: ${left.join(', ')}.`);
  }

  private forget(serviceId: string): void {
    this.peers.delete(serviceId);
    this.taken.delete(serviceId);
  }

  private services(): readonly HoldfastService[] {
    const peers = [...this.peers.values()].map(({ service }) => service);
    return this.application === null ? peers : [this.application, ...peers];
  }

  private service(): HoldfastService {
    if (this.over) throw new Error('The application has been closed: time does not go on any more.');
    if (this.application === null || !this.running)
      throw new Error(
        'The application has not started. Call `await app.init()` (or `createTestingModule(…).compile()` and then `init()`) before.',
      );
    return this.application;
  }

  private peer(serviceId: string, verb: string): Peer {
    const peer = this.peers.get(serviceId);
    if (peer) return peer;
    const own = this.application?.serviceId === serviceId;
    throw new RangeError(
      own
        ? `service.id = ${serviceId}: it is the application's own service, which holds the providers of the test; \`join\` another and ${verb} that, or close the application.`
        : `service.id = ${serviceId}: no such service has joined, or it is gone. Those that may ${verb} are: ${[...this.peers.keys()].join(', ') || 'none'}.`,
    );
  }

  private portsOf(store: EventStore): RuntimePorts & { store: EventStore } {
    return { clock: this.clock, random: this.nextRandom(), logger: this.logger, zoneData: process.versions.tz, store };
  }

  private nextRandom(): SeededRandom {
    return new SeededRandom(this.seed * 1_000 + this.seeds++);
  }
}

function check(field: string, value: unknown, holds: boolean, rule: string): void {
  if (!holds) throw new RangeError(`${field} = ${String(value)}: ${rule} Leave it out for the default.`);
}

function mayClaim(service: HoldfastService): boolean {
  return service.membership?.mayClaim() ?? false;
}
