import type { Instant } from '../clock';
import { StartJobRunCommand } from '../commands';
import { dueAt, mayBegin, openRuns, pendingDueAt, type JobRecord } from '../domain/job';
import type { Logger } from '../logging';
import type { Membership } from '../membership';
import type { JobRow } from '../read-model';
import type { AtWork } from './at-work';
import type { JobNotes } from './job-notes';
import type { RunCommands } from './outcomes';

/**
 * Makes room for newer slots of jobs under overlap `replace`. The handler in progress is told to stop; when it has settled, the append that ends
 * its run starts the new slot. While it ignores its abort beyond the grace, what falls is skipped, as `stuck`. Whether a newer slot still waits
 * when the handler has settled, or was skipped for it, is decided with that append.
 */
export class Replacements {
  private readonly skipping = new Set<string>();

  constructor(
    private readonly ports: {
      readonly commands: RunCommands;
      readonly membership: Membership;
      readonly logger: Logger;
      readonly clusterTime: { now(): Instant };
    },
    private readonly worker: {
      readonly atWork: AtWork;
      readonly notes: JobNotes;
      /** Nothing is begun any more. */
      readonly givesBack: () => boolean;
      readonly rest: (jobId: string, error: unknown) => void;
    },
  ) {}

  /** Looks at a job that has an open run of this incarnation. */
  look(row: JobRow, state: JobRecord): void {
    if (state.definition.policies.overlap !== 'replace') return;
    const now = this.ports.clusterTime.now();
    const due = dueAt(state);
    if (due === null || due > now || this.worker.notes.isStale(row) || this.worker.givesBack()) return;
    if (this.ports.membership.trust.check() !== null) return;
    for (const run of openRuns(state)) {
      const execution = this.worker.atWork.executing(row.jobId, run);
      if (execution === null) continue;
      if (execution.stuck) void this.skip(row, state, now);
      else execution.abort('replaced');
    }
  }

  /** Requested slots go on waiting: they are started when it has settled. */
  private async skip({ jobId }: JobRow, known: JobRecord, now: Instant): Promise<void> {
    const pending = pendingDueAt(known);
    if (pending === null || pending > now || !mayBegin(known, 'scheduled') || this.skipping.has(jobId)) return;
    const { membership, commands, logger } = this.ports;
    const incarnation = membership.incarnation();
    if (known.ownership.kind !== 'bound' || known.ownership.incarnation !== incarnation) return;
    this.skipping.add(jobId);
    try {
      const command = new StartJobRunCommand({
        ...{ jobId, serviceId: membership.serviceId, incarnation, epoch: known.epoch, stuck: true },
      });
      const mayAppend = () => membership.trust.check() === null && membership.incarnation() === incarnation;
      const { state, position } = await commands.execute(command, { known, timeoutMs: Infinity, mayAppend });
      this.worker.notes.noteAppend(jobId, state.revision, position);
      logger.warn('job.slots-skipped', { jobId, slot: known.nextSlot, reason: 'stuck' });
    } catch (error) {
      this.worker.rest(jobId, error);
    } finally {
      this.skipping.delete(jobId);
    }
  }
}
