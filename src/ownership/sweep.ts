import type { Timer } from '../clock';
import type { Candidate } from '../domain/service';
import type { LogPosition } from '../event-store';
import type { SweepSnapshot } from '../read-model';
import { AppendLane } from './append-lane';
import { Claimables } from './claimables';
import { Claims, type Decider } from './claims';
import { Drain } from './drain';
import { LeftOut } from './left-out';
import { Ledger, type SweepCounters } from './ledger';
import { OwnJobsScan } from './own-jobs';
import { Releases } from './releases';
import { sweepOptions, type SweepOptions, type SweepSettings } from './options';
import { Pace } from './pace';
import { planClaims, type Plan } from './plan';
import type { SweepPorts } from './ports';

/** Why nothing is claimed at present. */
export type NotClaiming =
  | 'not-registered'
  /** Fenced, draining, or the own beats come back too late. */
  | 'may-not-claim'
  | 'view-behind'
  /** The view has not applied the own registration yet. */
  | 'not-in-view'
  | 'draining';

export interface SweepHealth extends SweepCounters {
  readonly state: 'idle' | 'running' | 'backing-off' | 'closed';
  /** null: it claims. */
  readonly notClaiming: NotClaiming | null;
  readonly sweeps: number;
  readonly lastSweepMs: number;
  /** Checkpoint of the last snapshot, decimal; null: none yet. */
  readonly position: string | null;
  readonly lastError: string | null;
  readonly inFlight: number;
  /** Appends in flight that the store takes at present. */
  readonly inFlightLimit: number;
  readonly queued: number;
  /** Jobs that wait for a rank, for a silence or after an append that did not succeed. */
  readonly waiting: number;
  /** Jobs that nobody takes. */
  readonly leftOut: number;
}

/** A plan that is still being worked off is kept for this long before a new one is made. */
const PLAN_MS = 100;
/** After a sweep that took t, nothing is swept for so many t (within bounds): sweeping never takes the process for itself. */
const REST_FACTOR = 3;
const SHORTEST_REST_MS = 5;
const LONGEST_REST_MS = 250;
/** The window grows by the jobs that are left out, up to this, so that those behind them are seen. */
const LARGEST_WINDOW = 15_000;
const BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 5_000;
/** So many unplaced jobs of one sweep get a line of their own. */
const UNPLACED_LINES = 20;

/** The level-triggered loop of this room: see the package comment in `index.ts`. */
export class OwnershipSweep {
  private readonly options: SweepOptions;
  private readonly lane: AppendLane;
  private readonly ledger: Ledger;
  private readonly claims: Claims;
  private readonly claimables: Claimables;
  private readonly leftOut = new LeftOut();
  private readonly scan: OwnJobsScan;
  private readonly releases: Releases;
  private readonly drainage: Drain;
  private readonly unsubscribe: (() => void)[] = [];
  private readonly end = new AbortController();
  private loop: Promise<void> | null = null;
  private woken = false;
  private wakeUp: (() => void) | null = null;
  private timer: Timer | null = null;
  private timerAt = Infinity;
  private incarnation: string | null = null;
  private state: SweepHealth['state'] = 'idle';
  private notClaiming: NotClaiming | null = 'not-registered';
  private failures = 0;
  private sweeps = 0;
  private lastSweepMs = 0;
  private lastError: string | null = null;
  private position: LogPosition = 'start';
  private waiting = 0;

  constructor(
    private readonly ports: SweepPorts,
    settings: SweepSettings,
  ) {
    const { clock, logger, membership, readModel } = ports;
    this.options = sweepOptions(settings);
    this.lane = new AppendLane(clock, this.options.maxInFlight, (error) => this.note('ownership.append-failed', error));
    this.ledger = new Ledger(clock, logger, (until) => this.arm(until));
    this.claims = new Claims(ports, this.ledger, this.options.quarantine);
    this.claimables = new Claimables(this.options.claimGraceMs);
    this.scan = new OwnJobsScan(readModel.ownJobs(membership.serviceId), clock, this.ledger, this.options);
    const mayAppend = (incarnation: string) => this.mayAppend(incarnation);
    const { lane, ledger, scan } = this;
    const { failAfterMs } = this.options;
    this.releases = new Releases(ports, ledger, failAfterMs, mayAppend);
    this.drainage = new Drain(ports, lane, ledger, scan, this.releases, mayAppend, failAfterMs, this.end.signal);
  }

  /** Sets the loop going. Idempotent. */
  start(): void {
    if (this.loop !== null || this.end.signal.aborted) return;
    const { readModel, membership } = this.ports;
    this.unsubscribe.push(
      readModel.onAdvance(() => this.wake()),
      membership.trust.onTrust(() => this.wake()),
    );
    this.state = 'running';
    this.woken = true;
    this.loop = this.run();
  }

  /**
   * Claims nothing any more and releases all own idle jobs. Resolves when the view shows none, when three tries of each that is left did not
   * succeed, or when this process is not trusted (then nothing can be appended). Goes on releasing what becomes idle until `close`.
   */
  drain(): Promise<void> {
    this.drainage.ask();
    if (this.loop === null || this.end.signal.aborted) return Promise.resolve();
    const over = this.drainage.over();
    this.wake();
    return over;
  }

  /** Ends the loop. Appends that were sent are settled by the executor; nothing more is sent. Idempotent. */
  async close(): Promise<void> {
    this.end.abort();
    this.timer?.cancel();
    for (const stop of this.unsubscribe.splice(0)) stop();
    this.lane.close();
    this.wake();
    await this.loop;
    this.state = 'closed';
    this.drainage.end();
  }

  health(): SweepHealth {
    return {
      ...this.ledger.counters,
      state: this.state,
      notClaiming: this.notClaiming,
      sweeps: this.sweeps,
      lastSweepMs: this.lastSweepMs,
      position: this.position === 'start' ? null : String(this.position),
      lastError: this.lastError,
      inFlight: this.lane.inFlight,
      inFlightLimit: this.lane.limit,
      queued: this.lane.queued,
      waiting: this.waiting,
      leftOut: this.leftOut.size,
    };
  }

  private wake(): void {
    this.woken = true;
    this.wakeUp?.();
  }

  private async run(): Promise<void> {
    const { clock, random } = this.ports;
    const { signal } = this.end;
    let restUntil = -Infinity;
    while (!signal.aborted) {
      if (!this.woken) {
        await new Promise<void>((resolve) => (this.wakeUp = resolve));
        this.wakeUp = null;
      }
      await clock.yield();
      if (restUntil > clock.monotonic()) await clock.sleep(restUntil - clock.monotonic(), signal);
      if (signal.aborted) return;
      this.woken = false;
      this.disarm();
      const before = clock.monotonic();
      try {
        await this.pass(before);
        this.state = 'running';
        this.failures = 0;
      } catch (error) {
        this.note('ownership.sweep-failed', error);
        this.state = 'backing-off';
        const delay = Math.min(BACK_OFF_MS * 2 ** this.failures, LONGEST_BACK_OFF_MS);
        this.failures += 1;
        await clock.sleep(delay * (0.5 + random.next() / 2), signal);
        this.woken = true;
        continue;
      }
      this.lastSweepMs = clock.monotonic() - before;
      const rest = Math.min(Math.max(REST_FACTOR * this.lastSweepMs, SHORTEST_REST_MS), LONGEST_REST_MS);
      restUntil = clock.monotonic() + rest;
      await this.lane.settled(PLAN_MS, { flying: false });
    }
  }

  private async pass(now: number): Promise<void> {
    const { membership, readModel } = this.ports;
    const incarnation = membership.incarnation();
    if (incarnation !== this.incarnation) this.begin(incarnation);
    if (incarnation === null) return this.rest('not-registered', null);
    this.ledger.applied(readModel.position());
    if (this.drainage.asked || membership.draining()) return this.drainPass(incarnation);
    if (!membership.mayClaim()) return this.rest('may-not-claim', now + this.options.claimGraceMs);
    if (this.viewBehindMs() > this.options.viewLagLimitMs) {
      return this.rest('view-behind', now + this.options.claimGraceMs);
    }
    const window = Math.max(this.options.window, Math.min(LARGEST_WINDOW, this.options.window + this.leftOut.size));
    const snapshot = readModel.sweep(window);
    this.sweeps += 1;
    this.position = snapshot.position;
    const own = snapshot.candidates.find((c) => c.serviceId === membership.serviceId);
    if (own === undefined || own.incarnation !== incarnation) return this.rest('not-in-view', null);
    this.notClaiming = null;
    await this.sweep(snapshot, window, own, now);
  }

  private async sweep(snapshot: SweepSnapshot, window: number, own: Candidate, now: number): Promise<void> {
    const { clock, membership, startsRuns } = this.ports;
    const pace = new Pace(clock);
    if (this.leftOut.refresh(snapshot.candidates)) this.scan.request();
    const flies = (jobId: string) => this.lane.flies(jobId);
    const plan = await planClaims(snapshot, {
      serviceId: membership.serviceId,
      now,
      window,
      pollMs: this.options.claimGraceMs,
      claimables: this.claimables,
      leftOut: this.leftOut,
      ledger: this.ledger,
      accepts: (row) => startsRuns.accepts(row),
      silentSinceEnd: (incarnation) => membership.silentSinceEnd(incarnation),
      flies,
      pace,
    });
    this.waiting = plan.waiting;
    this.tellUnplaced(plan.unplaced);
    const at = membership.clusterTime.now();
    const { incarnation } = own;
    const context = { incarnation, own, candidates: snapshot.candidates, at, pace, flies };
    const intents = await this.scan.slice(context);
    const decider: Decider = {
      service: own,
      viewPosition: String(snapshot.position),
      mayAppend: () => this.mayAppend(incarnation) && membership.mayClaim() && !this.drainage.asked,
    };
    this.lane.plan([
      ...plan.claims.map((claim) => this.claims.act(claim, decider)),
      ...intents.map((intent) => this.releases.act(intent, incarnation)),
    ]);
    if (plan.next !== null) this.arm(plan.next);
    this.arm(this.scan.next(now));
    if (plan.more) this.wake();
  }

  private async drainPass(incarnation: string): Promise<void> {
    this.notClaiming = 'draining';
    const next = await this.drainage.pass(incarnation);
    if (next !== null) this.arm(next);
    else if (!this.mayAppend(incarnation)) this.arm(this.ports.clock.monotonic() + this.options.claimGraceMs);
  }

  private mayAppend(incarnation: string): boolean {
    const { membership } = this.ports;
    return !this.end.signal.aborted && membership.trust.check() === null && membership.incarnation() === incarnation;
  }

  private viewBehindMs(): number {
    return Math.max(this.ledger.viewBehindMs(), this.ports.viewBehindMs?.() ?? 0);
  }

  private begin(incarnation: string | null): void {
    this.incarnation = incarnation;
    this.lane.plan([]);
    this.ledger.forget();
    this.leftOut.clear();
    this.scan.reset();
  }

  /** Nothing is claimed now; `until`: looked at again then, besides whatever wakes the sweep. */
  private rest(why: NotClaiming, until: number | null): void {
    if (this.notClaiming !== why) this.ports.logger.debug('ownership.not-claiming', { reason: why });
    this.notClaiming = why;
    this.lane.plan([]);
    if (why === 'not-registered') this.drainage.end();
    if (until !== null) this.arm(until);
  }

  private tellUnplaced(unplaced: Plan['unplaced']): void {
    const { logger } = this.ports;
    for (const { jobId, reason } of unplaced.slice(0, UNPLACED_LINES)) logger.info('job.unplaced', { jobId, reason });
    const more = unplaced.length - UNPLACED_LINES;
    if (more > 0) logger.info('jobs.unplaced', { more, reason: unplaced[UNPLACED_LINES].reason });
  }

  private note(fact: string, error: unknown): void {
    this.lastError = error instanceof Error ? error.message : String(error);
    this.ports.logger.error(fact, { error: this.lastError });
  }

  private arm(at: number): void {
    if (this.end.signal.aborted || at >= this.timerAt) return;
    const delay = at - this.ports.clock.monotonic();
    if (delay <= 0) return this.wake();
    this.disarm();
    this.timerAt = at;
    this.timer = this.ports.clock.setTimer(
      delay,
      () => {
        this.timerAt = Infinity;
        this.wake();
      },
      { name: 'ownership-sweep' },
    );
  }

  private disarm(): void {
    this.timer?.cancel();
    this.timer = null;
    this.timerAt = Infinity;
  }
}
