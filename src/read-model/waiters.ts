import type { Clock, Timer } from '../clock';
import type { LogPosition } from '../event-store';
import { ViewClosedError, ViewTimeoutError } from './errors';

interface Waiter {
  readonly position: bigint;
  readonly timer: Timer;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Under load the view rests between batches, unless somebody waits for it: what happens to a job in the meantime is written once.
 * So many events within so many ms are load; the rest is so many times as long as the batch took, within bounds (ms).
 */
const LOAD_EVENTS = 32;
const LOAD_WITHIN_MS = 50;
const REST_FACTOR = 4;
const SHORTEST_REST_MS = 15;
const LONGEST_REST_MS = 50;

/** Those who wait for the view to reach a position, and those who want to know whenever it has moved. */
export class Waiters {
  private readonly waiters = new Set<Waiter>();
  private readonly listeners = new Set<{ readonly call: (position: bigint) => void }>();
  private closed = false;
  private resting: (() => void) | null = null;
  /** Events that were applied since then. */
  private load = { since: -Infinity, events: 0 };

  constructor(
    private readonly clock: Clock,
    private readonly reached: () => LogPosition,
    /** A listener threw: it is told, and the others are called all the same. */
    private readonly onListenerError: (error: unknown) => void,
  ) {}

  waitFor(position: bigint, timeoutMs: number): Promise<void> {
    const reached = this.reached();
    if (reached !== 'start' && reached >= position) return Promise.resolve();
    if (this.closed) return Promise.reject(new ViewClosedError());
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimer(
        timeoutMs,
        () => {
          this.waiters.delete(waiter);
          reject(new ViewTimeoutError(position, this.reached(), timeoutMs));
        },
        { name: 'view.wait' },
      );
      const waiter: Waiter = { position, timer, resolve, reject };
      this.waiters.add(waiter);
      this.wake();
    });
  }

  /** Resolves after `ms`; at once while somebody waits, or as soon as somebody does. */
  private rest(ms: number): Promise<void> {
    if (this.waiters.size > 0 || this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(ms, () => this.wake(), { keepAlive: false, name: 'view-rest' });
      this.resting = () => {
        this.resting = null;
        timer.cancel();
        resolve();
      };
    });
  }

  /** After a batch of so many events that took `spentMs`. */
  async restAfter(events: number, spentMs: number): Promise<void> {
    const now = this.clock.monotonic();
    if (now - this.load.since > LOAD_WITHIN_MS) this.load = { since: now, events: 0 };
    this.load.events += events;
    if (this.load.events < LOAD_EVENTS) return;
    this.load = { since: -Infinity, events: 0 };
    await this.rest(Math.min(LONGEST_REST_MS, Math.max(SHORTEST_REST_MS, REST_FACTOR * spentMs)));
  }

  /** Ends a rest. */
  wake(): void {
    this.resting?.();
  }

  onAdvance(listener: (position: bigint) => void): () => void {
    const entry = { call: listener };
    this.listeners.add(entry);
    return () => void this.listeners.delete(entry);
  }

  /** The checkpoint has moved; `changed`: rows too. */
  advanced(position: bigint, changed: boolean): void {
    for (const waiter of this.waiters) {
      if (waiter.position > position) continue;
      this.settle(waiter);
      waiter.resolve();
    }
    if (!changed) return;
    for (const { call } of [...this.listeners]) {
      try {
        call(position);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }

  close(): void {
    this.closed = true;
    this.wake();
    this.listeners.clear();
    for (const waiter of this.waiters) {
      this.settle(waiter);
      waiter.reject(new ViewClosedError());
    }
  }

  private settle(waiter: Waiter): void {
    this.waiters.delete(waiter);
    waiter.timer.cancel();
  }
}
