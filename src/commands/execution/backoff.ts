import type { Random } from '../../clock';

export interface BackoffOptions {
  /** First delay, ms. */
  readonly initialMs: number;
  /** No delay is longer, ms. */
  readonly maxMs: number;
}

/** Full jitter: a delay in (0, min(initial · 2^n, max)], n from 0. */
export function backoff(options: BackoffOptions, n: number, random: Random): number {
  const ceiling = Math.min(options.initialMs * 2 ** Math.min(n, 30), options.maxMs);
  return ceiling * (1 - random.next());
}
