import { join } from 'node:path';
import type { BenchCase, BenchContext, Measured } from './case';
import { IdleService } from './idle-service';
import { percentile } from './statistics';

const FEW = 100;
const MANY = 100_000;
const MEASURED_MS = 20_000;

/** Whether idle jobs make others late: the median lateness of 20 starts per second beside 100,000 idle jobs ÷ that beside 100. */
export const latenessRatio: BenchCase = {
  name: 'lateness-ratio',
  keys: ['lateRatio100kTo100'],
  rounds: 'median',
  async run({ directory, say }: BenchContext): Promise<Measured> {
    const few = await medianBeside(join(directory, 'few'), FEW);
    const many = await medianBeside(join(directory, 'many'), MANY);
    say(`lateness-ratio: p50 ${few.toFixed(2)} ms beside ${FEW} idle jobs, ${many.toFixed(2)} ms beside ${MANY}`);
    return {
      figures: { lateRatio100kTo100: many / few },
      beside: [
        { what: 'start lateness p50 beside 100 idle jobs', value: `${few.toFixed(2)} ms` },
        { what: 'start lateness p50 beside 100,000 idle jobs', value: `${many.toFixed(2)} ms` },
      ],
    };
  },
};

async function medianBeside(directory: string, jobs: number): Promise<number> {
  const service = await IdleService.owning(directory, jobs);
  try {
    const late = await service.lateness(MEASURED_MS);
    return percentile(late, 0.5);
  } finally {
    await service.kill();
  }
}
