import { AbandonJobRunCommand, CommandUnavailableError } from '../commands';
import { hasOpenRun, type RunRef } from '../domain/job';
import type { Logger } from '../logging';
import type { Membership } from '../membership';
import type { Execution } from './execution';
import type { JobNotes } from './job-notes';
import type { RunCommands } from './outcomes';
import { runFacts } from './run-facts';

type Reason = 'lostInProcess' | 'drain' | 'stuck';

/** What came of it: the run is not open any more; the log left it open; the log did not take it this time; or it refused for good. */
export type Abandoned = 'ended' | 'left-open' | 'unavailable' | 'refused';

/** Ends own runs that have no outcome: lost in this process, given back by a drain, or stuck in a handler that ignores its abort. */
export class Abandons {
  /** Told when the doubt about the clock is settled. */
  private readonly inDoubt = new WeakSet<Execution>();

  constructor(
    private readonly ports: {
      readonly commands: RunCommands;
      readonly membership: Membership;
      readonly logger: Logger;
    },
    private readonly notes: JobNotes,
    private readonly worker: {
      readonly failed: (jobId: string, error: unknown) => void;
      /** The job is looked at again after a rest. */
      readonly lookAgain: (jobId: string) => void;
    },
  ) {}

  async abandon(
    jobId: string,
    run: RunRef,
    reason: Reason,
    timedOut: { readonly durationMs: number; readonly timeoutMs: number } | null = null,
  ): Promise<Abandoned> {
    try {
      const command = new AbandonJobRunCommand({ jobId, run, reason, timedOut });
      const execution = await this.ports.commands.execute(command, { timeoutMs: Infinity });
      this.notes.noteAppend(jobId, execution.state.revision, execution.position);
      if (hasOpenRun(execution.state, run)) return 'left-open';
      this.ports.logger.warn('job.abandoned', { ...runFacts(jobId, run), reason });
      return 'ended';
    } catch (error) {
      this.worker.failed(jobId, error);
      return error instanceof CommandUnavailableError ? 'unavailable' : 'refused';
    }
  }

  /**
   * A handler that ignored its abort: its job goes to another, unless its policy says to wait. What of a former incarnation waits is given away all
   * the same: where others have taken its job, that records that its process lives, and nothing else. Called again and again: once trusted,
   * after lost races, and until others have taken the job.
   */
  giveAway(execution: Execution): void {
    const { run, record } = execution.started;
    const { membership } = this.ports;
    const { trust } = membership;
    const { abortedFor } = execution;
    const own = run.incarnation === membership.incarnation();
    const waits = record.definition.policies.onStuck === 'wait';
    if (execution.givenAway || execution.over || (waits && own)) return;
    if (!waits && (abortedFor === 'cancelled' || abortedFor === 'draining')) return;
    // The newer slots are skipped instead: given away, the old slot would run again beside a handler that was to make room.
    if (abortedFor === 'replaced' && own) return;
    const doubt = trust.check();
    if (doubt !== null) {
      // After a fence membership tells when trust is back; of a settled doubt it tells only those who wait for it.
      if (doubt === 'clock-jump') void this.giveAwayOnceSettled(execution);
      return;
    }
    execution.givenAway = true;
    const timedOut =
      abortedFor === 'timed-out'
        ? { durationMs: execution.durationMs, timeoutMs: record.definition.policies.timeoutMs ?? 0 }
        : null;
    void this.abandon(record.jobId, run, 'stuck', timedOut).then((abandoned) => {
      // An own run that the log leaves open waits by a policy of now: with the end of its handler.
      const again = abandoned === 'left-open' && !own;
      if (again) this.worker.lookAgain(record.jobId);
      execution.givenAway = !again && abandoned !== 'unavailable';
    });
  }

  private async giveAwayOnceSettled(execution: Execution): Promise<void> {
    if (this.inDoubt.has(execution)) return;
    this.inDoubt.add(execution);
    const trusted = await this.ports.membership.trust.settled();
    this.inDoubt.delete(execution);
    if (trusted) this.giveAway(execution);
  }
}
