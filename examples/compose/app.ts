import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, HttpStatus, Inject, Injectable, Module, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, CronExpression, HoldfastService, Interval, JobOwnershipModule, type JobContext } from 'holdfast';

/**
 * What `docker-compose.yml` runs three times: one Nest application with a few jobs, on the log that HOLDFAST_EVENTSTOREDB_URL names (without it:
 * a file). Which replica runs which job is in its output, and at `/`.
 */
@Injectable()
class TasksService {
  @Cron(CronExpression.EVERY_SECOND, { name: 'tick' })
  tick(context: JobContext): void {
    this.say(context);
  }

  @Cron(CronExpression.EVERY_5_SECONDS, { name: 'report' })
  async report(context: JobContext): Promise<void> {
    await sleep(500, undefined, { signal: context.signal });
    this.say(context);
  }

  @Interval('sweep', 3_000)
  sweep(context: JobContext): void {
    this.say(context);
  }

  private say({ jobId, slot, epoch, attempt, serviceId }: JobContext): void {
    console.log(`${jobId} ${slot} on ${serviceId} (epoch ${epoch}${attempt > 1 ? `, attempt ${attempt}` : ''})`);
  }
}

@Controller()
class StatusController {
  constructor(@Inject(HoldfastService) private readonly holdfast: HoldfastService) {}

  @Get()
  jobs(): object {
    const { rows } = this.holdfast.readModel.jobs({}, { limit: 100 });
    const jobs = rows.map(({ jobId, status, serviceId, epoch }) => ({ jobId, status, serviceId, epoch }));
    return { here: this.holdfast.serviceId, jobs };
  }

  @Get('health/live')
  live(): object {
    return { status: 'ok' };
  }

  @Get('health/ready')
  async ready(@Res({ passthrough: true }) response: { status(code: number): unknown }): Promise<object> {
    const readiness = await this.holdfast.readiness();
    if (!readiness.ready) response.status(HttpStatus.SERVICE_UNAVAILABLE);
    return readiness;
  }
}

const connection = process.env.HOLDFAST_EVENTSTOREDB_URL;

@Module({
  imports: [
    JobOwnershipModule.forRoot({
      // A container has a host name of its own; a replica that is made anew is another service.
      service: { name: 'app', id: process.env.HOLDFAST_ID },
      stateDirectory: process.env.HOLDFAST_STATE ?? '.holdfast/compose',
      ...(connection && { store: { kind: 'eventstoredb', connection } }),
    }),
  ],
  controllers: [StatusController],
  providers: [TasksService],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error', 'fatal'] });
  app.enableShutdownHooks();
  await app.listen(Number(process.env.PORT ?? 3_000), process.env.HOLDFAST_LISTEN ?? '127.0.0.1');
  console.log(`listens on ${await app.getUrl()}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
