import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ServiceCommand } from '../../domain/service';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToService, type DecisionInputs } from '../command';
import type { ServiceExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, optional, reason } from '../validation';

export interface DrainServiceFields {
  readonly serviceId: string;
  readonly commandId?: string;
  /** Default: the newest one. */
  readonly incarnation?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
}

/** The service takes no more jobs and gives away those it has, until it stops. */
export class DrainServiceCommand extends CommandToService {
  @Checked(id) readonly serviceId: string;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(id)) readonly incarnation?: string;
  @Checked(optional(reason)) readonly reason?: string;

  constructor(fields: DrainServiceFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at }: DecisionInputs): Result<ServiceCommand> {
    const { incarnation, reason = '' } = this;
    return asked({ kind: 'StartDrain', commandId, reason, at, ...(incarnation === undefined ? {} : { incarnation }) });
  }
}

@CommandHandler(DrainServiceCommand)
export class DrainServiceHandler implements ICommandHandler<DrainServiceCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: DrainServiceCommand): Promise<ServiceExecution> {
    return this.executor.execute(command);
  }
}
