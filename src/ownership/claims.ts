import type { Candidate } from '../domain/service';
import type { JobExecution } from '../commands';
import { isSuspect, openRuns, type JobRecord } from '../domain/job';
import type { LogFields } from '../logging';
import type { Act, Pressure } from './append-lane';
import { bindCommand, requeueCommand } from './commands';
import type { Ledger } from './ledger';
import type { SweepOptions } from './options';
import { causeOf, hasOpenRun } from './orphans';
import type { Claim } from './plan';
import type { SweepPorts } from './ports';
import type { RunReservation } from './starts-runs';

/** By whom and on what a plan was made. */
export interface Decider {
  readonly service: Candidate;
  /** Checkpoint of the snapshot, decimal. */
  readonly viewPosition: string;
  /** Looked at right before each append. */
  readonly mayAppend: () => boolean;
}

/** Appends what a plan says, and tells the worker and the log what came of it. */
export class Claims {
  constructor(
    private readonly ports: SweepPorts,
    private readonly ledger: Ledger,
    private readonly options: Pick<SweepOptions, 'quarantine' | 'ephemeralHost'>,
  ) {}

  act(claim: Claim, decider: Decider): Act {
    return { jobId: claim.row.jobId, run: () => this.append(claim, decider) };
  }

  private async append(claim: Claim, decider: Decider): Promise<Pressure> {
    const { commands, startsRuns } = this.ports;
    const { row, gone } = claim;
    // The plan may be older than what this process has done since.
    if (!decider.mayAppend() || this.ledger.isAhead(row.jobId)) return 'neutral';
    if (claim.nobody === null && !startsRuns.accepts(row)) return 'neutral';
    const reservation = this.mayStart(claim) ? startsRuns.reserve(row, suspectThen(claim)) : null;
    let execution: JobExecution;
    try {
      const start = { start: reservation !== null, soleSuspect: reservation?.suspect ?? false };
      const command =
        gone === null
          ? bindCommand(claim, decider.service, decider.viewPosition, start)
          : requeueCommand({ ...claim, gone }, decider.service, decider.viewPosition, start, this.options.quarantine);
      const options = { known: claim.state, mayAppend: decider.mayAppend, timeoutMs: Infinity };
      execution = await commands.execute(command, options);
    } catch (error) {
      reservation?.cancel();
      return this.ledger.failed(gone === null ? 'bind' : 'requeue', row.jobId, error);
    }
    this.ledger.landed(execution);
    this.settle(reservation, execution);
    this.tell(claim, execution);
    return 'took';
  }

  /** A place is asked for only when something may start in the append; whether it does is decided there. */
  private mayStart({ row, state, gone, nobody }: Claim): boolean {
    if (nobody !== null || state.paused) return false;
    if (gone !== null && hasOpenRun(state)) return state.definition.policies.onOwnerLoss === 'rerun';
    return row.nextRunTime !== null && row.nextRunTime <= this.ports.membership.clusterTime.now();
  }

  private settle(reservation: RunReservation | null, execution: JobExecution): void {
    if (execution.added > 0) reservation?.landed(execution);
    else reservation?.cancel();
  }

  private tell(claim: Claim, { events, firstRevision }: JobExecution): void {
    const { logger } = this.ports;
    const { counters } = this.ledger;
    const { jobId } = claim.row;
    const abandoned = events.filter((e) => e.type === 'JobRunAbandoned').length;
    events.forEach((event, index) => {
      const at = { jobId, revision: firstRevision + index };
      switch (event.type) {
        case 'JobRequeued': {
          const { fromServiceId, fromIncarnation, cause, epoch, nobody, viewPosition } = event.data;
          counters.requeues += 1;
          logger.info('job.requeued', {
            ...at,
            fromServiceId,
            fromIncarnation,
            reason: cause,
            epoch,
            abandoned,
            viewPosition,
          });
          if (nobody !== null) {
            counters.unplaced += 1;
            logger.info('job.unplaced', { ...at, epoch, reason: nobody });
          }
          break;
        }
        case 'JobBoundToService': {
          counters.claims += 1;
          logger.info('job.bound', { ...at, ...boundFields(event.data) });
          this.warnOfHost(claim.state);
          break;
        }
        case 'JobQuarantined':
          counters.quarantined += 1;
          logger.info('job.quarantined', {
            ...at,
            crashes: event.data.crashes,
            windowMs: event.data.windowMs,
            reason: 'crashes',
          });
          break;
      }
    });
  }

  /** A tag that names a host which does not come back ties the job to what is soon gone. */
  private warnOfHost({ jobId, definition }: JobRecord): void {
    const { ephemeralHost: host } = this.options;
    const { tag, affinity } = definition;
    if (host === null || tag.host !== host) return;
    const remedy =
      affinity === 'required'
        ? 'Nobody may own it once this host is gone. Tag it with what comes back (a name, a zone), or let it prefer its host.'
        : 'It never returns once this host is gone. Tag it with what comes back: a name, a zone.';
    this.ports.logger.warn('job.tagged-with-ephemeral-host', { jobId, host, affinity, remedy });
  }
}

/** Whether the job is suspect when it is started: the crash that this append records counts. */
function suspectThen({ state, gone }: Claim): boolean {
  const crashes = gone !== null && causeOf(gone.owner) === 'failed' && openRuns(state).length > 0 ? 1 : 0;
  return isSuspect(state, crashes);
}

function boundFields(data: {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly epoch: number;
  readonly viewPosition: string;
  readonly why: { readonly kind: string; readonly rank: number; readonly candidates: number; readonly first: string };
}): LogFields {
  const { serviceId, incarnation, epoch, viewPosition, why } = data;
  const { kind, rank, candidates, first } = why;
  return { serviceId, incarnation, epoch, rank, candidates, first, reason: kind, viewPosition };
}
