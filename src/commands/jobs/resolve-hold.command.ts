import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand, JobState } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, oneOf, optional, reason } from '../validation';

export interface ResolveHoldFields {
  readonly jobId: string;
  readonly commandId?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
  readonly resolution: 'retry' | 'fail' | 'succeeded';
}

/** An operator's word on a run whose owner was lost: run the slot again, or count it as failed or succeeded. */
export class ResolveHoldCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(reason)) readonly reason?: string;
  @Checked(oneOf('retry', 'fail', 'succeeded')) readonly resolution: 'retry' | 'fail' | 'succeeded';

  constructor(fields: ResolveHoldFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData }: DecisionInputs, _state: JobState): Result<JobCommand> {
    const { reason = '', resolution } = this;
    return asked({ kind: 'ResolveHold', commandId, reason, resolution, at, zoneData });
  }
}

@CommandHandler(ResolveHoldCommand)
export class ResolveHoldHandler implements ICommandHandler<ResolveHoldCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: ResolveHoldCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
