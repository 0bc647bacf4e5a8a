import type { Affinity, Tag } from '../../domain/job';
import type { ScheduleInput } from '../../domain/schedule';
import { withOptions, type CommandToJob } from '../command';
import type { CommandResult, ExecuteOptions } from '../contract';
import { withJobDefaults, type JobDefaults } from '../job-defaults';
import type { JobType } from '../job-type';
import { BackfillJobCommand, type BackfillJobFields } from '../jobs/backfill-job.command';
import { BindJobToServiceCommand } from '../jobs/bind-job-to-service.command';
import { CancelJobCommand } from '../jobs/cancel-job.command';
import { PauseJobCommand } from '../jobs/pause-job.command';
import { ReleaseFromQuarantineCommand } from '../jobs/release-from-quarantine.command';
import { RemoveJobCommand } from '../jobs/remove-job.command';
import { RescheduleJobCommand } from '../jobs/reschedule-job.command';
import { ResolveHoldCommand } from '../jobs/resolve-hold.command';
import { ResumeJobCommand } from '../jobs/resume-job.command';
import { RunJobNowCommand } from '../jobs/run-job-now.command';
import { ScheduleJobCommand } from '../jobs/schedule-job.command';
import type { PoliciesInput } from '../validation';
import { answer, callOptions, parted, type CallOptions, type CommandDispatcher } from './dispatcher';
import { refuseUnknown, type Names } from './known-options';

export interface ScheduleOptions extends CallOptions {
  /** Job id; scheduling the same id with the same definition again adds nothing. Default: made from the command id, else a new UUIDv7. */
  readonly id?: string;
  /** Default: once, as soon as possible. */
  readonly schedule?: ScheduleInput;
  /** Labels that a service must have; default `{}`: any service. */
  readonly tag?: Tag;
  /** `required` (default), or `preferred`: the tag ranks and never excludes. */
  readonly affinity?: Affinity;
  /** What is left out has its default. */
  readonly policies?: PoliciesInput;
  /** The id exists with another definition: `refuse` (default), or `update`. */
  readonly onConflict?: 'refuse' | 'update';
  /** A job of this id that has ended begins anew. Default false. */
  readonly renew?: boolean;
}

/** What changes; everything else stays as it is. */
export interface JobChanges<Payload = unknown> {
  readonly payload?: Payload;
  readonly schedule?: ScheduleInput;
  /** Replaces the whole tag. */
  readonly tag?: Tag;
  readonly affinity?: Affinity;
  readonly policies?: PoliciesInput;
}

export interface ReasonOptions extends CallOptions {
  /** Why, for the log; at most 500 characters. */
  readonly reason?: string;
}

export interface BackfillOptions extends ReasonOptions, Pick<BackfillJobFields, 'from' | 'to' | 'limit'> {}

const changeable: Names<JobChanges> = { payload: true, schedule: true, tag: true, affinity: true, policies: true };
const schedulable: Names<ScheduleOptions> = {
  id: true,
  schedule: true,
  tag: true,
  affinity: true,
  policies: true,
  onConflict: true,
  renew: true,
  ...callOptions,
};

/**
 * Jobs, for host applications. Every method is one command; its result's `position` can be waited for by queries.
 *
 * All reject with `CommandRefusedError` (looked at and refused), `CommandUnavailableError` (certainly not written) or
 * `OutcomeUnknownError` (send the same command id again: it adds nothing if it had landed). `schedule` and `reschedule` refuse options that
 * they do not know.
 */
export class Jobs {
  /** @param defaultsOf the defaults of this process's handler of that name; undefined: it has none. */
  constructor(
    private readonly dispatcher: CommandDispatcher,
    private readonly defaultsOf: (handler: string) => JobDefaults | undefined = () => undefined,
  ) {}

  /**
   * Creates a job. The payload is JSON of at most 64 KiB, of the shape that the job type says. Tag, affinity and policies that are left out
   * are those of the handler here, else of the job type, else Holdfast's.
   */
  async schedule<Payload>(
    type: JobType<Payload>,
    payload: NoInfer<Payload>,
    options: ScheduleOptions = {},
  ): Promise<CommandResult> {
    refuseUnknown(options, schedulable, 'options');
    const { own, beside } = parted(options);
    const { id, schedule, onConflict, renew } = options;
    const placed = withJobDefaults(options, this.defaultsOf(type.name), type.defaults);
    const given = { jobId: id, schedule, ...placed, onConflict, renew };
    return this.send(new ScheduleJobCommand({ handler: type.name, payload, ...given, ...own }), beside);
  }

  /**
   * Changes a job; new slots are later than now. The owner stays. With the job's type a payload of another shape does not compile; by id alone
   * the payload stays as it is.
   */
  reschedule(jobId: string, changes: Omit<JobChanges, 'payload'>, options?: CallOptions): Promise<CommandResult>;
  reschedule<Payload>(
    jobId: string,
    changes: JobChanges<NoInfer<Payload>>,
    options: CallOptions & { readonly type: JobType<Payload> },
  ): Promise<CommandResult>;
  async reschedule(
    jobId: string,
    changes: JobChanges,
    options: CallOptions & { readonly type?: JobType<unknown> } = {},
  ): Promise<CommandResult> {
    refuseUnknown(changes, changeable, 'changes');
    refuseUnknown(options, { type: true, ...callOptions }, 'options');
    const { own, beside } = parted(options);
    return this.send(new RescheduleJobCommand({ ...changes, jobId, ...own }), beside);
  }

  /** Asks for one run besides the schedule. */
  runNow(jobId: string, options: ReasonOptions = {}): Promise<CommandResult> {
    return this.send(new RunJobNowCommand(reasoned(jobId, options)), parted(options).beside);
  }

  /**
   * Asks for a run of each slot that the schedule has in [from, to), a window of the past, also of slots that have run: one after the other,
   * the oldest first, when no scheduled slot is due. Handlers see `backfill: true`, and the time of the slot as `scheduledAt`. A window with more
   * than `limit` slots is refused.
   */
  backfill(jobId: string, { from, to, limit, ...options }: BackfillOptions): Promise<CommandResult> {
    const window = { from, to, ...(limit === undefined ? {} : { limit }) };
    return this.send(new BackfillJobCommand({ ...reasoned(jobId, options), ...window }), parted(options).beside);
  }

  /** Moves an idle job to an eligible service, once. "Only there" is said by the tag. */
  bind(jobId: string, serviceId: string, options: CallOptions = {}): Promise<CommandResult> {
    const { own, beside } = parted(options);
    return this.send(new BindJobToServiceCommand({ jobId, serviceId, ...own }), beside);
  }

  /** Nothing of the job starts any more; an open run may finish. */
  pause(jobId: string, options: ReasonOptions = {}): Promise<CommandResult> {
    return this.send(new PauseJobCommand(reasoned(jobId, options)), parted(options).beside);
  }

  resume(jobId: string, options: ReasonOptions = {}): Promise<CommandResult> {
    return this.send(new ResumeJobCommand(reasoned(jobId, options)), parted(options).beside);
  }

  /** Ends a job: at once (its run is aborted), or `afterRun`. */
  cancel(jobId: string, options: ReasonOptions & { readonly mode?: 'now' | 'afterRun' } = {}): Promise<CommandResult> {
    const { mode } = options;
    const fields = { ...reasoned(jobId, options), ...(mode === undefined ? {} : { mode }) };
    return this.send(new CancelJobCommand(fields), parted(options).beside);
  }

  /** Cancels a job and takes it out of default listings; the log keeps it. */
  remove(jobId: string, options: ReasonOptions = {}): Promise<CommandResult> {
    return this.send(new RemoveJobCommand(reasoned(jobId, options)), parted(options).beside);
  }

  /** Says what became of a run whose owner was lost (policy `hold`). */
  resolveHold(
    jobId: string,
    resolution: 'retry' | 'fail' | 'succeeded',
    options: ReasonOptions = {},
  ): Promise<CommandResult> {
    return this.send(new ResolveHoldCommand({ ...reasoned(jobId, options), resolution }), parted(options).beside);
  }

  /** Lets a quarantined job be owned again. */
  releaseFromQuarantine(jobId: string, options: ReasonOptions = {}): Promise<CommandResult> {
    return this.send(new ReleaseFromQuarantineCommand(reasoned(jobId, options)), parted(options).beside);
  }

  private async send(command: CommandToJob, beside: ExecuteOptions): Promise<CommandResult> {
    return answer(await this.dispatcher.execute(withOptions(command, beside)));
  }
}

function reasoned(jobId: string, options: ReasonOptions) {
  const { reason } = options;
  return { jobId, ...parted(options).own, ...(reason === undefined ? {} : { reason }) };
}
