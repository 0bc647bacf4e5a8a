import type { Refusal } from '../domain/refusal';
import type { LivenessOptions } from '../membership';

/** How jobs move between services that live. Times in milliseconds. */
export interface BalanceOptions {
  /**
   * Jobs that this service hands over per second at most. Default 50: a join among services that own a thousand jobs each is over in half a
   * minute, and the two appends of a move are a fraction of what the slowest log takes. 0: none, also no return home.
   */
  readonly movesPerSecond?: number;
  /**
   * Nothing is moved for balance before the membership has been the same for this long. Default 60,000: longer than a process takes to restart,
   * so that a rolling deployment, or a service that flaps, moves only what it must. Not less than `liveness.failAfterMs`, which the default
   * follows where that is longer.
   */
  readonly stableForMs?: number;
  /**
   * A job that was moved for balance, because it was late, or by an operator is not moved for balance or lateness again for this long. Default
   * 600,000: whatever goes wrong with a measure of load, a job moves six times an hour at most. Not less than `stableForMs`,
   * which the default follows where that is longer.
   */
  readonly moveRestMs?: number;
  /**
   * A job that has been due for this long and was not started by its owner is handed over to a service that has room for a run. Default 30,000:
   * longer than a burst of due jobs takes, and soon enough that a job of every minute still runs before its next slot. More than eight times
   * `liveness.claimGraceMs`: a hand-over that its target does not take lasts for four. The default follows where sixteen of them are longer.
   */
  readonly lateAfterMs?: number;
}

/** Fills in defaults. */
export function resolveBalance(options: BalanceOptions = {}, liveness: LivenessOptions): Required<BalanceOptions> {
  const stableForMs = options.stableForMs ?? Math.max(60_000, liveness.failAfterMs);
  return {
    movesPerSecond: options.movesPerSecond ?? 50,
    stableForMs,
    moveRestMs: options.moveRestMs ?? Math.max(600_000, stableForMs),
    lateAfterMs: options.lateAfterMs ?? Math.max(30_000, 16 * liveness.claimGraceMs),
  };
}

/** What of balance contradicts itself, or the liveness. */
export function checkBalance(balance: Required<BalanceOptions>, liveness: LivenessOptions): Refusal[] {
  const { stableForMs, moveRestMs, lateAfterMs } = balance;
  const { failAfterMs, claimGraceMs } = liveness;
  const refusals: Refusal[] = [];
  const refuse = (field: string, value: number, rule: string, remedy: string) =>
    refusals.push({ code: 'option', field: `balance.${field}`, value: String(value), rule, remedy });
  if (stableForMs < failAfterMs)
    refuse(
      'stableForMs',
      stableForMs,
      `Membership is not known to be stable before a failure would have been noticed (liveness.failAfterMs = ${failAfterMs}).`,
      `Set it to ${failAfterMs} or more.`,
    );
  if (moveRestMs < stableForMs)
    refuse(
      'moveRestMs',
      moveRestMs,
      `A job would be free to move again before the membership is (balance.stableForMs = ${stableForMs}).`,
      `Set it to ${stableForMs} or more.`,
    );
  if (lateAfterMs <= 8 * claimGraceMs)
    refuse(
      'lateAfterMs',
      lateAfterMs,
      `A hand-over itself may take four times liveness.claimGraceMs (${claimGraceMs}), and would look like lateness.`,
      `Set it to more than ${8 * claimGraceMs}.`,
    );
  return refusals;
}
