import type { Clock } from '../clock';
import { Pace } from './pace';

/** How an append went, as far as the store's load is concerned. `neutral` tells nothing about it (a refusal, a fence). */
export type Pressure = 'took' | 'pressed' | 'neutral';

/** One append that waits for its turn. */
export interface Act {
  readonly jobId: string;
  run(): Promise<Pressure>;
}

const INITIAL = 16;
const LEAST = 4;
/** An append that took longer says that the store has enough. */
const SLOW_MS = 500;
/** After the first pressure the limit grows by this part of itself per round, by one at least: one stall must not cost a mass move seconds. */
const REGROWTH = 1 / 8;

/**
 * Appends in flight, bounded by what the store takes: the limit grows with each append that is taken in time (by one until the first sign of
 * pressure, then by an eighth per round), and halves, once per round, when one is slow or the store is unavailable.
 * What waits can be dropped for another plan; what is in flight goes on.
 */
export class AppendLane {
  private queue: Act[] = [];
  private next = 0;
  private readonly waiting = new Set<string>();
  private readonly flying = new Set<string>();
  private pumping = false;
  private slowStart = true;
  private allowed: number;
  private decreasedAt = -Infinity;
  private closed = false;
  private waiters: (() => void)[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly max: number,
    private readonly onError: (error: unknown) => void,
  ) {
    this.allowed = Math.min(INITIAL, max);
  }

  get inFlight(): number {
    return this.flying.size;
  }
  get queued(): number {
    return this.queue.length - this.next;
  }
  get limit(): number {
    return Math.floor(this.allowed);
  }

  /** It waits or is in flight. */
  holds(jobId: string): boolean {
    return this.waiting.has(jobId) || this.flying.has(jobId);
  }

  /** Drops what waits and takes this instead, in this order. */
  plan(acts: readonly Act[]): void {
    this.queue = [];
    this.next = 0;
    this.waiting.clear();
    this.add(acts);
  }

  /** Takes this besides, in this order, behind what waits. */
  add(acts: readonly Act[]): void {
    if (this.closed) return;
    this.queue = [...this.queue.slice(this.next), ...acts];
    this.next = 0;
    for (const { jobId } of acts) this.waiting.add(jobId);
    void this.pump();
  }

  /** Resolves when no more than `waiting` wait (none by default); `flying`: and nothing is in flight. Or after `ms`. */
  async settled(ms: number, options: { readonly flying: boolean; readonly waiting?: number }): Promise<void> {
    const { flying, waiting = 0 } = options;
    const busy = () => !this.closed && (this.queued > waiting || (flying && this.inFlight > 0));
    if (!busy()) return;
    const stop = new AbortController();
    let over = false;
    const timeout = this.clock.sleep(ms, stop.signal).then(() => {
      over = true;
    });
    while (busy() && !over) await Promise.race([timeout, new Promise<void>((resolve) => this.waiters.push(resolve))]);
    stop.abort();
  }

  /** Nothing more is begun, and nobody waits any more. */
  close(): void {
    this.plan([]);
    this.closed = true;
    this.tell();
  }

  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    const pace = new Pace(this.clock);
    try {
      while (this.queued > 0 && this.inFlight < this.limit) {
        const act = this.queue[this.next++];
        this.waiting.delete(act.jobId);
        if (!this.flying.has(act.jobId)) this.launch(act);
        await pace.breathe();
      }
    } finally {
      this.pumping = false;
      if (this.waiters.length > 0) this.tell();
    }
  }

  private launch(act: Act): void {
    const startedAt = this.clock.monotonic();
    this.flying.add(act.jobId);
    void act
      .run()
      .catch((error: unknown): Pressure => {
        this.onError(error);
        return 'neutral';
      })
      .then((pressure) => {
        this.flying.delete(act.jobId);
        this.adapt(pressure, startedAt);
        this.tell();
        return this.pump();
      });
  }

  private adapt(pressure: Pressure, startedAt: number): void {
    if (pressure === 'neutral') return;
    const now = this.clock.monotonic();
    if (pressure === 'took' && now - startedAt <= SLOW_MS) {
      this.allowed = Math.min(this.max, this.allowed + (this.slowStart ? 1 : Math.max(1 / this.allowed, REGROWTH)));
    } else if (startedAt > this.decreasedAt) {
      this.slowStart = false;
      this.decreasedAt = now;
      this.allowed = Math.max(Math.min(LEAST, this.max), this.allowed / 2);
    }
  }

  private tell(): void {
    for (const wake of this.waiters.splice(0)) wake();
  }
}
