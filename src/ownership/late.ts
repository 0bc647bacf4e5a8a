import type { Clock } from '../clock';
import { ineligibility, type Placeable } from '../domain/placement';
import type { JobRow, OwnJobs, ServiceLoads } from '../read-model';
import type { MoveBudget } from './budget';
import type { Ledger } from './ledger';
import type { SweepOptions } from './options';
import type { ReleaseContext } from './own-jobs';
import { movable, rests } from './rebalance';
import type { ReleaseIntent } from './releases';

/** Late jobs looked at in one round, at most, besides those that were moved a short while ago. */
const LOOKED = 200;
const ROUND_MS = 1_000;
/** Jobs that were moved a short while ago and are late again: not read again while they rest. */
const MOST_RESTING = 5_000;

/**
 * Hands over own jobs that have been due for `lateAfterMs` and were not started here, each to an eligible service that has room for a run: by
 * the runs that the log has as open, never by what a service says of itself. Whatever keeps this service from starting them need not be known.
 *
 * What fell due while this process did not claim (fenced, cut off from the log, behind) is not late yet: it is given `lateAfterMs` from then on.
 * A job that was moved for lateness or balance stays for `moveRestMs`: where all are overloaded it does not wander.
 */
export class LateJobs {
  private nextRound = -Infinity;
  /**
   * When something may be late that is not yet, or the budget has more for what is. What is late and finds no room waits for the view to move on.
   */
  private nextLate = -Infinity;
  private readonly resting = new Map<string, number>();

  constructor(
    private readonly ownJobs: OwnJobs,
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly budget: MoveBudget,
    private readonly options: SweepOptions,
  ) {
    this.begin();
  }

  /** This process claims from now on (again). */
  begin(): void {
    this.resting.clear();
    this.nextLate = this.nextRound = this.clock.monotonic() + this.options.lateAfterMs;
  }

  /** Monotonic time of the next round; Infinity: when the view moves on. */
  next(): number {
    return this.options.movesPerSecond === 0 ? Infinity : this.nextLate;
  }

  /** What is to be handed over now; empty when it is not time for a round, nothing is late, or nobody has room. */
  slice(context: ReleaseContext, loads: ServiceLoads): readonly ReleaseIntent[] {
    const { lateAfterMs } = this.options;
    const now = this.clock.monotonic();
    if (now < this.nextRound) return [];
    const late = context.at - lateAfterMs;
    const next = this.ownJobs.nextDueTime(context.incarnation, late);
    this.nextRound = now + ROUND_MS;
    this.nextLate = now + Math.min(lateAfterMs, Math.max(ROUND_MS, next === null ? Infinity : next - late));
    const rooms = new Rooms(context, loads);
    if (rooms.none) return [];
    const found: ReleaseIntent[] = [];
    const spent = () => {
      if (this.budget.open()) return false;
      this.nextLate = this.nextRound;
      return true;
    };
    if (spent()) return [];
    for (const row of this.lateRows(context, late, now, !rooms.forSuspects)) {
      const intent = this.judge(row, context, late, rooms);
      if (intent === null) continue;
      found.push(intent);
      this.budget.take();
      if (spent()) break;
    }
    return found;
  }

  private lateRows({ incarnation }: ReleaseContext, late: number, now: number, suspects: boolean): readonly JobRow[] {
    for (const [jobId, until] of this.resting) if (until <= now) this.resting.delete(jobId);
    const known = (jobId: string) => (this.resting.has(jobId) ? null : undefined);
    return this.ownJobs.due(incarnation, late, LOOKED + this.resting.size, { suspects }, known);
  }

  private judge(row: JobRow, context: ReleaseContext, late: number, rooms: Rooms): ReleaseIntent | null {
    const { jobId, epoch } = row;
    const state = movable(row, context, this.ledger, this.clock);
    // A job that came here when it was late already has not been late *here*.
    if (state === null || state.ownership.since > late) return null;
    if (rests(state, context.at, this.options.moveRestMs)) {
      const until = this.clock.monotonic() + (state.movedAt! + this.options.moveRestMs - context.at);
      if (this.resting.size < MOST_RESTING) this.resting.set(jobId, until);
      return null;
    }
    const target = rooms.take(state.definition, row.suspect);
    return target === null ? null : { jobId, epoch, reason: 'late', target, state };
  }
}

/** Places for runs that other services have free, by the view. */
class Rooms {
  private readonly free: { readonly serviceId: string; places: number; suspects: number }[] = [];

  constructor(
    private readonly context: ReleaseContext,
    loads: ServiceLoads,
  ) {
    for (const { serviceId, life, capacity } of context.candidates) {
      if (serviceId === context.own.serviceId || life !== 'live') continue;
      const { running, suspects } = loads.get(serviceId) ?? { running: 0, suspects: 0 };
      if (running < capacity.maxConcurrentRuns) {
        this.free.push({ serviceId, places: capacity.maxConcurrentRuns - running, suspects });
      }
    }
  }

  get none(): boolean {
    return this.free.length === 0;
  }

  /** Somebody runs no suspect. */
  get forSuspects(): boolean {
    return this.free.some(({ suspects }) => suspects === 0);
  }

  /** The eligible service with the most free places, which has one less then; null: none. Of suspects each takes one at a time. */
  take(job: Placeable, suspect: boolean): string | null {
    let best: (typeof this.free)[number] | null = null;
    for (const room of this.free) {
      if (room.places < 1 || (suspect && room.suspects > 0) || (best !== null && room.places <= best.places)) continue;
      const candidate = this.context.candidates.find(({ serviceId }) => serviceId === room.serviceId)!;
      if (candidate.owned < candidate.capacity.maxOwnedJobs && ineligibility(job, candidate) === null) best = room;
    }
    if (best === null) return null;
    best.places -= 1;
    if (suspect) best.suspects += 1;
    return best.serviceId;
  }
}
