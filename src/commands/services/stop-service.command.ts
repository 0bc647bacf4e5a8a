import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ServiceCommand, StopService } from '../../domain/service';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToService, type DecisionInputs } from '../command';
import type { ServiceExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, arrayOf, id, object, text, whole } from '../validation';

export interface StopServiceFields {
  readonly serviceId: string;
  readonly incarnation: string;
  /** Runs whose handlers had not settled. */
  readonly leftovers: StopService['leftovers'];
}

/** A service has drained and ends. */
export class StopServiceCommand extends CommandToService {
  @Checked(id) readonly serviceId: string;
  @Checked(id) readonly incarnation: string;
  @Checked(arrayOf(object({ jobId: id, slot: text(200, 1), attempt: whole(1) }), 100_000))
  readonly leftovers: StopService['leftovers'];

  constructor(fields: StopServiceFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at }: DecisionInputs): Result<ServiceCommand> {
    const { incarnation, leftovers } = this;
    return asked({ kind: 'StopService', incarnation, leftovers, at });
  }
}

@CommandHandler(StopServiceCommand)
export class StopServiceHandler implements ICommandHandler<StopServiceCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: StopServiceCommand): Promise<ServiceExecution> {
    return this.executor.execute(command);
  }
}
