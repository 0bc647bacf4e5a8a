import { decode } from '../../domain/codec';
import { LogChecker } from '../../domain/invariants';
import { absentJob, evolve, openRuns, type JobEvent, type JobState, type RunRef } from '../../domain/job';
import type { ServiceEvent } from '../../domain/service';
import type { UnreadableEvent } from '../../domain/unreadable';
import type { LogPosition, RecordedEvent } from '../../event-store';
import type { LivenessOptions } from '../../membership';
import type { ReadModel } from '../../read-model';
import { Blame, type BlamePorts } from './blame';
import type { AppendSeen } from './simulated-connection';
import { SlotLedger } from './slot-ledger';
import type { SimulatedProcess } from './simulated-process';
import type { WrittenAppend } from './simulated-log';
import type { TroubleHistory } from './trouble-history';
import type { WitnessedRun } from './witness';

/** A rule that did not hold, when, and in words. */
export interface SimulatedViolation {
  /** An invariant of the protocol (`I1` …), `transition`, `log`, or `overlap`, `entry`, `false-verdict`, `broken`. */
  readonly rule: string;
  readonly at: number;
  readonly words: string;
}

interface Incarnation {
  /** Of its registration. */
  readonly position: bigint;
  readonly serviceId: string;
  /** Name of the process that registered it. */
  readonly process: string;
  readonly labels: { readonly [key: string]: string };
  readonly handlers: readonly string[];
  draining: boolean;
  ended: 'failed' | 'stopped' | null;
  endedAt: number;
  leftovers: readonly string[];
  confirmedDead: boolean;
}

interface Followed {
  state: JobState;
  /** True time of its newest event, ms. */
  changedAt: number;
  /** True time of its newest binding, ms. */
  boundAt: number;
  /** Newest last. */
  readonly history: { readonly position: bigint; readonly state: JobState; text?: string }[];
}

export interface JudgePorts {
  readonly now: () => number;
  /** By the clock of the log, ms since 1970. */
  readonly logTime: () => number;
  readonly note: (what: string) => void;
  readonly liveness: LivenessOptions;
  readonly quarantine: BlamePorts['quarantine'];
  readonly troubles: TroubleHistory;
  /** The process of that name, if it lives. */
  readonly living: (process: string) => SimulatedProcess | null;
  /** What the membership of that process says of itself; null: it has none. */
  readonly webOnly: (process: SimulatedProcess) => boolean;
  /** Of the log. */
  readonly generation: () => number;
  /** Whether that process has not noticed that a backup took the place of the log, and how long ago that was. */
  readonly restored: (process: string) => {
    readonly unaware: boolean;
    readonly sinceMs: number;
    /** It lived then, and may still bring to an end what it had decided by the log that was lost. */
    readonly connected: boolean;
  };
  readonly trusted: (process: string) => { readonly incarnation: string | null; readonly fence: string | null } | null;
}

/** What clocks leave open (I12), ms. */
const EARLY_MS = 5_000;
const TOKEN_REVISIONS = 2 ** 44;
/** Begins the correlation id of an order. */
export const ORDER = 'order-';
/** Writes what no process of the world can read. */
export const NEWER = 'a newer release';
const MOST_VIOLATIONS = 20;
/** In a world in which nothing is wrong, ms. */
const SHOWN_WITHIN_MS = 1_000;
/** A handler whose process was resumed after its trust had run out may go on for so long, ms; where trust runs for hours, for a part of it. */
const RESUMED_MS = 200;
const RESUMED_PART = 300;
/** States of a job that are kept, for views that lag. */
const KEPT_STATES = 400;
/** What only a worker says. */
const ofWorkers: ReadonlySet<string> = new Set([
  'ServiceRegistered',
  'ServiceHeartbeat',
  'ServiceReasserted',
  'ServiceStopped',
  'JobRunStarted',
  'JobRequeued',
]);
/** A claim that was decided in time may be sent so much later, ms. */
const CLAIM_LATER_MS = 2_000;

/** Checks every event when it is written, and every entry of a handler when it is made. */
export class Judge {
  readonly violations: SimulatedViolation[] = [];
  readonly jobs = new Map<string, Followed>();
  readonly incarnations = new Map<string, Incarnation>();
  /** Run → why it ended, as the log says. */
  private closed = new Map<string, string>();
  /** `allowed`: handlers of the job that may be unsettled at once, by its overlap policy when this one was started. */
  private readonly starts = new Map<string, { readonly run: string; readonly by: string; readonly allowed: number }>();
  private commands = new Map<string, number>();
  private checker = new LogChecker();
  /** Service id → position of the newest fact of its stream. */
  private readonly facts = new Map<string, bigint>();
  private opaque = new Set<string>();
  private orders = new Set<string>();
  private appends = 0;
  private newestFact = 0n;
  private newestAt = 0;

  private blame: Blame;
  private slots: SlotLedger;
  /** Whose append is judged; null: none is. */
  private writer: string | null = null;
  /** What stands in the backup that took the place of the log is read again: when it was written. */
  private rereads: number | null = null;

  constructor(private readonly ports: JudgePorts) {
    this.blame = this.blameless();
    this.slots = this.noSlots();
  }

  /** The log holds these appends, and nothing else any more. */
  rewind(appends: readonly WrittenAppend[]): void {
    this.jobs.clear();
    this.incarnations.clear();
    this.facts.clear();
    this.closed = new Map();
    this.commands = new Map();
    this.orders = new Set();
    this.opaque = new Set();
    this.checker = new LogChecker();
    this.blame = this.blameless();
    this.slots = this.noSlots();
    this.newestFact = 0n;
    for (const append of appends) {
      this.rereads = append.at;
      this.written(append);
    }
    this.rereads = null;
  }

  violate(rule: string, words: string): void {
    if (this.rereads !== null) return;
    if (this.writer !== null) {
      // It goes by a log that is no more.
      const { unaware, connected } = this.ports.restored(this.writer);
      if (unaware || connected) return this.note('written-by-the-unaware');
    }
    if (this.violations.length < MOST_VIOLATIONS) this.violations.push({ rule, at: this.now(), words });
  }

  written(append: WrittenAppend): void {
    this.writer = append.by;
    try {
      this.judge(append);
    } finally {
      this.writer = null;
    }
  }

  private judge({ events, by }: WrittenAppend): void {
    this.appends++;
    const decoded = events.map(({ type, data, metadata }) => decode(type, data, metadata));
    for (const [index, recorded] of events.entries()) {
      const event = decoded[index];
      const { stream, revision, position, created, id } = recorded;
      for (const broken of this.checker.check({ stream, revision, position, created, id, event }))
        this.violate(broken.invariant, `${broken.stream} ${broken.revision}: ${broken.words}`);
      const of = stream.slice(stream.indexOf('-') + 1);
      this.orderOnce(stream, recorded.metadata);
      if (event.type === '$unreadable') {
        if (by !== NEWER) this.violate('log', `${stream} ${revision} cannot be read: ${event.why}`);
        this.unreadable(of, event, recorded);
      } else if (this.opaque.has(stream) && event.type !== 'JobRunOutcomeRefused')
        this.violate('3.10', `${by} appends ${event.type} to ${stream}, which it cannot read.`);
      if (event.type === '$unreadable') continue;
      if (event.type.startsWith('Job')) this.job(of, event as JobEvent, recorded, by);
      else if (event.type !== 'ServiceHeartbeat') {
        this.service(of, event as ServiceEvent, position, by);
        this.facts.set(of, position);
      }
    }
    this.early(events[0].stream, decoded);
  }

  /** What an order has added is in the log. */
  landed(order: string): boolean {
    return this.orders.has(order);
  }

  /** Position of the newest fact of a job that every view must show by now. */
  get newest(): bigint {
    return this.now() - this.newestAt > SHOWN_WITHIN_MS ? this.newestFact : 0n;
  }

  /** A handler is entered. @param others runs of the same job whose handlers have not settled. */
  entered(
    run: WitnessedRun,
    others: readonly WitnessedRun[],
    processOf: (run: WitnessedRun) => SimulatedProcess | null,
  ): void {
    const start = this.starts.get(`${run.jobId} ${run.fencingToken + this.untold(run) * TOKEN_REVISIONS}`);
    if (start === undefined || start.run !== keyOf(run))
      this.violate('entry', `${wordsOf(run)} is entered, and no JobRunStarted of the log says so.`);
    else if (start.by !== run.process)
      this.violate('entry', `${wordsOf(run)} is entered in ${run.process}, and its start was appended by ${start.by}.`);
    const trusted = this.ports.trusted(run.process);
    if (trusted === null || trusted.fence !== null || trusted.incarnation !== run.incarnation)
      this.violate(
        'entry',
        `${wordsOf(run)} is entered in ${run.process}, which is fenced (${trusted?.fence ?? 'another incarnation'}).`,
      );
    const lapse = this.lapse(run);
    if (lapse !== null) this.violate('entry', `${wordsOf(run)} is entered in ${run.process}, and ${lapse}.`);
    if (this.closed.has(keyOf(run))) this.note('entered-after-end');
    this.notEarly(run);
    this.blame.enters(run);
    this.overlaps(run, others, start?.allowed ?? 1, processOf);
  }

  /** I12 in the time of the log, of what a handler sees: no slot begins before it is due. */
  private notEarly(run: WitnessedRun): void {
    const due = run.attempt === 1 ? this.slots.due(run.jobId, run.slot) : null;
    const early = due === null ? 0 : due - this.ports.logTime();
    if (early > EARLY_MS) this.violate('I12', `${wordsOf(run)} is entered ${Math.round(early)} ms before it is due.`);
  }

  /** A handler that was in the middle of its run when its process was held up for longer than trust runs has ended or was told to. */
  resumed(run: WitnessedRun, wentOnMs: number): void {
    this.ports.note('resumed-without-trust');
    if (wentOnMs > Math.max(RESUMED_MS, this.ports.liveness.selfFenceAfterMs / RESUMED_PART))
      this.violate(
        'resumed',
        `${wordsOf(run)} went on for ${wentOnMs.toFixed(0)} ms after ${run.process} was resumed.`,
      );
  }

  /**
   * By how many generations its token may be too low: who comes back to a restored log may start a run before it is told that it is one. The answer to
   * its append may be under way when it is.
   */
  private untold(run: WitnessedRun): number {
    const { process, jobId, fencingToken } = run;
    const { unaware, sinceMs } = this.ports.restored(process);
    const told = this.ports.living(process)?.told.generation ?? 0;
    const generation = Math.floor(fencingToken / TOKEN_REVISIONS);
    const mayNotKnow = generation === told || unaware || sinceMs < this.ports.liveness.failAfterMs;
    if (!mayNotKnow || this.starts.get(`${jobId} ${fencingToken}`)?.run === keyOf(run)) return 0;
    this.note('entered-before-told-of-the-restore');
    return this.ports.generation() - generation;
  }

  /** A handler was let pass by `guard()`. */
  guarded(run: WitnessedRun): void {
    this.note('guard-passed');
    const lapse = this.lapse(run);
    if (lapse !== null) this.violate('guard', `${wordsOf(run)} may go on in ${run.process}, and ${lapse}.`);
  }

  /** 5.12: whoever knows that its view is behind neither beats nor claims. @param view where it stands. */
  sent(process: SimulatedProcess, { stream, events }: AppendSeen, view: LogPosition): void {
    const { type, data } = events[events.length - 1];
    if (this.ports.webOnly(process)) return this.sentByWeb(process, events);
    const beats = type === 'ServiceHeartbeat';
    if (!beats && !events.some(({ type }) => type === 'JobRequeued')) return;
    // Before the view shows its own registration it owns nothing.
    const life = beats ? this.incarnations.get((JSON.parse(data) as { incarnation: string }).incarnation) : null;
    if (life === undefined || view === 'start' || view < (life?.position ?? 0n)) return;
    const behind = process.told.viewBehindMs(view);
    if (behind <= this.ports.liveness.failAfterMs + (beats ? 0 : CLAIM_LATER_MS)) return;
    this.violate(
      '5.12',
      `${process.name} sends ${type} to ${stream}, and its view is ${Math.round(behind)} ms behind.`,
    );
  }

  /** 5.14: who serves requests only does what people ask for. */
  private sentByWeb(process: SimulatedProcess, events: AppendSeen['events']): void {
    for (const { type, data } of events)
      if (
        ofWorkers.has(type) ||
        (type === 'ServiceMarkedFailed' && (JSON.parse(data) as { by: string }).by === 'observer')
      )
        this.violate('5.14', `${process.name} serves requests only, and appends ${type}.`);
  }

  /** 6: when all is well again whoever lives has noticed which log this is. */
  knowsTheLog(process: string): void {
    if (this.ports.restored(process).unaware)
      this.violate('6', `${process} has not noticed that the log went back in time.`);
  }

  private lapse({ process, incarnation }: WitnessedRun): string | null {
    const { liveness, living } = this.ports;
    return living(process)?.told.whyNoTrust(incarnation, liveness.selfFenceAfterMs) ?? null;
  }

  /** What the view of a living service says of every job, at its position, against the fold of the log. */
  compare(view: ReadModel, whose: string): void {
    const position = view.position();
    if (position === 'start') return;
    this.note('view-compared');
    for (const [jobId, { history }] of this.jobs) {
      if (history.length === 0 || history[0].position > position) continue;
      const expected = history.findLast((one) => one.position <= position);
      const said = expected === undefined ? 'null' : (expected.text ??= JSON.stringify(expected.state));
      const found = JSON.stringify(view.job(jobId)?.state ?? null);
      if (found !== said) {
        this.violate(
          'I7',
          `The view of ${whose} at position ${position} shows ${jobId} as ${found}, and the log says ${said}.`,
        );
        return;
      }
    }
  }

  /** Incarnations that have not ended in the log and whose process lives. */
  alive(): readonly (Incarnation & { readonly incarnation: string })[] {
    return [...this.incarnations]
      .filter(([, one]) => one.ended === null && this.ports.living(one.process) !== null)
      .map(([incarnation, one]) => ({ ...one, incarnation }));
  }

  private noSlots(): SlotLedger {
    return new SlotLedger({
      note: (what) => this.note(what),
      violate: (rule, words) => this.violate(rule, words),
    });
  }

  private blameless(): Blame {
    const { quarantine } = this.ports;
    return new Blame({
      quarantine,
      note: (what) => this.note(what),
      violate: (rule, words) => this.violate(rule, words),
    });
  }

  private now(): number {
    return this.rereads ?? this.ports.now();
  }

  note(what: string): void {
    if (this.rereads === null) this.ports.note(what);
  }

  private generation(): number {
    return this.ports.generation();
  }

  finish(): void {
    for (const broken of this.checker.finish()) this.violate(broken.invariant, `${broken.stream}: ${broken.words}`);
  }

  /** 3.10: from here on its job is nobody's to decide on, and is shown. */
  private unreadable(jobId: string, event: UnreadableEvent, { stream, revision, position }: RecordedEvent): void {
    const job = this.jobs.get(jobId);
    this.opaque.add(stream);
    this.slots.forget(jobId);
    if (job === undefined) return;
    job.state = evolve(job.state, event, revision);
    job.history.push({ position, state: job.state });
  }

  private job(jobId: string, event: JobEvent, { revision, position }: RecordedEvent, by: string): void {
    let job = this.jobs.get(jobId);
    if (job === undefined) this.jobs.set(jobId, (job = { state: absentJob, changedAt: 0, boundAt: 0, history: [] }));
    this.blame.event(jobId, event, 'slot' in event.data ? openBeside(job.state, event.data as RunRef) : 0);
    this.slots.event(jobId, event);
    this.newestFact = position;
    this.newestAt = this.now();
    job.state = evolve(job.state, event, revision);
    job.changedAt = this.now();
    job.history.push({ position, state: job.state });
    if (job.history.length > KEPT_STATES) job.history.shift();
    switch (event.type) {
      case 'JobRunStarted':
        if (this.rereads === null)
          this.starts.set(`${jobId} ${this.generation() * TOKEN_REVISIONS + revision}`, {
            run: keyOf({ jobId, ...event.data }),
            by,
            allowed: allowedBy(job.state),
          });
        if (event.data.backlogTo !== undefined) this.ports.note('start-with-a-backlog');
        if (event.data.slot.startsWith('backfill:')) this.ports.note('start-of-a-backfill');
        break;
      case 'JobRunSucceeded':
      case 'JobRunFailed':
      case 'JobRunTimedOut':
        this.closed.set(keyOf({ jobId, ...event.data }), event.type);
        break;
      case 'JobRunAbandoned':
        this.closed.set(keyOf({ jobId, ...event.data }), event.data.reason);
        this.note(`abandoned-${event.data.reason}`);
        break;
      case 'JobSlotsSkipped':
        this.note(`skipped-${event.data.reason}`);
        break;
      case 'JobRunOutcomeRefused':
        this.note('late-outcome-refused');
        break;
      case 'JobReleased':
        this.note(`released-${event.data.reason}`);
        break;
      case 'JobBoundToService':
        job.boundAt = this.now();
        break;
      case 'JobRequeued':
        if (event.data.cause === 'unregistered') this.unregistered(jobId, event.data.fromIncarnation, job.boundAt);
        this.note(event.data.nobody === null ? 'requeued' : 'requeued-for-nobody');
        break;
      case 'JobQuarantined':
      case 'JobHeld':
      case 'JobHoldResolved':
      case 'JobReleasedFromQuarantine':
      case 'JobBooksClosed':
        this.note(event.type);
    }
  }

  /** 6: what was bound by a log that is lost moves when its owner has been silent for as long as any other. */
  private unregistered(jobId: string, incarnation: string, boundAt: number): void {
    this.note('requeued-from-the-unregistered');
    const { failAfterMs, clockRateError } = this.ports.liveness;
    if (this.incarnations.has(incarnation))
      this.violate('6', `${jobId} is requeued from ${incarnation} as unregistered, and the log registers it.`);
    const ms = Math.round(this.now() - boundAt);
    if (ms < failAfterMs * (1 - clockRateError))
      this.violate('6', `${jobId} is requeued as bound to the unregistered, ${ms} ms after it was bound.`);
  }

  private service(serviceId: string, event: ServiceEvent, position: bigint, by: string): void {
    const { incarnation } = event.data;
    if (event.type === 'ServiceRegistered') {
      const { labels, handlers, reason } = event.data;
      this.incarnations.set(incarnation, {
        position,
        serviceId,
        process: by,
        labels,
        handlers: Object.keys(handlers),
        draining: false,
        ended: null,
        endedAt: 0,
        leftovers: [],
        confirmedDead: false,
      });
      if (reason === 'falselyFailed') this.note('returned-after-false-verdict');
      return;
    }
    const one = this.incarnations.get(incarnation);
    if (one === undefined) return;
    if (event.type === 'ServiceReasserted') this.note('reasserted');
    if (event.type === 'ServiceDrainStarted') one.draining = true;
    if (event.type === 'ServiceStopped') {
      one.ended = 'stopped';
      one.endedAt = this.now();
      one.leftovers = event.data.leftovers.map(({ jobId }) => jobId);
    }
    if (event.type === 'ServiceMarkedFailed') this.marked(one, event);
  }

  private marked(one: Incarnation, { data }: Extract<ServiceEvent, { type: 'ServiceMarkedFailed' }>): void {
    const process = this.ports.living(one.process);
    const { serviceId } = one;
    if (data.by === 'operator') {
      this.note('operator-mark');
      one.confirmedDead ||= data.confirmedDead;
    } else {
      const { kind, membershipPosition } = data.evidence;
      const newest = this.facts.get(serviceId) ?? 0n;
      if (BigInt(membershipPosition) < newest)
        this.violate(
          '5.5',
          `${serviceId} is marked failed on evidence of position ${membershipPosition}; it said something at ${newest}.`,
        );
      if (process === null) this.note('verdict-on-the-dead');
      else if (kind === 'processGone') this.violate('5.8', `${one.process} is said to be gone, and lives.`);
      else this.stopBeforeSteal(process, one, data.incarnation);
      // Who leads another life already is not failed by it: its log went back.
      const lives = process !== null && this.ports.trusted(process.name)?.incarnation === data.incarnation;
      if (process !== null && kind === 'silence' && (lives || this.ports.restored(process.name).sinceMs === Infinity))
        this.falseVerdict(process, `${serviceId} (${one.process}) is marked failed by ${data.observer}`);
    }
    if (one.ended === null) one.endedAt = this.now();
    one.ended ??= 'failed';
  }

  /** 5.10, 5.13: what may still run somewhere moves after a full failAfter. */
  private early(stream: string, decoded: readonly ReturnType<typeof decode>[]): void {
    for (const event of decoded) {
      if (event.type !== 'JobRequeued') continue;
      const jobId = stream.slice(stream.indexOf('-') + 1);
      const owner = this.incarnations.get(event.data.fromIncarnation);
      if (owner === undefined) continue;
      const { failAfterMs, clockRateError } = this.ports.liveness;
      const waited = this.now() - owner.endedAt >= failAfterMs * (1 - clockRateError);
      if (waited || owner.confirmedDead) continue;
      const wasOpen = decoded.some(({ type }) => type === 'JobRunAbandoned');
      if (event.data.cause === 'stopped' && owner.leftovers.includes(jobId))
        this.violate(
          '5.10',
          `${jobId} was left over by ${owner.process}, and moves ${Math.round(this.now() - owner.endedAt)} ms after its stop.`,
        );
      if (event.data.cause === 'marked' && wasOpen)
        this.violate(
          '5.13',
          `${jobId} ran in ${owner.process}, and moves ${Math.round(this.now() - owner.endedAt)} ms after an operator's mark.`,
        );
    }
  }

  /** 5.6: when a verdict lands its subject has stopped. */
  private stopBeforeSteal(process: SimulatedProcess, { serviceId }: Incarnation, incarnation: string): void {
    const trusted = this.ports.trusted(process.name);
    const { failAfterMs, loopDelayMs } = this.ports.liveness;
    const paused = process.pausedWithin(this.now() - 2 * failAfterMs, this.now()) > loopDelayMs;
    if (trusted === null || paused || trusted.incarnation !== incarnation || trusted.fence !== null) return;
    this.violate('5.6', `${serviceId} is marked failed, and ${process.name} trusts itself.`);
  }

  /** I9: nobody is failed for what an observer suffers, nor for an outage of the log. */
  private falseVerdict(process: SimulatedProcess, words: string): void {
    const { liveness, troubles } = this.ports;
    const now = this.now();
    this.note('false-verdict');
    const since = now - 2 * liveness.failAfterMs;
    if (process.pausedWithin(since, now) >= liveness.selfFenceAfterMs / 4) return;
    if (troubles.befell(process.place, since, now)) return;
    this.violate('I9', `${words}, and nothing was wrong with it within ${2 * liveness.failAfterMs} ms.`);
  }

  /** I6: what an order adds stands in one append, however often it was sent. */
  private orderOnce(stream: string, metadata: string): void {
    const { $correlationId = '' } = JSON.parse(metadata) as { $correlationId?: string };
    if (!$correlationId.startsWith(ORDER)) return;
    this.orders.add($correlationId);
    const key = `${stream} ${$correlationId}`;
    const before = this.commands.get(key);
    if (before !== undefined && before !== this.appends)
      this.violate('I6', `The ${$correlationId} added events to ${stream} twice.`);
    this.commands.set(key, this.appends);
  }

  /** More handlers of one job at the same time than its overlap policy allows: only for a reason that the guarantees name. */
  private overlaps(
    run: WitnessedRun,
    others: readonly WitnessedRun[],
    allowed: number,
    processOf: (run: WitnessedRun) => SimulatedProcess | null,
  ): void {
    if (others.length > 0 && others.length < allowed) return this.note('overlap-allowed');
    if (others.length < allowed) return;
    const [here] = others.filter(({ process }) => process === run.process).slice(allowed - 1);
    if (here !== undefined)
      this.violate('3.7', `${wordsOf(run)} is entered in ${run.process}, where ${wordsOf(here)} has not settled.`);
    const [beyond] = others.filter((other) => !this.excused(other, processOf(other))).slice(allowed - 1);
    if (beyond !== undefined) this.violate('overlap', this.overlapWords(beyond, run, allowed));
  }

  /** The guarantees name a reason why its handler may still run. */
  private excused(earlier: WitnessedRun, process: SimulatedProcess | null): boolean {
    const now = this.ports.now();
    const { abortGraceMs, loopDelayMs, failAfterMs, clockRateError } = this.ports.liveness;
    const because = (why: string) => (this.note(why), true);
    const ignored = earlier.abortedAt !== null && now - earlier.abortedAt >= abortGraceMs * (1 - clockRateError);
    if (ignored) return because('overlap-ignored-abort');
    const paused = process?.pausedWithin(now - 2 * failAfterMs, now) ?? 0;
    if (paused > loopDelayMs) return because('overlap-paused');
    if (this.incarnations.get(earlier.incarnation)?.confirmedDead === true) return because('overlap-confirmed-dead');
    if (this.closed.get(keyOf(earlier)) === 'cancelled') return because('overlap-cancelled');
    const { selfFenceAfterMs } = this.ports.liveness;
    const restoredMs = this.ports.restored(earlier.process).sinceMs;
    return restoredMs < selfFenceAfterMs + loopDelayMs + abortGraceMs && because('overlap-log-went-back');
  }

  private overlapWords(earlier: WitnessedRun, later: WitnessedRun, allowed: number): string {
    const now = this.ports.now();
    return `${wordsOf(later)} is entered in ${later.process} while ${wordsOf(earlier)} runs in ${earlier.process} (entered at ${earlier.enteredAt.toFixed(0)}, ${
      earlier.abortedAt === null ? 'not aborted' : `aborted ${(now - earlier.abortedAt).toFixed(0)} ms ago`
    }; in the log: ${this.closed.get(keyOf(earlier)) ?? 'open'}), and the job allows ${allowed} at once.`;
  }
}

/** Written down once more, on purpose: the judge must not share a mistake with the code. */
function allowedBy(state: JobState): number {
  if (state.stage === 'absent' || state.stage === 'opaque') return 1;
  const { overlap } = state.definition.policies;
  return typeof overlap === 'object' ? overlap.allow : 1;
}

/** How many runs of the job are open, if that one is. */
function openBeside(state: JobState, run: RunRef): number {
  if (state.stage === 'absent' || state.stage === 'opaque') return 0;
  const open = openRuns(state);
  return open.some((one) => one.slot === run.slot && one.attempt === run.attempt && one.epoch === run.epoch)
    ? open.length
    : 0;
}

function keyOf(run: {
  readonly jobId: string;
  readonly slot: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly incarnation: string;
}): string {
  return `${run.jobId} ${run.slot} ${run.attempt} ${run.epoch} ${run.incarnation}`;
}

function wordsOf(run: WitnessedRun): string {
  return `${run.jobId} ${run.slot} attempt ${run.attempt} epoch ${run.epoch}`;
}
