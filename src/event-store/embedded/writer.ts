import { statSync } from 'node:fs';
import type { Clock, Random } from '../../clock';
import type { Connection } from './driver';
import { codeOf, isBusy, isFull, messageOf } from './errors';
import type { Turnstile } from './turnstile';

/** What became of a write. `certain`: nothing of it is in the log. */
export type Written<T> =
  | { readonly done: true; readonly value: T }
  | { readonly done: false; readonly certain: boolean; readonly message: string };

interface Task {
  readonly bytes: number;
  readonly deadline: number;
  readonly run: () => unknown;
  readonly settle: (written: Written<unknown>) => void;
}

/** Most writes, and about the most bytes, of one transaction. */
const GROUP = 256;
/** Most writes while others wait: their turn comes sooner, at little cost. */
const SHARED_GROUP = 64;
const GROUP_BYTES = 4 * 1_048_576;
/** Most turns of the event loop that a group is gathered in. */
const MOST_TURNS = 3;

/**
 * Writes in groups: whatever was asked for in one turn of the event loop, or in a few that follow each other, shares a transaction, and so its sync to the disk.
 * Waits for the lock without blocking the event loop, in the line of the turnstile; what waits longer than the time-out is not written.
 */
export class Writer {
  private readonly urgent: Task[] = [];
  private readonly normal: Task[] = [];
  private draining: Promise<void> = Promise.resolve();
  private running = false;
  private readonly inode: number;

  constructor(
    private readonly db: Connection,
    private readonly path: string,
    private readonly turnstile: Turnstile,
    private readonly ports: { readonly clock: Clock; readonly random: Random },
    private readonly timeoutMs: number,
    /** Told in the turn of the commit. `begun`: a transaction is open, nothing is written yet. */
    private readonly tell: { readonly begun: () => void; readonly committed: () => void },
  ) {
    this.inode = statSync(path).ino;
  }

  /** @param run decides and writes, inside the transaction; called once at most. It must not throw after it has written. */
  write<T>(run: () => T, bytes: number, lane: 'urgent' | 'normal'): Promise<Written<T>> {
    return new Promise((resolve) => {
      const deadline = this.ports.clock.monotonic() + this.timeoutMs;
      const settle = resolve as (written: Written<unknown>) => void;
      (lane === 'urgent' ? this.urgent : this.normal).push({ run, bytes, deadline, settle });
      if (!this.running) this.draining = this.drain();
    });
  }

  /** Resolves when everything asked for has its answer. */
  async idle(): Promise<void> {
    while (this.running) await this.draining;
  }

  private async drain(): Promise<void> {
    this.running = true;
    while (this.waiting() > 0) {
      await this.gather();
      if (await this.begin()) this.commitGroup();
    }
    // In the same turn as the last look at the queues: what is asked for from now on begins anew.
    this.running = false;
  }

  /** A sync costs far more than a turn of the event loop: while each turn brings more to write, a few are waited for. */
  private async gather(): Promise<void> {
    for (let turn = 0, before = 0; turn < MOST_TURNS && this.waiting() > before; turn++) {
      before = this.waiting();
      await this.ports.clock.yield();
    }
  }

  private waiting(): number {
    return this.urgent.length + this.normal.length;
  }

  /** True: a transaction is open. False: there is nothing left to write. */
  private async begin(): Promise<boolean> {
    const { clock, random } = this.ports;
    for (;;) {
      if (this.turnstile.mayGo(clock.monotonic())) {
        try {
          this.db.exec('BEGIN IMMEDIATE');
          this.checkInPlace();
          return true;
        } catch (error) {
          this.rollback();
          if (!isBusy(error)) {
            this.fail(this.take(Infinity, Infinity), true, `the log cannot be written: ${messageOf(error)}`);
            break;
          }
        }
      }
      this.turnstile.announce();
      await clock.sleep(1 + 2 * random.next());
      this.expire();
      if (this.waiting() === 0) break;
    }
    this.turnstile.leave();
    return false;
  }

  /** A log that was moved away or replaced while it is open would take events that nobody finds again. */
  private checkInPlace(): void {
    if (statSync(this.path, { throwIfNoEntry: false })?.ino !== this.inode)
      throw new Error(`${this.path} was moved, deleted or replaced while in use; restart with the right file in place`);
  }

  private expire(): void {
    const now = this.ports.clock.monotonic();
    for (const queue of [this.urgent, this.normal]) {
      // All wait equally long, so the first ones are the oldest.
      let expired = 0;
      while (expired < queue.length && queue[expired].deadline <= now) expired++;
      const seconds = this.timeoutMs / 1_000;
      this.fail(queue.splice(0, expired), true, `another process kept the lock of the log for ${seconds} s`);
    }
  }

  private take(count: number, bytes: number): Task[] {
    const group: Task[] = [];
    let size = 0;
    for (const queue of [this.urgent, this.normal]) {
      let taken = 0;
      while (
        taken < queue.length &&
        group.length < count &&
        (group.length === 0 || size + queue[taken].bytes <= bytes)
      ) {
        size += queue[taken].bytes;
        group.push(queue[taken++]);
      }
      queue.splice(0, taken);
    }
    return group;
  }

  private commitGroup(): void {
    const group = this.take(this.turnstile.crowded ? SHARED_GROUP : GROUP, GROUP_BYTES);
    const values: unknown[] = [];
    let committing = false;
    try {
      this.tell.begun();
      for (const task of group) values.push(task.run());
      committing = true;
      this.db.exec('COMMIT');
    } catch (error) {
      this.rollback();
      // A commit that failed for want of room wrote no commit record; after any other failure it may be on the disk.
      const certain = !committing || isFull(error) || isBusy(error);
      this.turnstile.leave();
      this.fail(
        group,
        certain,
        `${isFull(error) ? 'the disk is full' : 'the write failed'}: ${messageOf(error)} (${codeOf(error)})`,
      );
      return;
    }
    this.turnstile.leave();
    group.forEach((task, index) => task.settle({ done: true, value: values[index] }));
    this.tell.committed();
  }

  private fail(tasks: readonly Task[], certain: boolean, message: string): void {
    for (const task of tasks) task.settle({ done: false, certain, message });
  }

  private rollback(): void {
    try {
      if (this.db.inTransaction) this.db.exec('ROLLBACK');
    } catch {
      // SQLite rolls back by itself what it could not be told to.
    }
  }
}
