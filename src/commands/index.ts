/** From a command to the log: commands, their validation, the one executor, and the facade for hosts. */
export * from './contract';
export {
  CommandToJob,
  CommandToService,
  assignFields,
  optionsOf,
  withOptions,
  type AnyCommand,
  type DecisionInputs,
} from './command';
export { CommandExecutor, jobIdOfCommand, type ExecutorPorts, type Moment } from './executor';
export { defaultExecutorOptions, type ExecutorOptions } from './execution/options';
export { jobStream, serviceStream } from './execution/streams';
export { Jobs, type BackfillOptions, type JobChanges, type ReasonOptions, type ScheduleOptions } from './facade/jobs';
export { Services, type MarkFailedOptions } from './facade/services';
export type { CallOptions, CommandDispatcher } from './facade/dispatcher';
export { checkJobDefaults, type JobDefaults } from './job-defaults';
export { jobType, type JobType, type PayloadOf } from './job-type';
export { commandHandlers } from './handlers';
export * from './validation';
export type { DefinitionInput } from './jobs/definition';
export { AbandonJobRunCommand, type AbandonJobRunFields } from './jobs/abandon-job-run.command';
export { BackfillJobCommand, type BackfillJobFields } from './jobs/backfill-job.command';
export {
  BindJobToServiceCommand,
  type BindJobToServiceFields,
  type OperatorBinds,
  type ServiceClaims,
} from './jobs/bind-job-to-service.command';
export { CancelJobCommand, type CancelJobFields } from './jobs/cancel-job.command';
export { CompleteJobRunCommand, type CompleteJobRunFields } from './jobs/complete-job-run.command';
export {
  DeclareJobCommand,
  declarationOutcome,
  type DeclarationOutcome,
  type DeclareJobFields,
} from './jobs/declare-job.command';
export { FailJobRunCommand, type FailJobRunFields } from './jobs/fail-job-run.command';
export { PauseJobCommand, type PauseJobFields } from './jobs/pause-job.command';
export { ReleaseFromQuarantineCommand, type ReleaseFromQuarantineFields } from './jobs/release-from-quarantine.command';
export { ReleaseJobCommand, type ReleaseJobFields } from './jobs/release-job.command';
export { RemoveJobCommand, type RemoveJobFields } from './jobs/remove-job.command';
export { RequeueJobCommand, type RequeueJobFields } from './jobs/requeue-job.command';
export { RescheduleJobCommand, type RescheduleJobFields } from './jobs/reschedule-job.command';
export { ResolveHoldCommand, type ResolveHoldFields } from './jobs/resolve-hold.command';
export { ResumeJobCommand, type ResumeJobFields } from './jobs/resume-job.command';
export { RunJobNowCommand, type RunJobNowFields } from './jobs/run-job-now.command';
export { ScheduleJobCommand, type ScheduleJobFields } from './jobs/schedule-job.command';
export { StartJobRunCommand, type StartJobRunFields } from './jobs/start-job-run.command';
export { DrainServiceCommand, type DrainServiceFields } from './services/drain-service.command';
export {
  MarkServiceFailedCommand,
  type MarkServiceFailedFields,
  type OperatorMarks,
  type ObserverMarks,
} from './services/mark-service-failed.command';
export { ReassertServiceCommand, type ReassertServiceFields } from './services/reassert-service.command';
export { RegisterServiceCommand, type RegisterServiceFields } from './services/register-service.command';
export { StopServiceCommand, type StopServiceFields } from './services/stop-service.command';
