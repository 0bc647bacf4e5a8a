import type { Candidate } from '../domain/service';

/** More are not remembered: those ranked first take theirs all the same. */
const MOST = 100_000;
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

  /** The jobs are looked through from the first on. */
  begin(): void {
    this.sweep += 1;
  }

  /** Who owns more than before has claimed. */
  progressed(candidates: readonly Candidate[], now: number): void {
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
    if (before !== undefined || this.seen.size < MOST) this.seen.set(jobId, { claim, at: now, sweep: this.sweep });
    return now;
  }

  /** All have been looked through since `begin`: what was not seen is no longer claimable. */
  end(): void {
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
