/** How fast silence is noticed. All ms. See docs/guarantees.md for the inequality that binds them. */
export interface LivenessOptions {
  /** Between two heartbeats. Default 1,000; tuned 150; cluster 1,000. */
  readonly beatMs: number;
  /** Trust runs this long from the start of an acknowledged beat; then the service fences itself. Default 4,000; tuned 600; cluster 10,000. */
  readonly selfFenceAfterMs: number;
  /** Largest event-loop delay that the promise covers. Default 500; tuned 150; cluster 500. */
  readonly loopDelayMs: number;
  /** How long a handler may take to yield to its abort. Default 1,000; tuned 100; cluster 1,000. */
  readonly abortGraceMs: number;
  /** Silence after which a peer is marked failed. Default 6,000; tuned 1,000; cluster 12,000. */
  readonly failAfterMs: number;
  /** The k-th ranked service steps in after k of these. Default 500; tuned 100; cluster 500. */
  readonly claimGraceMs: number;
  /** Bound on how much clocks of two processes differ in rate (ρ). Default 0.01. */
  readonly clockRateError: number;
}

export type LivenessProfile = 'default' | 'tuned' | 'cluster';

export const livenessProfiles: { readonly [profile in LivenessProfile]: LivenessOptions } = {
  default: {
    beatMs: 1_000,
    selfFenceAfterMs: 4_000,
    loopDelayMs: 500,
    abortGraceMs: 1_000,
    failAfterMs: 6_000,
    claimGraceMs: 500,
    clockRateError: 0.01,
  },
  tuned: {
    beatMs: 150,
    selfFenceAfterMs: 600,
    loopDelayMs: 150,
    abortGraceMs: 100,
    failAfterMs: 1_000,
    claimGraceMs: 100,
    clockRateError: 0.01,
  },
  /** For a log on several nodes: trust outlasts the election of a leader, so that it aborts no handler. A leader that freezes for ten seconds outlasts it. */
  cluster: {
    beatMs: 1_000,
    selfFenceAfterMs: 10_000,
    loopDelayMs: 500,
    abortGraceMs: 1_000,
    failAfterMs: 12_000,
    claimGraceMs: 500,
    clockRateError: 0.01,
  },
};
