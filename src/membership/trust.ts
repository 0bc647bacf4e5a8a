import type { Clock, Timer } from '../clock';
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
  ) {
    this.wallAgainstMonotonic = clock.wall() - clock.monotonic();
  }

  check(): FenceReason | null {
    if (this.fenced !== null) return this.fenced;
    if (elapsedSince(this.clock, this.from) >= this.selfFenceAfterMs) {
      this.fence('trust-expired');
      return this.fenced;
    }
    this.lookAtWall();
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

  /** A new incarnation is trusted from the start of its first beat that was read back. Too late: it is fenced at once. */
  begin(incarnation: string, start: Reading): void {
    this.incarnation = incarnation;
    this.grant(start, false);
  }

  /** A beat was acknowledged now that began at `start`. */
  renew(start: Reading): void {
    if (this.check() !== null && this.fenced !== null) return;
    if (start.monotonic > this.from.monotonic) this.from = start;
    this.arm();
  }

  /** A ServiceReasserted was acknowledged now whose append began at `start`. */
  reassert(start: Reading): void {
    if (this.fenced !== 'trust-expired') return;
    this.grant(start, true);
  }

  /** Since when the wall clock is in doubt; null: it is not. */
  get doubt(): Reading | null {
    return this.fenced === null ? this.doubtSince : null;
  }

  /** A beat that began after the jump was acknowledged, and a leader read showed the incarnation alive. */
  settleDoubt(): void {
    if (this.doubtSince === null) return;
    this.doubtSince = null;
    this.wallAgainstMonotonic = this.clock.wall() - this.clock.monotonic();
    this.answerSettling(this.check() === null);
  }

  fence(reason: FenceReason): void {
    const { incarnation } = this;
    const already = this.fenced !== null;
    // An expired trust may come back; what has ended for good must not be overwritten by it.
    if (!already || this.fenced === 'trust-expired') this.fenced = reason;
    this.timer?.cancel();
    this.timer = null;
    this.doubtSince = null;
    if (already) return;
    this.fencedAt = this.clock.monotonic();
    this.answerSettling(false);
    if (incarnation !== null) for (const listener of [...this.fenceListeners]) listener({ incarnation, reason });
  }

  close(): void {
    this.timer?.cancel();
    this.timer = null;
    this.answerSettling(false);
  }

  private grant(start: Reading, returned: boolean): void {
    const { incarnation } = this;
    if (incarnation === null) return;
    if (elapsedSince(this.clock, start) >= this.selfFenceAfterMs) {
      if (this.fenced === 'not-registered') this.fenced = 'trust-expired';
      return;
    }
    this.from = start;
    this.fenced = null;
    this.doubtSince = null;
    this.wallAgainstMonotonic = this.clock.wall() - this.clock.monotonic();
    this.arm();
    for (const listener of [...this.trustListeners]) listener({ incarnation, returned });
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
