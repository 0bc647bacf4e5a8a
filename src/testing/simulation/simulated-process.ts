import { SeededRandom, type Clock } from '../../clock';
import type { ProcessIdentity } from '../../domain/service';
import type { Processes } from '../../membership';
import { ProcessClock, type ClockTraits } from './process-clock';
import type { Scheduler, Step } from './scheduler';
import { Told } from './told';

/** The machine that a process runs on, in what others can prove of it. */
export interface Machine {
  readonly bootId: string | null;
  readonly pidNamespace: string;
}

/**
 * One process of the world: a clock, and an event loop that may be held up or gone. Whatever comes to it (a timer, an answer, a delivery, a turn)
 * comes through `post`, as a step of its own.
 */
export class SimulatedProcess {
  readonly clock: ProcessClock;
  readonly random: SeededRandom;
  readonly told: Told;
  private alive = true;
  private heldUntil = -Infinity;
  private release: Step | null = null;
  private held: (() => void)[] = [];
  private asleep = false;
  private asleepSince = 0;
  /** True times between which nothing of it ran, newest last. */
  readonly pauses: { readonly from: number; to: number; readonly kind: 'stall' | 'suspend' }[] = [];

  constructor(
    /** Unique in the world, over restarts too. */
    readonly name: string,
    /** Name of its place. */
    readonly place: string,
    readonly pid: number,
    private readonly machine: Machine,
    private readonly scheduler: Scheduler,
    traits: ClockTraits,
    seed: number,
    private readonly living: (pid: number) => boolean,
  ) {
    this.random = new SeededRandom(seed);
    this.clock = new ProcessClock(scheduler, traits, this.random, (callback) => this.post(callback));
    this.told = new Told(this.clock, () => scheduler.now, traits.rate);
  }

  get dead(): boolean {
    return !this.alive;
  }

  get paused(): boolean {
    return this.asleep || this.scheduler.now < this.heldUntil;
  }

  /** Runs the callback now if this process runs, later if it is held up, never if it is gone. Called from a step. */
  post(callback: () => void): void {
    if (!this.alive) return;
    if (this.paused) this.held.push(callback);
    else callback();
  }

  /** The event loop is held: nothing runs, time goes on. */
  stall(ms: number): void {
    if (!this.alive || this.asleep) return;
    const until = this.scheduler.now + ms;
    if (until <= this.heldUntil) return;
    this.note('stall', until);
    this.heldUntil = until;
    this.releaseAt(until);
  }

  /** The machine sleeps: monotonic time stands. */
  suspend(ms: number): void {
    if (!this.alive || this.asleep) return;
    const until = this.scheduler.now + ms;
    this.note('suspend', until);
    this.asleep = true;
    this.asleepSince = this.scheduler.now;
    this.clock.suspend();
    this.scheduler.at(until, () => this.wake());
  }

  /** Its wall clock is put to another time. */
  jumpWall(byMs: number): void {
    this.clock.jumpWall(byMs);
    this.told.jumped(byMs);
  }

  /** Whatever holds it up ends now. */
  wake(): void {
    if (!this.alive) return;
    if (this.asleep) {
      this.asleep = false;
      this.clock.wake();
      this.told.jumped(this.scheduler.now - this.asleepSince);
    }
    if (this.heldUntil > this.scheduler.now) this.releaseAt(this.heldUntil);
    else this.goOn();
  }

  resume(): void {
    this.heldUntil = -Infinity;
    for (const pause of this.pauses) pause.to = Math.min(pause.to, this.scheduler.now);
    this.wake();
  }

  /** As by SIGKILL: nothing of it runs any more. */
  kill(): void {
    this.alive = false;
    this.held = [];
    this.clock.stop();
  }

  /** How much of the time between two instants it was held up, ms. */
  pausedWithin(from: number, to: number): number {
    let [held, counted] = [0, from];
    // One may begin within another.
    for (const pause of this.pauses) {
      const [begins, ends] = [Math.max(counted, pause.from), Math.min(to, pause.to)];
      if (ends <= begins) continue;
      held += ends - begins;
      counted = ends;
    }
    return held;
  }

  processes(): Processes {
    const own: ProcessIdentity = {
      pid: this.pid,
      bootId: this.machine.bootId,
      pidNamespace: this.machine.pidNamespace,
      startTicks: String(this.pid),
    };
    return {
      own: () => own,
      provablyGone: (former) =>
        own.bootId !== null &&
        former.bootId === own.bootId &&
        former.pidNamespace === own.pidNamespace &&
        !this.living(former.pid),
    };
  }

  private note(kind: 'stall' | 'suspend', to: number): void {
    this.pauses.push({ from: this.scheduler.now, to, kind });
  }

  private releaseAt(time: number): void {
    if (this.release !== null) this.scheduler.cancel(this.release);
    this.release = this.scheduler.at(time, () => this.goOn());
  }

  /** What was held comes, each by itself; the seed says in which order. */
  private goOn(): void {
    if (this.paused) return;
    for (const callback of this.held.splice(0)) this.scheduler.after(0, () => this.post(callback));
  }
}

/** For those who want a clock only. */
export type { Clock };
