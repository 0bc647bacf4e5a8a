import type { Clock, Instant, Timer } from './clock';

interface Pending {
  readonly due: number;
  readonly order: number;
  readonly name: string;
  readonly callback: () => void;
}

/** How many turns of the real event loop are given to what is under way before virtual time goes on. */
const SETTLING_TURNS = 4;

/**
 * A clock that moves only when it is told to. Timers fire in the order of their due times; before and after each one, whatever is ready
 * to run is let run. For tests, and for users who test their own jobs.
 */
export class VirtualClock implements Clock {
  private readonly timers = new Set<Pending>();
  private elapsed = 0;
  private suspended = 0;
  private wallOffset: number;
  private order = 0;

  /** @param start the wall clock at the beginning, ms since the epoch; default 2026-01-01T00:00:00Z. */
  constructor(start: Instant = Date.UTC(2026, 0, 1)) {
    this.wallOffset = start;
  }

  wall(): Instant {
    return Math.floor(this.elapsed + this.suspended + this.wallOffset);
  }

  monotonic(): number {
    return this.elapsed;
  }

  boot(): number {
    return this.elapsed + this.suspended;
  }

  setTimer(delayMs: number, callback: () => void, options?: { keepAlive?: boolean; name?: string }): Timer {
    const timer: Pending = {
      due: this.elapsed + Math.max(0, delayMs),
      order: this.order++,
      name: options?.name ?? 'timer',
      callback,
    };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        timer.cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.setTimer(delayMs, done, { name: 'sleep' });
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets everything that is ready run; time stands still. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLING_TURNS; turn++) await this.yield();
  }

  /** Moves time by `ms`, firing what falls due on the way. */
  async advance(ms: number): Promise<void> {
    const until = this.elapsed + ms;
    await this.settle();
    for (let next = this.next(); next !== null && next.due <= until; next = this.next()) await this.fire(next);
    this.elapsed = until;
    await this.settle();
  }

  /**
   * Moves time from timer to timer until `condition` holds.
   * @throws Error when it does not hold within `limitMs` of virtual time (default 60,000), or nothing is left to wait for.
   */
  async runUntil(
    condition: () => boolean,
    options: { readonly limitMs?: number; readonly what?: string } = {},
  ): Promise<void> {
    const { limitMs = 60_000, what = 'the condition' } = options;
    const until = this.elapsed + limitMs;
    await this.settle();
    while (!condition()) {
      const next = this.next();
      if (next === null) {
        // Real work (a file, a worker thread) may still be under way: give it turns before giving up.
        for (let turn = 0; turn < 200 && this.next() === null && !condition(); turn++) await this.yield();
        if (condition()) return;
        if (this.next() === null) throw new Error(`Waited for ${what}; it does not hold, and no timer is pending.`);
        continue;
      }
      if (next.due > until) throw new Error(`Waited ${limitMs} ms of virtual time for ${what}; it does not hold.`);
      await this.fire(next);
    }
  }

  /** The wall clock jumps; monotonic and boot time do not. */
  jumpWall(ms: number): void {
    this.wallOffset += ms;
  }

  /** The machine sleeps: boot time and wall clock move, monotonic time stands, no timer fires. */
  suspend(ms: number): void {
    this.suspended += ms;
  }

  /**
   * Moves time to the next timer and fires it.
   * @returns false when none is pending, or none within `limitMs`: time stands where it stood.
   */
  async step(limitMs = Infinity): Promise<boolean> {
    const next = this.next();
    if (next === null || next.due - this.elapsed > limitMs) return false;
    await this.fire(next);
    return true;
  }

  /** Timers that have not fired or been cancelled. */
  pendingTimers(): readonly string[] {
    return [...this.timers].map((t) => t.name);
  }

  private next(): Pending | null {
    let first: Pending | null = null;
    for (const timer of this.timers) {
      if (first === null || timer.due < first.due || (timer.due === first.due && timer.order < first.order))
        first = timer;
    }
    return first;
  }

  private async fire(timer: Pending): Promise<void> {
    this.elapsed = Math.max(this.elapsed, timer.due);
    this.timers.delete(timer);
    timer.callback();
    await this.settle();
  }
}
