import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand, JobState } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, oneOf, optional, reason } from '../validation';

export interface CancelJobFields {
  readonly jobId: string;
  readonly commandId?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
  /** `now` (default), or `afterRun`: an open run may finish first. */
  readonly mode?: 'now' | 'afterRun';
}

/** Ends a job for good: an open run is aborted and its result refused. */
export class CancelJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(reason)) readonly reason?: string;
  @Checked(optional(oneOf('now', 'afterRun'))) readonly mode?: 'now' | 'afterRun';

  constructor(fields: CancelJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData }: DecisionInputs, _state: JobState): Result<JobCommand> {
    const { reason = '', mode = 'now' } = this;
    return asked({ kind: 'CancelJob', commandId, reason, mode, at, zoneData });
  }
}

@CommandHandler(CancelJobCommand)
export class CancelJobHandler implements ICommandHandler<CancelJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: CancelJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
