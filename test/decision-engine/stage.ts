import { Test, type TestingModule } from '@nestjs/testing';
import { AuditDesk } from '../../examples/decision-engine/audit-desk';
import { AuditRunner, CLUSTER_SOURCE, WALL_CLOCK } from '../../examples/decision-engine/audit-runner';
import type { AuditSpec } from '../../examples/decision-engine/audit';
import type { AuditState } from '../../examples/decision-engine/audit-state';
import type { Cluster } from '../../examples/decision-engine/cluster/cluster';
import { machineAsHost } from '../../examples/decision-engine/cluster/machine';
import { readCluster } from '../../examples/decision-engine/cluster/read-cluster';
import { enginesOf, type EngineView } from '../../examples/decision-engine/engine-status';
import { Ledger } from '../../examples/decision-engine/ledger';
import { decode, history, Queries, type DomainEvent } from '../../src';
import { HoldfastTesting, HoldfastTestingModule } from '../../src/testing';

type Type = DomainEvent['type'];
type DataOf<T extends Type> = Extract<DomainEvent, { readonly type: T }>['data'];

/** The decision engine in virtual time: one process that may be an engine itself, and engines that join and die. */
export class Stage {
  readonly testing: HoldfastTesting;
  readonly desk: AuditDesk;
  readonly ledger: Ledger;
  /** What the next looks at the cluster do; then it is the one that ships. */
  readonly looks: (() => Cluster | Promise<Cluster>)[] = [];

  private constructor(private readonly app: TestingModule) {
    this.testing = app.get(HoldfastTesting);
    this.desk = app.get(AuditDesk);
    this.ledger = app.get(Ledger);
  }

  /**
   * @param name what the first service is: an `engine`, or another one beside the engines (`api`), which has the handlers and judges, but to
   * which no audit with the tag `engine` goes.
   */
  static async open(name: 'engine' | 'api'): Promise<Stage> {
    const looks: Stage['looks'] = [];
    const app = await Test.createTestingModule({
      imports: [HoldfastTestingModule.forRoot({ service: { name, host: 'host-1' } })],
      providers: [
        AuditDesk,
        AuditRunner,
        { provide: Ledger, useFactory: () => new Ledger(':memory:') },
        { provide: CLUSTER_SOURCE, useValue: async () => (looks.shift() ?? shipped)() },
        {
          provide: WALL_CLOCK,
          inject: [HoldfastTesting],
          useFactory: (testing: HoldfastTesting) => () => testing.now().getTime(),
        },
      ],
    }).compile();
    await app.init();
    const stage = new Stage(app);
    Object.assign(stage, { looks });
    return stage;
  }

  async close(): Promise<void> {
    await this.testing.close();
    await this.app.close();
    this.ledger.close();
  }

  get<T>(token: new (...args: never[]) => T): T {
    return this.app.get(token);
  }

  /** Decision engines on these hosts. */
  async engines(...hosts: readonly string[]): Promise<void> {
    for (const host of hosts) await this.testing.join({ name: 'engine', host });
  }

  /** Hands an audit in that runs every ten minutes, on any engine, unless it says otherwise. */
  async create(id: string, spec: Partial<AuditSpec> = {}): Promise<void> {
    const usual = { type: 'CONTINUOUS', goal: 'dummy', interval: '600', tag: { name: 'engine' } } as const;
    await this.testing.during(this.desk.create({ ...usual, ...spec, id }));
    await this.testing.advance('1s');
  }

  async state(id: string): Promise<AuditState | undefined> {
    return (await this.desk.get(id))?.state;
  }

  async owner(id: string): Promise<string | null | undefined> {
    return (await this.desk.get(id))?.owner;
  }

  /** Of all engines, by id. */
  async status(): Promise<readonly EngineView[]> {
    return enginesOf((await this.get(Queries).services()).rows);
  }

  /** When its runs were entered, as ISO 8601 without milliseconds. */
  runTimes(id: string): readonly string[] {
    return this.testing.runs(id).map(({ enteredAt }) => new Date(enteredAt).toISOString().slice(0, 19));
  }

  /** Facts of an audit, of one type. */
  async facts<T extends Type>(id: string, type: T): Promise<readonly DataOf<T>[]> {
    const found: DataOf<T>[] = [];
    for await (const entry of history(this.testing.store, id))
      if (entry.type === type) found.push(entry.data as DataOf<T>);
    return found;
  }

  /** Facts of a service, or its heartbeats, of one type. */
  async serviceFacts<T extends Type>(stream: string, type: T): Promise<readonly DataOf<T>[]> {
    const { events } = await this.testing.store.readStream(stream, { direction: 'forwards', limit: 10_000 });
    const decoded = events.map(({ type: is, data, metadata }) => decode(is, data, metadata));
    return decoded.flatMap((event) => (event.type === type ? [event.data as DataOf<T>] : []));
  }
}

function shipped(): Cluster {
  const { hosts, instances } = readCluster();
  const figures = { cpus: 4, memoryMiB: 8_192, cpusInUse: 1, memoryInUseMiB: 4_096, samples: 1 };
  return { hosts: [...hosts, machineAsHost(figures)], instances };
}
