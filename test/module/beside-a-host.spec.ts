import { Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  QueryBus,
  type ICommandHandler,
  type IEventHandler,
} from '@nestjs/cqrs';
import { Cron, Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import {
  GetJobQuery,
  JobBoundToServiceFact,
  JobHandler,
  JobOwnershipModule,
  Jobs,
  ScheduleJobCommand,
} from '../../src';
import { HoldfastService, jobType, MemoryEventStore } from '../../src';
import { SystemClock, SystemRandom } from '../../src/clock';
import { Hosts, ready, until } from './host';

const Work = jobType<null>('work');
const clock = new SystemClock();

@Injectable()
class Worker {
  runs = 0;
  @JobHandler('work')
  work(): void {
    this.runs++;
  }
}

describe('beside a host with @nestjs/schedule', () => {
  const hosts = new Hosts();
  afterEach(() => hosts.close());

  @Injectable()
  class Ticks {
    cron: number[] = [];
    interval = 0;
    @Cron('* * * * * *')
    onCron(): void {
      this.cron.push(Math.round(clock.wall() / 1_000));
    }
    @Interval('of-the-host', 100)
    onInterval(): void {
      this.interval++;
    }
  }

  /** The host's imports in an order. */
  const orders: Record<string, () => (DynamicModule | Type)[]> = {
    'schedule first': () => [ScheduleModule.forRoot(), JobOwnershipModule.forRoot(hosts.options())],
    'holdfast first': () => [JobOwnershipModule.forRoot(hosts.options()), ScheduleModule.forRoot()],
    'holdfast first, asynchronously': () => [
      JobOwnershipModule.forRootAsync({ useFactory: () => hosts.options() }),
      ScheduleModule.forRoot(),
    ],
    'schedule within a feature': () => {
      @Module({ imports: [ScheduleModule.forRoot()] })
      class FeatureModule {}
      return [JobOwnershipModule.forRoot(hosts.options()), FeatureModule];
    },
  };
  const ours = (registry: SchedulerRegistry) => registry.getTimeouts().filter((name) => name.startsWith('holdfast:'));

  it.each(Object.keys(orders))('shows the timers of the loops in the registry of the host (%s)', async (order) => {
    const app = await hosts.start({ imports: orders[order](), providers: [Worker] });
    await ready(app);
    const registry = app.get(SchedulerRegistry, { strict: false });
    await until('the beat in the registry', () => ours(registry).some((name) => name.startsWith('holdfast:beat')));
    expect(ours(registry)).toContainEqual(expect.stringMatching(/^holdfast:membership/));
    await app.close();
    expect(ours(registry)).toEqual([]);
  });

  it("fires the host's @Cron and @Interval once per tick", async () => {
    const app = await hosts.start({ imports: orders['holdfast first'](), providers: [Worker, Ticks] });
    const began = clock.monotonic();
    const ticks = app.get(Ticks);
    await until('two ticks of the cron job', () => ticks.cron.length >= 2);
    const took = clock.monotonic() - began;
    expect(new Set(ticks.cron).size).toBe(ticks.cron.length);
    expect(ticks.interval).toBeLessThanOrEqual(took / 100 + 1);
    expect(app.get(SchedulerRegistry, { strict: false }).getIntervals()).toEqual(['of-the-host']);
  });

  it('goes on beating and running when the registry is cleared', async () => {
    const app = await hosts.start({ imports: orders['schedule first'](), providers: [Worker] });
    const holdfast = await ready(app);
    const registry = app.get(SchedulerRegistry, { strict: false });
    for (const name of registry.getTimeouts()) registry.deleteTimeout(name);
    const { selfFenceAfterMs } = holdfast.options.liveness;
    const cleared = clock.monotonic();
    await until('a trust from beats sent after the clearing', () => {
      if (holdfast.membership?.trust.check() !== null) throw new Error('fenced: the beat fell silent');
      return clock.monotonic() - cleared > 2 * selfFenceAfterMs;
    });
    await app.get(Jobs, { strict: false }).schedule(Work, null, { id: 'after' });
    await until('a run', () => app.get(Worker).runs === 1);
  });

  it('works without a registry of the host', async () => {
    const app = await hosts.start({ imports: [JobOwnershipModule.forRoot(hosts.options())], providers: [Worker] });
    await ready(app);
    expect(() => app.get(SchedulerRegistry, { strict: false })).toThrow();
  });
});

describe('beside a host with @nestjs/cqrs', () => {
  const hosts = new Hosts();
  afterEach(() => hosts.close());

  class Rename {
    constructor(readonly name: string) {}
  }
  @CommandHandler(Rename)
  class RenameHandler implements ICommandHandler<Rename> {
    execute({ name }: Rename): Promise<string> {
      return Promise.resolve(name.toUpperCase());
    }
  }
  @EventsHandler(JobBoundToServiceFact)
  class Bindings implements IEventHandler<JobBoundToServiceFact> {
    readonly seen: JobBoundToServiceFact[] = [];
    handle(fact: JobBoundToServiceFact): void {
      this.seen.push(fact);
    }
  }
  const combinations: [string, () => (DynamicModule | Type)[]][] = [
    ['without CqrsModule', () => [JobOwnershipModule.forRoot(hosts.options())]],
    ['CqrsModule plain, before', () => [CqrsModule, JobOwnershipModule.forRoot(hosts.options())]],
    ['CqrsModule plain, after', () => [JobOwnershipModule.forRoot(hosts.options()), CqrsModule]],
    ['CqrsModule.forRoot(), before', () => [CqrsModule.forRoot(), JobOwnershipModule.forRoot(hosts.options())]],
    ['CqrsModule.forRoot(), after', () => [JobOwnershipModule.forRoot(hosts.options()), CqrsModule.forRoot()]],
  ];

  it.each(combinations)('%s: one bus; commands, queries and facts pass once', async (_, imports) => {
    const app = await hosts.start({ imports: imports(), providers: [Worker, RenameHandler, Bindings] });
    await ready(app);
    const bus = app.get(CommandBus, { strict: false });
    const command = new ScheduleJobCommand({ jobId: 'by-bus', handler: 'work' });
    const result = await bus.execute(command);
    expect(result).toMatchObject({ id: 'by-bus', added: 1, revision: 0 });
    expect(await bus.execute(new Rename('x'))).toBe('X');
    const { position } = result as { position: bigint };
    const query = new GetJobQuery({ jobId: 'by-bus', after: position });
    expect(await app.get(QueryBus, { strict: false }).execute(query)).toMatchObject({
      jobId: 'by-bus',
      handler: 'work',
    });
    const bindings = app.get(Bindings);
    await until('the binding on the bus of events', () => bindings.seen.length > 0);
    await until('the run', () => app.get(Worker).runs === 1);
    await until('the end of the job in the view', () => {
      const row = app.get(HoldfastService, { strict: false }).readModel.job('by-bus');
      return row?.status === 'completed';
    });
    expect(bindings.seen).toHaveLength(1);
    expect(bindings.seen[0]).toMatchObject({
      type: 'JobBoundToService',
      id: 'by-bus',
      data: { serviceId: 'host@test', epoch: 1 },
    });
    expect(bindings.seen[0]).toBeInstanceOf(JobBoundToServiceFact);
  });

  it('rejects what is refused, on the bus too', async () => {
    const app = await hosts.start({ imports: [JobOwnershipModule.forRoot(hosts.options({ role: 'web-only' }))] });
    const bus = app.get(CommandBus, { strict: false });
    await expect(bus.execute(new ScheduleJobCommand({ jobId: 'a b', handler: 'work' }))).rejects.toMatchObject({
      name: 'CommandRefusedError',
    });
  });

  it("begins with the log's head at start, and publishes nothing with publishFacts: false", async () => {
    const store = new MemoryEventStore({ clock, random: new SystemRandom() });
    const start = async (name: string, publishFacts: boolean) => {
      const app = await hosts.start({
        imports: [
          JobOwnershipModule.forRoot(
            hosts.options({
              service: { name, host: 'test' },
              store: { kind: 'adapter', store },
              stateDirectory: hosts.folder(),
              publishFacts,
            }),
          ),
        ],
        providers: [Worker, Bindings],
      });
      await ready(app);
      return app;
    };
    const first = await start('first', false);
    const schedule = (id: string) => first.get(Jobs, { strict: false }).schedule(Work, null, { id });
    const completed = (id: string) => first.get(HoldfastService).readModel.job(id)?.status === 'completed';
    await schedule('before');
    await until('the first job', () => completed('before'));
    const second = await start('second', true);
    expect(second.get(EventBus, { strict: false })).toBeDefined();
    await schedule('after');
    await until('the fact of the second job', () => second.get(Bindings).seen.length > 0);
    await until('the second job', () => completed('after'));
    expect(second.get(Bindings).seen.map(({ id }) => id)).toEqual(['after']);
    expect(first.get(Bindings).seen).toEqual([]);
    await hosts.close();
    await store.close();
  });
});
