import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand, JobState } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, optional, reason } from '../validation';

export interface RunJobNowFields {
  readonly jobId: string;
  readonly commandId?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
}

/** Asks for one run besides the schedule: the owner starts it, under overlap and limits. */
export class RunJobNowCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(reason)) readonly reason?: string;

  constructor(fields: RunJobNowFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData }: DecisionInputs, _state: JobState): Result<JobCommand> {
    const { reason = '' } = this;
    return asked({ kind: 'RequestRun', commandId, reason, at, zoneData });
  }
}

@CommandHandler(RunJobNowCommand)
export class RunJobNowHandler implements ICommandHandler<RunJobNowCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: RunJobNowCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
