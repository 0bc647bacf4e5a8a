import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Affinity, JobCommand, JobState, Tag } from '../../domain/job';
import type { ScheduleInput } from '../../domain/schedule';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import {
  affinity,
  boolean,
  Checked,
  dictionary,
  handlerName,
  id,
  jsonPayload,
  oneOf,
  optional,
  policies,
  schedule,
  type PoliciesInput,
} from '../validation';
import { define, type DefinitionInput } from './definition';

export interface ScheduleJobFields extends DefinitionInput {
  /** Default: UUIDv5 of the command id; without a command id a new UUIDv7. */
  readonly jobId?: string;
  /** Makes a retry a no-op with the first result. Default: a new UUIDv7. */
  readonly commandId?: string;
  /** The id exists with another definition: `refuse` (default), or `update` it. */
  readonly onConflict?: 'refuse' | 'update';
  /** A terminal job of this id begins anew. Default false: it is refused. */
  readonly renew?: boolean;
}

/** Creates a job. The same id with the same definition again adds nothing. */
export class ScheduleJobCommand extends CommandToJob {
  @Checked(optional(id)) readonly jobId?: string;
  @Checked(handlerName) readonly handler: string;
  /** JSON of at most 64 KiB; default null. */
  @Checked(jsonPayload) readonly payload?: unknown;
  /** Default: once, as soon as possible. */
  @Checked(optional(schedule)) readonly schedule?: ScheduleInput;
  /** Default `{}`: any service. */
  @Checked(optional(dictionary)) readonly tag?: Tag;
  /** Default `required`. */
  @Checked(optional(affinity)) readonly affinity?: Affinity;
  @Checked(optional(policies)) readonly policies?: PoliciesInput;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(oneOf('refuse', 'update'))) readonly onConflict?: 'refuse' | 'update';
  @Checked(optional(boolean)) readonly renew?: boolean;

  constructor(fields: ScheduleJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ id, commandId, at, zoneData, limits }: DecisionInputs, _state: JobState): Result<JobCommand> {
    const defined = define(this, limits);
    if (!defined.ok) return defined;
    const { onConflict = 'refuse', renew = false } = this;
    return asked({ kind: 'ScheduleJob', jobId: id, commandId, at, zoneData, ...defined.value, onConflict, renew });
  }
}

@CommandHandler(ScheduleJobCommand)
export class ScheduleJobHandler implements ICommandHandler<ScheduleJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: ScheduleJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
