import { decode } from '../../domain/codec';
import { LogChecker } from '../../domain/invariants';
import { absentJob, evolve, openRuns, type JobEvent, type JobState, type RunRef } from '../../domain/job';
import type { ServiceEvent } from '../../domain/service';
import type { UnreadableEvent } from '../../domain/unreadable';
import type { RecordedEvent } from '../../event-store';
import type { ReadModel } from '../../read-model';
import { Blame } from './blame';
import { JudgeEntries, keyOf } from './judge-entries';
import { JudgeSenders } from './judge-senders';
import { JudgeVerdicts } from './judge-verdicts';
import { JudgeViews } from './judge-views';
import type { Bench, JudgedIncarnation, JudgePorts, SimulatedViolation } from './judged';
import { LOST, NEWER } from './outsiders';
import type { SimulatedProcess } from './simulated-process';
import type { WrittenAppend } from './simulated-log';
import { SlotLedger } from './slot-ledger';
import type { WitnessedRun } from './witness';

interface Followed {
  state: JobState;
  /** True time of its newest event, ms. */
  changedAt: number;
  /** True time of its newest binding, ms. */
  boundAt: number;
}

/** Begins the correlation id of an order. */
export const ORDER = 'order-';
const MOST_VIOLATIONS = 20;
/** In a world in which nothing is wrong, ms. */
const SHOWN_WITHIN_MS = 1_000;

/** Checks every event when it is written, and every entry of a handler when it is made. */
export class Judge {
  readonly violations: SimulatedViolation[] = [];
  readonly jobs = new Map<string, Followed>();
  readonly incarnations = new Map<string, JudgedIncarnation>();
  /** Run → why it ended, as the log says. */
  private closed = new Map<string, string>();
  private readonly entries: JudgeEntries;
  private readonly verdicts: JudgeVerdicts;
  private readonly views: JudgeViews;
  readonly senders: JudgeSenders;
  private commands = new Map<string, number>();
  private checker = new LogChecker();
  /** Service id → position of the newest fact of its stream. */
  private readonly facts = new Map<string, bigint>();
  private opaque = new Set<string>();
  private orders = new Set<string>();
  /** Streams that hold what was decided by a log that is lost. */
  private mixed = new Set<string>();
  private appends = 0;
  private newestFact = 0n;
  private newestAt = 0;

  private blame: Blame;
  private slots: SlotLedger;
  /** The append that is judged; null: none is. */
  private writer: WrittenAppend | null = null;
  /** What stands in the backup that took the place of the log is read again: when it was written. */
  private rereads: number | null = null;

  constructor(private readonly ports: JudgePorts) {
    this.blame = this.blameless();
    this.slots = this.noSlots();
    const bench: Bench = {
      ...ports,
      now: () => this.now(),
      note: (what) => this.note(what),
      violate: (rule, words) => this.violate(rule, words),
      incarnations: this.incarnations,
    };
    this.entries = new JudgeEntries({
      ...bench,
      ...{ generation: ports.generation, logTime: ports.logTime },
      due: (jobId, slot) => this.slots.due(jobId, slot),
      closed: (run) => this.closed.get(run),
    });
    this.verdicts = new JudgeVerdicts(bench, (serviceId) => this.facts.get(serviceId) ?? 0n);
    this.senders = new JudgeSenders({ ...bench, webOnly: ports.webOnly });
    this.views = new JudgeViews(bench);
  }

  /** The log holds these appends, and nothing else any more. */
  rewind(appends: readonly WrittenAppend[]): void {
    this.jobs.clear();
    this.views.forget();
    this.incarnations.clear();
    this.facts.clear();
    this.closed = new Map();
    this.commands = new Map();
    this.orders = new Set();
    this.mixed = new Set();
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
    // What it breaks is what it is for.
    if (this.writer?.by === LOST) return this.note('written-by-the-lost-log');
    if (this.writer?.ofLost) return this.note('written-by-the-unaware');
    if (this.violations.length < MOST_VIOLATIONS) this.violations.push({ rule, at: this.now(), words });
  }

  written(append: WrittenAppend): void {
    this.writer = append;
    try {
      this.judge(append);
    } finally {
      this.writer = null;
    }
  }

  private judge({ events, by, ofLost }: WrittenAppend): void {
    this.appends++;
    const decoded = events.map(({ type, data, metadata }) => decode(type, data, metadata));
    for (const [index, recorded] of events.entries()) {
      const event = decoded[index];
      const { stream, revision, position, created, id } = recorded;
      if (ofLost) this.mixed.add(stream);
      for (const broken of this.checker.check({ stream, revision, position, created, id, event }))
        this.broken(broken.invariant, stream, `${broken.stream} ${broken.revision}: ${broken.words}`);
      const of = stream.slice(stream.indexOf('-') + 1);
      this.orderOnce(stream, recorded.metadata);
      if (event.type === '$unreadable') {
        if (by !== NEWER) this.violate('log', `${stream} ${revision} cannot be read: ${event.why}`);
        if (stream.startsWith('service-')) this.views.service(of, event, revision, position);
        else this.unreadable(of, event, recorded);
      } else if (this.opaque.has(stream) && event.type !== 'JobRunOutcomeRefused')
        this.violate('3.10', `${by} appends ${event.type} to ${stream}, which it cannot read.`);
      if (event.type === '$unreadable') continue;
      if (event.type.startsWith('Job')) this.job(of, event as JobEvent, recorded, by);
      else if (event.type !== 'ServiceHeartbeat') {
        this.service(of, event as ServiceEvent, position, by);
        this.views.service(of, event as ServiceEvent, revision, position);
        this.facts.set(of, position);
      }
    }
    this.verdicts.early(events[0].stream, decoded);
  }

  /** Where a registration of a lost log was appended to the stream of a service there are two lives: whoever takes the name ends the newer one. */
  private broken(rule: string, stream: string, words: string): void {
    if (rule === 'I13' && this.mixed.has(stream) && stream.startsWith('service-')) this.note('two-lives-by-a-lost-log');
    else this.violate(rule, words);
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
    this.entries.entered(run, others, processOf);
    this.blame.enters(run);
  }

  /** A handler that was in the middle of its run when its process was held up for longer than trust runs has ended or was told to. */
  resumed(run: WitnessedRun, wentOnMs: number): void {
    this.entries.resumed(run, wentOnMs);
  }

  /** A handler was let pass by `guard()`. */
  guarded(run: WitnessedRun): void {
    this.entries.guarded(run);
  }

  /** What the view of a living service says, at its position, against the folds of the log. */
  compare(view: ReadModel, whose: string): void {
    this.views.compare(view, whose);
  }

  /** The same, of services alone. */
  compareServices(view: ReadModel, whose: string): void {
    this.views.compareServices(view, whose);
  }

  /** Incarnations that have not ended in the log and whose process lives. */
  alive(): readonly (JudgedIncarnation & { readonly incarnation: string })[] {
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
    this.views.job(jobId, position, job.state);
  }

  private job(jobId: string, event: JobEvent, { revision, position }: RecordedEvent, by: string): void {
    let job = this.jobs.get(jobId);
    if (job === undefined) this.jobs.set(jobId, (job = { state: absentJob, changedAt: 0, boundAt: 0 }));
    this.blame.event(jobId, event, 'slot' in event.data ? openBeside(job.state, event.data as RunRef) : 0);
    this.slots.event(jobId, event);
    this.newestFact = position;
    this.newestAt = this.now();
    job.state = evolve(job.state, event, revision);
    job.changedAt = this.now();
    this.views.job(jobId, position, job.state);
    switch (event.type) {
      case 'JobRunStarted':
        if (this.rereads === null) this.entries.started(jobId, event.data, revision, by, allowedBy(job.state));
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
        if (event.data.cause === 'unregistered')
          this.verdicts.unregistered(jobId, event.data.fromIncarnation, job.boundAt);
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

  private service(serviceId: string, event: ServiceEvent, position: bigint, by: string): void {
    const { incarnation } = event.data;
    if (event.type === 'ServiceRegistered') {
      const { labels, handlers, reason } = event.data;
      this.incarnations.set(incarnation, {
        position,
        serviceId,
        process: by,
        registeredAt: this.now(),
        labels,
        handlers: Object.keys(handlers),
        draining: false,
        ended: null,
        judgedBy: [],
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
    if (event.type === 'ServiceMarkedFailed') this.verdicts.marked(one, event);
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
