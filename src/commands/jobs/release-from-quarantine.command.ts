import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand, JobState } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, optional, reason } from '../validation';

export interface ReleaseFromQuarantineFields {
  readonly jobId: string;
  readonly commandId?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
}

/** Lets a quarantined job be owned again; its crashes are forgotten. */
export class ReleaseFromQuarantineCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(reason)) readonly reason?: string;

  constructor(fields: ReleaseFromQuarantineFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData }: DecisionInputs, _state: JobState): Result<JobCommand> {
    const { reason = '' } = this;
    return asked({ kind: 'ReleaseFromQuarantine', commandId, reason, at, zoneData });
  }
}

@CommandHandler(ReleaseFromQuarantineCommand)
export class ReleaseFromQuarantineHandler implements ICommandHandler<ReleaseFromQuarantineCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: ReleaseFromQuarantineCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
