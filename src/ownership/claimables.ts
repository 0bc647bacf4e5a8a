import type { Candidate } from '../domain/service';

/** Of entries that the window no longer shows so many are kept. */
const MOST = 50_000;
/** A better-ranked candidate that goes on claiming prolongs the wait up to this many times. */
const PROLONGED = 10;
/** A job released for a target waits for it this many graces. */
const TARGET_GRACES = 4;

/**
 * When this process first saw each job claimable, and who was seen claiming: what a lower-ranked candidate waits by. Local, monotonic ms.
 */
export class Claimables {
  private readonly seen = new Map<string, { claim: string; at: number; sweep: number }>();
  private readonly progress = new Map<string, { owned: number; at: number }>();
  private sweep = 0;

  constructor(private readonly claimGraceMs: number) {}

  /** A sweep begins: who owns more than before has claimed. */
  begin(candidates: readonly Candidate[], now: number): void {
    this.sweep += 1;
    const alive = new Set<string>();
    for (const { serviceId, owned } of candidates) {
      alive.add(serviceId);
      const before = this.progress.get(serviceId);
      const at = before !== undefined && owned > before.owned ? now : (before?.at ?? -Infinity);
      this.progress.set(serviceId, { owned, at });
    }
    for (const serviceId of this.progress.keys()) if (!alive.has(serviceId)) this.progress.delete(serviceId);
  }

  /** The job is claimable now. `claim` names what is to be claimed: another epoch, another lost owner is another claim. */
  firstSeen(jobId: string, claim: string, now: number): number {
    const before = this.seen.get(jobId);
    if (before !== undefined && before.claim === claim) {
      before.sweep = this.sweep;
      return before.at;
    }
    this.seen.set(jobId, { claim, at: now, sweep: this.sweep });
    return now;
  }

  /** A sweep ends: what it did not see is no longer claimable, unless the window was too small to show it. */
  end(windowFull: boolean): void {
    if (windowFull && this.seen.size <= MOST) return;
    for (const [jobId, entry] of this.seen) if (entry.sweep !== this.sweep) this.seen.delete(jobId);
  }

  /**
   * When the candidate of this rank steps in.
   * @param better those ranked before it, best first.
   * @param target the best ranked one is the service that the job was released for.
   */
  stepsInAt(firstSeen: number, better: readonly string[], target: boolean): number {
    const rank = better.length;
    if (rank === 0) return firstSeen;
    const grace = this.claimGraceMs * (target ? TARGET_GRACES - 1 + rank : rank);
    const progressed = Math.max(...better.map((serviceId) => this.progress.get(serviceId)?.at ?? -Infinity));
    return Math.min(firstSeen + PROLONGED * grace, Math.max(firstSeen + grace, progressed + this.claimGraceMs));
  }
}
