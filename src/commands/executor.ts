import { setMaxListeners } from 'node:events';
import { v5 as uuidv5 } from 'uuid';
import type { Clock, ClusterTime, Random } from '../clock';
import { eventIds, type EventStore } from '../event-store';
import { decide, type JobCommand, type JobEvent, type JobState } from '../domain/job';
import { decideService, type ServiceCommand, type ServiceEvent, type ServiceState } from '../domain/service';
import type { Result } from '../domain/refusal';
import type { Logger } from '../logging';
import { CommandToJob, CommandToService, optionsOf, type AnyCommand, type DecisionInputs } from './command';
import {
  CommandRefusedError,
  CommandUnavailableError,
  OutcomeUnknownError,
  type ExecuteOptions,
  type JobExecution,
  type ServiceDirectory,
  type ServiceExecution,
} from './contract';
import { Decisions, type Executed, type Task } from './execution/decisions';
import { Loader } from './execution/loader';
import { defaultExecutorOptions, type ExecutorOptions } from './execution/options';
import { NoLongerAwaited, Patience } from './execution/patience';
import { jobSubject } from './execution/job-subject';
import { Sender } from './execution/sender';
import { RecentStates } from './execution/states';
import { Turns } from './execution/turns';
import { serviceSubject } from './execution/service-subject';
import { jobStream, serviceStream } from './execution/streams';
import { validateCommand } from './validation';

export interface ExecutorPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly clusterTime: ClusterTime;
  /** `process.versions.tz`. */
  readonly zoneData: string;
  /** Prefix of all streams; empty: none. */
  readonly namespace: string;
  readonly directory: ServiceDirectory;
  readonly logger: Logger;
  /** Told of every append of this process that the log has acknowledged: up to which position. */
  readonly appended?: (position: bigint) => void;
  readonly options?: Partial<ExecutorOptions>;
}

/** Namespace of the job ids that are made from command ids. */
const JOB_IDS = '5f0d6a0e-6f4b-5f1c-9d52-6a3a1f6f2c11';

/** The job id of a command that has an id and names no job (UUIDv5): the same command makes the same job. */
export function jobIdOfCommand(commandId: string): string {
  return uuidv5(commandId, JOB_IDS);
}

/**
 * The one way from a command to the log: load → fold → decide → append at the exact revision (protocol §3).
 *
 * - A lost race is decided anew from a fresh read, a bounded number of times.
 * - An answer that leaves the outcome open is followed by the *identical* append until the answer is definite; only then is anything decided anew.
 * - A refusal is never answered on a state that may be old.
 *
 * Rejects with {@link CommandRefusedError}, {@link FencedError}, {@link CommandUnavailableError} (certainly nothing was written) or
 * {@link OutcomeUnknownError} (send the same command again). After a time-out what was sent goes on to be settled: see `outstanding`.
 */
export class CommandExecutor {
  private readonly options: ExecutorOptions;
  private readonly closing = new AbortController();
  private readonly waiting = new Set<Patience>();
  private readonly working = new Set<Promise<unknown>>();
  private readonly ids = new WeakMap<AnyCommand, { readonly id: string; readonly commandId: string }>();
  private readonly sender: Sender;
  private readonly decisions: Decisions;

  constructor(private readonly ports: ExecutorPorts) {
    const { store, clock, random, logger } = ports;
    const options = { ...defaultExecutorOptions, ...ports.options };
    const retry = { initialMs: options.retryInitialMs, maxMs: options.retryMaxMs };
    this.options = options;
    // Every append that waits to be sent again listens.
    setMaxListeners(0, this.closing.signal);
    this.sender = new Sender(store, clock, random, retry, this.closing.signal);
    this.decisions = new Decisions({
      clock,
      random,
      logger,
      options,
      loader: new Loader(store, clock, random, retry),
      sender: this.sender,
      states: new RecentStates(options.recentStates),
      turns: new Turns(clock),
      appended: (position) => ports.appended?.(position),
      eventIds,
    });
  }

  /**
   * Validates a command and executes it. What the sender attached with `withOptions` counts, `options` goes before it.
   * A command without ids gets them here; the same instance keeps them, so it may be sent again.
   */
  async execute(command: CommandToJob, options?: ExecuteOptions): Promise<JobExecution>;
  async execute(command: CommandToService, options?: ExecuteOptions): Promise<ServiceExecution>;
  async execute(command: AnyCommand, options: ExecuteOptions = {}): Promise<JobExecution | ServiceExecution> {
    const [first, ...others] = validateCommand(command);
    if (first !== undefined) throw new CommandRefusedError([first, ...others]);
    const all = { ...optionsOf(command), ...options };
    const { id, commandId } = this.identify(command);
    const { maxFiresPerSecond } = this.options;
    const inputs = {
      ...{ id, commandId, actor: all.actor ?? null, directory: this.ports.directory },
      limits: { maxFiresPerSecond },
    };
    if (command instanceof CommandToJob) {
      return this.executeJob((moment, state) => command.ask({ ...inputs, ...moment }, state), id, commandId, all);
    }
    return this.executeService((moment, state) => command.ask({ ...inputs, ...moment }, state), id, commandId, all);
  }

  /** Executes what `ask` makes of the job's state. `commandId` goes into event ids: another decision needs another one. */
  executeJob(
    ask: (moment: Moment, state: JobState) => Result<JobCommand>,
    jobId: string,
    commandId: string,
    options: ExecuteOptions = {},
  ): Promise<JobExecution> {
    return this.run<JobState, JobEvent>({
      subject: jobSubject,
      stream: jobStream(this.ports.namespace, jobId),
      id: jobId,
      commandId,
      decide: (state) => {
        const asked = ask(this.moment(), state);
        return asked.ok ? decide(state, asked.value) : asked;
      },
      known: options.known ?? null,
      options,
    });
  }

  executeService(
    ask: (moment: Moment, state: ServiceState) => Result<ServiceCommand>,
    serviceId: string,
    commandId: string,
    options: ExecuteOptions = {},
  ): Promise<ServiceExecution> {
    return this.run<ServiceState, ServiceEvent>({
      subject: serviceSubject,
      stream: serviceStream(this.ports.namespace, serviceId),
      id: serviceId,
      commandId,
      decide: (state) => {
        const asked = ask(this.moment(), state);
        return asked.ok ? decideService(state, asked.value) : asked;
      },
      known: null,
      options,
    });
  }

  /** An append to this job was sent from here and its outcome is not known yet. */
  outstanding(jobId: string): boolean {
    return this.sender.outstanding(jobStream(this.ports.namespace, jobId));
  }

  /** The log went back in time: drops every state that was read or acknowledged before. */
  forget(): void {
    this.decisions.forget();
  }

  /** Nothing is sent any more; commands that are waited for are answered (unknown, or not written). Resolves when all have ended. Idempotent. */
  async close(): Promise<void> {
    this.closing.abort();
    for (const patience of [...this.waiting]) patience.end('closed');
    while (this.working.size > 0) await Promise.allSettled([...this.working]);
  }

  private moment(): Moment {
    return { at: this.ports.clusterTime.now(), zoneData: this.ports.zoneData };
  }

  private identify(command: AnyCommand): { readonly id: string; readonly commandId: string } {
    const before = this.ids.get(command);
    if (before !== undefined) return before;
    const given = (command as { readonly commandId?: string }).commandId;
    const id = command instanceof CommandToJob ? command.jobId : command.serviceId;
    const made = {
      id: id ?? (given === undefined ? this.uuid() : jobIdOfCommand(given)),
      commandId: given ?? this.uuid(),
    };
    this.ids.set(command, made);
    return made;
  }

  private uuid(): string {
    return this.ports.random.uuid(this.ports.clock.wall());
  }

  private run<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    task: Task<State, Event>,
  ): Promise<Executed<State, Event>> {
    if (this.closing.signal.aborted) return Promise.reject(unavailable(task.stream, 'closed'));
    return new Promise((resolve, reject) => {
      const timeoutMs = task.options.timeoutMs ?? this.options.commandTimeoutMs;
      const patience = new Patience(this.ports.clock, timeoutMs, (why) => {
        this.waiting.delete(patience);
        reject(patience.uncertain ? unknown(task, why) : unavailable(task.stream, why));
      });
      this.waiting.add(patience);
      const work = this.decisions
        .execute(task, patience)
        .then(resolve, (error: unknown) => {
          if (!(error instanceof NoLongerAwaited)) reject(error);
        })
        .finally(() => {
          patience.settle();
          this.waiting.delete(patience);
          this.working.delete(work);
        });
      this.working.add(work);
    });
  }
}

/** When, and by which zone data, a decision is made. */
export type Moment = Pick<DecisionInputs, 'at' | 'zoneData'>;

function unavailable(stream: string, why: 'timeout' | 'closed'): CommandUnavailableError {
  return new CommandUnavailableError(
    why === 'closed'
      ? `Nothing was written to ${stream}: this process no longer sends commands. Send it from another one.`
      : `Nothing was written to ${stream}: the store did not answer in time. Send the command again when it is reachable.`,
  );
}

function unknown(
  task: { readonly id: string; readonly stream: string; readonly commandId: string },
  why: string,
): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `Whether ${task.stream} was written is not known (${why}). Send the same command again (id ${task.id}, command id ${task.commandId}): it adds nothing if it had landed.`,
    task.commandId,
    task.id,
  );
}
