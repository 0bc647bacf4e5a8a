import type { BenchCase, BenchContext, Measured } from './case';
import { IdleService } from './idle-service';

const JOBS = 1_000_000;
/** From the last job's projection to the look at the process. */
const QUIET_MS = 15_000;

/** Resident memory (VmRSS) of a whole process, Node and Nest's packages included, that owns 1,000,000 distinct jobs with 200-byte payloads. */
export const memory: BenchCase = {
  name: 'memory',
  keys: ['rssMiB1MJobs'],
  rounds: 'once',
  async run({ directory, say }: BenchContext): Promise<Measured> {
    say(`memory: ${JOBS} jobs are written and bound`);
    const service = await IdleService.owning(directory, JOBS);
    try {
      const atOnce = await service.rssMiB();
      const cpu = await service.cpuPercent(QUIET_MS);
      const rss = await service.rssMiB();
      say(`memory: ${Math.round(rss)} MiB`);
      return {
        figures: { rssMiB1MJobs: rss },
        beside: [
          { what: 'VmRSS right after the last of 1,000,000 jobs was projected', value: `${Math.round(atOnce)} MiB` },
          { what: 'CPU of that process while it is idle', value: `${cpu.toFixed(2)} %` },
        ],
      };
    } finally {
      await service.kill();
    }
  },
};
