import { Injectable } from '@nestjs/common';
import { Cron, Interval, type JobContext } from 'holdfast';

@Injectable()
export class Maintenance {
  readonly done: string[] = [];

  // every('3 minutes', 'purge')
  @Interval('purge', 180_000, { policies: { timeoutMs: 600_000, priority: 10 } })
  purge({ slot }: JobContext) {
    this.done.push(`purge ${slot}`);
  }

  // every('0 12 * * *', 'remind', null, { timezone: 'Europe/Berlin', skipDays: [0, 6] })
  @Cron('0 12 * * MON-FRI', { name: 'remind', timeZone: 'Europe/Berlin', overlap: 'queue', jitter: 'PT5M' })
  remind({ slot }: JobContext) {
    this.done.push(`remind ${slot}`);
  }
}
