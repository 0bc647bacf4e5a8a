import type { Clock } from '../clock';
import type { LogPosition } from '../event-store';

/** What becomes known so close together is kept as one, by the time of the first, ms. */
const TOGETHER_MS = 20;

/**
 * How far the view is behind what this process knows to be in the log (protocol 5.12): the age of the oldest service fact that membership has heard,
 * or own append that was acknowledged, which the view has not applied. Own appends need not come in the order of the log.
 */
export class ViewLag {
  private readonly waiting: { position: bigint; readonly known: number }[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly viewPosition: () => LogPosition,
  ) {}

  knows(position: bigint): void {
    const now = this.clock.monotonic();
    const last = this.waiting.at(-1);
    if (last !== undefined && now - last.known < TOGETHER_MS) {
      if (position > last.position) last.position = position;
      return;
    }
    this.waiting.push({ position, known: now });
    // Facts are few, but a long log is read at start: what is applied already need not be kept.
    if (this.waiting.length % 1_024 === 0) this.drop();
  }

  /** ms; 0: the view has applied everything. */
  behindMs(): number {
    this.drop();
    return this.waiting.length === 0 ? 0 : this.clock.monotonic() - this.waiting[0].known;
  }

  clear(): void {
    this.waiting.length = 0;
  }

  private drop(): void {
    const applied = this.viewPosition();
    if (applied === 'start') return;
    const first = this.waiting.findIndex(({ position }) => position > applied);
    this.waiting.splice(0, first < 0 ? this.waiting.length : first);
  }
}
