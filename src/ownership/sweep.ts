import type { Timer } from '../clock';
import type { Candidate } from '../domain/service';
import type { LogPosition } from '../event-store';
import type { SweepPlace, SweepSnapshot } from '../read-model';
import { AppendLane } from './append-lane';
import { Claimables } from './claimables';
import { Claims, type Decider } from './claims';
import { Drain } from './drain';
import { LeftOut } from './left-out';
import { Ledger, type SweepCounters } from './ledger';
import { HandOvers } from './hand-overs';
import { Releases } from './releases';
import { sweepOptions, type SweepOptions, type SweepSettings } from './options';
import { Pace } from './pace';
import { byPlace, planClaims, type Plan } from './plan';
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

/** What is still being worked off is waited for so long before the next sweep. */
const PLAN_MS = 100;
/** Claims that wait for so long belong to a store that does not answer: they are dropped and planned anew. */
const STALE_PLAN_MS = 1_000;
/** Jobs read at once: one turn of the event loop. */
const PAGE = 200;
/** The next page is read when no more claims than this wait: they are decided on what is new, and appends never wait for a read. */
const LOW_WATER = 200;
/** After so long a sweep looks at the first jobs again, which may be due, and then goes on where it was. */
const SWEEP_MS = 250;
/** After a sweep that took t, nothing is swept for so many t (within bounds): sweeping never takes the process for itself. */
const REST_FACTOR = 3;
const SHORTEST_REST_MS = 5;
const LONGEST_REST_MS = 1_000;
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
  private readonly handOvers: HandOvers;
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
  /** The sweep goes on behind this place; null: all have been looked at. */
  private place: SweepPlace | null = null;
  private plannedAt = -Infinity;
  /** Reading and deciding of the present sweep took so long; waiting for appends is not in it. */
  private spentMs = 0;
  /** Of the jobs looked at since all were looked at last. */
  private counted = 0;
  private waiting = 0;

  constructor(
    private readonly ports: SweepPorts,
    settings: SweepSettings,
  ) {
    const { clock, logger, membership, readModel } = ports;
    this.options = sweepOptions(settings);
    this.lane = new AppendLane(clock, this.options.maxInFlight, (error) => this.note('ownership.append-failed', error));
    this.ledger = new Ledger(clock, logger, (until) => this.arm(until));
    this.claims = new Claims(ports, this.ledger, this.options);
    this.claimables = new Claimables(this.options.claimGraceMs);
    this.handOvers = new HandOvers(readModel.ownJobs(membership.serviceId), clock, this.ledger, this.options);
    const mayAppend = (incarnation: string) => this.mayAppend(incarnation);
    const { lane, ledger } = this;
    const { scan } = this.handOvers;
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
      membership.trust.onTrust(() => {
        this.handOvers.claims();
        this.wake();
      }),
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
        await this.pass();
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
      this.lastSweepMs = this.spentMs;
      const rest = Math.min(Math.max(REST_FACTOR * this.spentMs, SHORTEST_REST_MS), LONGEST_REST_MS);
      restUntil = before + this.spentMs + rest;
      await this.lane.settled(PLAN_MS, { flying: false, waiting: this.place === null ? 0 : LOW_WATER });
    }
  }

  private async pass(): Promise<void> {
    const { membership, readModel } = this.ports;
    const incarnation = membership.incarnation();
    if (incarnation !== this.incarnation) this.begin(incarnation);
    if (incarnation === null) return this.rest('not-registered', null);
    this.ledger.applied(readModel.position());
    if (this.drainage.asked || membership.draining()) return this.drainPass(incarnation);
    await this.sweep(incarnation);
  }

  /**
   * Looks at the first page of the jobs without a living owner, then goes on where the last sweep stopped, page by page: each is one snapshot
   * at one position, decided on by itself. Ends with the last job, with the window, or in time; the next sweep goes on.
   */
  private async sweep(incarnation: string): Promise<void> {
    const { clock, membership, readModel } = this.ports;
    const { window } = this.options;
    const begun = clock.monotonic();
    const page = Math.min(PAGE, window);
    if (this.lane.queued > 0 && begun - this.plannedAt > STALE_PLAN_MS) this.lane.plan([]);
    this.sweeps += 1;
    this.spentMs = 0;
    let after: SweepPlace | null = null;
    for (let looked = 0; ;) {
      const now = clock.monotonic();
      this.ledger.applied(readModel.position());
      if (!membership.mayClaim()) return this.rest('may-not-claim', now + this.options.claimGraceMs);
      if (this.viewBehindMs() > this.options.viewLagLimitMs) {
        return this.rest('view-behind', now + this.options.claimGraceMs);
      }
      const pace = new Pace(clock);
      const snapshot = readModel.sweep(page, after);
      this.position = snapshot.position;
      const own = snapshot.candidates.find((c) => c.serviceId === membership.serviceId);
      if (own === undefined || own.incarnation !== incarnation) return this.rest('not-in-view', null);
      this.notClaiming = null;
      if (after === null && this.place === null) {
        this.claimables.begin();
        this.counted = 0;
      }
      if (after === null) this.handOvers.observe(snapshot, own);
      const plan = await this.decide(snapshot, page, own, now, after === null, pace);
      this.spentMs += pace.spentMs;
      const again: boolean = after === null && this.place !== null;
      after = again && plan.behind !== null ? later(plan.behind, this.place!) : plan.behind;
      this.place = after;
      if (after === null) {
        this.claimables.end();
        this.waiting = this.counted;
        return;
      }
      // The first page was looked at again; that alone is no progress.
      if (!again) {
        looked += Math.max(snapshot.unowned.length, snapshot.orphaned.length);
        if (looked >= window || clock.monotonic() - begun >= SWEEP_MS) break;
      }
      await this.lane.settled(PLAN_MS, { flying: false, waiting: LOW_WATER });
      if (this.lane.queued > LOW_WATER || this.endsSweep(incarnation)) break;
    }
    this.wake();
  }

  private endsSweep(incarnation: string): boolean {
    const { membership } = this.ports;
    return !this.mayAppend(incarnation) || this.drainage.asked || membership.draining();
  }

  /** Plans what one snapshot asks for, and hands it to the lane. */
  private async decide(
    snapshot: SweepSnapshot,
    page: number,
    own: Candidate,
    now: number,
    first: boolean,
    pace: Pace,
  ): Promise<Plan> {
    const { membership, startsRuns } = this.ports;
    if (this.leftOut.refresh(snapshot.candidates)) this.handOvers.membershipChanged();
    const holds = (jobId: string) => this.lane.holds(jobId);
    const plan = await planClaims(snapshot, {
      serviceId: membership.serviceId,
      now,
      page,
      room: () => own.capacity.maxOwnedJobs - own.owned - this.ledger.unshown - this.lane.queued - this.lane.inFlight,
      pollMs: this.options.claimGraceMs,
      claimables: this.claimables,
      leftOut: this.leftOut,
      ledger: this.ledger,
      accepts: (row) => startsRuns.accepts(row),
      silentSinceEnd: (incarnation) => membership.silentSinceEnd(incarnation),
      holds,
      pace,
    });
    this.counted += plan.waiting;
    this.tellUnplaced(plan.unplaced);
    const at = membership.clusterTime.now();
    const { incarnation } = own;
    const context = { incarnation, own, candidates: snapshot.candidates, at, pace, holds };
    const intents = first ? await this.handOvers.slice(context, snapshot.loads) : [];
    const decider: Decider = {
      service: own,
      viewPosition: String(snapshot.position),
      mayAppend: () => this.mayAppend(incarnation) && membership.mayClaim() && !this.drainage.asked,
    };
    if (this.lane.queued === 0) this.plannedAt = now;
    this.lane.add([
      ...plan.claims.map((claim) => this.claims.act(claim, decider)),
      ...intents.map((intent) => this.releases.act(intent, incarnation)),
    ]);
    if (plan.next !== null) this.arm(plan.next);
    this.arm(this.handOvers.next(now));
    return plan;
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
    this.place = null;
    this.handOvers.reset();
  }

  /** Nothing is claimed now; `until`: looked at again then, besides whatever wakes the sweep. */
  private rest(why: NotClaiming, until: number | null): void {
    if (this.notClaiming !== why) this.ports.logger.debug('ownership.not-claiming', { reason: why });
    this.notClaiming = why;
    this.lane.plan([]);
    this.handOvers.claims();
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

function later(a: SweepPlace, b: SweepPlace): SweepPlace {
  return byPlace(a, b) < 0 ? b : a;
}
