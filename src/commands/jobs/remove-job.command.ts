import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand, JobState } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, optional, reason } from '../validation';

export interface RemoveJobFields {
  readonly jobId: string;
  readonly commandId?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
}

/** Cancels a job and takes it out of every default listing. The log keeps it. */
export class RemoveJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(reason)) readonly reason?: string;

  constructor(fields: RemoveJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData }: DecisionInputs, _state: JobState): Result<JobCommand> {
    const { reason = '' } = this;
    return asked({ kind: 'RemoveJob', commandId, reason, at, zoneData });
  }
}

@CommandHandler(RemoveJobCommand)
export class RemoveJobHandler implements ICommandHandler<RemoveJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: RemoveJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
