import { sleepBy, type Clock, type Instant, type SeededRandom, type Timer } from '../../clock';
import type { Scheduler, Step } from './scheduler';

export interface ClockTraits {
  /** Its monotonic time goes so many times as fast as true time. */
  readonly rate: number;
  /** Wall clock at the beginning of the world, ms since the epoch. */
  readonly wallAtStart: Instant;
}

/** Longest that a timer or a turn of the event loop is late while nothing is wrong, ms. */
const LATEST_TIMER_MS = 1;
const LATEST_TURN_MS = 0.2;

interface Pending {
  readonly due: number;
  readonly callback: () => void;
  step: Step | null;
  over: boolean;
}

/**
 * The clock of one machine: monotonic time at a rate of its own, a wall clock that may be set, and suspend, in which monotonic time stands and boot
 * time and wall clock go on. `post` decides what becomes of a callback whose time has come: the process may be held up, or gone.
 */
export class ProcessClock implements Clock {
  /** Monotonic time at the true time `since`. */
  private base = 0;
  private since: number;
  private suspendedFor = 0;
  private suspendedAt: number | null = null;
  private wallOffset: number;
  private readonly pending = new Set<Pending>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly traits: ClockTraits,
    private readonly random: SeededRandom,
    private readonly post: (callback: () => void) => void,
  ) {
    this.since = scheduler.now;
    this.wallOffset = traits.wallAtStart + scheduler.now * traits.rate;
  }

  wall(): Instant {
    return Math.floor(this.boot() + this.wallOffset);
  }

  monotonic(): number {
    return this.suspendedAt === null ? this.base + (this.scheduler.now - this.since) * this.traits.rate : this.base;
  }

  boot(): number {
    const asleep = this.suspendedAt === null ? 0 : this.scheduler.now - this.suspendedAt;
    return this.monotonic() + this.suspendedFor + asleep * this.traits.rate;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const late = 0.001 + this.random.next() * LATEST_TIMER_MS;
    const timer: Pending = { due: this.monotonic() + Math.max(0, delayMs) + late, callback, step: null, over: false };
    this.pending.add(timer);
    if (this.suspendedAt === null) this.arm(timer);
    return {
      cancel: () => {
        timer.over = true;
        this.pending.delete(timer);
        if (timer.step !== null) this.scheduler.cancel(timer.step);
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepBy((delay, callback) => this.setTimer(delay, callback), delayMs, signal);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => {
      this.scheduler.after(this.random.next() * LATEST_TURN_MS, () => this.post(resolve));
    });
  }

  jumpWall(byMs: number): void {
    this.wallOffset += byMs;
  }

  /** Monotonic time stands from now on, and no timer comes due. */
  suspend(): void {
    if (this.suspendedAt !== null) return;
    this.base = this.monotonic();
    this.suspendedAt = this.scheduler.now;
    for (const timer of this.pending) if (timer.step !== null) this.scheduler.cancel(timer.step);
  }

  wake(): void {
    if (this.suspendedAt === null) return;
    this.suspendedFor += (this.scheduler.now - this.suspendedAt) * this.traits.rate;
    this.since = this.scheduler.now;
    this.suspendedAt = null;
    for (const timer of this.pending) this.arm(timer);
  }

  /** Nothing comes due any more. */
  stop(): void {
    for (const timer of this.pending) if (timer.step !== null) this.scheduler.cancel(timer.step);
    this.pending.clear();
  }

  private arm(timer: Pending): void {
    const wait = Math.max(0, timer.due - this.monotonic()) / this.traits.rate;
    timer.step = this.scheduler.after(wait, () => {
      this.pending.delete(timer);
      this.post(() => {
        if (timer.over) return;
        timer.over = true;
        timer.callback();
      });
    });
  }
}
