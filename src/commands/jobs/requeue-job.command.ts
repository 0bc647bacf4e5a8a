import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { BindingReason, JobCommand, OwnerGone } from '../../domain/job';
import type { Candidate } from '../../domain/service';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, boolean, id, nullable, object, oneOf, optional, text, whole } from '../validation';
import { bindingReason, candidate, position } from '../validation/protocol-fields';

export interface RequeueJobFields {
  readonly jobId: string;
  /** The owner that is gone, by a fact of its service stream. */
  readonly gone: { readonly serviceId: string; readonly incarnation: string; readonly cause: OwnerGone };
  /** The survivor itself; null: nobody is eligible. */
  readonly to: {
    readonly service: Candidate;
    readonly why: BindingReason;
    readonly start: boolean;
    /** No other suspect runs in it: it may start this job though two owners have died in it. Default false. */
    readonly soleSuspect?: boolean;
  } | null;
  /** Why nobody is eligible; null when `to` is given. */
  readonly nobody: string | null;
  /** Checkpoint of the view that was decided on, decimal. */
  readonly viewPosition: string;
  readonly quarantine: { readonly crashes: number; readonly windowMs: number };
}

/** A survivor takes a job from an owner that is gone, or sets it free when nobody is eligible. */
export class RequeueJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(object({ serviceId: id, incarnation: id, cause: oneOf('failed', 'stopped', 'marked', 'unregistered') }))
  readonly gone: RequeueJobFields['gone'];
  @Checked(nullable(object({ service: candidate, why: bindingReason, start: boolean, soleSuspect: optional(boolean) })))
  readonly to: RequeueJobFields['to'];
  @Checked(nullable(text(1_000))) readonly nobody: string | null;
  @Checked(position) readonly viewPosition: string;
  @Checked(object({ crashes: whole(1), windowMs: whole(1) })) readonly quarantine: RequeueJobFields['quarantine'];

  constructor(fields: RequeueJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at, zoneData }: DecisionInputs): Result<JobCommand> {
    const { gone, to, nobody, viewPosition, quarantine } = this;
    return asked({ kind: 'RequeueJob', gone, to, nobody, viewPosition, quarantine, at, zoneData });
  }
}

@CommandHandler(RequeueJobCommand)
export class RequeueJobHandler implements ICommandHandler<RequeueJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: RequeueJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
