import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ObserverEvidence, ServiceCommand } from '../../domain/service';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToService, type DecisionInputs } from '../command';
import type { ServiceExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, boolean, id, oneOf, optional, reason, when, whole, type Check } from '../validation';
import { evidence } from '../validation/protocol-fields';

export type MarkServiceFailedFields = OperatorMarks | ObserverMarks;
export interface OperatorMarks {
  readonly by?: 'operator';
  readonly serviceId: string;
  readonly commandId?: string;
  /** Default: the newest one. */
  readonly incarnation?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
  /** The operator vouches that the process is dead: running jobs move at once. Default false. */
  readonly confirmedDead?: boolean;
}
export interface ObserverMarks {
  readonly by: 'observer';
  readonly serviceId: string;
  readonly incarnation: string;
  readonly observer: string;
  readonly observerIncarnation: string;
  readonly evidence: ObserverEvidence;
  /** Revision of the service stream where the evidence was seen: the verdict holds there only, and is never decided anew. */
  readonly viewRevision: number;
}

const observes = (fields: { readonly by?: unknown }): boolean => fields.by === 'observer';
const operates = (fields: { readonly by?: unknown }): boolean => !observes(fields);

const markedIncarnation: Check = (value, field, whole = {}) => (observes(whole) ? id : optional(id))(value, field);

/** A verdict on an incarnation: by an observer with its evidence, or by an operator or host application that knows. */
export class MarkServiceFailedCommand extends CommandToService {
  @Checked(id) readonly serviceId: string;
  /** Default `operator`. */
  @Checked(optional(oneOf('operator', 'observer'))) readonly by?: 'operator' | 'observer';
  @Checked(markedIncarnation) readonly incarnation?: string;
  @Checked(when(operates, optional(id))) readonly commandId?: string;
  @Checked(when(operates, optional(reason))) readonly reason?: string;
  @Checked(when(operates, optional(boolean))) readonly confirmedDead?: boolean;
  @Checked(when(observes, id)) readonly observer?: string;
  @Checked(when(observes, id)) readonly observerIncarnation?: string;
  @Checked(when(observes, evidence)) readonly evidence?: ObserverEvidence;
  @Checked(when(observes, whole(0))) readonly viewRevision?: number;

  constructor(fields: MarkServiceFailedFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, actor, at }: DecisionInputs): Result<ServiceCommand> {
    const {
      incarnation,
      observer,
      observerIncarnation,
      evidence,
      viewRevision,
      reason = '',
      confirmedDead = false,
    } = this;
    if (
      incarnation !== undefined &&
      observer !== undefined &&
      observerIncarnation !== undefined &&
      evidence !== undefined &&
      viewRevision !== undefined
    ) {
      return asked({
        kind: 'MarkServiceFailed',
        by: 'observer',
        incarnation,
        observer,
        observerIncarnation,
        evidence,
        viewRevision,
        at,
      });
    }
    return asked({
      kind: 'MarkServiceFailed',
      by: 'operator',
      commandId,
      // A host application that calls without a user is an actor, too.
      actor: actor ?? 'application',
      reason,
      confirmedDead,
      at,
      ...(incarnation === undefined ? {} : { incarnation }),
    });
  }
}

@CommandHandler(MarkServiceFailedCommand)
export class MarkServiceFailedHandler implements ICommandHandler<MarkServiceFailedCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: MarkServiceFailedCommand): Promise<ServiceExecution> {
    return this.executor.execute(command);
  }
}
