import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { JobHandler, Jobs, jobType, type JobContext } from 'holdfast';

const Report = jobType<{ readonly of: string }>('report');

@Injectable()
export class Reports implements OnApplicationBootstrap {
  readonly written: string[] = [];
  constructor(private readonly jobs: Jobs) {}

  onApplicationBootstrap() {
    // In every replica: the same again adds nothing, another schedule takes the place of the former.
    return this.jobs.schedule(
      Report,
      { of: 'sales' },
      {
        id: 'sales-report',
        onConflict: 'update',
        schedule: { kind: 'cron', pattern: '0 15 3 * * *', zone: 'Europe/Berlin', maxRuns: 30 },
        policies: { retry: { maxRetries: 4, initialMs: 1_000, factor: 2 } }, // attempts: 5
      },
    );
  }

  @JobHandler(Report, { concurrency: 10 })
  async write({ of }: { readonly of: string }, context: JobContext) {
    if (context.attempt === 1) throw new Error('the first attempt of each slot fails');
    await context.guard();
    this.written.push(`${of} ${context.slot}, attempt ${context.attempt}`);
  }
}
