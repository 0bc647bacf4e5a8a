import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { AbandonRun, AfterRun, JobCommand, RunRef } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, nullable, object, oneOf, optional, when } from '../validation';
import { afterRun, durationMs, run } from '../validation/protocol-fields';

export interface AbandonJobRunFields {
  readonly jobId: string;
  readonly run: RunRef;
  readonly reason: AbandonRun['reason'];
  /** `stuck` after a time-out; null otherwise. */
  readonly timedOut: AbandonRun['timedOut'];
  /** What follows a `replaced` run; only with that reason. */
  readonly then?: AfterRun;
}

/** An open run of the own incarnation ends without an outcome. */
export class AbandonJobRunCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(run) readonly run: RunRef;
  @Checked(oneOf('lostInProcess', 'drain', 'stuck', 'replaced')) readonly reason: AbandonRun['reason'];
  @Checked(nullable(object({ durationMs: durationMs, timeoutMs: durationMs })))
  readonly timedOut: AbandonRun['timedOut'];
  @Checked(when(({ reason }) => reason === 'replaced', optional(afterRun))) readonly then?: AfterRun;

  constructor(fields: AbandonJobRunFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at, zoneData }: DecisionInputs): Result<JobCommand> {
    const { run, reason, timedOut, then } = this;
    return asked({ kind: 'AbandonRun', run, reason, timedOut, ...(then && { then }), at, zoneData });
  }
}

@CommandHandler(AbandonJobRunCommand)
export class AbandonJobRunHandler implements ICommandHandler<AbandonJobRunCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: AbandonJobRunCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
