import type { Clock } from '../clock';
import type { Candidate } from '../domain/service';
import type { OwnJobs, ServiceLoads, SweepSnapshot } from '../read-model';
import { MoveBudget } from './budget';
import { LateJobs } from './late';
import type { Ledger } from './ledger';
import type { SweepOptions } from './options';
import { OwnJobsScan, type ReleaseContext } from './own-jobs';
import { Rebalance } from './rebalance';
import type { ReleaseIntent } from './releases';

/** Why an owner that lives and stays gives idle jobs away: they do not belong here, are too many, or are late. One budget for all of it. */
export class HandOvers {
  /** Also what a drain looks through. */
  readonly scan: OwnJobsScan;
  private readonly rebalance: Rebalance;
  private readonly late: LateJobs;

  constructor(ownJobs: OwnJobs, clock: Clock, ledger: Ledger, options: SweepOptions) {
    const budget = new MoveBudget(clock, options.movesPerSecond);
    this.scan = new OwnJobsScan(ownJobs, clock, ledger, budget, options);
    this.rebalance = new Rebalance(ownJobs, clock, ledger, budget, options);
    this.late = new LateJobs(ownJobs, clock, ledger, budget, options);
  }

  membershipChanged(): void {
    this.scan.request();
    this.rebalance.membershipChanged();
  }

  /** Another incarnation: another set of own jobs. */
  reset(): void {
    this.scan.reset();
    this.rebalance.reset();
    this.late.begin();
  }

  /** This process claims from now on, or again: nothing was late here before. */
  claims(): void {
    this.late.begin();
  }

  /** Called in the turn in which the snapshot was read. */
  observe(snapshot: SweepSnapshot, own: Candidate): void {
    this.rebalance.observe(snapshot, own);
  }

  /** What is to be given away now: no job twice. What is late goes first, what has a home next. */
  async slice(context: ReleaseContext, loads: ServiceLoads): Promise<readonly ReleaseIntent[]> {
    const found = new Map<string, ReleaseIntent>();
    const add = (intents: readonly ReleaseIntent[]) => {
      for (const intent of intents) if (!found.has(intent.jobId)) found.set(intent.jobId, intent);
    };
    add(this.late.slice(context, loads));
    add(await this.scan.slice(context));
    add(await this.rebalance.slice(context));
    return [...found.values()];
  }

  /** Monotonic time at which there may be something to do; Infinity: when the view moves on. */
  next(now: number): number {
    return Math.min(this.scan.next(now), this.rebalance.next(), this.late.next());
  }
}
