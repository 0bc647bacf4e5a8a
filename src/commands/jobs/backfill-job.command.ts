import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { JobCommand } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { readInstant, type InstantInput } from '../../domain/schedule';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, instant, optional, reason, whole } from '../validation';

export interface BackfillJobFields {
  readonly jobId: string;
  /** The window begins here (inclusive): a `Date`, an ISO 8601 text with zone or offset, or epoch milliseconds. */
  readonly from: InstantInput;
  /** … and ends here (exclusive), in the past. */
  readonly to: InstantInput;
  /** A window with more slots is refused. 1 … 1,000, default 100. */
  readonly limit?: number;
  readonly commandId?: string;
  /** Why, for the log; at most 500 characters. Default empty. */
  readonly reason?: string;
}

const DEFAULT_LIMIT = 100;
/** All requests of one command stand in one append. */
const MOST_SLOTS = 1_000;

/**
 * Asks for a run of each slot that the schedule has in a window of the past, also of slots that have run. The owner starts them one after
 * the other, the oldest first, when no scheduled slot is due; each tells its handler which time it is for.
 */
export class BackfillJobCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(instant) readonly from: InstantInput;
  @Checked(instant) readonly to: InstantInput;
  @Checked(optional(whole(1, MOST_SLOTS))) readonly limit?: number;
  @Checked(optional(id)) readonly commandId?: string;
  @Checked(optional(reason)) readonly reason?: string;

  constructor(fields: BackfillJobFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ commandId, at, zoneData }: DecisionInputs): Result<JobCommand> {
    const { limit = DEFAULT_LIMIT, reason = '' } = this;
    const from = readInstant(this.from, 'from');
    if (!from.ok) return from;
    const to = readInstant(this.to, 'to');
    if (!to.ok) return to;
    return asked({ kind: 'BackfillJob', from: from.value, to: to.value, limit, commandId, reason, at, zoneData });
  }
}

@CommandHandler(BackfillJobCommand)
export class BackfillJobHandler implements ICommandHandler<BackfillJobCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: BackfillJobCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
