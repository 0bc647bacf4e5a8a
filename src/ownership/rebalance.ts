import type { Clock } from '../clock';
import type { JobRecord } from '../domain/job';
import { Balance, labelsMatch } from '../domain/placement';
import type { Candidate } from '../domain/service';
import type { JobRow, OwnJobs, ServiceLoads, SweepSnapshot } from '../read-model';
import type { MoveBudget } from './budget';
import type { Ledger } from './ledger';
import type { SweepOptions } from './options';
import { idleState, type ReleaseContext } from './own-jobs';
import type { ReleaseIntent } from './releases';

const PAGE = 200;
/** Own jobs looked at in one round, at most: a service that owns a million takes about twenty minutes to look at all. */
const LOOKED = 1_000;
/** Rounds are so far apart: what one has handed over is in the view of the next, also of other owners. */
const ROUND_MS = 1_000;
/** After all were looked at and nothing could move: the counts must have changed by this part before it is tried again. */
const CHANGED = 0.05;

interface Handed {
  readonly target: string;
  readonly epoch: number;
  readonly at: number;
}

/**
 * Hands own jobs over so that services own what their weight says; see `Balance` for which and to whom.
 *
 * It begins when membership has been the same for `stableForMs`, and looks at jobs only while the counts of the services say that something
 * may have to move: then round by round, a bounded number in each, from where the last round stopped. When it has been through all and found
 * nothing it rests, until counts or membership change, or jobs that it may not move yet may be moved.
 */
export class Rebalance {
  private balance: Balance | null = null;
  private seen: ReadonlyMap<string, number> | null = null;
  private stableSince: number;
  private nextRound = -Infinity;
  private cursor: string | null = null;
  /** By the counts nothing is to be moved: they are looked at again when the view moves on. */
  private quiet = false;
  /** Something moved since all were looked at; jobs were passed over that may move later. */
  private fruitful = false;
  private passedOver = false;
  private resting: { readonly until: number; readonly counts: ReadonlyMap<string, number> } | null = null;
  /** What was handed over and the view does not show yet. */
  private readonly handed = new Map<string, Handed>();

  constructor(
    private readonly ownJobs: OwnJobs,
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly budget: MoveBudget,
    private readonly options: SweepOptions,
  ) {
    this.stableSince = clock.monotonic();
  }

  /** Membership has changed: a service came, went, drains, or lives anew. */
  membershipChanged(): void {
    this.stableSince = this.clock.monotonic();
    this.balance = null;
    this.seen = null;
    this.cursor = null;
    this.resting = null;
    this.quiet = this.fruitful = this.passedOver = false;
  }

  /** Another incarnation: another set of own jobs. */
  reset(): void {
    this.membershipChanged();
    this.handed.clear();
  }

  /** Monotonic time of the next round; Infinity: when the view moves on. */
  next(): number {
    if (this.options.movesPerSecond === 0 || this.quiet) return Infinity;
    return Math.max(this.stableSince + this.options.stableForMs, this.resting?.until ?? this.nextRound);
  }

  /**
   * What a snapshot says of who owns how much: called in the turn in which it was read, so that what this process has handed over is in it, or
   * is known not to be.
   */
  observe({ candidates, loads }: SweepSnapshot, own: Candidate): void {
    const now = this.clock.monotonic();
    this.seen = null;
    if (now < this.stableSince + this.options.stableForMs || now < this.nextRound) return;
    this.nextRound = now + ROUND_MS;
    this.seen = this.counts(candidates, loads, own, now);
  }

  /** What is to be handed over by what was observed last; empty when it was not time for a round, or all have their share. */
  async slice(context: ReleaseContext): Promise<readonly ReleaseIntent[]> {
    const counts = this.seen;
    this.seen = null;
    if (counts === null || !this.budget.open() || this.rests(counts, this.clock.monotonic())) return [];
    this.balance ??= new Balance(context.own.serviceId, context.candidates);
    this.balance.see((serviceId) => counts.get(serviceId) ?? 0);
    this.quiet = !this.balance.possible();
    return this.quiet ? [] : this.round(this.balance, context, counts);
  }

  private async round(
    balance: Balance,
    context: ReleaseContext,
    counts: ReadonlyMap<string, number>,
  ): Promise<readonly ReleaseIntent[]> {
    const found: ReleaseIntent[] = [];
    for (let looked = 0; looked < LOOKED && this.budget.open(); looked += PAGE) {
      const page = this.ownJobs.all(context.incarnation, this.cursor, PAGE);
      for (const row of page) {
        this.cursor = row.jobId;
        this.judge(row, balance, context, found);
        if (!this.budget.open()) break;
      }
      if (page.length < PAGE && this.cursor === (page.at(-1)?.jobId ?? this.cursor)) {
        this.allLookedAt(counts);
        break;
      }
      await context.pace.breathe();
    }
    return found;
  }

  private judge(row: JobRow, balance: Balance, context: ReleaseContext, found: ReleaseIntent[]): void {
    const { jobId, epoch, handler, tag } = row;
    // What matches here moves among those that match; what does not is here because it only prefers: the state is not needed for that.
    const affinity = labelsMatch(tag, context.own.labels) ? 'required' : 'preferred';
    const job = { jobId, handler, tag, affinity } as const;
    if (!balance.wants(job)) return;
    const state = movable(row, context, this.ledger, this.clock);
    if (state === null || rests(state, context.at, this.options.moveRestMs) || isDue(row, context.at)) {
      this.passedOver = true;
      return;
    }
    const target = balance.target(job);
    if (target === null || !this.budget.take()) return;
    this.fruitful = true;
    this.handed.set(jobId, { target: target.serviceId, epoch, at: this.clock.monotonic() });
    found.push({ jobId, epoch, reason: 'rebalance', target: target.serviceId, state });
  }

  private allLookedAt(counts: ReadonlyMap<string, number>): void {
    const { stableForMs, moveRestMs } = this.options;
    const rest = this.passedOver ? stableForMs : moveRestMs;
    // While something is on its way, counts do not tell yet whether more is to move.
    if (!this.fruitful && this.handed.size === 0) this.resting = { until: this.clock.monotonic() + rest, counts };
    this.cursor = null;
    this.fruitful = this.passedOver = false;
  }

  private rests(counts: ReadonlyMap<string, number>, now: number): boolean {
    if (this.resting === null) return false;
    const { until, counts: before } = this.resting;
    const changed = [...counts].some(([serviceId, owned]) => {
      const was = before.get(serviceId) ?? 0;
      return Math.abs(owned - was) > CHANGED * was;
    });
    if (now < until && !changed) return true;
    this.resting = null;
    return false;
  }

  /**
   * Owned jobs at the view position. What was released for a target, by whomever, counts for that; what this process has handed over and the
   * view does not show yet, too. Else the release of one owner would seem to others to lower everybody's share.
   */
  private counts(
    candidates: readonly Candidate[],
    loads: ServiceLoads,
    own: Candidate,
    now: number,
  ): ReadonlyMap<string, number> {
    const counts = new Map(
      candidates.map(({ serviceId, owned }) => [serviceId, owned + (loads.get(serviceId)?.coming ?? 0)]),
    );
    const add = (serviceId: string, jobs: number) => {
      const owned = counts.get(serviceId);
      if (owned !== undefined) counts.set(serviceId, owned + jobs);
    };
    for (const [jobId, { target, epoch, at }] of this.handed) {
      const row = this.ownJobs.one(jobId);
      const shown = row?.incarnation !== own.incarnation || row.epoch !== epoch;
      if (shown || now - at > this.patienceMs) {
        this.handed.delete(jobId);
        continue;
      }
      add(own.serviceId, -1);
      add(target, 1);
    }
    return counts;
  }

  private get patienceMs(): number {
    return 8 * this.options.claimGraceMs;
  }
}

/** The job's state, when it may be handed over at this moment as far as this process knows; null: not now. */
export function movable(row: JobRow, { holds }: ReleaseContext, ledger: Ledger, clock: Clock): JobRecord | null {
  const { jobId } = row;
  if (ledger.isAhead(jobId) || holds(jobId) || ledger.restsUntil(jobId, clock.monotonic()) !== null) return null;
  return idleState(row);
}

/** It was moved a short while ago. */
export function rests({ movedAt }: JobRecord, at: number, forMs: number): boolean {
  return movedAt !== undefined && movedAt > at - forMs;
}

function isDue({ nextRunTime }: JobRow, at: number): boolean {
  return nextRunTime !== null && nextRunTime <= at;
}
