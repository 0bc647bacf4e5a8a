import { checkLiveness } from './check-liveness';
import { livenessProfiles, type LivenessOptions } from './options';

const fields = (options: Partial<LivenessOptions>) =>
  checkLiveness({ ...livenessProfiles.default, ...options }).map((r) => r.field);

describe('the times of liveness', () => {
  it.each(['default', 'tuned', 'cluster'] as const)('the profile %s is good', (profile) => {
    expect(checkLiveness(livenessProfiles[profile])).toEqual([]);
  });

  it('stop before steal: failAfter·(1−ρ) ≥ (selfFenceAfter + loopDelay + abortGrace)·(1+ρ), to the millisecond', () => {
    // (4000 + 500 + 1000) · 1.01 / 0.99 = 5611.1…
    expect(fields({ failAfterMs: 5_612 })).toEqual([]);
    const [refusal] = checkLiveness({ ...livenessProfiles.default, failAfterMs: 5_611 });
    expect(refusal).toMatchObject({ field: 'liveness.failAfterMs', value: '5611' });
    expect(refusal.rule).toContain('5555 ms');
    expect(refusal.remedy).toContain('5612');
    expect(fields({ failAfterMs: 5_500, clockRateError: 0 })).toEqual([]);
    expect(fields({ abortGraceMs: 2_000 })).toEqual(['liveness.failAfterMs']);
    expect(fields({ loopDelayMs: 1_000 })).toEqual(['liveness.failAfterMs']);
    expect(fields({ selfFenceAfterMs: 5_000 })).toEqual(['liveness.failAfterMs']);
    expect(fields({ clockRateError: 0.1 })).toEqual(['liveness.failAfterMs']);
  });

  it('a lost beat must not fence the service', () => {
    expect(fields({ beatMs: 1_000 })).toEqual([]);
    expect(fields({ beatMs: 1_001 })).toEqual(['liveness.beatMs']);
  });

  it.each([0, -1, NaN, Infinity, '500' as never, undefined as never])('no time may be %p', (value) => {
    expect(fields({ claimGraceMs: value })).toEqual(['liveness.claimGraceMs']);
    expect(fields({ beatMs: value, failAfterMs: value })).toEqual(['liveness.beatMs', 'liveness.failAfterMs']);
  });

  it.each([-0.01, 0.5, NaN])('no rate error may be %p', (value) => {
    expect(fields({ clockRateError: value })).toEqual(['liveness.clockRateError']);
  });
});
