/** A point of time: whole milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

/** A timer that was set; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. Everything that waits takes one; the simulation turns a virtual one.
 * All values are milliseconds.
 */
export interface Clock {
  /** Wall clock. May jump in either direction; never used to decide who owns what. */
  wall(): Instant;
  /** Monotonic time since an arbitrary origin (fractional). Stops while the machine is suspended. */
  monotonic(): number;
  /** Time since the machine booted, suspend included; may be up to 10 ms old. */
  boot(): number;
  /**
   * Calls `callback` once, not earlier than after `delayMs` of monotonic time.
   * @param options.keepAlive whether a pending timer keeps the process alive; default true.
   * @param options.name what the timer is for; a host's registry shows it under this name.
   */
  setTimer(delayMs: number, callback: () => void, options?: { keepAlive?: boolean; name?: string }): Timer;
  /** Resolves after `delayMs`, or at once (without an error) when `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Resolves in a later turn of the event loop: long passes yield with it. */
  yield(): Promise<void>;
}
