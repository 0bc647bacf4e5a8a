import 'reflect-metadata';
import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Module, Scope, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import {
  Cron,
  CronExpression,
  HoldfastService,
  JobHandler,
  JobOwnershipModule,
  Jobs,
  jobType,
  MemoryEventStore,
  Queries,
  StoreUnavailableError,
  SystemClock,
  SystemRandom,
  type JobContext,
  type JobRequest,
  type JobRunner,
} from 'holdfast';
import { HoldfastTesting, HoldfastTestingModule, SeededRandom, VirtualClock } from 'holdfast/testing';

/** A host application as users write it: one handler behind a guard, a job that comes of its run, a tick. Compiled and run by `run.mjs`; prints one line of JSON. */
const Greeting = jobType<{ readonly whom: string }>('greeting');
const Refused = jobType('refused');

const seen: string[] = [];

@Injectable()
class OnlyGreetings implements CanActivate {
  canActivate(execution: ExecutionContext): boolean {
    seen.push(`guard ${execution.getType<string>()} ${execution.getHandler().name}`);
    return execution.getHandler().name !== 'refused';
  }
}

/** Made anew for every run. */
@Injectable({ scope: Scope.REQUEST })
@JobHandler('per-run')
class PerRun implements JobRunner<null> {
  constructor(@Inject(REQUEST) private readonly request: JobRequest) {}
  handle(): void {
    seen.push(`per run ${this.request.context.jobId}`);
  }
}

@Injectable()
class Greetings {
  readonly runs: { readonly whom: string; readonly fencingToken: string; readonly attempt: number }[] = [];
  private ran: () => void = () => undefined;
  readonly first = new Promise<void>((resolve) => (this.ran = resolve));

  @Cron(CronExpression.EVERY_SECOND, { name: 'tick', utcOffset: 60 })
  tick(): void {
    seen.push('tick');
  }

  @JobHandler(Refused)
  @UseGuards(OnlyGreetings)
  refused(): void {
    seen.push('refused and run all the same');
  }

  @JobHandler(Greeting)
  @UseGuards(OnlyGreetings)
  async run({ whom }: { readonly whom: string }, context: JobContext): Promise<void> {
    await context.guard();
    this.runs.push({ whom, fencingToken: String(context.fencingToken), attempt: context.attempt });
    this.ran();
  }
}

@Module({
  imports: [JobOwnershipModule.forRoot({ service: { name: 'host', id: 'host-1' }, stateDirectory: process.argv[2] })],
  providers: [Greetings, OnlyGreetings, PerRun],
})
class AppModule {}

/** The same providers in a test: no file, and time is turned. */
@Module({ imports: [HoldfastTestingModule.forRoot()], providers: [Greetings, OnlyGreetings, PerRun] })
class TestedModule {}

/** A log of the host's own that is not there when the application starts. */
let there = false;
const memory = new MemoryEventStore({ clock: new SystemClock(), random: new SystemRandom() });
const late = new Proxy(memory, {
  get: (log, name) => {
    const member: unknown = Reflect.get(log, name);
    if (typeof member !== 'function' || there) return typeof member === 'function' ? member.bind(log) : member;
    return () => Promise.reject(new StoreUnavailableError('it is not there yet'));
  },
});

@Module({
  imports: [
    JobOwnershipModule.forRoot({
      service: { name: 'late' },
      store: { kind: 'adapter', store: late },
      stateDirectory: `${process.argv[2]}-late`,
      liveness: 'tuned',
    }),
  ],
})
class LateModule {}

/** Whether it is ready after its bootstrap, and after its log has appeared. */
async function startsWithoutLog(): Promise<readonly boolean[]> {
  const app = await NestFactory.createApplicationContext(LateModule, { abortOnError: false, logger: ['error'] });
  const holdfast = app.get(HoldfastService);
  const isReady = async () => (await holdfast.readiness()).ready;
  const before = await isReady();
  there = true;
  const patience = Date.now() + 10_000;
  while (!(await isReady()) && Date.now() < patience) await setTimeout(20);
  const after = await isReady();
  await app.close();
  return [before, after];
}

async function runsInATest(): Promise<number> {
  const app = await NestFactory.createApplicationContext(TestedModule, { abortOnError: false, logger: ['error'] });
  const testing = app.get(HoldfastTesting);
  await app
    .get(Jobs)
    .schedule(Greeting, { whom: 'test' }, { id: 'greet', schedule: { kind: 'interval', every: 'PT10S' } });
  await testing.advance('25s');
  await testing.expectOwner('greet', 'app@test');
  await app.close();
  return testing.runs('greet').filter(({ outcome }) => outcome === 'returned').length;
}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, {
    abortOnError: false,
    logger: ['error', 'warn', 'fatal'],
  });
  const greetings = app.get(Greetings);
  const { position } = await app
    .get(Jobs)
    .schedule(Greeting, { whom: 'world' }, { id: 'greet', schedule: { kind: 'interval', every: 'PT1H' } });
  const scheduled = await app.get(Queries).job('greet', { after: position });
  await app.get(Jobs).runNow('greet');
  await greetings.first;
  await app.get(Jobs).schedule(jobType('per-run'), null, { id: 'per-run' });
  await app.get(Jobs).schedule(Refused, null, { id: 'refused' });
  const wanted = ['per run per-run', 'guard holdfast refused', 'guard holdfast run', 'tick'];
  const patience = Date.now() + 15_000;
  while (!wanted.every((word) => seen.includes(word)) && Date.now() < patience) await setTimeout(20);
  const row = await app.get(Queries).job('greet');
  await app.close();
  console.log(
    JSON.stringify({
      scheduled: scheduled?.handler,
      owner: row?.serviceId,
      runs: greetings.runs,
      seen: [...new Set(seen)].sort(),
      tested: await runsInATest(),
      late: await startsWithoutLog(),
      clock: new VirtualClock() instanceof VirtualClock,
      random: new SeededRandom(1).next() === new SeededRandom(1).next(),
    }),
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
