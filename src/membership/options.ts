/** How fast silence is noticed. All ms. See docs/guarantees.md for the inequality that binds them. */
export interface LivenessOptions {
  /** Between two heartbeats. Default 1,000; tuned 150. */
  readonly beatMs: number;
  /** Trust runs this long from the start of an acknowledged beat; then the service fences itself. Default 4,000; tuned 600. */
  readonly selfFenceAfterMs: number;
  /** Largest event-loop delay that the promise covers. Default 500; tuned 150. */
  readonly loopDelayMs: number;
  /** How long a handler may take to yield to its abort. Default 1,000; tuned 100. */
  readonly abortGraceMs: number;
  /** Silence after which a peer is marked failed. Default 6,000; tuned 1,000. */
  readonly failAfterMs: number;
  /** The k-th ranked service steps in after k of these. Default 500; tuned 100. */
  readonly claimGraceMs: number;
  /** Bound on how much clocks of two processes differ in rate (ρ). Default 0.01. */
  readonly clockRateError: number;
}

export const livenessProfiles: { readonly default: LivenessOptions; readonly tuned: LivenessOptions } = {
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
};
