import { decode } from '../../domain/codec';
import { LogChecker } from '../../domain/invariants';
import { absentJob, evolve, openRuns, type JobEvent, type JobState, type RunRef } from '../../domain/job';
import type { ServiceEvent } from '../../domain/service';
import type { UnreadableEvent } from '../../domain/unreadable';
import type { LogPosition, RecordedEvent } from '../../event-store';
import type { ReadModel } from '../../read-model';
import { Blame } from './blame';
import type { Bench, JudgePorts, SimulatedViolation } from './judge-ports';
import { JudgedRuns } from './judged-runs';
import { JudgedServices } from './judged-services';
import type { AppendSeen } from './simulated-connection';
import type { SimulatedProcess } from './simulated-process';
import type { WrittenAppend } from './simulated-log';

interface Followed {
  state: JobState;
  /** True time of its newest event, ms. */
  changedAt: number;
  /** Newest last. */
  readonly history: { readonly position: bigint; readonly state: JobState; text?: string }[];
}

/** Begins the correlation id of an order. */
export const ORDER = 'order-';
/** Writes what no process of the world can read. */
export const NEWER = 'a newer release';
const MOST_VIOLATIONS = 20;
/** In a world in which nothing is wrong, ms. */
const SHOWN_WITHIN_MS = 1_000;
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
  /** What handlers do. */
  readonly runs: JudgedRuns;
  /** Who lives, by the log. */
  readonly services: JudgedServices;
  private commands = new Map<string, number>();
  private checker = new LogChecker();
  private opaque = new Set<string>();
  private orders = new Set<string>();
  private appends = 0;
  private newestFact = 0n;
  private newestAt = 0;

  private blame: Blame;
  private readonly bench: Bench = {
    now: () => this.now(),
    note: (what) => this.note(what),
    violate: (rule, words) => this.violate(rule, words),
  };
  /** Whose append is judged; null: none is. */
  private writer: string | null = null;
  /** What stands in the backup that took the place of the log is read again: when it was written. */
  private rereads: number | null = null;

  constructor(private readonly ports: JudgePorts) {
    this.blame = this.blameless();
    this.services = new JudgedServices(ports, this.bench);
    const confirmedDead = (incarnation: string) => this.services.incarnations.get(incarnation)?.confirmedDead === true;
    this.runs = new JudgedRuns(ports, this.bench, confirmedDead);
  }

  /** The log holds these appends, and nothing else any more. */
  rewind(appends: readonly WrittenAppend[]): void {
    this.jobs.clear();
    this.services.rewind();
    this.runs.rewind();
    this.commands = new Map();
    this.orders = new Set();
    this.opaque = new Set();
    this.checker = new LogChecker();
    this.blame = this.blameless();
    this.newestFact = 0n;
    for (const append of appends) {
      this.rereads = append.at;
      this.written(append);
    }
    this.rereads = null;
  }

  violate(rule: string, words: string): void {
    if (this.rereads !== null) return;
    // It goes by a log that is no more.
    if (this.writer !== null && this.ports.restored(this.writer).unaware) return this.note('written-by-the-unaware');
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
      else if (event.type !== 'ServiceHeartbeat') this.services.written(of, event as ServiceEvent, position, by);
    }
    this.services.early(events[0].stream, decoded);
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
  entered(...entry: Parameters<JudgedRuns['entered']>): void {
    this.runs.entered(...entry);
    this.blame.enters(entry[0]);
  }

  /** 5.12: whoever knows that its view is behind neither beats nor claims. @param view where it stands. */
  sent(process: SimulatedProcess, { stream, events }: AppendSeen, view: LogPosition): void {
    const { type, data } = events[events.length - 1];
    if (this.ports.webOnly(process)) return this.sentByWeb(process, events);
    const beats = type === 'ServiceHeartbeat';
    if (!beats && !events.some(({ type }) => type === 'JobRequeued')) return;
    // Before the view shows its own registration it owns nothing.
    const life = beats
      ? this.services.incarnations.get((JSON.parse(data) as { incarnation: string }).incarnation)
      : null;
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

  private blameless(): Blame {
    const { quarantine } = this.ports;
    return new Blame({ quarantine, ...this.bench });
  }

  private now(): number {
    return this.rereads ?? this.ports.now();
  }

  private note(what: string): void {
    if (this.rereads === null) this.ports.note(what);
  }

  finish(): void {
    for (const broken of this.checker.finish()) this.violate(broken.invariant, `${broken.stream}: ${broken.words}`);
  }

  /** 3.10: from here on its job is nobody's to decide on, and is shown. */
  private unreadable(jobId: string, event: UnreadableEvent, { stream, revision, position }: RecordedEvent): void {
    const job = this.jobs.get(jobId);
    this.opaque.add(stream);
    if (job === undefined) return;
    job.state = evolve(job.state, event, revision);
    job.history.push({ position, state: job.state });
  }

  private job(jobId: string, event: JobEvent, { revision, position }: RecordedEvent, by: string): void {
    let job = this.jobs.get(jobId);
    if (job === undefined) this.jobs.set(jobId, (job = { state: absentJob, changedAt: 0, history: [] }));
    this.blame.event(jobId, event, 'slot' in event.data ? openBeside(job.state, event.data as RunRef) : 0);
    this.newestFact = position;
    this.newestAt = this.now();
    job.state = evolve(job.state, event, revision);
    job.changedAt = this.now();
    job.history.push({ position, state: job.state });
    if (job.history.length > KEPT_STATES) job.history.shift();
    switch (event.type) {
      case 'JobRunStarted':
        if (this.rereads === null) this.runs.started(jobId, event, revision, job.state, by);
        if (event.data.backlogTo !== undefined) this.note('start-with-a-backlog');
        if (event.data.slot.startsWith('backfill:')) this.note('start-of-a-backfill');
        break;
      case 'JobRunSucceeded':
      case 'JobRunFailed':
      case 'JobRunTimedOut':
        this.runs.ended({ jobId, ...event.data }, event.type);
        break;
      case 'JobRunAbandoned':
        this.runs.ended({ jobId, ...event.data }, event.data.reason);
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
      case 'JobRequeued':
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

/** How many runs of the job are open, if that one is. */
function openBeside(state: JobState, run: RunRef): number {
  if (state.stage === 'absent' || state.stage === 'opaque') return 0;
  const open = openRuns(state);
  return open.some((one) => one.slot === run.slot && one.attempt === run.attempt && one.epoch === run.epoch)
    ? open.length
    : 0;
}
