import { Module } from '@nestjs/common';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { Test, type TestingModule } from '@nestjs/testing';
import { SeededRandom, VirtualClock } from '../../../src/clock';
import {
  CommandExecutor,
  commandHandlers,
  CommandRefusedError,
  CommandToJob,
  CommandUnavailableError,
  OutcomeUnknownError,
  withOptions,
  type AnyCommand,
} from '../../../src/commands';
import { decode } from '../../../src/domain/codec';
import { LogChecker } from '../../../src/domain/invariants';
import type { Candidate } from '../../../src/domain/service';
import { MemoryEventStore } from '../../../src/event-store';
import { FaultyEventStore, type FaultRates } from '../../../src/testing';
import { StreamJudge, type Settled } from './judge';
import { Lane, type Seen, type Sending } from './lane';

const rates: FaultRates = {
  append: { refuse: 0.03, executeAndTimeOut: 0.05, lose: 0.03, ghost: 0.03, duplicate: 0.06, delay: 0.05 },
  readStream: { refuse: 0.03, executeAndTimeOut: 0.03, duplicate: 0.05, delay: 0.05 },
};
const BOOKS_EVERY = 60;
const ZONE_DATA = '2026a';
/** How long a caller waits, ms: the nth time. */
const patience = [5, 60, 400, 3_000];

export interface FleetOptions {
  readonly seed: number;
  readonly lanes: number;
  /** Ends when so many commands were sent again after an unknown outcome. */
  readonly retried: number;
  /** A caller's id for its nth sending. Default: the same every time. */
  readonly commandId?: (commandId: string, sending: number) => string;
  /** In the place of the executors' event ids. */
  readonly eventIds?: (commandId: string, stream: string) => (index: number) => string;
}

export interface FleetReport {
  /** What is wrong with the log, in words. */
  readonly wrong: readonly string[];
  readonly commands: number;
  /** Commands that were sent again after `OutcomeUnknownError`. */
  readonly retried: number;
  readonly sendings: number;
  readonly retriedByClass: ReadonlyMap<string, number>;
  readonly events: number;
  readonly faults: ReadonlyMap<string, number>;
}

interface Process {
  readonly bus: CommandBus;
  readonly executor: CommandExecutor;
  readonly store: FaultyEventStore;
  readonly module: TestingModule;
}

/**
 * Sends commands of every class over the CommandBus of two processes, each with a faulty connection to one log. Who hears that the outcome is unknown
 * sends the same command again, a caller through the other process. What the log has got is compared with what each command must have added once.
 */
export class Fleet {
  private readonly clock = new VirtualClock();
  private readonly memory = new MemoryEventStore({ clock: this.clock, random: new SeededRandom(1) });
  private readonly judges = new Map<string, StreamJudge>();
  private readonly candidates = new Map<string, Candidate>();
  private readonly checker = new LogChecker();
  private readonly wrong: string[] = [];
  private readonly retriedByClass = new Map<string, number>();
  private readonly random: SeededRandom;
  private head = 0n;
  private commands = 0;
  private retried = 0;
  private sendings = 0;
  private readonly directory = {
    candidate: (serviceId: string) => {
      const candidate = this.candidates.get(serviceId);
      return candidate === undefined ? null : { candidate, position: this.head };
    },
  };

  private constructor(private readonly options: FleetOptions) {
    this.random = new SeededRandom(options.seed);
  }

  static async run(options: FleetOptions): Promise<FleetReport> {
    const fleet = new Fleet(options);
    const processes = [await fleet.process(0), await fleet.process(1)];
    const lanes = Array.from(
      { length: options.lanes },
      (_, n) => new Lane(`l${n}`, new SeededRandom(options.seed * 1_000 + n)),
    );
    while (fleet.retried < options.retried && fleet.wrong.length === 0) await fleet.round(lanes, processes);
    for (const { executor, store, module } of processes) {
      await executor.close();
      await store.close();
      await module.close();
    }
    const faults = new Map<string, number>();
    for (const { store } of processes) {
      for (const [fault, n] of Object.entries(store.counts.append)) faults.set(fault, (faults.get(fault) ?? 0) + n);
    }
    fleet.wrong.push(...fleet.checker.finish().map(({ words }) => words));
    const { wrong, commands, retried, sendings, retriedByClass, head } = fleet;
    return { wrong, commands, retried, sendings, retriedByClass, events: Number(head), faults };
  }

  private async process(n: number): Promise<Process> {
    const { clock, options } = this;
    const random = new SeededRandom(options.seed * 77 + n);
    const store = new FaultyEventStore(
      this.memory,
      { clock, random: new SeededRandom(options.seed * 991 + n) },
      { rates, delayMs: [1, 80], ghostMs: [5, 200], closesStore: false },
    );
    const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
    const executor = new CommandExecutor({
      store,
      clock,
      random,
      // Two processes never agree on the time to the millisecond.
      clusterTime: { now: () => clock.wall() + n },
      zoneData: ZONE_DATA,
      namespace: '',
      directory: this.directory,
      logger,
      options: { booksEvery: BOOKS_EVERY, recentStates: 500 },
    });
    if (options.eventIds !== undefined) substituteIds(executor, options.eventIds);
    @Module({
      imports: [CqrsModule],
      providers: [{ provide: CommandExecutor, useValue: executor }, ...commandHandlers],
    })
    class Commands {}
    const module = await Test.createTestingModule({ imports: [Commands] }).compile();
    await module.init();
    return { bus: module.get(CommandBus, { strict: false }), executor, store, module };
  }

  /** Each lane sends one command, now and then two at once; then the log is judged. */
  private async round(lanes: readonly Lane[], processes: readonly Process[]): Promise<void> {
    const seen: Seen = {
      service: (id) => this.judge(`service-${id}`, id).service,
      job: (id) => this.judge(`job-${id}`, id).job,
      head: String(this.head),
    };
    const settled = new Map<string, Settled[]>();
    const send = async (sending: Sending, first: number): Promise<void> => {
      const one = await this.untilDefinite(sending, processes, first);
      const { command } = one;
      const stream = streamOf(command);
      settled.set(stream, [...(settled.get(stream) ?? []), one]);
    };
    const work = lanes.flatMap((lane) => {
      const sending = lane.next(seen);
      const toJob = 'jobId' in sending.make('x');
      const first = this.random.next() < 0.5 ? 0 : 1;
      this.loseFirstAnswer(processes[first].store, streamOf(sending.make('x')));
      const rival = toJob && this.random.next() < 0.05 ? [send(lane.rival(), 1 - first)] : [];
      return [send(sending, first), ...rival];
    });
    let done = false;
    void Promise.all(work).then(
      () => (done = true),
      (error: unknown) => {
        this.wrong.push(`the caller saw ${String(error)}`);
        done = true;
      },
    );
    await this.clock.runUntil(() => done, { limitMs: 3_600_000, what: 'the round' });
    await this.look(settled);
    await this.clock.advance(7_000 + this.random.next() * 30_000);
    await this.look(new Map());
  }

  /** Its first append lands, or lands late, or never does; in any case nobody hears of it in time. */
  private loseFirstAnswer(store: FaultyEventStore, stream: string): void {
    const dice = this.random.next();
    const fault = dice < 0.5 ? 'executeAndTimeOut' : dice < 0.75 ? 'ghost' : 'lose';
    store.inject('append', fault, { when: (call) => call.stream === stream });
  }

  private async untilDefinite(
    { commandId, make }: Sending,
    processes: readonly Process[],
    first: number,
  ): Promise<Settled> {
    this.commands += 1;
    const actor = 'ann';
    const sentAt = this.clock.wall();
    let again = false;
    for (let n = 0; ; n += 1) {
      const id = commandId === null ? '' : (this.options.commandId?.(commandId, n) ?? commandId);
      const command: AnyCommand = withOptions(make(id), {
        actor,
        timeoutMs: patience[Math.min(n, patience.length - 1)],
      });
      // A loop is part of its process; a caller finds another one.
      const { bus } = processes[commandId === null ? first : (first + n) % processes.length];
      this.sendings += 1;
      try {
        const answer = await bus.execute(command);
        return { commandId, command, actor, sentAt, answer };
      } catch (error) {
        if (error instanceof CommandRefusedError) return { commandId, command, actor, sentAt, answer: null };
        if (!(error instanceof OutcomeUnknownError) && !(error instanceof CommandUnavailableError)) throw error;
        if (error instanceof OutcomeUnknownError && !again) {
          again = true;
          this.retried += 1;
          const { name } = command.constructor;
          this.retriedByClass.set(name, (this.retriedByClass.get(name) ?? 0) + 1);
        }
      }
    }
  }

  private async look(settled: ReadonlyMap<string, readonly Settled[]>): Promise<void> {
    const added = new Map<string, Awaited<ReturnType<MemoryEventStore['readAll']>>['events'][number][]>();
    const { events } = await this.memory.readAll({ after: this.head === 0n ? 'start' : this.head, limit: 10_000 });
    for (const recorded of events) {
      const { stream, revision, position, created, id, type, data, metadata } = recorded;
      this.head = position;
      added.set(stream, [...(added.get(stream) ?? []), recorded]);
      const event = decode(type, data, metadata);
      for (const { invariant, words } of this.checker.check({ stream, revision, position, created, id, event })) {
        this.wrong.push(`${invariant} ${stream} revision ${revision}: ${words}`);
      }
    }
    for (const stream of new Set([...added.keys(), ...settled.keys()])) {
      const judge = this.judge(stream, stream.slice(stream.indexOf('-') + 1));
      this.wrong.push(...judge.judge(added.get(stream) ?? [], settled.get(stream) ?? [], this.clock.wall()));
    }
  }

  private judge(stream: string, id: string): StreamJudge {
    let judge = this.judges.get(stream);
    if (judge === undefined) {
      const { directory } = this;
      judge = new StreamJudge(stream, id, {
        directory,
        zoneData: ZONE_DATA,
        booksEvery: BOOKS_EVERY,
        checksIds: this.options.eventIds === undefined,
      });
      this.judges.set(stream, judge);
    }
    return judge;
  }
}

function streamOf(command: AnyCommand): string {
  return command instanceof CommandToJob ? `job-${command.jobId}` : `service-${command.serviceId}`;
}

/** No option of the product: the control reaches in. */
function substituteIds(executor: CommandExecutor, policy: NonNullable<FleetOptions['eventIds']>): void {
  const decisions: unknown = Reflect.get(executor, 'decisions');
  const ports = Reflect.get(decisions as object, 'ports') as { eventIds: unknown };
  ports.eventIds = (commandId: string, stream: string, _expected: unknown, events: readonly unknown[]) => {
    const idOf = policy(commandId, stream);
    return events.map((_, index) => idOf(index));
  };
}
