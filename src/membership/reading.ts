import type { Clock } from '../clock';

/** One look at the two clocks that a fence is measured by. */
export interface Reading {
  readonly monotonic: number;
  readonly boot: number;
}

export function readClocks(clock: Clock): Reading {
  return { monotonic: clock.monotonic(), boot: clock.boot() };
}

/** Time that has passed since a reading, ms: the greater of monotonic time and boot time, so a suspended machine does not count as no time. */
export function elapsedSince(clock: Clock, from: Reading): number {
  return Math.max(clock.monotonic() - from.monotonic, clock.boot() - from.boot);
}
