import type { Clock, ClusterTime, Instant } from '../clock';
import type { Logger } from '../logging';

interface Sample {
  /** When the log took the beat, by its own clock. */
  readonly created: Instant;
  /** Own monotonic clock when the beat was acknowledged: the log's clock showed `created` then, or later. */
  readonly acknowledged: number;
  readonly roundTripMs: number;
}

const KEPT = 10;
/** A log and a wall clock that differ by more are not believed at once, ms. */
const FAR_MS = 5_000;
const ALARM_EVERY_MS = 60_000;

/**
 * Cluster time (protocol §9): the log's `created` of an own beat, at the smallest round trip of the last ten, plus monotonic time since its
 * acknowledgement. Late by at most a round trip, never early. It never goes back.
 *
 * A sample more than five seconds off the extrapolation counts only if the own wall clock agrees with it; otherwise time is extrapolated, with an
 * alarm. Before the first sample: the wall clock. If the first sample and the wall differ by more than five seconds: the smaller.
 */
export class LogClusterTime implements ClusterTime {
  private readonly samples: Sample[] = [];
  private latest: Instant = -Infinity;
  private alarmedAt = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  now(): Instant {
    this.latest = Math.max(this.latest, Math.floor(this.extrapolated() ?? this.clock.wall()));
    return this.latest;
  }

  /** An own beat was read back. @param start, @param acknowledged own monotonic clock. */
  sample(created: Instant, start: number, acknowledged: number): void {
    const sample = { created, acknowledged, roundTripMs: acknowledged - start };
    const expected = this.extrapolated();
    const monotonic = this.clock.monotonic();
    const shown = created + (monotonic - acknowledged);
    const wall = this.clock.wall();
    if (expected === null) {
      if (Math.abs(shown - wall) > FAR_MS) {
        this.alarm('the log and the wall clock differ', shown - wall);
        // The smaller of the two: late rather than early.
        if (wall < shown) return;
      }
    } else if (Math.abs(shown - expected) > FAR_MS) {
      this.alarm('the clock of the log jumped', shown - expected);
      if (Math.abs(shown - wall) > FAR_MS) return;
      this.samples.length = 0;
      if (shown < this.latest) this.latest = -Infinity;
    }
    this.samples.push(sample);
    if (this.samples.length > KEPT) this.samples.shift();
  }

  private extrapolated(): Instant | null {
    let best: Sample | null = null;
    for (const sample of this.samples) if (best === null || sample.roundTripMs <= best.roundTripMs) best = sample;
    return best === null ? null : best.created + (this.clock.monotonic() - best.acknowledged);
  }

  private alarm(what: string, byMs: number): void {
    const now = this.clock.monotonic();
    if (now - this.alarmedAt < ALARM_EVERY_MS) return;
    this.alarmedAt = now;
    this.logger.warn('clock.differs', { what, byMs: Math.round(byMs) });
  }
}
