import type { Clock } from '../../clock';
import type { Logger } from '../../logging';

/** While the server does not answer, it is told as often as this, ms. */
const TELL_EVERY_MS = 30_000;

/** Tells the log of the process when the server cannot be reached, now and then while it lasts, and when it is back. */
export class Reachability {
  private since: number | null = null;
  private toldAt = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly server: string,
  ) {}

  failed(error: string): void {
    const now = this.clock.monotonic();
    this.since ??= now;
    if (now - this.toldAt < TELL_EVERY_MS) return;
    this.toldAt = now;
    this.logger.warn('log.unreachable', {
      server: this.server,
      error,
      forMs: Math.round(now - this.since),
      next: 'it is tried again and again; check the server, its address, and TLS',
    });
  }

  answered(): void {
    if (this.since === null) return;
    const forMs = Math.round(this.clock.monotonic() - this.since);
    this.since = null;
    // Whoever is unreachable for a moment every second is told about in the same measure.
    this.logger.info('log.reachable', { server: this.server, afterMs: forMs });
  }
}
