/** How this service takes, moves and gives back jobs. All times in ms. */
export interface SweepOptions {
  /** The k-th ranked service steps in after k of these. From the liveness profile: default 500, tuned 100. */
  readonly claimGraceMs: number;
  /** Silence after which a peer counts as gone. From the liveness profile. Bounds how old a view may be that claims are decided on. */
  readonly failAfterMs: number;
  /** A job that prefers another service returns to it once that has been registered for this long; doubled per return within the hour. Default 10,000. */
  readonly homeAfterMs: number;
  /** This many crashes within the window quarantine a job. Default 3 within 3,600,000. */
  readonly quarantine: { readonly crashes: number; readonly windowMs: number };
  /** Jobs looked at in one sweep, soonest next run first; the next one goes on behind them. Default 5,000. */
  readonly window: number;
  /** Appends in flight at most. The present limit adapts below it to what the store takes. Default 256. */
  readonly maxInFlight: number;
  /** A view further behind than this stops claiming. Default: failAfterMs. */
  readonly viewLagLimitMs: number;
  /** Jobs given back to their homes per second at most. Default 50. */
  readonly homePerSecond: number;
  /** Own jobs that changed are looked at for whether they still belong here at least this often; all of them at once when membership changes. Default 5,000. */
  readonly ownScanMs: number;
}

/** What must be given, and what has a default. */
export type SweepSettings = Pick<SweepOptions, 'claimGraceMs' | 'failAfterMs'> & Partial<SweepOptions>;

export function sweepOptions(settings: SweepSettings): SweepOptions {
  return {
    homeAfterMs: 10_000,
    quarantine: { crashes: 3, windowMs: 3_600_000 },
    window: 5_000,
    maxInFlight: 256,
    viewLagLimitMs: settings.failAfterMs,
    homePerSecond: 50,
    ownScanMs: 5_000,
    ...settings,
  };
}
