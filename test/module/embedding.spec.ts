import { Controller, Injectable, Module } from '@nestjs/common';
import { JobHandler, JobHandlerRefusedError, JobOwnershipModule, Jobs, jobType, type HoldfastOptions } from '../../src';
import { HoldfastService, MemoryEventStore, Queries, type JobContext } from '../../src';
import { SystemClock, SystemRandom } from '../../src/clock';
import { Hosts, ready, until } from './host';

const Greet = jobType<{ readonly who: string }>('greet');

@Injectable()
class Words {
  greeting(who: string): string {
    return `Hello, ${who}.`;
  }
}

@Injectable()
class Greeter {
  readonly said: string[] = [];
  constructor(private readonly words: Words) {}

  @JobHandler(Greet, { version: '3', concurrency: 2 })
  greet(payload: { readonly who: string }, context: JobContext): void {
    this.said.push(`${this.words.greeting(payload.who)} (${context.jobId})`);
  }
}

describe('JobOwnershipModule in a host application', () => {
  const hosts = new Hosts();
  afterEach(() => hosts.close());

  const options = hosts.options();

  @Injectable()
  class OptionsOfHost {
    createHoldfastOptions(): HoldfastOptions {
      return options;
    }
  }
  @Module({ providers: [OptionsOfHost], exports: [OptionsOfHost] })
  class SettingsModule {}

  it.each([
    ['forRoot', () => JobOwnershipModule.forRoot(options)],
    [
      'forRootAsync with useFactory',
      () =>
        JobOwnershipModule.forRootAsync({
          imports: [SettingsModule],
          inject: [OptionsOfHost],
          useFactory: async (of: OptionsOfHost) => of.createHoldfastOptions(),
        }),
    ],
    ['forRootAsync with useClass', () => JobOwnershipModule.forRootAsync({ useClass: OptionsOfHost })],
    [
      'forRootAsync with useExisting',
      () => JobOwnershipModule.forRootAsync({ imports: [SettingsModule], useExisting: OptionsOfHost }),
    ],
  ])(
    '%s: schedules by the facade, runs a method of a provider with all that is injected into it',
    async (_, module) => {
      const app = await hosts.start({ imports: [module()], providers: [Words, Greeter] });
      const holdfast = await ready(app);
      expect(holdfast.handlers.versions()).toEqual({ greet: '3' });
      expect(holdfast.handlers.get('greet')).toMatchObject({ concurrency: 2 });
      await app.get(Jobs).schedule(Greet, { who: 'Ada' }, { id: 'greeting', schedule: { kind: 'once', at: 'asap' } });
      await until('the greeting', () => app.get(Greeter).said.length > 0);
      expect(app.get(Greeter).said).toEqual(['Hello, Ada. (greeting)']);
    },
  );

  it('injects the facade everywhere, without an import', async () => {
    @Injectable()
    class Elsewhere {
      constructor(
        readonly jobs: Jobs,
        readonly queries: Queries,
        readonly holdfast: HoldfastService,
      ) {}
    }
    @Module({ providers: [Elsewhere] })
    class FeatureModule {}
    const app = await hosts.start({ imports: [FeatureModule, JobOwnershipModule.forRoot(options)] });
    const elsewhere = app.get(Elsewhere, { strict: false });
    expect(elsewhere.jobs).toBe(app.get(Jobs, { strict: false }));
    expect(elsewhere.queries).toBeInstanceOf(Queries);
    expect(elsewhere.holdfast.options.serviceId).toBe('host@test');
  });

  it('finds handlers on controllers and in modules of features, and one that is reachable by two tokens once', async () => {
    @Controller()
    class Reports {
      @JobHandler('report')
      report(): void {}
    }
    @Module({ providers: [Words, Greeter, { provide: 'alias', useExisting: Greeter }], controllers: [Reports] })
    class FeatureModule {}
    const app = await hosts.start({ imports: [JobOwnershipModule.forRoot(options), FeatureModule] });
    expect([...app.get(HoldfastService, { strict: false }).handlers.names()].sort()).toEqual(['greet', 'report']);
  });

  it('finds handlers that a class inherits', async () => {
    class LoudGreeter extends Greeter {}
    const app = await hosts.start({
      imports: [JobOwnershipModule.forRoot(options)],
      providers: [
        Words,
        { provide: LoudGreeter, inject: [Words], useFactory: (words: Words) => new LoudGreeter(words) },
      ],
    });
    expect(app.get(HoldfastService, { strict: false }).handlers.names()).toEqual(['greet']);
  });

  describe('refuses loudly', () => {
    const refusal = async (providers: NonNullable<Parameters<Hosts['compile']>[0]['providers']>) => {
      const app = await hosts.compile({ imports: [JobOwnershipModule.forRoot(options)], providers });
      return app.init().then(
        () => null,
        (error: unknown) => error as Error,
      );
    };

    it('two handlers of one name', async () => {
      @Injectable()
      class Other {
        @JobHandler(Greet)
        run(): void {}
      }
      const error = await refusal([Words, Greeter, Other]);
      expect(error).toBeInstanceOf(JobHandlerRefusedError);
      expect(error?.message).toMatch(/'greet' is on .*Greeter\.greet and on .*Other\.run.*Rename/);
    });

    it('options that contradict each other, naming field and remedy', async () => {
      const wrong = { ...options, liveness: { profile: 'tuned' as const, failAfterMs: 700 } };
      await expect(hosts.compile({ imports: [JobOwnershipModule.forRoot(wrong)] })).rejects.toMatchObject({
        name: 'OptionsRefusedError',
        message: expect.stringMatching(/failAfter/),
      });
    });
  });

  it('starts nothing before bootstrap', async () => {
    const clock = new SystemClock();
    const store = new MemoryEventStore({ clock, random: new SystemRandom() });
    const app = await hosts.compile({
      imports: [
        JobOwnershipModule.forRoot({ ...options, store: { kind: 'adapter', store }, stateDirectory: hosts.folder() }),
      ],
      providers: [Words, Greeter],
    });
    await clock.sleep(300); // two beats long
    expect(await store.head()).toBe('start');
    expect(app.get(HoldfastService, { strict: false }).membership).toBeNull();
    await app.init();
    await ready(app);
    expect(await store.head()).not.toBe('start');
    await app.close();
    await store.close();
  });

  it('closes an application that was never bootstrapped', async () => {
    const app = await hosts.compile({ imports: [JobOwnershipModule.forRoot(options)] });
    await app.close();
  });

  it('runs two applications in one process over one log; the second takes over when the first closes', async () => {
    const store = new MemoryEventStore({ clock: new SystemClock(), random: new SystemRandom() });
    const app = (name: string) =>
      hosts.start({
        imports: [
          JobOwnershipModule.forRoot({
            ...options,
            service: { name, host: 'test' },
            store: { kind: 'adapter', store },
            stateDirectory: hosts.folder(),
          }),
        ],
        providers: [Words, Greeter],
      });
    const first = await app('first');
    await ready(first);
    await first.get(Jobs).schedule(Greet, { who: 'all' }, { id: 'often', schedule: { kind: 'interval', every: 100 } });
    await until('a run on the first', () => first.get(Greeter).said.length > 0);
    const second = await app('second');
    const holdfast = await ready(second);
    expect(second.get(Greeter).said).toEqual([]);
    await first.close();
    await until('a run on the second', () => second.get(Greeter).said.length > 0);
    expect(holdfast.readModel.job('often')).toMatchObject({ serviceId: 'second@test', epoch: 2 });
    await hosts.close();
    await store.close();
  });

  it('web-only: neither registers nor beats; it projects, queries and sends commands', async () => {
    const clock = new SystemClock();
    const store = new MemoryEventStore({ clock, random: new SystemRandom() });
    const app = (name: string, role: 'worker' | 'web-only') =>
      hosts.start({
        imports: [
          JobOwnershipModule.forRoot({
            ...options,
            role,
            service: { name, host: 'test' },
            store: { kind: 'adapter', store },
            stateDirectory: hosts.folder(),
          }),
        ],
        providers: [Words, Greeter],
      });
    const web = await app('web', 'web-only');
    const { position } = await web
      .get(Jobs)
      .schedule(Greet, { who: 'Bo' }, { id: 'job', schedule: { kind: 'once', at: 'asap' } });
    const asked = await web.get(Queries).job('job', { after: position, timeoutMs: 2_000 });
    expect(asked).toMatchObject({ jobId: 'job', serviceId: null });
    expect(await web.get(HoldfastService).readiness()).toMatchObject({ ready: true, role: 'web-only' });

    const worker = await app('worker', 'worker');
    await until('the run on the worker', () => worker.get(Greeter).said.length === 1);
    await until(
      'the outcome in the view of the replica',
      () => web.get(HoldfastService).readModel.job('job')?.lastOutcome != null,
    );
    expect(web.get(Greeter).said).toEqual([]);
    const { events } = await store.readAll({ after: 'start', limit: 1_000 });
    const streams = new Set(events.map(({ stream }) => stream));
    expect([...streams].filter((stream) => stream.includes('web@test'))).toEqual([]);
    expect([...streams]).toContain('service-worker@test');
    await hosts.close();
    await store.close();
  });
});
