import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Capacity, Labels, ObserverEvidence, ProcessIdentity, ServiceCommand } from '../../domain/service';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToService, type DecisionInputs } from '../command';
import type { ServiceExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, dictionary, id, nullable, object, oneOf, whole } from '../validation';
import { capacity, evidence, handlerVersions, processIdentity } from '../validation/protocol-fields';

export interface RegisterServiceFields {
  readonly serviceId: string;
  /** New UUIDv7. */
  readonly incarnation: string;
  /** `host` and `name` are always among them. */
  readonly labels: Labels;
  readonly capacity: Capacity;
  /** Handler name → version. */
  readonly handlers: { readonly [handler: string]: string };
  readonly process: ProcessIdentity;
  readonly placementVersion: number;
  readonly reason: 'start' | 'falselyFailed';
  /** What ends a former incarnation that lives, in the same append; null: there is none. */
  readonly supersede: {
    readonly incarnation: string;
    readonly observer: string;
    readonly observerIncarnation: string;
    readonly evidence: ObserverEvidence;
    /** Revision of the service stream where the evidence was seen. */
    readonly viewRevision: number;
  } | null;
}

/** A process begins a life under a service id. */
export class RegisterServiceCommand extends CommandToService {
  @Checked(id) readonly serviceId: string;
  @Checked(id) readonly incarnation: string;
  @Checked(dictionary) readonly labels: Labels;
  @Checked(capacity) readonly capacity: Capacity;
  @Checked(handlerVersions) readonly handlers: { readonly [handler: string]: string };
  @Checked(processIdentity) readonly process: ProcessIdentity;
  @Checked(whole(0)) readonly placementVersion: number;
  @Checked(oneOf('start', 'falselyFailed')) readonly reason: 'start' | 'falselyFailed';
  @Checked(
    nullable(
      object({ incarnation: id, observer: id, observerIncarnation: id, evidence: evidence, viewRevision: whole(0) }),
    ),
  )
  readonly supersede: RegisterServiceFields['supersede'];

  constructor(fields: RegisterServiceFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at, zoneData }: DecisionInputs): Result<ServiceCommand> {
    const { serviceId, incarnation, labels, capacity, handlers, process, placementVersion, reason, supersede } = this;
    return asked({
      kind: 'RegisterService',
      serviceId,
      incarnation,
      labels,
      capacity,
      handlers,
      process,
      placementVersion,
      reason,
      supersede,
      zoneData,
      at,
    });
  }
}

@CommandHandler(RegisterServiceCommand)
export class RegisterServiceHandler implements ICommandHandler<RegisterServiceCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: RegisterServiceCommand): Promise<ServiceExecution> {
    return this.executor.execute(command);
  }
}
