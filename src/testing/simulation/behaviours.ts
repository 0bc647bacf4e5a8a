import type { HandlerDefinition, JobContext } from '../../worker';
import type { HandlerWorld } from './place';

/** Handlers of the simulation's own, by what they do. All but `deaf` yield to their abort within a third of a second. */
export const behaviours = ['brief', 'long', 'faulty', 'hanging', 'deaf', 'blocking', 'deadly'] as const;
export type Behaviour = (typeof behaviours)[number];

const YIELDS_WITHIN_MS = 300;

/** What each does is drawn from the seed, the job, its slot and the attempt: the same run does the same, whatever else has happened. */
export function behavingHandlers(world: HandlerWorld): readonly HandlerDefinition[] {
  const { clock } = world;
  const rest = (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal);
  const draw = ({ jobId, slot, attempt }: JobContext) => world.drawn('run', jobId, slot, attempt);
  /** Works for so long, in portions, each after a look at the guard; yields to its abort a little later. */
  const work = async (context: JobContext, ms: number, yields: number) => {
    const { signal } = context;
    await context.guard();
    await rest(ms, signal);
    if (!signal.aborted) return;
    await rest(yields * YIELDS_WITHIN_MS);
    throw signal.reason;
  };
  const does: { readonly [behaviour in Behaviour]: (context: JobContext) => Promise<void> } = {
    brief: (context) => work(context, 1 + 50 * draw(context).next(), 0),
    long: (context) => {
      const random = draw(context);
      return work(context, 1_000 + 19_000 * random.next(), random.next());
    },
    faulty: async (context) => {
      const random = draw(context);
      await work(context, 200 * random.next(), 0);
      if (random.next() < 0.5) throw new Error('it went wrong');
    },
    hanging: (context) => work(context, 3_600_000, draw(context).next()),
    deaf: async (context) => {
      const random = draw(context);
      await rest(random.next() < 0.5 ? 500 * random.next() : 3_000 + 12_000 * random.next());
    },
    blocking: async (context) => {
      const random = draw(context);
      await work(context, 200 * random.next(), 0);
      world.stall(random.next() < 0.7 ? 400 * random.next() : 7_000 * random.next());
      await rest(0);
    },
    deadly: async (context) => {
      const random = draw(context);
      await work(context, 500 * random.next(), 0);
      // Some of these jobs kill nearly always, and are to be quarantined; others now and then.
      const deadliness = world.drawn('deadly', context.jobId).next() < 0.5 ? 0.85 : 0.12;
      if (random.next() < deadliness) world.takeDown();
      await rest(5);
    },
  };
  return behaviours.map((name) => ({ name, run: (_payload, context) => does[name](context) }));
}
