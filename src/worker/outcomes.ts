import {
  AbandonJobRunCommand,
  CommandRefusedError,
  CommandUnavailableError,
  CompleteJobRunCommand,
  FailJobRunCommand,
  FencedError,
  type ExecuteOptions,
  type JobExecution,
  type StartJobRunCommand,
} from '../commands';
import type { Clock, ClusterTime } from '../clock';
import { pendingDueAt, type AfterRun, type JobRecord } from '../domain/job';
import type { Logger } from '../logging';
import type { Membership } from '../membership';
import type { Execution, Settlement } from './execution';
import { runFacts } from './run-facts';
import type { StartedRun } from './started-run';

/**
 * An outcome that lost all its races is sent again, so many times in all, after a rest that is doubled each time: a run that is not ended in the log is
 * run again.
 */
const TRIES = 5;
const REST_MS = 50;

/** What the worker sends. The executor answers only when the log has given a definite answer. */
export interface RunCommands {
  execute(command: RunCommand, options?: ExecuteOptions): Promise<JobExecution>;
}
type RunCommand = StartJobRunCommand | CompleteJobRunCommand | FailJobRunCommand | AbandonJobRunCommand;

/** Turns how a handler settled into the fact of its run. */
export class Outcomes {
  constructor(
    private readonly ports: {
      readonly commands: RunCommands;
      readonly membership: Membership;
      readonly logger: Logger;
      readonly clusterTime: ClusterTime;
      readonly clock: Clock;
    },
    private readonly worker: {
      /** Aborted when the worker closes: nothing is sent again. */
      readonly end: AbortSignal;
      /** Nothing is begun any more: what ends is released. */
      readonly stopping: () => boolean;
      /** A further run of this handler would take no place from a job that waits for one. */
      readonly mayStartNext: (handler: string) => boolean;
    },
  ) {}

  /**
   * @param then what is to follow; asked before each try, since what was so at the first may not be so at the last.
   * @returns the execution of the append that ended the run, which may have started the next one; null when nothing more is to be done here.
   */
  async report(execution: Execution, settlement: Settlement, then: () => AfterRun): Promise<JobExecution | null> {
    const { run, record } = execution.started;
    const { jobId } = record;
    const facts = { ...runFacts(jobId, run), durationMs: settlement.durationMs };
    try {
      const result = await this.send(execution, settlement, then);
      this.tell(execution, settlement, result, facts);
      return result;
    } catch (error) {
      // Refused: the log no longer knows this run as open and has nothing to record, or the job cannot be read here.
      const code = error instanceof CommandRefusedError ? error.code : error instanceof Error ? error.name : 'unknown';
      this.ports.logger.warn('job.outcome-not-recorded', { ...facts, settled: settlement.kind, code });
      return null;
    }
  }

  /** Each try is a command of its own: nothing of the one before was written. */
  private async send(execution: Execution, settlement: Settlement, then: () => AfterRun): Promise<JobExecution> {
    const { end } = this.worker;
    let alone = false;
    for (let tries = 1; ; tries++) {
      const { release, startNext } = then();
      const follows = { release, startNext: startNext && !alone };
      const command = this.commandFor(execution, settlement, follows);
      const mayAppend = () => !follows.startNext || this.mayStart(execution.started);
      try {
        return await this.ports.commands.execute(command, { timeoutMs: Infinity, mayAppend });
      } catch (error) {
        if (end.aborted) throw error;
        if (error instanceof FencedError && !alone) {
          // Only what was to follow may not be appended any more; the outcome may.
          alone = true;
          continue;
        }
        if (!(error instanceof CommandUnavailableError) || tries >= TRIES) throw error;
        await this.ports.clock.sleep(REST_MS * 2 ** (tries - 1), end);
        if (end.aborted) throw error;
      }
    }
  }

  private commandFor(
    execution: Execution,
    settlement: Settlement,
    then: AfterRun,
  ): CompleteJobRunCommand | FailJobRunCommand | AbandonJobRunCommand {
    const { run, record } = execution.started;
    const { jobId } = record;
    const { durationMs } = settlement;
    const abort = execution.abortedFor;
    if (abort === 'timed-out') {
      const timeoutMs = record.definition.policies.timeoutMs ?? durationMs;
      return new FailJobRunCommand({ jobId, run, durationMs, failure: { kind: 'timedOut', timeoutMs }, then });
    }
    if (settlement.kind === 'returned') return new CompleteJobRunCommand({ jobId, run, durationMs, then });
    // A handler that yields to a fence or to the end of a drain has not failed: its slot is to be run again.
    if (abort === 'fenced') return new AbandonJobRunCommand({ jobId, run, reason: 'lostInProcess', timedOut: null });
    if (abort === 'draining') return new AbandonJobRunCommand({ jobId, run, reason: 'drain', timedOut: null });
    if (abort === 'replaced') return new AbandonJobRunCommand({ jobId, run, reason: 'replaced', timedOut: null, then });
    const { error } = settlement;
    return new FailJobRunCommand({ jobId, run, durationMs, failure: { kind: 'failed', ...failureOf(error) }, then });
  }

  /** What is to follow in the append that ends the run. */
  after(started: StartedRun, settlement: Settlement, eligible: boolean): AfterRun {
    const { record } = started;
    if (this.worker.stopping()) return { release: 'drain', startNext: false };
    if (!eligible) return { release: 'ineligible', startNext: false };
    // A job that is always due would otherwise keep its place for ever, while others wait in due order.
    const startNext =
      this.mayStart(started) &&
      this.mayBeDue(record, settlement) &&
      this.worker.mayStartNext(record.definition.handler);
    return { release: null, startNext };
  }

  /** The next run would be started by the owner of this one: it lives, is trusted, and goes on. */
  private mayStart({ run }: StartedRun): boolean {
    const { membership } = this.ports;
    const lives = membership.trust.check() === null && membership.incarnation() === run.incarnation;
    return lives && !this.worker.stopping();
  }

  /** Seen from the start of the run: what came meanwhile is found in the view. */
  private mayBeDue(record: JobRecord, settlement: Settlement): boolean {
    if (settlement.kind === 'threw' || record.requested.length > 0) return true;
    const next = pendingDueAt(record);
    return next !== null && next <= this.ports.clusterTime.now();
  }

  private tell(
    execution: Execution,
    settlement: Settlement,
    result: JobExecution,
    facts: Record<string, string | number>,
  ): void {
    const last = result.events.find((e) => e.type.startsWith('JobRun') && e.type !== 'JobRunStarted');
    const fact: Record<string, string> = {
      JobRunSucceeded: 'job.succeeded',
      JobRunFailed: 'job.failed',
      JobRunTimedOut: 'job.timed-out',
      JobRunAbandoned: 'job.abandoned',
      JobRunOutcomeRefused: 'job.outcome-refused',
    };
    const name = last ? fact[last.type] : 'job.outcome-known';
    const level = name === 'job.succeeded' ? 'info' : 'warn';
    const error = settlement.kind === 'threw' ? failureOf(settlement.error).error : undefined;
    this.ports.logger[level](name, { ...facts, error, aborted: execution.abortedFor ?? undefined });
  }
}

/**
 * Class and message of what a handler threw, within the bounds of the event. Whatever that is: a failure that cannot be told would not end its run, and
 * the slot would be run for ever.
 */
export function failureOf(thrown: unknown): { error: string; message: string } {
  const isError = attempt(() => thrown instanceof Error) === true;
  const told = (key: 'code' | 'name' | 'message') => textOf(() => (thrown as Record<string, unknown>)[key]);
  const error = isError ? (told('code') ?? told('name')) : typeof thrown;
  const message = isError ? told('message') : textOf(() => thrown);
  return { error: (error ?? '').slice(0, 200) || 'Error', message: (message ?? 'It has no text.').slice(0, 1_000) };
}

/** Null: there is nothing, or it has no text. */
function textOf(value: () => unknown): string | null {
  return attempt(() => {
    const found = value();
    return found === undefined || found === null ? null : String(found);
  });
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
