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
  /** Jobs handed over per second at most: returns home, for balance, and because they were late, together. 0: none. Default 50. */
  readonly movesPerSecond: number;
  /** Nothing is moved for balance before membership has been the same for this long. Default 60,000. */
  readonly stableForMs: number;
  /** A job that was moved for balance, for lateness or by an operator is not moved for balance or lateness for this long. Default 600,000. */
  readonly moveRestMs: number;
  /** A job that has been due here for this long, and was not started, is handed over to a service that has room for a run. Default 30,000. */
  readonly lateAfterMs: number;
  /** Own jobs that changed are looked at for whether they still belong here at least this often; all of them at once when membership changes. Default 5,000. */
  readonly ownScanMs: number;
  /** The own host, if it is one that does not come back under its name; null (default): it does. */
  readonly ephemeralHost: string | null;
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
    movesPerSecond: 50,
    stableForMs: 60_000,
    moveRestMs: 600_000,
    lateAfterMs: 30_000,
    ownScanMs: 5_000,
    ephemeralHost: null,
    ...settings,
  };
}
