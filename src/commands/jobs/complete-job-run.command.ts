import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { AfterRun, JobCommand, RunRef } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id } from '../validation';
import { afterRun, durationMs, run } from '../validation/protocol-fields';

export interface CompleteJobRunFields {
  readonly jobId: string;
  readonly run: RunRef;
  /** Whole ms. */
  readonly durationMs: number;
  readonly then: AfterRun;
}

/** A run has succeeded. */
export class CompleteJobRunCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(run) readonly run: RunRef;
  @Checked(durationMs) readonly durationMs: number;
  @Checked(afterRun) readonly then: AfterRun;

  constructor(fields: CompleteJobRunFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at, zoneData }: DecisionInputs): Result<JobCommand> {
    const { run, durationMs, then } = this;
    return asked({ kind: 'CompleteRun', run, durationMs, then, at, zoneData });
  }
}

@CommandHandler(CompleteJobRunCommand)
export class CompleteJobRunHandler implements ICommandHandler<CompleteJobRunCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: CompleteJobRunCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
