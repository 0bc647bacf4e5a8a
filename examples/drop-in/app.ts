import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, CronExpression, JobOwnershipModule, type JobContext } from 'holdfast';

/** An ordinary Nest application. With `Cron` from `@nestjs/schedule` every replica of it would tick. */
@Injectable()
class TasksService {
  @Cron(CronExpression.EVERY_SECOND)
  tick({ slot, epoch, attempt }: JobContext): void {
    console.log(`tick ${slot.slice(11, 19)} (epoch ${epoch}${attempt > 1 ? `, attempt ${attempt}` : ''})`);
  }
}

@Module({
  imports: [
    JobOwnershipModule.forRoot({
      // Each process has an id of its own.
      service: { name: 'drop-in', id: process.env.SERVICE_ID },
      stateDirectory: process.env.STATE ?? '.holdfast/drop-in',
      liveness: process.env.LIVENESS === 'tuned' ? 'tuned' : 'default',
    }),
  ],
  providers: [TasksService],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error', 'fatal'] });
  app.enableShutdownHooks();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
