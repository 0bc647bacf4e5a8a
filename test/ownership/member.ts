import { SeededRandom } from '../../src/clock';
import {
  CommandRefusedError,
  CommandUnavailableError,
  FencedError,
  type CommandToJob,
  type ExecuteOptions,
  type JobExecution,
} from '../../src/commands';
import { decide, evolve, type JobRecord, type JobState } from '../../src/domain/job';
import type { LogFields, Logger } from '../../src/logging';
import type { Membership } from '../../src/membership';
import { OwnershipSweep, type OwnershipView, type RunReservation, type SweepSettings } from '../../src/ownership';
import type { OwnJobs, SweepSnapshot } from '../../src/read-model';
import type { Append, World } from './world';

/** One service of the world: its sweep and what stands around it. */
export class Member {
  readonly sweep: OwnershipSweep;
  readonly lines: { readonly fact: string; readonly fields: LogFields }[] = [];
  readonly entered: string[] = [];
  readonly reservations = { made: 0, landed: 0, cancelled: 0 };
  incarnation: string | null;
  trusted = true;
  mayClaim = true;
  draining = false;
  silent = new Set<string>();
  accepts: (jobId: string) => boolean = () => true;
  places = Infinity;
  /** The suspect that was started here last; a test ends its run. */
  suspectRuns: string | null = null;
  /** Throws what it returns, for this append. */
  fault: (jobId: string, append: number) => Error | null = () => null;
  /** The store never answers this one. */
  hangs: (jobId: string) => boolean = () => false;
  /** The view stands still while this is set. */
  stalled: SweepSnapshot | null = null;
  reads = { sweeps: 0, own: 0, changed: 0, largest: 0, due: 0 };
  attempts = 0;
  viewBehindMs = 0;
  private readonly advances = new Set<(position: bigint) => void>();
  private readonly trusts = new Set<() => void>();

  constructor(
    readonly world: World,
    readonly serviceId: string,
    incarnation: string,
    settings: Partial<SweepSettings>,
  ) {
    this.incarnation = incarnation;
    this.sweep = new OwnershipSweep(
      {
        readModel: this.view(),
        commands: { execute: (command, options) => this.execute(command, options) },
        membership: this.membership(),
        startsRuns: {
          accepts: (job) => this.accepts(job.jobId),
          reserve: (job, suspect = job.suspect) => this.reserve(job.jobId, suspect),
        },
        clock: world.clock,
        random: new SeededRandom(1),
        logger: this.logger(),
        viewBehindMs: () => this.viewBehindMs,
      },
      { claimGraceMs: 500, failAfterMs: 6_000, ...settings },
    );
  }

  facts(fact: string): LogFields[] {
    return this.lines.filter((line) => line.fact === fact).map(({ fields }) => fields);
  }

  appended(): Append[] {
    return this.world.appends.filter(({ by }) => by === this.serviceId);
  }

  advanced(position: bigint): void {
    if (this.stalled === null) for (const listener of this.advances) listener(position);
  }

  /** The process dies: it appends nothing any more and its sweep is no longer there. */
  kill(): void {
    this.trusted = false;
    this.mayClaim = false;
    void this.sweep.close();
  }

  trustAgain(incarnation = this.incarnation): void {
    this.trusted = true;
    this.mayClaim = true;
    this.incarnation = incarnation;
    for (const listener of this.trusts) listener();
  }

  stall(): void {
    this.stalled = this.world.snapshot(5_000);
  }

  goOn(): void {
    this.stalled = null;
    this.advanced(this.world.position);
  }

  private view(): OwnershipView {
    const { world } = this;
    return {
      position: () => this.stalled?.position ?? world.position,
      sweep: (limit, after = null) => {
        if (after === null) this.reads.sweeps += 1;
        this.reads.largest = Math.max(this.reads.largest, limit);
        return this.stalled ?? world.snapshot(limit, after);
      },
      ownJobs: () => this.ownJobs(),
      onAdvance: (listener) => {
        this.advances.add(listener);
        return () => void this.advances.delete(listener);
      },
      waitFor: () => Promise.resolve(),
    };
  }

  private ownJobs(): OwnJobs {
    const { world, serviceId } = this;
    const all = (incarnation: string) =>
      [...world.jobs.keys()].map((id) => world.row(id)).filter((row) => row.incarnation === incarnation);
    const pending = (incarnation: string) =>
      all(incarnation)
        .filter(({ nextRunTime }) => nextRunTime !== null)
        .sort((a, b) => a.nextRunTime! - b.nextRunTime! || (a.jobId < b.jobId ? -1 : 1));
    return {
      serviceId,
      position: () => world.position,
      due: (incarnation, at, limit, except = {}, known = () => undefined) =>
        pending(incarnation)
          .filter(({ nextRunTime }) => nextRunTime! <= at)
          .filter(({ handler, suspect }) => !except.handlers?.includes(handler) && !(except.suspects && suspect))
          .slice(0, limit)
          .flatMap((row) => {
            this.reads.due += 1;
            const given = known(row.jobId);
            return given === null ? [] : [given ?? row];
          }),
      nextDueTime: (incarnation, after = -Infinity) =>
        pending(incarnation).find(({ nextRunTime }) => nextRunTime! > after)?.nextRunTime ?? null,
      one: (jobId) => (world.jobs.has(jobId) ? world.row(jobId) : null),
      withOpenRun: () => [],
      all: (incarnation, afterId, limit) => {
        this.reads.own += 1;
        return all(incarnation)
          .sort((a, b) => (a.jobId < b.jobId ? -1 : 1))
          .filter(({ jobId }) => afterId === null || jobId > afterId)
          .slice(0, limit);
      },
      placedAfter: (incarnation, after, limit) => {
        this.reads.changed += 1;
        const rows = all(incarnation)
          .filter(({ position }) => after === 'start' || position > after)
          .sort((a, b) => (a.position < b.position ? -1 : 1))
          .slice(0, limit);
        return { rows, through: rows.length < limit ? world.position : rows[rows.length - 1].position };
      },
      count: (incarnation) => ({ owned: all(incarnation).length, running: 0 }),
    };
  }

  private membership(): Membership {
    const { serviceId, world } = this;
    return {
      serviceId,
      trust: {
        check: () => (this.trusted ? null : 'trust-expired'),
        remainingMs: () => (this.trusted ? 1_000 : 0),
        settled: () => Promise.resolve(this.trusted),
        onFence: () => () => undefined,
        onTrust: (listener) => {
          const wake = () => listener({ incarnation: this.incarnation!, returned: true });
          this.trusts.add(wake);
          return () => void this.trusts.delete(wake);
        },
      },
      clusterTime: { now: () => world.now },
      incarnation: () => this.incarnation,
      isOwn: (incarnation) => incarnation.startsWith(`${serviceId}#`),
      mayClaim: () => this.trusted && this.mayClaim && !this.draining,
      draining: () => this.draining,
      silentSinceEnd: (incarnation) => this.silent.has(incarnation),
      silences: () => [],
      passCompleted: () => undefined,
      health: () => {
        throw new Error('not asked for');
      },
    };
  }

  private reserve(jobId: string, suspect: boolean): RunReservation | null {
    if (this.places <= 0 || (suspect && this.suspectRuns !== null)) return null;
    this.places -= 1;
    if (suspect) this.suspectRuns = jobId;
    this.reservations.made += 1;
    let open = true;
    const once = (then: () => void) => {
      if (!open) throw new Error(`The reservation for ${jobId} was used twice.`);
      open = false;
      then();
    };
    return {
      suspect,
      landed: (execution) =>
        once(() => {
          this.reservations.landed += 1;
          if (execution.events.some((e) => e.type === 'JobRunStarted')) this.entered.push(jobId);
          else {
            this.places += 1;
            if (this.suspectRuns === jobId) this.suspectRuns = null;
          }
        }),
      cancel: () =>
        once(() => {
          this.reservations.cancelled += 1;
          this.places += 1;
          if (this.suspectRuns === jobId) this.suspectRuns = null;
        }),
    };
  }

  /** As the executor: on the known state first, then on the log's; one append at the exact revision. */
  private async execute(command: CommandToJob, options: ExecuteOptions = {}): Promise<JobExecution> {
    const { world } = this;
    const jobId = command.jobId!;
    this.attempts += 1;
    const job = world.jobs.get(jobId)!;
    let state = options.known ?? job.state;
    for (;;) {
      const asked = command.ask(
        {
          id: jobId,
          commandId: 'c',
          at: world.now,
          zoneData: 'test',
          limits: { maxFiresPerSecond: Infinity },
          actor: null,
          directory: { candidate: () => null },
        },
        state,
      );
      if (!asked.ok) throw new CommandRefusedError([asked.refusal]);
      const decision = decide(state, asked.value);
      if (!decision.ok && state === job.state) throw new CommandRefusedError([decision.refusal]);
      if (options.mayAppend?.() === false) throw new FencedError('fenced');
      const fault = this.fault(jobId, this.attempts);
      if (fault) throw fault;
      if (this.hangs(jobId)) await new Promise(() => undefined);
      if (world.latencyMs > 0) await world.clock.sleep(world.latencyMs);
      if (state.revision !== job.state.revision || !decision.ok) {
        state = job.state;
        continue;
      }
      const { events } = decision;
      const after = events.reduce<JobState>((s, event) => evolve(s, event, s.revision + 1), state) as JobRecord;
      world.appends.push({
        at: world.clock.monotonic(),
        by: this.serviceId,
        jobId,
        types: events.map((e) => e.type),
        command: asked.value,
      });
      world.set(jobId, after);
      const { position } = job;
      const firstRevision = state.revision + 1;
      return {
        id: jobId,
        revision: after.revision,
        position,
        added: events.length,
        firstRevision,
        events,
        state: after,
      };
    }
  }

  private logger(): Logger {
    const write = (fact: string, fields: LogFields = {}) => void this.lines.push({ fact, fields });
    const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    return logger;
  }
}

export const conflictAlways = () =>
  new CommandUnavailableError('The stream changed 8 times while this command was decided.');
