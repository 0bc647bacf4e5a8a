import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand, JobState } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, optional, reason } from '../validation';

export interface ResumeJobFields {
  readonly jobId: string;
  readonly commandId?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
}

/** Ends a pause. Slots that fell in it are skipped, but for a `once`, which runs late. */
export class ResumeJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(reason)) readonly reason?: string;

  constructor(fields: ResumeJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData }: DecisionInputs, _state: JobState): Result<JobCommand> {
    const { reason = '' } = this;
    return asked({ kind: 'ResumeJob', commandId, reason, at, zoneData });
  }
}

@CommandHandler(ResumeJobCommand)
export class ResumeJobHandler implements ICommandHandler<ResumeJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: ResumeJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
