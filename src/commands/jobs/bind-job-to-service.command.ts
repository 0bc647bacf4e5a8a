import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { BindingReason, JobCommand, JobState, Tag } from '../../domain/job';
import { labelsMatch } from '../../domain/placement';
import type { Result } from '../../domain/refusal';
import type { Candidate } from '../../domain/service';
import { asked, refused } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { boolean, Checked, id, oneOf, optional, when } from '../validation';
import { bindingReason, candidate, position } from '../validation/protocol-fields';

export type BindJobToServiceFields = OperatorBinds | ServiceClaims;
/** A one-time move of an idle job to an eligible service. "Only there" is said by the tag. */
export interface OperatorBinds {
  readonly by?: 'operator';
  readonly jobId: string;
  readonly serviceId: string;
  readonly commandId?: string;
}
/** A service takes an unbound job for itself. */
export interface ServiceClaims {
  readonly by: 'claim';
  readonly jobId: string;
  readonly service: Candidate;
  /** Checkpoint of the view that was decided on, decimal. */
  readonly viewPosition: string;
  readonly why: BindingReason;
  /** Start what is due in the same append. */
  readonly start: boolean;
  /** No other suspect runs in it: it may start this job though two owners have died in it. Default false. */
  readonly soleSuspect?: boolean;
}

const claims = (fields: { readonly by?: unknown }): boolean => fields.by === 'claim';
const operates = (fields: { readonly by?: unknown }): boolean => !claims(fields);

/** Gives a job to a service. */
export class BindJobToServiceCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  /** Default `operator`. */
  @Checked(optional(oneOf('operator', 'claim'))) readonly by?: 'operator' | 'claim';
  @Checked(when(operates, id)) readonly serviceId?: string;
  @Checked(when(operates, optional(id))) readonly commandId?: string;
  @Checked(when(claims, candidate)) readonly service?: Candidate;
  @Checked(when(claims, position)) readonly viewPosition?: string;
  @Checked(when(claims, bindingReason)) readonly why?: BindingReason;
  @Checked(when(claims, boolean)) readonly start?: boolean;
  @Checked(when(claims, optional(boolean))) readonly soleSuspect?: boolean;

  constructor(fields: BindJobToServiceFields) {
    super();
    assignFields(this, fields);
  }

  override ask(inputs: DecisionInputs, state: JobState): Result<JobCommand> {
    const { at, zoneData, commandId } = inputs;
    const { service, viewPosition, why, start = false, soleSuspect = false } = this;
    if (service !== undefined && viewPosition !== undefined && why !== undefined) {
      return asked({ kind: 'BindJob', by: 'claim', service, viewPosition, why, start, soleSuspect, at, zoneData });
    }
    const serviceId = this.serviceId ?? '';
    const found = inputs.directory.candidate(serviceId);
    if (found === null) {
      return refused({
        code: 'service-unknown',
        field: 'serviceId',
        value: serviceId,
        rule: 'No such service is registered.',
        remedy: 'List the services and choose a live one, or wait until it has registered.',
      });
    }
    return asked({
      kind: 'BindJob',
      by: 'operator',
      commandId,
      service: found.candidate,
      viewPosition: found.position === 'start' ? '0' : String(found.position),
      why: {
        kind: 'operator',
        rank: 0,
        candidates: 1,
        first: serviceId,
        placementVersion: found.candidate.placementVersion,
        labelsMatch: labelsMatch(tagOf(state), found.candidate.labels),
      },
      start: false,
      at,
      zoneData,
    });
  }
}

function tagOf(state: JobState): Tag {
  return state.stage === 'absent' || state.stage === 'opaque' ? {} : state.definition.tag;
}

@CommandHandler(BindJobToServiceCommand)
export class BindJobToServiceHandler implements ICommandHandler<BindJobToServiceCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: BindJobToServiceCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
