import type { BenchCase, BenchContext, Measured } from '../case';
import { placeOnServer } from '../place';
import { prepared } from '../runs';
import { Side } from './side';
import { mean } from './sides';

const CONCURRENCY = 50;
const JOBS = 5_000;
const QUICK_JOBS = 1_000;
const SLICE_MS = 3_000;

/** The case `runs` at concurrency 50, over a server: runs per second ÷ half of what the client alone appends with 50 in flight, before and after it. */
export const runs: BenchCase = {
  name: 'esdb-runs',
  keys: ['esdbRunsPerRawPair50'],
  rounds: 'median',
  async run({ directory, say, quick }: BenchContext): Promise<Measured> {
    const side = await Side.start('raw', await placeOnServer(directory));
    try {
      const slice = async () => (await side.append({ inFlight: CONCURRENCY, ms: SLICE_MS })).perSecond;
      await side.append({ inFlight: CONCURRENCY, ms: 500 });
      const before = await slice();
      const placeOf = (n: number) => placeOnServer(`${directory}/runs-${n}`);
      const { runsPerSecond, microsPerRun } = await prepared(placeOf, CONCURRENCY, quick ? QUICK_JOBS : JOBS);
      const raw = mean([before, await slice()]);
      say(`esdb-runs: ${Math.round(runsPerSecond)}/s at concurrency ${CONCURRENCY}, raw ${Math.round(raw)} appends/s`);
      return {
        figures: { esdbRunsPerRawPair50: runsPerSecond / (raw / 2) },
        beside: [
          { what: `runs at concurrency ${CONCURRENCY}`, value: `${Math.round(runsPerSecond)} runs/s` },
          { what: `processor time at concurrency ${CONCURRENCY}`, value: `${Math.round(microsPerRun)} µs/run` },
          { what: `raw with ${CONCURRENCY} in flight`, value: `${Math.round(raw)} appends/s` },
        ],
      };
    } finally {
      await side.kill();
    }
  },
};
