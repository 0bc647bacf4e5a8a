import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Affinity, JobCommand, JobDefinition, JobState, Tag } from '../../domain/job';
import type { ScheduleInput } from '../../domain/schedule';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import {
  affinity,
  Checked,
  dictionary,
  handlerName,
  id,
  jsonPayload,
  optional,
  policies,
  schedule,
  type PoliciesInput,
} from '../validation';
import { define, type DefinitionInput } from './definition';

export interface RescheduleJobFields extends Partial<DefinitionInput> {
  readonly jobId: string;
  readonly commandId?: string;
}

/** Changes the definition of a job: what is left out stays as it is. Slots of the new schedule are later than now. */
export class RescheduleJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(optional(handlerName)) readonly handler?: string;
  /** JSON of at most 64 KiB; null is a payload, too. */
  @Checked(jsonPayload) readonly payload?: unknown;
  @Checked(optional(schedule)) readonly schedule?: ScheduleInput;
  /** Replaces the whole tag. */
  @Checked(optional(dictionary)) readonly tag?: Tag;
  @Checked(optional(affinity)) readonly affinity?: Affinity;
  /** Policies that are left out stay as they are. */
  @Checked(optional(policies)) readonly policies?: PoliciesInput;
  @Checked(optional(id)) readonly commandId?: string;

  constructor(fields: RescheduleJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData, limits }: DecisionInputs, state: JobState): Result<JobCommand> {
    const defined = define(this, limits, definitionOf(state));
    if (!defined.ok) return defined;
    return asked({ kind: 'RescheduleJob', commandId, at, zoneData, ...defined.value });
  }
}

/** The definition in force; undefined where there is none that can be read (the decider refuses then). */
function definitionOf(state: JobState): JobDefinition | undefined {
  return state.stage === 'absent' || state.stage === 'opaque' ? undefined : state.definition;
}

@CommandHandler(RescheduleJobCommand)
export class RescheduleJobHandler implements ICommandHandler<RescheduleJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: RescheduleJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
