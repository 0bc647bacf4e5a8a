import type { Clock, ClusterTime, Instant } from '../clock';
import type { Logger } from '../logging';

/** The clock showed `time`, or a little more, when the own monotonic clock showed `at`. */
interface Anchor {
  readonly time: Instant;
  readonly at: number;
}

interface Sample extends Anchor {
  readonly roundTripMs: number;
}

const KEPT = 10;
/** A log and a wall clock that differ by more are not believed at once, ms. */
const FAR_MS = 5_000;
const ALARM_EVERY_MS = 60_000;
/** After a time without samples in which the own clock may have gone off by more than this, the next sample counts alone, ms. */
const MOST_DRIFT_MS = 1_000;

/**
 * Cluster time (protocol §9): the log's `created` of an own beat, at the smallest round trip of the last ten, plus monotonic time since its
 * acknowledgement. Late by at most a round trip, never early. It never goes back.
 *
 * A sample more than five seconds off the extrapolation counts only if the own wall clock agrees with it; otherwise time is extrapolated, with an
 * alarm. The log took a beat somewhere in its round trip, so one that was long under way (its process, or another one, was stopped in the midst
 * of an append) is off only by what its round trip does not leave open. Before the first sample it is the wall clock. If the first sample and the
 * wall clock differ by more than five seconds: the smaller, extrapolated. The first sample, an adopted step back of the log's clock, and the first
 * sample after a long time without one (own clocks of a rate error ρ are off by 2ρ of that time then, at most) are the only cases in which it goes back.
 */
export class LogClusterTime implements ClusterTime {
  private readonly samples: Sample[] = [];
  /** What counts while there is no sample that counts. */
  private start: Anchor | null = null;
  private latest: Instant = -Infinity;
  private alarmedAt = -Infinity;
  /** When the last sample came, whatever became of it. */
  private sampledAt: number | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** ρ: how much the rates of two clocks may differ. */
    private readonly clockRateError = 0.01,
  ) {}

  now(): Instant {
    this.latest = Math.max(this.latest, Math.floor(this.extrapolated() ?? this.clock.wall()));
    return this.latest;
  }

  /** An own beat was read back. @param start, @param acknowledged own monotonic clock. */
  sample(created: Instant, start: number, acknowledged: number): void {
    const sample = { time: created, at: acknowledged, roundTripMs: acknowledged - start };
    const expected = this.extrapolated();
    const shown = this.since(sample);
    const wall = this.clock.wall();
    const off = (time: Instant, uncertainMs = 0) => apart(shown, shown + sample.roundTripMs, time, time + uncertainMs);
    const drift = this.driftSince(this.sampledAt);
    this.sampledAt = this.clock.monotonic();
    if (expected === null) {
      this.latest = -Infinity;
      if (Math.abs(off(wall)) > FAR_MS) {
        this.alarm(
          'the clock of the log and the wall clock of this machine differ; the smaller one counts',
          shown - wall,
        );
        if (wall < shown) {
          this.start = { time: wall, at: this.clock.monotonic() };
          return;
        }
      }
    } else if (Math.abs(off(expected, this.best?.roundTripMs)) > FAR_MS + drift) {
      const agreed = Math.abs(off(wall)) <= FAR_MS;
      this.alarm(
        agreed
          ? 'the clock of the log has jumped, and the wall clock of this machine agrees: adopted'
          : 'the clock of the log is off, and the wall clock of this machine disagrees: extrapolated',
        shown - expected,
      );
      if (!agreed) return;
      this.begin(shown);
    } else if (drift > MOST_DRIFT_MS) this.begin(shown);
    this.samples.push(sample);
    if (this.samples.length > KEPT) this.samples.shift();
  }

  /** What came before counts no more. */
  private begin(shown: number): void {
    this.samples.length = 0;
    if (shown < this.latest) this.latest = -Infinity;
  }

  /** How far the own clock and that of the log may have gone apart, ms. */
  private driftSince(at: number | null): number {
    return at === null ? 0 : 2 * this.clockRateError * (this.clock.monotonic() - at);
  }

  private extrapolated(): Instant | null {
    const anchor = this.best ?? this.start;
    return anchor === null ? null : this.since(anchor);
  }

  private get best(): Sample | null {
    let best: Sample | null = null;
    for (const sample of this.samples) if (best === null || sample.roundTripMs <= best.roundTripMs) best = sample;
    return best;
  }

  private since({ time, at }: Anchor): number {
    return time + (this.clock.monotonic() - at);
  }

  private alarm(what: string, byMs: number): void {
    const now = this.clock.monotonic();
    if (now - this.alarmedAt < ALARM_EVERY_MS) return;
    this.alarmedAt = now;
    this.logger.warn('clock.differs', { what, byMs: Math.round(byMs) });
  }
}

/** From where the second interval ends to where the first one begins, or the other way round; 0: they meet. */
function apart(from: number, to: number, otherFrom: number, otherTo: number): number {
  return from > otherTo ? from - otherTo : to < otherFrom ? to - otherFrom : 0;
}
