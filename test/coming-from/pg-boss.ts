import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { JobHandler, Jobs, jobType, type JobContext } from 'holdfast';

const Digest = jobType<{ readonly region: string }>('digest');

@Injectable()
export class Digests implements OnApplicationBootstrap {
  readonly sent: string[] = [];
  constructor(private readonly jobs: Jobs) {}

  async onApplicationBootstrap() {
    for (const [region, hour] of [
      ['us', 6],
      ['eu', 18],
    ] as const) {
      await this.jobs.schedule(
        Digest,
        { region },
        {
          id: `digest-${region}`, // queue and key
          onConflict: 'update',
          schedule: { kind: 'cron', pattern: `0 ${hour} * * *`, zone: 'America/Chicago' },
          policies: {
            misfire: { policy: 'skip', thresholdMs: 60_000 }, // missed: 'skip', and the window of a minute
            overlap: 'queue', // policy: 'stately'
            retry: { maxRetries: 2, initialMs: 1_000 },
            timeoutMs: 900_000, // expireInSeconds: 900
          },
        },
      );
    }
  }

  @JobHandler(Digest)
  send({ region }: { readonly region: string }, { slot }: JobContext) {
    this.sent.push(`${region} ${slot}`);
  }
}
