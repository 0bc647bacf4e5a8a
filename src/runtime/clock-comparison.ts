import type { Clock } from '../clock';
import type { EventStore, LogPosition } from '../event-store';
import type { Logger } from '../logging';

/** As in cluster time (protocol §9): what differs by more is told, ms. */
const FAR_MS = 5_000;
/** Between two looks until an event was seen that was appended between them; and afterwards. */
const LOOK_MS = 1_000;
const LOOKS = 30;
const REST_MS = 300_000;

interface Look {
  readonly head: LogPosition;
  /** The wall clock before the look began, and when it had ended. */
  readonly began: number;
  readonly ended: number;
}

/**
 * The clock of the log against the wall clock of this machine, for a process that appends nothing of its own by which it would know (a web-only
 * replica). An event that is the newest at one look and was not there at the look before was appended between them, so its `created` must lie
 * there; one that lies ahead of now tells by itself. In an installation that lives there is a beat every second.
 */
export class ClockComparison {
  private readonly stop = new AbortController();
  private running: Promise<void> | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly ports: { readonly clock: Clock; readonly logger: Logger },
  ) {}

  start(): void {
    this.running ??= this.run();
  }

  /** A look that is under way is not waited for. */
  close(): void {
    this.stop.abort();
  }

  private async run(): Promise<void> {
    const { clock } = this.ports;
    const { signal } = this.stop;
    while (!signal.aborted) {
      let before: Look | null = null;
      for (let looks = 0; looks < LOOKS && !signal.aborted; looks++) {
        const told = await this.look(before);
        if (told === 'compared') break;
        before = told ?? before;
        await clock.sleep(LOOK_MS, signal);
      }
      await clock.sleep(REST_MS, signal);
    }
  }

  /** @returns what the next look is compared with; null: the log did not answer. */
  private async look(before: Look | null): Promise<Look | 'compared' | null> {
    const { clock } = this.ports;
    try {
      const began = clock.wall();
      const head = await this.store.head();
      const now = { head, began, ended: clock.wall() };
      if (head === 'start' || head === before?.head) return now;
      const created = (await this.store.readAt(head))?.created;
      if (created === undefined) return now;
      const ahead = created - now.ended;
      const behind = before === null ? 0 : created - before.began;
      if (ahead > FAR_MS) this.tell(ahead);
      else if (behind < -FAR_MS) this.tell(behind);
      else if (before === null) return now;
      return 'compared';
    } catch (error) {
      this.ports.logger.debug('clock.not-compared', { error: String(error) });
      return null;
    }
  }

  private tell(byMs: number): void {
    this.ports.logger.warn('clock.differs', {
      what: 'the clock of the log and the wall clock of this machine differ; what is due is due by that of the log',
      byMs: Math.round(byMs),
      remedy: 'Set the clocks of both machines by one source of time (NTP).',
    });
  }
}
