import { livenessProfiles } from '../membership';
import { resolveBalance } from './balance-options';
import { OptionsRefusedError, resolveOptions, type HoldfastOptions } from './options';

const options = (more: Partial<HoldfastOptions> = {}) =>
  resolveOptions({ service: { name: 'app', host: 'host' }, store: { kind: 'memory' }, ...more });
const refusals = (more: Partial<HoldfastOptions>) => {
  try {
    options(more);
  } catch (error) {
    if (error instanceof OptionsRefusedError) return error.refusals;
    throw error;
  }
  return [];
};

describe('balance', () => {
  it('has defaults, which go with every liveness profile', () => {
    for (const profile of Object.keys(livenessProfiles) as (keyof typeof livenessProfiles)[]) {
      expect(options({ liveness: profile }).balance).toEqual({
        movesPerSecond: 50,
        stableForMs: 60_000,
        moveRestMs: 600_000,
        lateAfterMs: 30_000,
      });
    }
  });

  it('whose defaults follow a liveness that is slower', () => {
    const liveness = { beatMs: 3_600_000, selfFenceAfterMs: 14_400_000, failAfterMs: 21_600_000, claimGraceMs: 10_000 };
    expect(options({ liveness }).balance).toEqual({
      movesPerSecond: 50,
      stableForMs: 21_600_000,
      moveRestMs: 21_600_000,
      lateAfterMs: 160_000,
    });
  });

  it.each<[string, HoldfastOptions['balance'], RegExp]>([
    ['movesPerSecond', { movesPerSecond: -1 }, /whole number from 0/],
    ['movesPerSecond', { movesPerSecond: 0.5 }, /whole number/],
    ['stableForMs', { stableForMs: 5_999 }, /failAfterMs = 6000/],
    ['moveRestMs', { stableForMs: 120_000, moveRestMs: 119_999 }, /stableForMs = 120000/],
    ['lateAfterMs', { lateAfterMs: 4_000 }, /claimGraceMs \(500\)/],
    ['lateAfterMs', { lateAfterMs: 90_000_000 }, /whole number/],
  ])('refuses %s %j', (field, balance, rule) => {
    const found = refusals({ balance });
    expect(found).toMatchObject([{ field: `balance.${field}`, rule: expect.stringMatching(rule) as string }]);
    expect(found[0].remedy).not.toBe('');
  });

  it('takes what is just enough', () => {
    const balance = { movesPerSecond: 0, stableForMs: 6_000, moveRestMs: 6_000, lateAfterMs: 4_001 };
    expect(options({ balance }).balance).toEqual(balance);
    expect(resolveBalance(balance, livenessProfiles.default)).toEqual(balance);
  });
});
