import { SystemClock, SystemRandom } from 'holdfast';
import type { BenchCase, BenchContext, Measured } from '../case';
import { openOnServer, placeOnServer, type Place } from '../place';
import { Side, type CaughtUp } from './side';
import { inTurns, mean } from './sides';

const EVENTS = 40_000;
const QUICK_EVENTS = 10_000;
const PER_APPEND = 100;
const IN_FLIGHT = 16;

/** Events per second of a subscription from the past (the view's filter) ÷ those of the same subscription of the client alone: the same events, handlers that only count. */
export const catchUp: BenchCase = {
  name: 'esdb-catch-up',
  keys: ['esdbCatchUpPerRaw'],
  rounds: 'median',
  async run({ directory, say, quick }: BenchContext): Promise<Measured> {
    const events = quick ? QUICK_EVENTS : EVENTS;
    const place = await placeOnServer(directory);
    await write(place, events);
    const sides = { raw: await Side.start('raw', place), adapter: await Side.start('adapter', place) };
    try {
      await inTurns(sides, (side) => side.catchUp(events));
      const found = await inTurns(sides, (side) => side.catchUp(events));
      const rate = (of: readonly CaughtUp[]) => mean(of.map(({ perSecond }) => perSecond));
      const [raw, adapter] = [rate(found.raw), rate(found.adapter)];
      const told = (of: readonly CaughtUp[]) =>
        `${Math.round(rate(of))} events/s, ${mean(of.map(({ micros }) => micros)).toFixed(1)} µs`;
      say(`esdb-catch-up: ${Math.round(adapter)} events/s, raw ${Math.round(raw)} events/s`);
      return {
        figures: { esdbCatchUpPerRaw: adapter / raw },
        beside: [
          { what: 'catch-up, raw: rate, processor time', value: told(found.raw) },
          { what: 'catch-up, adapter: rate, processor time', value: told(found.adapter) },
        ],
      };
    } finally {
      await Promise.all([sides.raw.kill(), sides.adapter.kill()]);
    }
  },
};

/** Events as long as those of a run, in the view's categories. */
async function write({ server }: Place, events: number): Promise<void> {
  const [clock, random] = [new SystemClock(), new SystemRandom()];
  const store = await openOnServer();
  const data = JSON.stringify({ filling: 'x'.repeat(160) });
  const metadata = JSON.stringify({ filling: 'x'.repeat(110) });
  let next = 0;
  const one = async () => {
    while (next < events) {
      const stream = `${server?.namespace}.job-${next}`;
      next += PER_APPEND;
      const made = Array.from({ length: PER_APPEND }, () => ({
        id: random.uuid(clock.wall()),
        type: 'JobRunStarted',
        data,
        metadata,
      }));
      const answer = await store.append(stream, 'no_stream', made);
      if (answer.outcome !== 'appended') throw new Error(`${stream}: ${JSON.stringify(answer)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  } finally {
    await store.close();
  }
}
