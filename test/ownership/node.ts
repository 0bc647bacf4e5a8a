import { SeededRandom, type VirtualClock } from '../../src/clock';
import {
  CommandExecutor,
  MarkServiceFailedCommand,
  RegisterServiceCommand,
  type JobExecution,
} from '../../src/commands';
import type { MemoryEventStore } from '../../src/event-store';
import { silentLogger } from '../../src/logging';
import type { Membership } from '../../src/membership';
import { OwnershipSweep, type SweepPorts } from '../../src/ownership';
import { SqliteReadModel, type ReadModel } from '../../src/read-model';

/** One service with its own view and executor on the common log; membership says what the test says. */
export class Node {
  trusted = true;
  silent = new Set<string>();
  entered: JobExecution[] = [];
  failure: string | null = null;

  private constructor(
    readonly serviceId: string,
    readonly incarnation: string,
    readonly view: SqliteReadModel,
    readonly executor: CommandExecutor,
    readonly clock: VirtualClock,
  ) {}

  sweep!: OwnershipSweep;

  static async open(
    log: { readonly store: MemoryEventStore; readonly clock: VirtualClock },
    serviceId: string,
    options: { labels?: Record<string, string>; seeing?: (view: ReadModel) => SweepPorts['readModel'] } = {},
  ): Promise<Node> {
    const { store, clock } = log;
    const random = new SeededRandom([...serviceId].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7));
    const view = await SqliteReadModel.open({
      path: ':memory:',
      store,
      clock,
      random,
      namespace: '',
      logger: silentLogger,
    });
    const clusterTime = { now: () => clock.wall() };
    const executor = new CommandExecutor({
      store,
      clock,
      random,
      clusterTime,
      zoneData: 'test',
      namespace: '',
      directory: view,
      logger: silentLogger,
    });
    const incarnation = random.uuid(clock.wall());
    const node = new Node(serviceId, incarnation, view, executor, clock);
    node.sweep = new OwnershipSweep(
      {
        readModel: options.seeing?.(view) ?? view,
        commands: { execute: (command, how) => executor.execute(command, how) },
        membership: node.membership(),
        startsRuns: {
          accepts: () => true,
          reserve: () => ({ suspect: true, landed: (e) => void node.entered.push(e), cancel: () => undefined }),
        },
        clock,
        random,
        logger: { ...silentLogger, error: (fact, fields) => void (node.failure = `${fact} ${String(fields?.error)}`) },
      },
      { claimGraceMs: 100, failAfterMs: 1_000, homeAfterMs: 2_000 },
    );
    await view.start();
    await executor.execute(
      new RegisterServiceCommand({
        serviceId,
        incarnation,
        labels: { host: 'h', name: serviceId, ...options.labels },
        capacity: { maxOwnedJobs: 1_000_000, maxConcurrentRuns: 50 },
        handlers: { audit: '1' },
        process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
        placementVersion: 1,
        reason: 'start',
        supersede: null,
      }),
    );
    node.sweep.start();
    return node;
  }

  /** The process is gone. */
  kill(): void {
    this.trusted = false;
    void this.sweep.close();
  }

  async fail(observer: Node): Promise<void> {
    const row = observer.view.service(this.serviceId)!;
    await observer.executor.execute(
      new MarkServiceFailedCommand({
        by: 'observer',
        serviceId: this.serviceId,
        incarnation: this.incarnation,
        observer: observer.serviceId,
        observerIncarnation: observer.incarnation,
        evidence: { kind: 'silence', lastBeat: 1, silenceMs: 1_000, thresholdMs: 1_000, membershipPosition: '1' },
        viewRevision: row.revision,
      }),
    );
  }

  /** Jobs that it owns, as its own view has it. */
  owned(): number {
    return this.view.ownJobs(this.serviceId).count(this.incarnation).owned;
  }

  async close(): Promise<void> {
    const closing = this.sweep.close();
    await this.clock.advance(2_000);
    await closing;
    await this.executor.close();
    await this.view.close();
  }

  private membership(): Membership {
    return {
      serviceId: this.serviceId,
      trust: {
        check: () => (this.trusted ? null : 'trust-expired'),
        remainingMs: () => (this.trusted ? 1_000 : 0),
        settled: () => Promise.resolve(this.trusted),
        onFence: () => () => undefined,
        onTrust: () => () => undefined,
      },
      clusterTime: { now: () => this.clock.wall() },
      incarnation: () => this.incarnation,
      isOwn: (incarnation) => incarnation === this.incarnation,
      mayClaim: () => this.trusted,
      draining: () => false,
      silentSinceEnd: (incarnation) => this.silent.has(incarnation),
      silences: () => [],
      passCompleted: () => undefined,
      health: () => {
        throw new Error('not asked for');
      },
    };
  }
}
