import { decode, encode, type DomainEvent } from '../../domain/codec';
import { LogChecker, type Violation } from '../../domain/invariants';
import {
  absentJob,
  canonicalMisfire,
  closeBooks,
  decide,
  evolve,
  openRuns,
  type JobCommand,
  type JobDefinition,
  type JobEvent,
  type JobRecord,
  type JobState,
  type Misfire,
  type Overlap,
  type RunRef,
} from '../../domain/job';
import type { Candidate, ServiceEvent } from '../../domain/service';
import { aDefinition, aService, ask, MINUTE, T0 } from './a-job';

/** One step: what is done, by whom, with what, and how much later than the one before. */
export type Step = readonly [action: number, who: number, what: number, dt: number];
export const ACTIONS = 21;
const KEPT_RUNS = 4;

interface LifeOptions {
  readonly definitions: readonly JobDefinition[];
  /** A terminal job begins anew. */
  readonly renew: boolean;
  readonly booksEvery: number;
}

/**
 * A life of one job among three services that die and come back, made of steps: each is a command, right or wrong, from one who may be
 * gone or late. What is accepted is written, and every event is checked against the invariants.
 */
export class RandomLife {
  readonly events: JobEvent[] = [];
  readonly violations: Violation[] = [];
  state: JobState = absentJob;
  now = T0;
  private readonly checker = new LogChecker();
  private readonly revisions = new Map<string, number>();
  private readonly services = new Map<string, Candidate>();
  private readonly dead = new Map<string, 'failed' | 'stopped'>();
  /** What a dead one saw last: it may act on it still. */
  private readonly lastViews = new Map<string, string>();
  private readonly everyone: Candidate[] = [];
  private readonly runs: RunRef[] = [];
  private position = 0n;
  private commands = 0;

  constructor(private readonly options: LifeOptions) {
    for (const name of ['one', 'two', 'three']) this.register(name, 1);
    this.do(ask.schedule(T0, options.definitions[0]));
  }

  step([action, who, what, dt]: Step): void {
    this.now += dt;
    const command = this.command(action % ACTIONS, this.everyone[who % this.everyone.length], what);
    if (command !== null) this.do(command);
  }

  finish(): void {
    this.violations.push(...this.checker.finish());
  }

  private get record(): JobRecord {
    if (this.state.stage === 'absent' || this.state.stage === 'opaque') throw new Error(`it is ${this.state.stage}`);
    return this.state;
  }

  private command(action: number, who: Candidate, what: number): JobCommand | null {
    const { record, now } = this;
    const { serviceId, incarnation } = who;
    const owner = record.ownership.kind === 'bound' ? record.ownership : who;
    const definition = this.options.definitions[what % this.options.definitions.length];
    // Late outcomes are recorded once per run as long as the run is among the newest of the record.
    const recent = this.runs.slice(-KEPT_RUNS);
    const run = what % 4 === 0 ? recent[who.registeredAt % Math.max(1, recent.length)] : recent.at(-1);
    switch (action) {
      case 0:
        this.dies(what % 2 === 0 ? owner.serviceId : serviceId, what % 3 === 0 ? 'stopped' : 'failed');
        return null;
      case 1:
      case 2:
        return { ...ask.claim(now, who, what % 4 !== 0), viewPosition: this.viewOf(who) };
      case 3:
        return this.named({ ...ask.move(now, who), viewPosition: this.viewOf(who) });
      case 4:
      case 5:
        return this.requeue(owner, what);
      case 6:
      case 7:
      case 8: {
        const mine = what % 5 === 0 ? who : owner;
        const epoch = what % 7 === 0 ? Math.max(1, record.epoch - 1) : record.epoch;
        const stuck = record.definition.policies.overlap === 'replace' && what % 3 === 1;
        return ask.start(now, { serviceId: mine.serviceId, incarnation: mine.incarnation, epoch, stuck });
      }
      case 9:
      case 10: {
        const release = ([null, null, 'drain', 'ineligible'] as const)[what % 4];
        return run === undefined ? null : ask.complete(now, run, { release, startNext: what % 2 === 0 });
      }
      case 11:
        return run === undefined ? null : ask.fail(now, run, { startNext: what % 2 === 0 });
      case 12:
        return run === undefined ? null : ask.timeOut(now, run);
      case 13: {
        if (what % 7 === 1 && run !== undefined) return ask.replace(now, run, { startNext: what % 3 !== 0 });
        const reason = (['lostInProcess', 'drain', 'stuck'] as const)[what % 3];
        const timedOut = what % 6 === 2 ? { durationMs: 6, timeoutMs: 5 } : null;
        return run === undefined ? null : ask.abandon(now, run, reason, timedOut);
      }
      case 14: {
        const { epoch } = record;
        return ask.release(now, what % 2 === 0 ? 'drain' : 'home', { serviceId, incarnation, epoch, target: 'x' });
      }
      case 15:
        return this.named(what % 2 === 0 ? ask.pause(now) : ask.resume(now));
      case 16:
        return this.named(ask.runNow(now));
      case 17:
        return this.named(what % 2 === 0 ? ask.resolve(now, resolutions[what % 3]) : ask.leaveQuarantine(now));
      case 18:
        return this.named(ask.reschedule(now, definition));
      case 19: {
        const from = now - (1 + (what % 5)) * MINUTE;
        return this.named(ask.backfill(now, from, now - (what % 3) * MINUTE, { limit: 1 + (what % 40) }));
      }
      default:
        return this.ending(what, definition);
    }
  }

  private ending(what: number, definition: JobDefinition): JobCommand | null {
    const { now } = this;
    if (what % 2 === 0) return this.options.renew ? this.named(ask.schedule(now, definition, { renew: true })) : null;
    if (what % 9 === 1) return this.named(ask.remove(now));
    return what % 9 < 4 ? this.named(ask.cancel(now, what % 3 === 0 ? 'now' : 'afterRun')) : null;
  }

  private requeue(
    owner: { readonly serviceId: string; readonly incarnation: string },
    what: number,
  ): JobCommand | null {
    const life = this.dead.get(owner.incarnation);
    if (life === undefined) return null;
    const live = [...this.services.values()];
    const from = aService(owner.serviceId, { incarnation: owner.incarnation });
    const to = what % 5 === 0 ? null : live[what % live.length];
    const command = ask.requeue(this.now, to, { from, cause: life, start: what % 3 !== 0, crashes: 1 + (what % 3) });
    return { ...command, viewPosition: this.view() };
  }

  /** With an id of its own, now and then with the last one again. */
  private named<Command extends JobCommand>(command: Command): Command {
    if (this.commands % 11 !== 10) this.commands += 1;
    else if (this.now % 2 === 0) this.commands += 1;
    return { ...command, commandId: `command-${this.commands}` };
  }

  private do(command: JobCommand): void {
    const decision = decide(this.state, command);
    if (!decision.ok) return;
    decision.events.forEach((event) => this.write(event));
    if (decision.events.length === 0) return;
    const books = closeBooks(this.state, this.options.booksEvery);
    if (books !== null) this.write(books);
    for (const { slot, attempt, epoch, incarnation } of openRuns(this.record)) {
      const known = this.runs.slice(-2 * KEPT_RUNS).some((one) => one.slot === slot && one.attempt === attempt);
      if (!known) this.runs.push({ slot, attempt, epoch, incarnation });
    }
  }

  private write(event: JobEvent): void {
    const { type, data } = encode(event);
    const read = decode(type, data, '{}');
    if (read.type === '$unreadable') throw new Error(`${type}: ${read.why}`);
    this.events.push(read as JobEvent);
    this.state = evolve(this.state, read as JobEvent, this.state.revision + 1);
    this.check('job-job', read);
  }

  private register(serviceId: string, n: number): void {
    const incarnation = `${serviceId}-${n}`;
    const service = aService(serviceId, { incarnation, registeredAt: this.everyone.length });
    const { labels, capacity, placementVersion } = service;
    this.services.set(serviceId, service);
    this.everyone.push(service);
    this.serviceFact(serviceId, {
      type: 'ServiceRegistered',
      data: {
        serviceId,
        incarnation,
        labels,
        capacity,
        handlers: { audit: '1' },
        process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
        placementVersion,
        reason: 'start',
        at: this.now,
      },
    });
  }

  /** And comes back at once, as another incarnation. */
  private dies(serviceId: string, how: 'failed' | 'stopped'): void {
    const service = this.services.get(serviceId);
    if (service === undefined) return;
    const { incarnation } = service;
    const evidence = { kind: 'silence', lastBeat: 1, silenceMs: 7_000, thresholdMs: 6_000 } as const;
    const observer = { observer: 'two', observerIncarnation: 'two-1' };
    const common = { serviceId, incarnation, at: this.now };
    this.lastViews.set(incarnation, this.view());
    this.serviceFact(
      serviceId,
      how === 'stopped'
        ? { type: 'ServiceStopped', data: { ...common, leftovers: [] } }
        : {
            type: 'ServiceMarkedFailed',
            data: {
              ...common,
              by: 'observer',
              ...observer,
              evidence: { ...evidence, membershipPosition: this.view() },
            },
          },
    );
    this.dead.set(incarnation, how);
    this.register(serviceId, Number(incarnation.split('-')[1]) + 1);
  }

  private serviceFact(serviceId: string, event: ServiceEvent): void {
    this.check(`service-${serviceId}`, event);
  }

  private check(stream: string, event: DomainEvent): void {
    const revision = (this.revisions.get(stream) ?? -1) + 1;
    this.revisions.set(stream, revision);
    this.position += 1n;
    const id = `${this.position.toString(16).padStart(8, '0')}-0000-4000-8000-${this.position.toString(16).padStart(12, '0')}`;
    const { position, now: created } = this;
    this.violations.push(...this.checker.check({ stream, revision, position, created, id, event }));
  }

  private viewOf({ incarnation }: Candidate): string {
    return this.lastViews.get(incarnation) ?? this.view();
  }

  private view(): string {
    return String(this.position);
  }
}

const resolutions = ['retry', 'fail', 'succeeded'] as const;

const retry = { maxRetries: 2, initialMs: 1_000, factor: 2, maxMs: 300_000 };
const everyMinuteAtMost = (maxRuns: number | null) =>
  ({ kind: 'interval', everyMs: MINUTE, origin: null, start: null, end: null, maxRuns }) as const;

/** Misfire policies of every kind. */
export const misfires: readonly Misfire[] = (
  [
    'skip',
    { policy: 'skip', thresholdMs: 0, onResume: 'once' },
    { policy: 'skip', thresholdMs: 90_000, onResume: 'all', cap: 3 },
    { policy: 'once', run: 'earliest' },
    { policy: 'once', run: 'earliest', thresholdMs: 150_000, onResume: 'once' },
    { policy: 'once', onResume: 'once' },
    'all',
    { policy: 'all', cap: 2, onResume: 'all' },
    { policy: 'all', maxAgeMs: 5 * MINUTE },
    { policy: 'all', maxAgeMs: 7 * MINUTE, cap: 4, run: 'earliest', onResume: 'once' },
  ] as const
).map(canonicalMisfire);

/** Definitions of one schedule, every minute, `maxRuns` times at most: as in `sameSlots`, with every misfire policy. */
export function sameSlotsEveryMisfire(maxRuns: number | null): readonly JobDefinition[] {
  const schedule = everyMinuteAtMost(maxRuns);
  const onOwnerLoss = ['rerun', 'hold', 'fail'] as const;
  return misfires.map((misfire, n) =>
    aDefinition({ schedule, payload: n }, { misfire, onOwnerLoss: onOwnerLoss[n % 3], ...(n % 2 === 0 && { retry }) }),
  );
}

/** Definitions of one schedule: every minute, `maxRuns` times at most. */
export function sameSlots(maxRuns: number | null): readonly JobDefinition[] {
  const schedule = everyMinuteAtMost(maxRuns);
  return [
    aDefinition({ schedule }, { retry }),
    aDefinition({ schedule, payload: 1 }, { onOwnerLoss: 'hold' }),
    aDefinition({ schedule, payload: 2 }, { onOwnerLoss: 'fail', retry }),
    aDefinition({ schedule, payload: 3 }, { onStuck: 'wait' }),
  ];
}

/** Definitions of one schedule with every overlap policy. */
export function everyOverlap(maxRuns: number | null): readonly JobDefinition[] {
  const schedule = everyMinuteAtMost(maxRuns);
  const overlaps: readonly Overlap[] = ['skip', 'queue', 'replace', { allow: 2 }, { allow: 4 }];
  return overlaps.flatMap((overlap, n) => [
    aDefinition({ schedule, payload: n }, { overlap, retry }),
    aDefinition({ schedule, payload: -n }, { overlap, onOwnerLoss: n % 2 === 0 ? 'hold' : 'fail' }),
  ]);
}

const beside: readonly Overlap[] = ['queue', 'replace', { allow: 2 }];

/** Definitions of many schedules. */
export const manySchedules: readonly JobDefinition[] = [
  ...sameSlots(null),
  ...sameSlots(5),
  ...everyOverlap(null),
  aDefinition({ schedule: { kind: 'once', at: 'asap', start: null, end: null, maxRuns: null } }, { retry }),
  aDefinition({ schedule: { kind: 'once', at: T0 + 5 * MINUTE, start: null, end: null, maxRuns: null } }),
  aDefinition({
    schedule: {
      kind: 'cron',
      pattern: '*/2 * * * *',
      zone: 'Europe/Berlin',
      days: 'either',
      start: null,
      end: null,
      maxRuns: 9,
    },
  }),
  ...sameSlotsEveryMisfire(null),
  ...sameSlotsEveryMisfire(null).map((definition, n) => ({
    ...definition,
    policies: { ...definition.policies, overlap: beside[n % beside.length] },
  })),
  aDefinition(
    { schedule: { kind: 'once', at: T0 + MINUTE, start: null, end: null, maxRuns: null } },
    { misfire: 'skip' },
  ),
  aDefinition({
    schedule: {
      ...{ kind: 'interval', everyMs: MINUTE, origin: null, start: null, end: null, maxRuns: 9 },
      jitterMs: 50_000,
    },
  }),
  aDefinition({
    schedule: {
      ...{ kind: 'calendar', every: 1, unit: 'day', weekdays: [], day: null, missing: 'last' },
      ...{ at: '08:03', zone: 'UTC', origin: null, start: null, end: null, maxRuns: null, jitterMs: 200_000 },
    },
  }),
  aDefinition({
    schedule: { kind: 'interval', everyMs: 7_000, origin: null, start: null, end: T0 + 60 * MINUTE, maxRuns: null },
  }),
];
