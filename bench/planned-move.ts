import type { BenchCase, BenchContext, Measured } from './case';
import { MovingService, factsOf, quantile, untilOwned, worst, type MovingFact } from './moving-service';

const JOBS = 1_000;
const LEAVING = 'leaving';
const STAYING = ['staying-1', 'staying-2'];

/**
 * A planned move: a service that owns 1,000 jobs with nothing to do is told to drain, and two others take them. Per job, from the `created` of
 * its JobReleased to the `created` of its JobBoundToService elsewhere, both read from the log afterwards; the 99th percentile.
 *
 * Two services take over, not one: then every job has a first and a second candidate, so ranks and graces are in the figure, and the three
 * processes share the log and the cores while one releases as fast as it can. The profile is the default one, whose claim grace is the longest.
 */
export const plannedMove: BenchCase = {
  name: 'planned-move',
  keys: ['plannedMoveP99Ms'],
  rounds: 'median',
  async run({ directory, say }: BenchContext): Promise<Measured> {
    const services: MovingService[] = [];
    const place = { directory };
    const start = async (serviceId: string) => {
      const service = await MovingService.start({ serviceId, place, profile: 'default' });
      services.push(service);
      return service;
    };
    try {
      const leaving = await start(LEAVING);
      say(`planned move: ${JOBS} jobs of one service that drains, ${STAYING.length} others`);
      await leaving.schedule(JOBS);
      await untilOwned([leaving], JOBS);
      const staying: MovingService[] = [];
      for (const serviceId of STAYING) staying.push(await start(serviceId));
      await Promise.all(services.map((service) => service.watch()));
      await staying[0].drain(LEAVING);
      await untilOwned(staying, JOBS);
      const strains = await Promise.all(services.map((service) => service.strain()));
      const { times, wholeMs, drainMs } = measured(await factsOf(place));
      const ms = (value: number) => `${Math.round(value)} ms`;
      return {
        figures: { plannedMoveP99Ms: quantile(times, 0.99) },
        beside: [
          {
            what: `planned move: release to bound elsewhere, p50 and longest of ${JOBS}`,
            value: `${ms(quantile(times, 0.5))}, ${ms(quantile(times, 1))}`,
          },
          {
            what: 'planned move: drain asked for to last release, to last bind',
            value: `${ms(drainMs)}, ${ms(wholeMs)}`,
          },
          { what: "planned move: own beats' longest round trip", value: ms(worst(strains, 'beatMaxMs')) },
          {
            what: 'planned move: event loop delay, longest and p99',
            value: `${ms(worst(strains, 'loopDelayMaxMs'))}, ${ms(worst(strains, 'loopDelayP99Ms'))}`,
          },
        ],
      };
    } finally {
      await Promise.all(services.map((service) => service.kill()));
    }
  },
};

function measured(facts: readonly MovingFact[]): {
  readonly times: readonly number[];
  readonly drainMs: number;
  readonly wholeMs: number;
} {
  const drained = facts.find(({ event }) => event.type === 'ServiceDrainStarted');
  if (drained === undefined) throw new Error('the log holds no drain');
  const released = new Map<string, number>();
  const times = new Map<string, number>();
  let last = 0;
  for (const { event, recorded } of facts) {
    if (event.type === 'JobReleased' && event.data.reason === 'drain') released.set(recorded.stream, recorded.created);
    const since = released.get(recorded.stream);
    if (event.type !== 'JobBoundToService' || since === undefined) continue;
    if (event.data.serviceId === LEAVING) throw new Error(`${recorded.stream} was bound to the service that drains`);
    times.set(recorded.stream, recorded.created - since);
    last = recorded.created;
  }
  if (times.size !== JOBS) throw new Error(`${times.size} of ${JOBS} jobs were bound elsewhere`);
  const start = drained.recorded.created;
  return {
    times: [...times.values()],
    drainMs: Math.max(...released.values()) - start,
    wholeMs: last - start,
  };
}
