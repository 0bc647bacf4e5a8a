import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id } from '../validation';
import { epoch } from '../validation/protocol-fields';

export interface StartJobRunFields {
  readonly jobId: string;
  readonly serviceId: string;
  readonly incarnation: string;
  readonly epoch: number;
}

/** The owner starts what is due. */
export class StartJobRunCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(id) readonly serviceId: string;
  @Checked(id) readonly incarnation: string;
  @Checked(epoch) readonly epoch: number;

  constructor(fields: StartJobRunFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at, zoneData }: DecisionInputs): Result<JobCommand> {
    const { serviceId, incarnation, epoch } = this;
    return asked({ kind: 'StartRun', serviceId, incarnation, epoch, at, zoneData });
  }
}

@CommandHandler(StartJobRunCommand)
export class StartJobRunHandler implements ICommandHandler<StartJobRunCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: StartJobRunCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
