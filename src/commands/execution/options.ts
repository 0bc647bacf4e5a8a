/** How the executor behaves. All times in ms. */
export interface ExecutorOptions {
  /** How long a command is waited for when it does not say so. Default 30,000. */
  readonly commandTimeoutMs: number;
  /** Lost races after which a command gives up; nothing was written then. Default 8. */
  readonly maxConflicts: number;
  /** First delay before a decision is made anew after a lost race; doubled each time, jittered. Default 5. */
  readonly conflictBackoffMs: number;
  /** First delay before an append or a read is repeated; doubled each time, jittered. Default 20. */
  readonly retryInitialMs: number;
  /** No repetition waits longer. Default 1,000. */
  readonly retryMaxMs: number;
  /** Folded states that are kept so that the next command needs no read. 0: none. Default 1,000. */
  readonly recentStates: number;
  /** The books are closed when this many events came since the last time. Default 500. */
  readonly booksEvery: number;
  /** No schedule is taken of which two slots are nearer to each other than a second divided by this. Default: any is. */
  readonly maxFiresPerSecond: number;
  /** Data, metadata and types of one append together, bytes. Default 524,288 (512 KiB). */
  readonly maxAppendBytes: number;
}

export const defaultExecutorOptions: ExecutorOptions = {
  commandTimeoutMs: 30_000,
  maxConflicts: 8,
  conflictBackoffMs: 5,
  retryInitialMs: 20,
  retryMaxMs: 1_000,
  recentStates: 1_000,
  booksEvery: 500,
  maxFiresPerSecond: Infinity,
  maxAppendBytes: 524_288,
};
