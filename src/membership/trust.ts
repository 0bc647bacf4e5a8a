import type { Clock, Timer } from '../clock';
import { silentLogger, type Logger } from '../logging';
import type { FenceReason, Trust } from './membership';
import { elapsedSince, readClocks, type Reading } from './reading';

/** A jump of the wall clock against monotonic time by more than this is doubt, ms (protocol 5.2). */
const WALL_JUMP_MS = 1_000;

type FenceListener = Parameters<Trust['onFence']>[0];
type TrustListener = Parameters<Trust['onTrust']>[0];

/**
 * Own trust, as a state machine over a clock.
 *
 * - It runs `selfFenceAfterMs` from the *start* of a beat, never from its acknowledgement.
 * - It is renewed only by a beat that is acknowledged before it expires; an expired trust is never renewed by a beat.
 * - It returns only by `reassert`: a ServiceReasserted that was acknowledged within `selfFenceAfterMs` of its start.
 * - A jump of the wall clock is doubt: no starts, until a beat that began after it was acknowledged and a leader read showed the incarnation alive.
 */
export class OwnTrust implements Trust {
  private incarnation: string | null = null;
  private from: Reading = { monotonic: -Infinity, boot: -Infinity };
  private fenced: FenceReason | null = 'not-registered';
  private fencedAt = 0;
  private doubtSince: Reading | null = null;
  private wallAgainstMonotonic: number;
  private timer: Timer | null = null;
  private readonly fenceListeners = new Set<FenceListener>();
  private readonly trustListeners = new Set<TrustListener>();
  private settling: ((trusted: boolean) => void)[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly selfFenceAfterMs: number,
    private readonly logger: Logger = silentLogger,
  ) {
    this.wallAgainstMonotonic = clock.wall() - clock.monotonic();
  }

  check(): FenceReason | null {
    this.lookAtWall();
    if (this.fenced !== null) return this.fenced;
    if (elapsedSince(this.clock, this.from) >= this.selfFenceAfterMs) {
      this.fence('trust-expired');
      return this.fenced;
    }
    return this.doubtSince === null ? null : 'clock-jump';
  }

  remainingMs(): number {
    return this.fenced === null ? this.selfFenceAfterMs - elapsedSince(this.clock, this.from) : 0;
  }

  /** How long it has been fenced, ms. */
  fencedForMs(): number {
    return this.fenced === null ? 0 : Math.max(0, this.clock.monotonic() - this.fencedAt);
  }

  settled(): Promise<boolean> {
    const now = this.check();
    if (now !== 'clock-jump') return Promise.resolve(now === null);
    return new Promise((resolve) => this.settling.push(resolve));
  }

  onFence(listener: FenceListener): () => void {
    this.fenceListeners.add(listener);
    return () => void this.fenceListeners.delete(listener);
  }

  onTrust(listener: TrustListener): () => void {
    this.trustListeners.add(listener);
    return () => void this.trustListeners.delete(listener);
  }

  /**
   * A new incarnation is trusted from the start of its first beat that was read back, if that came within `selfFenceAfterMs` of its registration:
   * the others measure its silence from there on, so after that a verdict may be under way that no beat recalls. Too late: it begins with an
   * expired trust, and may reassert itself.
   * @param since when its registration was sent.
   */
  begin(incarnation: string, start: Reading, since: Reading): void {
    this.incarnation = incarnation;
    if (elapsedSince(this.clock, since) >= this.selfFenceAfterMs || !this.grant(start, false)) {
      this.fenced = 'trust-expired';
      this.fencedAt = this.clock.monotonic();
    }
  }

  /** A beat was acknowledged now that began at `start`. Too late, or fenced: nothing. */
  renew(start: Reading): void {
    this.check();
    if (this.fenced !== null) return;
    if (start.monotonic > this.from.monotonic) this.from = start;
    this.arm();
  }

  /** A ServiceReasserted was acknowledged now whose append began at `start`. False: too late, or there is nothing to return to. */
  reassert(start: Reading): boolean {
    return this.check() === 'trust-expired' && this.grant(start, true);
  }

  /** Since when the wall clock is in doubt; null: it is not. */
  get doubt(): Reading | null {
    return this.fenced === null ? this.doubtSince : null;
  }

  /**
   * A beat that began after the jump was acknowledged, and a leader read showed the incarnation alive.
   * @param doubt the one that was looked into; when the clock has jumped again since, doubt remains.
   */
  settleDoubt(doubt: Reading): void {
    if (this.check() !== 'clock-jump' || this.doubtSince !== doubt) return;
    this.doubtSince = null;
    this.answerSettling(true);
  }

  fence(reason: FenceReason): void {
    const { incarnation } = this;
    const already = this.fenced !== null;
    // An expired trust may come back: that must not overwrite what has ended for good.
    if (!already || reason !== 'trust-expired') this.fenced = reason;
    this.timer?.cancel();
    this.timer = null;
    if (already) return;
    this.fencedAt = this.clock.monotonic();
    this.answerSettling(false);
    if (incarnation !== null) this.tell(this.fenceListeners, { incarnation, reason });
  }

  close(): void {
    this.timer?.cancel();
    this.timer = null;
    this.answerSettling(false);
  }

  private grant(start: Reading, returned: boolean): boolean {
    const { incarnation } = this;
    this.lookAtWall();
    if (incarnation === null || elapsedSince(this.clock, start) >= this.selfFenceAfterMs) return false;
    this.from = start;
    this.fenced = null;
    // What began after a jump, and was acknowledged at the exact revision, settles its doubt. A later jump remains one.
    if (this.doubtSince !== null && this.doubtSince.monotonic <= start.monotonic) this.doubtSince = null;
    this.arm();
    this.tell(this.trustListeners, { incarnation, returned });
    return true;
  }

  /** Everyone is told: an abort must not be lost because another listener failed. */
  private tell<Event>(listeners: Iterable<(event: Event) => void>, event: Event): void {
    for (const listener of [...listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error('trust.listener-failed', { error: String(error) });
      }
    }
  }

  private lookAtWall(): void {
    const against = this.clock.wall() - this.clock.monotonic();
    if (Math.abs(against - this.wallAgainstMonotonic) > WALL_JUMP_MS) this.doubtSince = readClocks(this.clock);
    this.wallAgainstMonotonic = against;
  }

  /** The fence is noticed when it falls, so that handlers are aborted at once, and not only when somebody looks. */
  private arm(): void {
    this.timer?.cancel();
    this.timer = this.clock.setTimer(
      Math.max(0, this.remainingMs()),
      () => {
        this.timer = null;
        if (this.check() === null || this.fenced === null) this.arm();
      },
      { name: 'trust', keepAlive: false },
    );
  }

  private answerSettling(trusted: boolean): void {
    for (const resolve of this.settling.splice(0)) resolve(trusted);
  }
}
