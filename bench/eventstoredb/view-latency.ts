import type { BenchCase, BenchContext, Measured } from '../case';
import { percentile } from '../statistics';
import { inTurns, withSides } from './sides';

const SAMPLES = 150;
const QUICK_SAMPLES = 30;

/**
 * From handing an append to the log to its event being in a service's view (in its SQLite file, readable) ÷ the same up to its arrival at a
 * subscription of the client alone; medians. One append after the other, a JobScheduled each, with the view's and membership's subscriptions open.
 */
export const viewLatency: BenchCase = {
  name: 'esdb-view-latency',
  keys: ['esdbViewLatencyPerRaw'],
  rounds: 'median',
  async run({ directory, say, quick }: BenchContext): Promise<Measured> {
    const found = await withSides(directory, async (sides) => {
      await inTurns(sides, (side) => side.latency(QUICK_SAMPLES));
      return inTurns(sides, (side) => side.latency(quick ? QUICK_SAMPLES : SAMPLES));
    });
    const [raw, adapter] = [found.raw.flat(), found.adapter.flat()];
    const [rawP50, viewP50] = [percentile(raw, 0.5), percentile(adapter, 0.5)];
    const told = (times: readonly number[]) =>
      `${percentile(times, 0.5).toFixed(1)} ms, ${percentile(times, 0.99).toFixed(1)} ms`;
    say(`esdb-view-latency: p50 ${viewP50.toFixed(1)} ms, raw ${rawP50.toFixed(1)} ms`);
    return {
      figures: { esdbViewLatencyPerRaw: viewP50 / rawP50 },
      beside: [
        { what: 'append to view: p50, p99', value: told(adapter) },
        { what: 'append to raw subscription: p50, p99', value: told(raw) },
      ],
    };
  },
};
