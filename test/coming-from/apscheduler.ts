import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { JobHandler, Jobs, jobType, type JobContext } from 'holdfast';

const Audit = jobType<{ readonly goal: string }>('audit');

@Injectable()
export class Audits implements OnApplicationBootstrap {
  readonly made: string[] = [];
  constructor(private readonly jobs: Jobs) {}

  onApplicationBootstrap() {
    return this.jobs.schedule(
      Audit,
      { goal: 'load' },
      {
        id: 'audit-load', // replace_existing=True:
        onConflict: 'update',
        schedule: { kind: 'cron', pattern: '0 */2 * * MON-FRI', zone: 'Europe/Helsinki', jitter: 'PT2M' },
        tag: { name: 'engine' },
        policies: {
          misfire: { policy: 'skip', thresholdMs: 300_000 }, // misfire_grace_time=300, coalesce=True
          overlap: { allow: 3 }, // max_instances=3
        },
      },
    );
  }

  @JobHandler(Audit)
  run({ goal }: { readonly goal: string }, { slot }: JobContext) {
    this.made.push(`${goal} ${slot}`);
  }
}
