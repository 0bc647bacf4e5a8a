import type { BenchCase, BenchContext, Measured } from '../case';
import { placeOnServer } from '../place';
import { JOBS, scene, told, type Reowned } from '../reown';
import { Side } from './side';
import { mean } from './sides';

const QUICK_JOBS = 1_000;
const IN_FLIGHT = 64;

/** The case `reown`, over a server: the worse of its two scenes ÷ the time in which the client alone makes as many appends, 64 in flight, before and after. */
export const reown: BenchCase = {
  name: 'esdb-reown',
  keys: ['esdbReown10kPerRaw'],
  rounds: 'median',
  async run({ directory, say, quick }: BenchContext): Promise<Measured> {
    const jobs = quick ? QUICK_JOBS : JOBS;
    const side = await Side.start('raw', await placeOnServer(`${directory}/raw`));
    try {
      const raw = async () => (await side.append({ inFlight: IN_FLIGHT, count: jobs })).tookMs;
      const scenes: Reowned[] = [];
      await side.append({ inFlight: IN_FLIGHT, ms: 500 });
      const times = [await raw()];
      for (const survivors of [1, 2]) {
        scenes.push(await scene(await placeOnServer(`${directory}/${survivors}`), jobs, survivors, say));
        times.push(await raw());
      }
      const rawMs = mean(times);
      const lastMs = Math.max(...scenes.map((one) => one.lastMs));
      say(`esdb-reown: ${Math.round(lastMs)} ms, ${jobs} raw appends ${Math.round(rawMs)} ms`);
      return {
        figures: { esdbReown10kPerRaw: lastMs / rawMs },
        beside: [
          { what: `reown, raw: ${jobs} appends`, value: `${Math.round(rawMs)} ms` },
          ...told('1 survivor', jobs, scenes[0]),
          ...told('2 survivors', jobs, scenes[1]),
        ],
      };
    } finally {
      await side.kill();
    }
  },
};
