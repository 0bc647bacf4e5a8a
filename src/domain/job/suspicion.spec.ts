import type { Crash } from './state';
import { countedCrashes, isSuspect } from './suspicion';

const crash = (attempt: number, soleSuspect?: true): Crash => ({
  slot: 's',
  attempt,
  at: 0,
  ...(soleSuspect && { soleSuspect }),
});

describe('suspicion', () => {
  it('falls on a job with the second crash, those counted that are about to be recorded', () => {
    expect([0, 1, 2, 3].map((n) => isSuspect({ crashes: Array.from({ length: n }, (_, k) => crash(k)) }))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(isSuspect({ crashes: [crash(1)] }, 1)).toBe(true);
    expect(isSuspect({ crashes: [] }, 1)).toBe(false);
  });

  it('counts the first two crashes, and then only those as the sole suspect', () => {
    const crashes = [crash(1), crash(2), crash(3), crash(4, true), crash(5)];
    expect(countedCrashes({ crashes }).map(({ attempt }) => attempt)).toEqual([1, 2, 4]);
  });
});
