import { Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { JobHandler, JobOwnershipModule, Jobs, jobType, type JobContext } from '../../src';
import { whoIsDestroyedBefore } from '../../src/module/shutdown-order';
import { Hosts, printed, ready, until } from './host';

const Reporting = jobType<null>('report');

/** A host's database pool, as far as the order of its end goes. */
class Pool implements OnModuleDestroy {
  open = true;
  queries = 0;
  query(): number {
    if (!this.open) throw new Error('the pool is closed');
    return ++this.queries;
  }
  onModuleDestroy(): void {
    this.open = false;
  }
}

@Injectable()
class RootPool extends Pool {}
@Injectable()
class FeaturePool extends Pool {}
@Injectable()
class GlobalPool extends Pool {}

@Module({ providers: [FeaturePool], exports: [FeaturePool] })
class DatabaseModule {}

@Injectable()
class Report {
  running = 0;
  outcome: string | null = null;
  release: () => void = () => undefined;
  readonly reasons: unknown[] = [];
  constructor(
    @Inject(RootPool) private readonly root: RootPool,
    @Inject(FeaturePool) private readonly feature: FeaturePool,
  ) {}

  @JobHandler('report')
  async run(_: unknown, { signal }: JobContext): Promise<void> {
    this.running++;
    signal.addEventListener('abort', () => this.reasons.push(signal.reason));
    await new Promise<void>((resolve) => (this.release = resolve));
    try {
      this.root.query();
      this.feature.query();
      this.outcome = 'both pools were open';
    } catch (error) {
      this.outcome = String(error);
    }
    this.running--;
  }
}

describe('app.close()', () => {
  const hosts = new Hosts();
  afterEach(() => hosts.close());

  const imports = {
    last: () => [DatabaseModule, JobOwnershipModule.forRoot(hosts.options())],
    first: () => [JobOwnershipModule.forRoot(hosts.options()), DatabaseModule],
  };

  it.each(['first', 'last'] as const)(
    'drains before the pools of the root module and of another one go (module imported %s)',
    async (order) => {
      printed.length = 0;
      @Module({ imports: imports[order](), providers: [RootPool, Report] })
      class RootModule {}
      const app = await hosts.startRoot(RootModule);
      const holdfast = await ready(app);
      const report = app.get(Report);
      await app.get(Jobs, { strict: false }).schedule(Reporting, null, {
        id: 'r',
        schedule: { kind: 'interval', every: 100 },
      });
      await until('the report to begin', () => report.running === 1);
      const closed = app.close();
      await until('the drain to begin', () => holdfast.membership?.draining() ?? false);
      expect(app.get(RootPool).open).toBe(true);
      expect(app.get(FeaturePool, { strict: false }).open).toBe(true);
      report.release();
      await closed;
      expect(report.outcome).toBe('both pools were open');
      expect(report.reasons).toEqual([]);
      expect(app.get(RootPool).open).toBe(false);
      expect(app.get(FeaturePool, { strict: false }).open).toBe(false);
      expect(printed.filter((line) => /will be destroyed before/.test(String(line)))).toEqual([]);
    },
  );

  it('drains beside a global module with a pool', async () => {
    @Module({
      providers: [GlobalPool, { provide: FeaturePool, useExisting: GlobalPool }],
      exports: [GlobalPool, FeaturePool],
    })
    class EverywhereModule {}
    const app = await hosts.start({
      imports: [JobOwnershipModule.forRoot(hosts.options()), { module: EverywhereModule, global: true }],
      providers: [RootPool, Report],
    });
    await ready(app);
    const report = app.get(Report);
    await app.get(Jobs, { strict: false }).schedule(Reporting, null, { id: 'r' });
    await until('the report to begin', () => report.running === 1);
    const closed = app.close();
    report.release();
    await closed;
    expect(report.outcome).toBe('both pools were open');
  });

  it('aborts what runs on after drainTimeout as draining, and resolves although a handler ignores it', async () => {
    const app = await hosts.start({
      imports: [DatabaseModule, JobOwnershipModule.forRoot(hosts.options({ drainTimeoutMs: 50 }))],
      providers: [RootPool, Report],
    });
    await ready(app);
    const report = app.get(Report);
    printed.length = 0;
    await app.get(Jobs, { strict: false }).schedule(Reporting, null, { id: 'stubborn' });
    await until('the report to begin', () => report.running === 1);
    await app.close();
    expect(report.running).toBe(1);
    expect(report.reasons).toMatchObject([{ name: 'JobAbortedError', reason: 'draining' }]);
    expect(printed).toContainEqual(expect.objectContaining({ fact: 'job.left-over', jobId: 'stubborn' }));
    report.release();
  });

  it('warns when a module goes before the drain, naming its providers and the remedy', async () => {
    @Injectable()
    class HastyPool extends Pool {}
    @Module({ providers: [HastyPool] })
    class HastyModule {
      constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
        for (const module of modules.values()) if (module.metatype === HastyModule) module.distance = -1;
      }
    }
    printed.length = 0;
    const app = await hosts.start({
      imports: [HastyModule, DatabaseModule, JobOwnershipModule.forRoot(hosts.options())],
      providers: [RootPool, Report],
    });
    expect(whoIsDestroyedBefore(app.get(ModulesContainer), JobOwnershipModule)).toEqual(['HastyModule.HastyPool']);
    expect(printed).toContainEqual(expect.stringMatching(/HastyModule\.HastyPool will be destroyed before.*last/));
  });
});
