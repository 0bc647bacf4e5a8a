import { readFileSync } from 'node:fs';
import type { Instant } from '../../clock';

/** What the log file keeps about time, shared by all processes. All times in milliseconds. */
export interface ClockState {
  readonly bootId: string;
  /** Wall clock − boot time. */
  readonly offset: number;
  /** Boot time at which the wall clock was first seen more than {@link LARGE_MS} off; null: it is not. */
  readonly differsSince: number | null;
}

export interface ClockReading {
  readonly wall: Instant;
  readonly boot: number;
  readonly bootId: string;
}

export interface Timestamp {
  readonly created: Instant;
  readonly state: ClockState;
  /** Wall clock − the log's clock. */
  readonly difference: number;
  readonly alarm: 'differs' | 'adopted' | null;
}

/** Differences up to this are followed at once. */
export const LARGE_MS = 5_000;
/** Larger ones after this time. */
export const ADOPT_AFTER_MS = 60_000;
/** Within this the kept offset is near enough; writing it anew with every append would only cost. */
const KEEP_WITHIN_MS = 250;

/**
 * The time of the next append (protocol §9): max(last, boot time + offset).
 * A jump of the wall clock is followed when it is small, or has lasted; only an adopted step back lets the result go back.
 */
export function stamp(kept: ClockState | null, now: ClockReading, last: Instant): Timestamp {
  const wall = Math.floor(now.wall);
  const fresh: ClockState = { bootId: now.bootId, offset: now.wall - now.boot, differsSince: null };
  if (kept === null || kept.bootId !== now.bootId) {
    const back = last - wall > LARGE_MS;
    const difference = last > 0 ? wall - last : 0;
    return { created: back ? wall : Math.max(last, wall), state: fresh, difference, alarm: back ? 'adopted' : null };
  }
  const difference = now.wall - (now.boot + kept.offset);
  if (Math.abs(difference) <= LARGE_MS) {
    const near = Math.abs(difference) <= KEEP_WITHIN_MS && kept.differsSince === null;
    return { created: Math.max(last, wall), state: near ? kept : fresh, difference, alarm: null };
  }
  const since = kept.differsSince ?? now.boot;
  if (now.boot - since >= ADOPT_AFTER_MS) {
    return { created: difference < 0 ? wall : Math.max(last, wall), state: fresh, difference, alarm: 'adopted' };
  }
  const created = Math.max(last, Math.floor(now.boot + kept.offset));
  const alarm = kept.differsSince === null ? 'differs' : null;
  return { created, state: { ...kept, differsSince: since }, difference, alarm };
}

/** The kernel's id of this boot; `unknown` where there is none (then only the 60 s rule applies after a reboot). */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
