import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ServiceCommand } from '../../domain/service';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToService, type DecisionInputs } from '../command';
import type { ServiceExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, number } from '../validation';

export interface ReassertServiceFields {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly fencedForMs: number;
}

/** A fenced incarnation that nobody has judged is back. */
export class ReassertServiceCommand extends CommandToService {
  @Checked(id) readonly serviceId: string;
  @Checked(id) readonly incarnation: string;
  @Checked(number(0)) readonly fencedForMs: number;

  constructor(fields: ReassertServiceFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at }: DecisionInputs): Result<ServiceCommand> {
    const { incarnation, fencedForMs } = this;
    return asked({ kind: 'ReassertService', commandId, incarnation, fencedForMs, at });
  }
}

@CommandHandler(ReassertServiceCommand)
export class ReassertServiceHandler implements ICommandHandler<ReassertServiceCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: ReassertServiceCommand): Promise<ServiceExecution> {
    return this.executor.execute(command);
  }
}
