import type { Candidate } from '../domain/service';

/** More is not remembered: then all are looked at again. */
const MOST = 200_000;

/**
 * Jobs that nobody may take: not looked at again until the job itself or something that decides changes.
 * `unfit`: no live service fits: until membership changes. `full`: those that fit own as many as they may: until any owned count changes.
 */
export class LeftOut {
  private readonly unfit = new Map<string, number>();
  private readonly full = new Map<string, number>();
  private readonly announced = new Map<string, number>();
  private members = '';
  private counts = '';

  get size(): number {
    return this.unfit.size + this.full.size;
  }

  /** Forgets what may fit now. True: membership has changed since the last time. */
  refresh(candidates: readonly Candidate[]): boolean {
    const sorted = [...candidates].sort((a, b) => (a.serviceId < b.serviceId ? -1 : 1));
    const members = JSON.stringify(sorted.map((c) => [c.serviceId, c.incarnation, c.life]));
    const counts = JSON.stringify(sorted.map((c) => c.owned));
    const changed = members !== this.members;
    if (changed) this.unfit.clear();
    if (changed || counts !== this.counts) this.full.clear();
    this.members = members;
    this.counts = counts;
    return changed;
  }

  has(jobId: string, revision: number): boolean {
    return this.unfit.get(jobId) === revision || this.full.get(jobId) === revision;
  }

  /** True: it was not known of this job, as it is now, that nobody takes it. */
  add(jobId: string, revision: number, why: 'unfit' | 'full'): boolean {
    if (this.size >= MOST) this.clear();
    (why === 'unfit' ? this.unfit : this.full).set(jobId, revision);
    if (this.announced.get(jobId) === revision) return false;
    if (this.announced.size >= MOST) this.announced.clear();
    this.announced.set(jobId, revision);
    return true;
  }

  clear(): void {
    this.unfit.clear();
    this.full.clear();
  }
}
