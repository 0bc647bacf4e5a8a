import type { Clock } from '../../clock';
import type { FoundEvent, ServerSubscription } from './log-client';

/** Opens one; `checkpoint` is called with positions up to which everything was looked at. */
export type OpenSubscription = (checkpoint: (position: bigint) => void) => ServerSubscription;

/** Something that was said between two events. */
interface Mark {
  /** After so many events. */
  readonly after: number;
  readonly checkpoint?: bigint;
  readonly live?: boolean;
}

/**
 * One subscription of the server, from its beginning to its end, pulled: events come as fast as they are taken, and what was said between them
 * counts once everything before it has been taken. The server is held back as long as nobody takes any.
 */
export class SubscriptionSession {
  /** Everything that was in the log is here; from now on events come as they are appended. */
  live = false;
  /** Up to here everything was looked at, and what was asked for has been taken. */
  checkpoint: bigint | null = null;
  /** How often anything was heard of the server. */
  signs = 0;
  private taken = 0;
  private dry = false;
  private marks: Mark[] = [];
  private over: { readonly error: unknown } | null = null;
  private wake: (() => void) | null = null;
  private readonly stream: ServerSubscription;

  constructor(
    private readonly clock: Clock,
    open: OpenSubscription,
  ) {
    this.stream = open((checkpoint) => this.mark({ checkpoint }));
    // The listeners stay for good: the client reports some errors twice, and one that nobody hears ends the process.
    this.stream.on('error', (error: unknown) => this.end(error));
    this.stream.on('end', () => this.end(new Error('the server ended the subscription')));
    this.stream.on('close', () => this.end(new Error('the subscription was closed')));
    this.stream.on('caughtUp', () => this.mark({ live: true }));
    this.stream.on('fellBehind', () => this.mark({ live: false }));
    this.stream.on('readable', () => this.heard());
  }

  /** The next events, at most so many; none: there are none yet. */
  take(most: number): FoundEvent[] {
    const events: FoundEvent[] = [];
    while (events.length < most) {
      const event = this.stream.read() as FoundEvent | null;
      if (event === null) {
        // One that was destroyed may keep what it has.
        this.dry = this.stream.destroyed;
        break;
      }
      events.push(event);
      // One by one: what the next read sets going may say something, and that is said behind this event.
      this.taken++;
    }
    this.pass();
    return events;
  }

  /** Events that came and were not taken. */
  get waiting(): number {
    return this.dry ? 0 : this.stream.readableLength;
  }

  /** Why nothing comes any more; null: it may. */
  get ended(): { readonly error: unknown } | null {
    return this.waiting > 0 ? null : this.over;
  }

  /** Resolves when something is heard (that it was closed, too), at the latest after `ms`. @returns whether something was. */
  async news(ms: number): Promise<boolean> {
    if (this.over !== null || this.waiting > 0) return true;
    const heard = await new Promise<boolean>((resolve) => {
      const timer = this.clock.setTimer(ms, () => resolve(false), { name: 'subscription-silence' });
      this.wake = () => {
        timer.cancel();
        resolve(true);
      };
    });
    this.wake = null;
    return heard;
  }

  /** Resolves when no more events come with those that wait: the client gives them one by one, and they are handled better together. */
  async gathered(): Promise<void> {
    for (let before = -1; this.over === null && this.waiting > before;) {
      before = this.waiting;
      await this.clock.yield();
    }
  }

  /** Gives it up. The server is told; nobody waits for it. */
  close(): void {
    this.stream.unsubscribe?.().catch(() => undefined);
    this.stream.destroy();
  }

  /** In the order of the wire: what came before is in the buffer, or was taken. */
  private mark(mark: Omit<Mark, 'after'>): void {
    this.marks.push({ after: this.taken + this.waiting, ...mark });
    this.pass();
    this.heard();
  }

  private pass(): void {
    let passed = 0;
    for (const { after, checkpoint, live } of this.marks) {
      if (after > this.taken) break;
      passed++;
      if (checkpoint !== undefined) this.checkpoint = checkpoint;
      if (live !== undefined) this.live = live;
    }
    if (passed > 0) this.marks = this.marks.slice(passed);
  }

  private end(error: unknown): void {
    this.over ??= { error };
    this.heard();
  }

  private heard(): void {
    this.signs++;
    this.wake?.();
  }
}
