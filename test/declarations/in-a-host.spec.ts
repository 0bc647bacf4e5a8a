import { Controller, Injectable } from '@nestjs/common';
import { Cron as NestCron, Interval as NestInterval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import {
  Cron,
  CronExpression,
  DeclarationRefusedError,
  HoldfastService,
  Interval,
  JobHandler,
  JobOwnershipModule,
  Jobs,
  Queries,
  Timeout,
  type JobContext,
} from '../../src';
import { Hosts, printed, ready, until } from '../module/host';

describe('@Cron, @Interval, @Timeout in a host application', () => {
  const hosts = new Hosts();
  afterEach(() => hosts.close());

  it('run on the clock of the machine, with the context of the run and what is injected', async () => {
    @Injectable()
    class Words {
      readonly said: string[] = [];
    }
    @Injectable()
    class Tasks {
      readonly contexts: JobContext[] = [];
      readonly counted: Record<string, number> = {};
      constructor(private readonly words: Words) {}

      @Cron(CronExpression.EVERY_SECOND)
      cron(...given: [JobContext]): void {
        expect(given).toHaveLength(1);
        this.contexts.push(given[0]);
        this.words.said.push('tick');
      }
      @Interval('beat', 100)
      interval(): void {
        this.counted.interval = (this.counted.interval ?? 0) + 1;
      }
      @Timeout(50)
      async timeout(): Promise<void> {
        this.counted.timeout = (this.counted.timeout ?? 0) + 1;
      }
    }
    const app = await hosts.start({
      imports: [JobOwnershipModule.forRoot(hosts.options())],
      providers: [Words, Tasks],
    });
    const holdfast = await ready(app);
    const report = await holdfast.declarations.settled();
    expect(report.declared.map(({ jobId, outcome }) => [jobId, outcome])).toEqual([
      ['Tasks.cron', 'scheduled'],
      ['beat', 'scheduled'],
      ['Tasks.timeout', 'scheduled'],
    ]);
    const tasks = app.get(Tasks);
    await until('two ticks of each', () => tasks.contexts.length >= 2 && (tasks.counted.interval ?? 0) >= 2);
    expect(tasks.contexts[0]).toMatchObject({
      jobId: 'Tasks.cron',
      handler: 'Tasks.cron',
      attempt: 1,
      serviceId: 'host@test',
    });
    expect(tasks.contexts[0].scheduledAt! % 1_000).toBe(0);
    expect(app.get(Words).said.length).toBe(tasks.contexts.length);
    expect(tasks.counted.timeout).toBe(1);
    expect(await app.get(Queries).job('Tasks.cron')).toMatchObject({ serviceId: 'host@test', handler: 'Tasks.cron' });
    await app.get(Jobs).pause('Tasks.cron');
    await until('the pause', () => holdfast.readModel.job('Tasks.cron')?.status === 'paused');
    expect(await holdfast.readiness()).toMatchObject({ ready: true, declarations: { settled: true, answered: 3 } });
  });

  it("stand beside the host's own ScheduleModule: each fires once", async () => {
    @Injectable()
    class Tasks {
      nest: number[] = [];
      own: number[] = [];
      intervals = 0;
      @NestCron('* * * * * *')
      ofNest(): void {
        this.nest.push(Math.round(Date.now() / 1_000));
      }
      @Cron('* * * * * *')
      ofHoldfast({ scheduledAt }: JobContext): void {
        this.own.push(scheduledAt! / 1_000);
      }
      @NestInterval('of-the-host', 200)
      interval(): void {
        this.intervals++;
      }
    }
    const app = await hosts.start({
      imports: [ScheduleModule.forRoot(), JobOwnershipModule.forRoot(hosts.options())],
      providers: [Tasks],
    });
    const tasks = app.get(Tasks);
    await until('three ticks of both', () => tasks.nest.length >= 3 && tasks.own.length >= 3);
    expect(new Set(tasks.nest).size).toBe(tasks.nest.length);
    expect(new Set(tasks.own).size).toBe(tasks.own.length);
    const registry = app.get(SchedulerRegistry, { strict: false });
    expect(registry.getCronJobs().size).toBe(1);
    expect(registry.getIntervals()).toEqual(['of-the-host']);
  });

  it('refuse at the start what declares no job, with all that is to be known', async () => {
    @Injectable()
    class Tasks {
      @Cron('0 25 * * *')
      atNoTime(): void {}
      @Cron('* * * * *', { timeZone: 'Europe/Atlantis' })
      nowhere(): void {}
      @Interval(0)
      always(): void {}
    }
    @Controller()
    class Others {
      @Cron('* * * * *', { name: 'same' })
      one(): void {}
      @Timeout('same', 5)
      two(): void {}
    }
    const app = await hosts.compile({
      imports: [JobOwnershipModule.forRoot(hosts.options())],
      providers: [Tasks],
      controllers: [Others],
    });
    const error = await app.init().catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(DeclarationRefusedError);
    expect((error as DeclarationRefusedError).refusals.map(({ where, field, value }) => [where, field, value])).toEqual(
      [
        ['@Timeout on Others.two', 'name', 'same'],
        ['@Cron on Tasks.atNoTime', 'cronTime', '0 25 * * *'],
        ['@Cron on Tasks.nowhere', 'timeZone', 'Europe/Atlantis'],
        ['@Interval on Tasks.always', 'timeout', '0'],
      ],
    );
    for (const { rule, remedy } of (error as DeclarationRefusedError).refusals) {
      expect([rule, remedy]).toEqual([expect.stringMatching(/\w{2}/), expect.stringMatching(/^[A-Z].*\.$/)]);
    }
    expect(app.get(HoldfastService).membership).toBeNull();
  });

  it('do not take the name of a @JobHandler', async () => {
    @Injectable()
    class Tasks {
      @JobHandler('report')
      handler(): void {}
      @Cron('* * * * *', { name: 'report' })
      cron(): void {}
    }
    const app = await hosts.compile({ imports: [JobOwnershipModule.forRoot(hosts.options())], providers: [Tasks] });
    await expect(app.init()).rejects.toThrow(/'report' is registered already/);
  });

  it('of a class that two modules provide declare one job', async () => {
    @Injectable()
    class Tasks {
      runs = 0;
      @Interval(100)
      tick(): void {
        this.runs++;
      }
    }
    const app = await hosts.start({
      imports: [JobOwnershipModule.forRoot(hosts.options()), feature(Tasks), feature(Tasks)],
    });
    const holdfast = await ready(app);
    expect(holdfast.handlers.names()).toEqual(['Tasks.tick']);
    expect(printed.filter((line) => /provided twice/.test(String(line)))).toHaveLength(1);
  });
});

function feature(...providers: (new () => unknown)[]) {
  class FeatureModule {}
  return { module: FeatureModule, providers };
}
