import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { AfterRun, FailRun, JobCommand, RunRef } from '../../domain/job';
import type { Result } from '../../domain/refusal';
import { asked } from '../asked';
import { assignFields, CommandToJob, type DecisionInputs } from '../command';
import type { JobExecution } from '../contract';
import { CommandExecutor } from '../executor';
import { Checked, id, object, oneOf, text, type Check } from '../validation';
import { afterRun, durationMs, run } from '../validation/protocol-fields';

export interface FailJobRunFields {
  readonly jobId: string;
  readonly run: RunRef;
  /** Whole ms. */
  readonly durationMs: number;
  readonly failure: FailRun['failure'];
  readonly then: AfterRun;
}

const failure: Check = (value, field) => {
  const timedOut = typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'timedOut';
  return timedOut
    ? object({ kind: oneOf('timedOut'), timeoutMs: durationMs })(value, field)
    : object({ kind: oneOf('failed', 'timedOut'), error: text(200), message: text(1_000) })(value, field);
};

/** A run has failed or timed out. */
export class FailJobRunCommand extends CommandToJob {
  @Checked(id) readonly jobId: string;
  @Checked(run) readonly run: RunRef;
  @Checked(durationMs) readonly durationMs: number;
  @Checked(failure) readonly failure: FailRun['failure'];
  @Checked(afterRun) readonly then: AfterRun;

  constructor(fields: FailJobRunFields) {
    super();
    assignFields(this, fields);
  }

  override ask({ at, zoneData }: DecisionInputs): Result<JobCommand> {
    const { run, durationMs, failure, then } = this;
    return asked({ kind: 'FailRun', run, durationMs, failure, then, at, zoneData });
  }
}

@CommandHandler(FailJobRunCommand)
export class FailJobRunHandler implements ICommandHandler<FailJobRunCommand> {
  constructor(private readonly executor: CommandExecutor) {}

  execute(command: FailJobRunCommand): Promise<JobExecution> {
    return this.executor.execute(command);
  }
}
