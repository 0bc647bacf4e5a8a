import { checkLiveness, type LivenessOptions } from '../../src/membership';
import { RoughWorld } from './rough-world';

const rho = 0.01;
const times = { beatMs: 150, selfFenceAfterMs: 600, loopDelayMs: 150, abortGraceMs: 100, claimGraceMs: 100 };
const stopMs = times.loopDelayMs + times.abortGraceMs;

/** Exactly at the inequality: nothing is to spare. */
const sharp: LivenessOptions = {
  ...times,
  clockRateError: rho,
  failAfterMs: Math.ceil(((times.selfFenceAfterMs + stopMs) * (1 + rho)) / (1 - rho)),
};
/** The owner still trusts itself when its jobs are taken. */
const broken: LivenessOptions = { ...sharp, failAfterMs: times.selfFenceAfterMs / 2 };

const seeds = Array.from({ length: 40 }, (_, n) => n + 1);
const LIVED_MS = 8_000;

async function lived(seed: number, liveness: LivenessOptions) {
  const world = new RoughWorld(seed, liveness);
  await world.start('x', 'o');
  await world.live(LIVED_MS);
  await world.close();
  return world;
}

describe('stop before steal, over slow, lossy and lagging ways to the log, with pauses and clocks that drift', () => {
  it('holds at the inequality: nobody trusts itself after the verdict on it, and its handlers had their time to stop', async () => {
    expect(checkLiveness(sharp)).toEqual([]);
    let verdicts = 0;
    for (const seed of seeds) {
      const world = await lived(seed, sharp);
      verdicts += world.verdicts.length;
      expect({ seed, acted: world.acted }).toEqual({ seed, acted: [] });
      for (const { incarnation, at, expired } of world.verdicts) {
        expect({ seed, incarnation, stoppedForMs: at - expired >= stopMs }).toMatchObject({ seed, stoppedForMs: true });
      }
    }
    expect(verdicts).toBeGreaterThan(10);
  });

  it('does not hold, and these lives show it, when failAfter breaks the inequality', async () => {
    expect(checkLiveness(broken)).toMatchObject([{ field: 'liveness.failAfterMs' }]);
    let caught = 0;
    for (const seed of seeds.slice(0, 8)) {
      const world = await lived(seed, broken);
      caught += world.acted.length;
    }
    expect(caught).toBeGreaterThan(0);
  });
});
