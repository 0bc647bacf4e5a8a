import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JobHandler, JobOwnershipModule, Jobs, jobType, Queries, type JobContext } from 'holdfast';
import { SeededRandom, VirtualClock } from 'holdfast/testing';

/** A host application as users write it: one handler, one job. Compiled and run by `run.mjs`; prints one line of JSON. */
const Greeting = jobType<{ readonly whom: string }>('greeting');

@Injectable()
class Greetings {
  readonly runs: { readonly whom: string; readonly fencingToken: string; readonly attempt: number }[] = [];
  private ran: () => void = () => undefined;
  readonly first = new Promise<void>((resolve) => (this.ran = resolve));

  @JobHandler(Greeting)
  async run({ whom }: { readonly whom: string }, context: JobContext): Promise<void> {
    await context.guard();
    this.runs.push({ whom, fencingToken: String(context.fencingToken), attempt: context.attempt });
    this.ran();
  }
}

@Module({
  imports: [JobOwnershipModule.forRoot({ service: { name: 'host', id: 'host-1' }, stateDirectory: process.argv[2] })],
  providers: [Greetings],
})
class AppModule {}

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
  const row = await app.get(Queries).job('greet');
  await app.close();
  console.log(
    JSON.stringify({
      scheduled: scheduled?.handler,
      owner: row?.serviceId,
      runs: greetings.runs,
      clock: new VirtualClock() instanceof VirtualClock,
      random: new SeededRandom(1).next() === new SeededRandom(1).next(),
    }),
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
