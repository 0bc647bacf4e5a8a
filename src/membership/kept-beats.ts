import type { Clock, ClusterTime } from '../clock';
import type { EventStore } from '../event-store';
import type { Logger } from '../logging';
import type { LivenessOptions } from './options';

const LEAST_KEPT_BEATS = 256;
/** A suspecting observer beats up to three times as often; and all beats of ten times failAfter are kept. */
const KEPT_FAIL_AFTERS = 40;
/** A service is gone for good when it has been gone for so long; and so old are its beats that may vanish then. */
const GONE_MS = 86_400_000;
/** Between two looks at who is gone. */
const LOOK_MS = 60_000;

/** How many beats of a service the log keeps at least, however old they are, while it lives (protocol §2). */
export function keptBeats({ failAfterMs, beatMs }: LivenessOptions): number {
  return Math.max(LEAST_KEPT_BEATS, Math.ceil((KEPT_FAIL_AFTERS * failAfterMs) / beatMs));
}

/** Longer than the beats that are counted take: a service that comes back finds no beat gone that anybody could still have to read. */
function keptForMs(liveness: LivenessOptions): number {
  return Math.max(GONE_MS, Math.ceil(keptBeats(liveness) * liveness.beatMs));
}

/**
 * Beats of services that are gone for good are not kept for ever, or hosts that come and go would fill the log with them. Every living service tells
 * the log so, once for each that is gone; told again, it changes nothing. It need not be taken back when such a service returns: what may vanish is
 * older than whatever a reader could have missed.
 */
export class KeptBeats {
  private readonly told = new Set<string>();
  private telling = false;
  private nextLook = -Infinity;

  constructor(
    private readonly ports: {
      readonly store: EventStore;
      readonly clock: Clock;
      readonly clusterTime: ClusterTime;
      readonly logger: Logger;
    },
    private readonly options: { readonly stream: (serviceId: string) => string; readonly liveness: LivenessOptions },
  ) {}

  /** Another log: what the former one was told is worth nothing. */
  forget(): void {
    this.told.clear();
  }

  /** @param goneBefore services without a living incarnation, whose last one ended before this instant of cluster time. */
  look(goneBefore: (instant: number) => readonly string[]): void {
    const now = this.ports.clock.monotonic();
    if (this.telling || now < this.nextLook) return;
    this.nextLook = now + LOOK_MS;
    const gone = goneBefore(this.ports.clusterTime.now() - keptForMs(this.options.liveness));
    const untold = gone.filter((serviceId) => !this.told.has(serviceId));
    if (untold.length > 0) void this.tell(untold);
  }

  /** One after the other: there may be thousands, and nobody waits for it. What is not answered is told with the next look. */
  private async tell(gone: readonly string[]): Promise<void> {
    const { store, logger } = this.ports;
    const { stream, liveness } = this.options;
    this.telling = true;
    try {
      for (const serviceId of gone) {
        await store.keepLast(stream(serviceId), keptBeats(liveness), keptForMs(liveness));
        this.told.add(serviceId);
      }
    } catch (error) {
      logger.debug('beats.not-limited', { error: String(error) });
    } finally {
      this.telling = false;
    }
  }
}
