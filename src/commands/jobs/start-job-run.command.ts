import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, boolean, id, optional } from '../validation';
import { epoch } from '../validation/protocol-fields';

export interface StartJobRunFields {
  readonly jobId: string;
  readonly serviceId: string;
  readonly incarnation: string;
  readonly epoch: number;
  /** No other suspect runs in this process: it may start a job in which two owners have died. Default false. */
  readonly soleSuspect?: boolean;
  /** Overlap `replace`: the handler that is to be replaced ignores its abort, so what is due is skipped, as `stuck`. Default false. */
  readonly stuck?: boolean;
}

/** The owner starts what is due. */
export class StartJobRunCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(id) readonly serviceId: string;
  @Checked(id) readonly incarnation: string;
  @Checked(epoch) readonly epoch: number;
  @Checked(optional(boolean)) readonly soleSuspect?: boolean;
  @Checked(optional(boolean)) readonly stuck?: boolean;

  constructor(fields: StartJobRunFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at, zoneData }: DecisionInputs): Result<JobCommand> {
    const { serviceId, incarnation, epoch, soleSuspect = false, stuck = false } = this;
    return asked({ kind: 'StartRun', serviceId, incarnation, epoch, soleSuspect, stuck, at, zoneData });
  }
}

@CommandHandler(StartJobRunCommand)
export class StartJobRunHandler implements ICommandHandler<StartJobRunCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: StartJobRunCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
