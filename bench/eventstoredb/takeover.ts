import type { BenchCase, BenchContext, Measured } from '../case';
import { placeOnServer } from '../place';
import { percentile } from '../statistics';
import { takeovers } from '../takeover';

/** The case `takeover`, over a server. */
export const takeover: BenchCase = {
  name: 'esdb-takeover',
  keys: ['esdbTakeoverDefaultMaxMs', 'esdbTakeoverTunedMaxMs'],
  rounds: 'once',
  async run(context: BenchContext): Promise<Measured> {
    const { times, beside } = await takeovers(context, placeOnServer);
    return {
      figures: {
        esdbTakeoverDefaultMaxMs: Math.round(percentile(times.default, 1)),
        esdbTakeoverTunedMaxMs: Math.round(percentile(times.tuned, 1)),
      },
      beside,
    };
  },
};
