import type { BenchCase, BenchContext, Measured } from '../case';
import type { Appended } from './side';
import { inTurns, mean, withSides } from './sides';

const PATHS = [
  { inFlight: 1, key: 'esdbAppendsPerRaw1' },
  { inFlight: 64, key: 'esdbAppendsPerRaw64' },
] as const;
const SLICE_MS = 2_000;
const QUICK_SLICE_MS = 500;
const WARM_UP_MS = 500;

/**
 * Appends per second through the adapter ÷ those of the client alone, on the same path (each append a call of its own, to the leader), both with
 * the view's and membership's subscriptions open. Each append expects a revision, in streams of two events as long as those of a run.
 */
export const appends: BenchCase = {
  name: 'esdb-appends',
  keys: PATHS.map(({ key }) => key),
  rounds: 'median',
  async run({ directory, say, quick }: BenchContext): Promise<Measured> {
    const figures: { -readonly [key in (typeof PATHS)[number]['key']]?: number } = {};
    const beside: { what: string; value: string }[] = [];
    await withSides(directory, async (sides) => {
      await inTurns(sides, (side) => side.append({ inFlight: 64, ms: WARM_UP_MS }));
      for (const { inFlight, key } of PATHS) {
        const found = await inTurns(sides, (side) => side.append({ inFlight, ms: quick ? QUICK_SLICE_MS : SLICE_MS }));
        const rate = (of: readonly Appended[]) => mean(of.map(({ perSecond }) => perSecond));
        const [raw, adapter] = [rate(found.raw), rate(found.adapter)];
        figures[key] = adapter / raw;
        say(`esdb-appends: ${Math.round(adapter)}/s with ${inFlight} in flight, raw ${Math.round(raw)}/s`);
        for (const kind of ['raw', 'adapter'] as const) {
          const micros = mean(found[kind].map((one) => one.micros));
          beside.push({
            what: `appends with ${inFlight} in flight, ${kind}: rate, processor time`,
            value: `${Math.round(rate(found[kind]))}/s, ${Math.round(micros)} µs`,
          });
        }
      }
    });
    return { figures, beside };
  },
};
