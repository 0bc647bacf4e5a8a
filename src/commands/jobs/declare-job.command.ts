import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Affinity, Declaration, JobCommand, Tag } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import type { ScheduleInput } from '../../domain/schedule';
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
  object,
  optional,
  policies,
  schedule,
  text,
  type PoliciesInput,
} from '../validation';
import { define, type DefinitionInput } from './definition';

export interface DeclareJobFields extends DefinitionInput {
  readonly jobId: string;
  /** `hash`: of the declaration as its developer wrote it; `source`: the application that declares. */
  readonly declaration: Declaration;
  /** The job exists, paused. Default false. */
  readonly disabled?: boolean;
  /** A job of this same declaration that has completed begins anew. Default false. */
  readonly restart?: boolean;
  /** Makes a retry a no-op with the first result. Default: a new UUIDv7. */
  readonly commandId?: string;
}

/** Applies what the code of an application declares of a job, unless the log has seen this declaration already. */
export class DeclareJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(object({ hash: text(128, 1), source: id })) readonly declaration: Declaration;
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
  @Checked(optional(boolean)) readonly disabled?: boolean;
  @Checked(optional(boolean)) readonly restart?: boolean;
  @Checked(optional(id)) readonly commandId?: string;

  constructor(fields: DeclareJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ id: jobId, commandId, at, zoneData, limits }: DecisionInputs): Result<JobCommand> {
    const defined = define(this, limits);
    if (!defined.ok) return defined;
    const { hash, source } = this.declaration;
    const { disabled = false, restart = false } = this;
    const declared = { declaration: { hash, source }, disabled, restart };
    return asked({ kind: 'DeclareJob', jobId, commandId, at, zoneData, ...defined.value, ...declared });
  }
}

/**
 * What became of a declaration.
 * - `scheduled`: a new job; `renewed`: one that had ended begins anew; `rescheduled`: it was applied to a living one.
 * - `unchanged`: it is in force; `ended`: it is in force, and its job has ended and stays so; `replaced`: the log has a later one.
 */
export type DeclarationOutcome = 'scheduled' | 'renewed' | 'rescheduled' | 'unchanged' | 'ended' | 'replaced';

/** @param hash that of the declaration that was sent. */
export function declarationOutcome({ events, state }: JobExecution, hash: string): DeclarationOutcome {
  for (const { type, data } of events) {
    if (type === 'JobScheduled') return data.renewed ? 'renewed' : 'scheduled';
    if (type === 'JobRescheduled') return 'rescheduled';
  }
  if (state.stage === 'absent' || state.stage === 'opaque') return 'unchanged';
  if (state.declaration?.hash !== hash) return 'replaced';
  return state.stage === 'live' || state.stage === 'quarantined' ? 'unchanged' : 'ended';
}

@CommandHandler(DeclareJobCommand)
export class DeclareJobHandler implements ICommandHandler<DeclareJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: DeclareJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
