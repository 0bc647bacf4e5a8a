import type { BenchCase, BenchContext, Measured } from './case';
import { IdleService } from './idle-service';

const JOBS = 100_000;
/** Every job that came is looked at once more, whether it belongs here, some seconds later: that is work, and no idleness. */
const SETTLE_MS = 40_000;
const MEASURED_MS = 60_000;

/** Processor time of a whole process over a minute, default profile, that owns 100,000 jobs with nothing to do. */
export const idle: BenchCase = {
  name: 'idle',
  keys: ['idleCpuPercent100kJobs'],
  rounds: 'once',
  async run({ directory, say }: BenchContext): Promise<Measured> {
    const service = await IdleService.owning(directory, JOBS);
    try {
      await service.cpuPercent(SETTLE_MS);
      const percent = await service.cpuPercent(MEASURED_MS);
      say(`idle: ${percent.toFixed(2)} % of a core with ${JOBS} idle jobs`);
      const rss = await service.rssMiB();
      return {
        figures: { idleCpuPercent100kJobs: percent },
        beside: [{ what: 'VmRSS with 100,000 idle jobs', value: `${Math.round(rss)} MiB` }],
      };
    } finally {
      await service.kill();
    }
  },
};
