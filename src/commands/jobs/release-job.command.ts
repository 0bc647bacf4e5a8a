import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, nullable, oneOf } from '../validation';
import { epoch } from '../validation/protocol-fields';

export interface ReleaseJobFields {
  readonly jobId: string;
  readonly serviceId: string;
  readonly incarnation: string;
  readonly epoch: number;
  readonly reason: 'drain' | 'ineligible' | 'home' | 'rebalance' | 'late';
  /** Service it is meant for (home, rebalance, late); null: whoever placement ranks first. */
  readonly target: string | null;
}

/** The owner gives an idle job away. */
export class ReleaseJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(id) readonly serviceId: string;
  @Checked(id) readonly incarnation: string;
  @Checked(epoch) readonly epoch: number;
  @Checked(oneOf('drain', 'ineligible', 'home', 'rebalance', 'late')) readonly reason: ReleaseJobFields['reason'];
  @Checked(nullable(id)) readonly target: string | null;

  constructor(fields: ReleaseJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at, zoneData }: DecisionInputs): Result<JobCommand> {
    const { serviceId, incarnation, epoch, reason, target } = this;
    return asked({ kind: 'ReleaseJob', serviceId, incarnation, epoch, reason, target, at, zoneData });
  }
}

@CommandHandler(ReleaseJobCommand)
export class ReleaseJobHandler implements ICommandHandler<ReleaseJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: ReleaseJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
