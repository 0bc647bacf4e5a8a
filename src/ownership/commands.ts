import {
  BindJobToServiceCommand,
  CommandToJob,
  ReleaseJobCommand,
  RequeueJobCommand,
  type DecisionInputs,
} from '../commands';
import { bindingReason } from '../domain/placement';
import type { JobCommand, JobState } from '../domain/job';
import type { Result } from '../domain/refusal';
import type { Candidate } from '../domain/service';
import { causeOf, hasOpenRun } from './orphans';
import type { Claim } from './plan';
import type { SweepOptions } from './options';

/** Characters; the tag that is named in it may be long. */
const LONGEST_REASON = 1_000;

/** Whether a due slot may be started in the append, and whether also that of a suspect. */
export interface Start {
  readonly start: boolean;
  readonly soleSuspect: boolean;
}

/** What is asked for, to take an unbound job. */
export function bindCommand(claim: Claim, service: Candidate, viewPosition: string, start: Start): CommandToJob {
  return new BindJobToServiceCommand({
    jobId: claim.row.jobId,
    by: 'claim',
    service,
    viewPosition,
    why: bindingReason('claim', claim.state.definition, service, claim.ranking),
    ...start,
  });
}

/** What is asked for, to take a job from an owner that is gone, or to set it free when nobody may take it. */
export function requeueCommand(
  claim: Claim & { readonly gone: NonNullable<Claim['gone']> },
  service: Candidate,
  viewPosition: string,
  start: Start,
  quarantine: SweepOptions['quarantine'],
): CommandToJob {
  const { gone, nobody } = claim;
  const why = bindingReason('requeue', claim.state.definition, service, claim.ranking);
  const command = new RequeueJobCommand({
    jobId: claim.row.jobId,
    gone: { serviceId: gone.serviceId, incarnation: gone.owner.incarnation, cause: causeOf(gone.owner) },
    to: nobody === null ? { service, why, ...start } : null,
    nobody: nobody?.slice(0, LONGEST_REASON) ?? null,
    viewPosition,
    quarantine,
  });
  return gone.onlyIdle ? new OnlyWhileIdle(command) : command;
}

export interface Release {
  readonly jobId: string;
  readonly epoch: number;
  readonly reason: 'drain' | 'ineligible' | 'home' | 'rebalance' | 'late';
  readonly target: string | null;
}

export function releaseCommand(release: Release, serviceId: string, incarnation: string): CommandToJob {
  return new ReleaseJobCommand({ ...release, serviceId, incarnation });
}

/**
 * The job as the view has it is idle; the log may know of a run that began since. A process that an operator marked may still execute it:
 * then nothing is asked for until its silence has been measured.
 */
class OnlyWhileIdle extends CommandToJob {
  readonly #command: CommandToJob;

  constructor(command: CommandToJob) {
    super();
    this.#command = command;
  }

  get jobId(): string | undefined {
    return this.#command.jobId;
  }

  ask(inputs: DecisionInputs, state: JobState): Result<JobCommand> {
    if (state.stage === 'live' && hasOpenRun(state)) {
      return {
        ok: false,
        refusal: {
          code: 'run-open',
          field: '',
          value: '',
          rule: 'A run of a service that an operator marked as failed moves only after failAfter of silence.',
          remedy: 'Wait for it, or mark the service again with confirmedDead.',
        },
      };
    }
    return this.#command.ask(inputs, state);
  }
}
