import type { BenchCase, BenchContext, Measured } from './case';
import type { Place } from './place';
import { MovingService, factsOf, quantile, untilOwned, worst, type MovingFact, type Strain } from './moving-service';

export const JOBS = 10_000;
const VICTIM = 'victim';

export interface Reowned {
  /** From the verdict to the last bind elsewhere, by the log's `created`. */
  readonly lastMs: number;
  readonly halfMs: number;
  /** JobBoundToService of a survivor; more than the jobs: some moved twice. */
  readonly binds: number;
  readonly perService: readonly number[];
  /** Verdicts on survivors, which live: a machine that is too busy for the profile. */
  readonly falseVerdicts: number;
  readonly strains: readonly Strain[];
}

/**
 * Mass failover: a service that owns 10,000 jobs with nothing to do dies by SIGKILL. From the `created` of the verdict to the `created` of the
 * last JobBoundToService elsewhere, both read from the log afterwards.
 *
 * The key is the worse of two scenes. One survivor has to do all of it alone: what one process can decide and append. Two survivors share it,
 * and race for the log, for two cores and, on stale views, for jobs. Which of the two is harder depends on the cores.
 * The survivors run by the tuned profile: its beats are the most frequent, its trust the shortest and its event loop's bound the tightest, so
 * whatever mass moves do to liveness shows beside: own beats' round trips, the event loop's delay, verdicts on services that live.
 */
export const reown: BenchCase = {
  name: 'reown',
  keys: ['reown10kMs'],
  rounds: 'median',
  async run({ directory, say }: BenchContext): Promise<Measured> {
    const alone = await scene({ directory: `${directory}/alone` }, JOBS, 1, say);
    const shared = await scene({ directory: `${directory}/shared` }, JOBS, 2, say);
    return {
      figures: { reown10kMs: Math.max(alone.lastMs, shared.lastMs) },
      beside: [...told('1 survivor', JOBS, alone), ...told('2 survivors', JOBS, shared)],
    };
  },
};

/** Runs one scene in a place of its own. */
export async function scene(
  place: Place,
  jobs: number,
  survivors: number,
  say: (line: string) => void,
): Promise<Reowned> {
  const services: MovingService[] = [];
  const start = async (serviceId: string) => {
    const service = await MovingService.start({ serviceId, place, profile: 'tuned' });
    services.push(service);
    return service;
  };
  try {
    const victim = await start(VICTIM);
    say(`reown: ${jobs} jobs of one service, ${survivors} ${survivors === 1 ? 'survivor' : 'survivors'}`);
    await victim.schedule(jobs);
    await untilOwned([victim], jobs);
    const left: MovingService[] = [];
    for (let n = 1; n <= survivors; n++) left.push(await start(`survivor-${n}`));
    await Promise.all(left.map((service) => service.watch()));
    await victim.kill();
    await untilOwned(left, jobs);
    const strains = await Promise.all(left.map((service) => service.strain()));
    return { ...measured(await factsOf(place), jobs, survivors), strains };
  } finally {
    await Promise.all(services.map((service) => service.kill()));
  }
}

function measured(facts: readonly MovingFact[], jobs: number, survivors: number): Omit<Reowned, 'strains'> {
  const verdicts = facts.filter(({ event }) => event.type === 'ServiceMarkedFailed');
  const onVictim = ({ recorded }: MovingFact) => recorded.stream.endsWith(`service-${VICTIM}`);
  const verdict = verdicts.find(onVictim);
  if (verdict === undefined) throw new Error('the log holds no verdict');
  const binds = facts.filter(
    ({ event, recorded }) => event.type === 'JobBoundToService' && recorded.position > verdict.recorded.position,
  );
  const moved = new Map<string, number>();
  // Of a job that moved twice the first bind counts.
  for (const { recorded } of [...binds].reverse())
    moved.set(recorded.stream, recorded.created - verdict.recorded.created);
  if (moved.size !== jobs) throw new Error(`${moved.size} of ${jobs} jobs were bound elsewhere`);
  const perService = Array.from({ length: survivors }, (_, n) => {
    const of = (event: MovingFact['event']) => event.type === 'JobBoundToService' && event.data.serviceId;
    return binds.filter(({ event }) => of(event) === `survivor-${n + 1}`).length;
  });
  const times = [...moved.values()];
  const falseVerdicts = verdicts.filter((one) => !onVictim(one)).length;
  return { lastMs: quantile(times, 1), halfMs: quantile(times, 0.5), binds: binds.length, perService, falseVerdicts };
}

export function told(
  scene: string,
  jobs: number,
  { lastMs, halfMs, binds, perService, falseVerdicts, strains }: Reowned,
): Measured['beside'] {
  const ms = (value: number) => `${Math.round(value)} ms`;
  return [
    { what: `reown, ${scene}: last of ${jobs}`, value: `${ms(lastMs)} (${Math.round((jobs / lastMs) * 1_000)}/s)` },
    { what: `reown, ${scene}: half of them`, value: ms(halfMs) },
    { what: `reown, ${scene}: binds per survivor`, value: `${perService.join(' + ')} = ${binds}` },
    { what: `reown, ${scene}: verdicts on survivors`, value: String(falseVerdicts) },
    { what: `reown, ${scene}: CPU per survivor`, value: strains.map(({ cpuMs }) => ms(cpuMs)).join(' + ') },
    { what: `reown, ${scene}: own beats' longest round trip`, value: ms(worst(strains, 'beatMaxMs')) },
    {
      what: `reown, ${scene}: event loop delay, longest and p99`,
      value: `${ms(worst(strains, 'loopDelayMaxMs'))}, ${ms(worst(strains, 'loopDelayP99Ms'))}`,
    },
  ];
}
