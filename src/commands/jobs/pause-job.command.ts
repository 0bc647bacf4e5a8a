import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand, JobState } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, optional, reason } from '../validation';

export interface PauseJobFields {
  readonly jobId: string;
  readonly commandId?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
}

/** Nothing of the job starts any more until it is resumed; an open run may finish. */
export class PauseJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(reason)) readonly reason?: string;

  constructor(fields: PauseJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData }: DecisionInputs, _state: JobState): Result<JobCommand> {
    const { reason = '' } = this;
    return asked({ kind: 'PauseJob', commandId, reason, at, zoneData });
  }
}

@CommandHandler(PauseJobCommand)
export class PauseJobHandler implements ICommandHandler<PauseJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: PauseJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
