import type { Clock, Instant } from '../clock';
import type { Candidate } from '../domain/service';
import type { JobRecord } from '../domain/job';
import { homeFor, ineligibility, labelsMatch } from '../domain/placement';
import type { LogPosition } from '../event-store';
import type { JobRow, OwnJobs } from '../read-model';
import type { MoveBudget } from './budget';
import type { Ledger } from './ledger';
import type { SweepOptions } from './options';
import { hasOpenRun } from './orphans';
import type { Pace } from './pace';
import type { ReleaseIntent } from './releases';

const PAGE = 200;
/** Rows looked at in one slice of a scan. */
const SLICE = 1_000;
/** A scan of all rests so many times as long as it took: a million own jobs must not take the process for themselves. */
const REST_FACTOR = 20;
/** Jobs that are to be given back and still are here: looked at one by one, without a scan. */
const MOST_STRAYS = 5_000;
/** Appends that did not succeed before a drain gives a job up. */
const DRAIN_TRIES = 3;

export interface ReleaseContext {
  readonly incarnation: string;
  /** This service in the snapshot. */
  readonly own: Candidate;
  readonly candidates: readonly Candidate[];
  /** Cluster time. */
  readonly at: Instant;
  readonly pace: Pace;
  /** An append of this process to the job waits or is in flight. */
  readonly holds: (jobId: string) => boolean;
}

/**
 * Looks through the own jobs for those that are to be given back: no longer eligible here, or with a home elsewhere.
 * A scan goes slice by slice, sweep by sweep. It is of all of them when membership changes; otherwise, every now and then, of those that were
 * bound or changed since the last one. What a scan found and could not settle is looked at again job by job.
 */
export class OwnJobsScan {
  private cursor: string | null = null;
  private scanning: 'all' | 'changed' | null = null;
  private requested = true;
  private begunAt = 0;
  private spentMs = 0;
  private restUntil = -Infinity;
  /** Every job that was placed up to here has been judged, or is when the scan ends. */
  private through: LogPosition = 'start';
  /** More jobs are unsettled than are looked at one by one: all are to be looked through again after a rest. */
  private overflowed = false;
  private readonly strays = new Set<string>();
  private straysAt = -Infinity;

  constructor(
    private readonly ownJobs: OwnJobs,
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly budget: MoveBudget,
    private readonly options: SweepOptions,
  ) {}

  /** Membership has changed: all own jobs are to be looked through. */
  request(): void {
    this.requested = true;
  }

  /** Another incarnation: another set of own jobs. */
  reset(): void {
    this.cursor = null;
    this.scanning = null;
    this.overflowed = false;
    this.requested = true;
    this.through = 'start';
    this.strays.clear();
  }

  /** Monotonic time of the next slice. */
  next(now: number): number {
    if (this.scanning !== null || this.requested) return now;
    return this.strays.size > 0 ? Math.min(this.straysAt + this.strayTickMs, this.restUntil) : this.restUntil;
  }

  /** What is to be released of the next slice; empty when it is not time for one. */
  async slice(context: ReleaseContext): Promise<readonly ReleaseIntent[]> {
    const now = this.clock.monotonic();
    const found: ReleaseIntent[] = [];
    if (this.strays.size > 0 && now >= this.straysAt + this.strayTickMs) {
      this.straysAt = now;
      for (const jobId of [...this.strays]) {
        await context.pace.breathe();
        this.strays.delete(jobId);
        const row = this.ownJobs.one(jobId);
        if (row?.incarnation === context.incarnation) this.judge(row, context, found);
      }
    }
    if (this.scanning === null && (this.requested || now >= this.restUntil)) this.beginScan(now);
    for (let rows = 0; rows < SLICE && this.scanning !== null; rows += PAGE) {
      const before = this.clock.monotonic();
      const page = this.nextPage(context.incarnation);
      for (const row of page) this.judge(row, context, found);
      this.spentMs += this.clock.monotonic() - before;
      if (page.length < PAGE) this.endScan();
      await context.pace.breathe();
    }
    return found;
  }

  /** Idle own jobs, about `limit` at most. `next`: when one that rests may be tried again, monotonic ms; those that were tried often enough are left out. */
  async idle(
    incarnation: string,
    limit: number,
    context: Pick<ReleaseContext, 'pace' | 'holds'>,
  ): Promise<{ readonly intents: readonly ReleaseIntent[]; readonly next: number | null }> {
    const intents: ReleaseIntent[] = [];
    const now = this.clock.monotonic();
    let next: number | null = null;
    let after: string | null = null;
    for (;;) {
      const page: readonly JobRow[] = this.ownJobs.all(incarnation, after, PAGE);
      for (const row of page) {
        const { jobId, epoch } = row;
        if (this.ledger.isAhead(jobId) || context.holds(jobId) || this.ledger.tries(jobId) >= DRAIN_TRIES) continue;
        const state = idleState(row);
        const rest = this.ledger.restsUntil(jobId, now);
        if (state === null) continue;
        if (rest !== null) next = Math.min(next ?? Infinity, rest);
        else intents.push({ jobId, epoch, reason: 'drain', target: null, state });
      }
      if (page.length < PAGE || intents.length >= limit) return { intents, next };
      after = page[page.length - 1].jobId;
      await context.pace.breathe();
    }
  }

  private get strayTickMs(): number {
    return Math.min(1_000, Math.max(50, this.options.homeAfterMs / 4));
  }

  private beginScan(now: number): void {
    const all = this.requested || this.overflowed;
    this.scanning = all ? 'all' : 'changed';
    // What changes while all are looked through is looked at afterwards.
    if (all) this.through = this.ownJobs.position();
    this.requested = this.overflowed = false;
    this.cursor = null;
    this.begunAt = now;
    this.spentMs = 0;
  }

  private nextPage(incarnation: string): readonly JobRow[] {
    if (this.scanning === 'changed') {
      const { rows, through } = this.ownJobs.placedAfter(incarnation, this.through, PAGE);
      this.through = through;
      return rows;
    }
    const page = this.ownJobs.all(incarnation, this.cursor, PAGE);
    this.cursor = page.at(-1)?.jobId ?? null;
    return page;
  }

  private endScan(): void {
    const now = this.clock.monotonic();
    // What changed is read once, however much it is: putting it off would save nothing.
    const rest = this.scanning === 'all' ? REST_FACTOR * this.spentMs : this.spentMs;
    this.restUntil = Math.max(this.begunAt + this.options.ownScanMs, now + rest);
    this.scanning = null;
    this.cursor = null;
  }

  private judge(row: JobRow, context: ReleaseContext, found: ReleaseIntent[]): void {
    const { jobId } = row;
    // Eligible and at home, by the columns alone: the state of most jobs is never parsed here.
    if (context.own.handlers.includes(row.handler) && labelsMatch(row.tag, context.own.labels)) return;
    if (row.state.stage !== 'live') return;
    const { definition, homeReturns } = row.state;
    if (ineligibility(definition, context.own) !== null) {
      const state = this.releasable(row, context);
      if (state !== null) found.push({ jobId, epoch: row.epoch, reason: 'ineligible', target: null, state });
      this.watch(jobId);
      return;
    }
    const { handler, tag, affinity } = definition;
    const home = (at: Instant) =>
      homeFor(
        { jobId, handler, tag, affinity },
        context.own,
        context.candidates,
        at,
        this.options.homeAfterMs,
        homeReturns,
      );
    if (home(Infinity) === null) return;
    const state = this.releasable(row, context);
    const target = state === null ? null : home(context.at);
    const dueNow = row.nextRunTime !== null && row.nextRunTime <= context.at;
    if (state !== null && target !== null && !dueNow && this.budget.take()) {
      found.push({ jobId, epoch: row.epoch, reason: 'home', target: target.serviceId, state });
    }
    this.watch(jobId);
  }

  /** Until it is somebody else's, or belongs here: an append may fail, and a run must end first. */
  private watch(jobId: string): void {
    if (this.strays.size < MOST_STRAYS) this.strays.add(jobId);
    else this.overflowed = true;
  }

  private releasable(row: JobRow, { holds }: ReleaseContext): JobRecord | null {
    const { jobId } = row;
    if (this.ledger.isAhead(jobId) || holds(jobId) || this.ledger.restsUntil(jobId, this.clock.monotonic()) !== null) {
      return null;
    }
    return idleState(row);
  }
}

/** The state of a job that nothing runs of; null: it is running, not live, or cannot be read here. */
export function idleState(row: JobRow): JobRecord | null {
  return row.state.stage === 'live' && !hasOpenRun(row.state) ? row.state : null;
}
