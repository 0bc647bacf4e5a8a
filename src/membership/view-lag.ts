import type { Clock } from '../clock';
import type { LogPosition } from '../event-store';

/** How far the view is behind what membership has heard (protocol 5.12): the age of the oldest service fact that it has not applied. */
export class ViewLag {
  private readonly waiting: { readonly position: bigint; readonly heard: number }[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly viewPosition: () => LogPosition,
  ) {}

  heard(position: bigint): void {
    this.waiting.push({ position, heard: this.clock.monotonic() });
    // Facts are few, but a long log is read at start: what is applied already need not be kept.
    if (this.waiting.length % 1_024 === 0) this.drop();
  }

  /** ms; 0: the view has applied everything. */
  behindMs(): number {
    this.drop();
    return this.waiting.length === 0 ? 0 : this.clock.monotonic() - this.waiting[0].heard;
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
