import { AbandonJobRunHandler } from './jobs/abandon-job-run.command';
import { BackfillJobHandler } from './jobs/backfill-job.command';
import { BindJobToServiceHandler } from './jobs/bind-job-to-service.command';
import { CancelJobHandler } from './jobs/cancel-job.command';
import { CompleteJobRunHandler } from './jobs/complete-job-run.command';
import { DeclareJobHandler } from './jobs/declare-job.command';
import { FailJobRunHandler } from './jobs/fail-job-run.command';
import { PauseJobHandler } from './jobs/pause-job.command';
import { ReleaseFromQuarantineHandler } from './jobs/release-from-quarantine.command';
import { ReleaseJobHandler } from './jobs/release-job.command';
import { RemoveJobHandler } from './jobs/remove-job.command';
import { RequeueJobHandler } from './jobs/requeue-job.command';
import { RescheduleJobHandler } from './jobs/reschedule-job.command';
import { ResolveHoldHandler } from './jobs/resolve-hold.command';
import { ResumeJobHandler } from './jobs/resume-job.command';
import { RunJobNowHandler } from './jobs/run-job-now.command';
import { ScheduleJobHandler } from './jobs/schedule-job.command';
import { StartJobRunHandler } from './jobs/start-job-run.command';
import { DrainServiceHandler } from './services/drain-service.command';
import { MarkServiceFailedHandler } from './services/mark-service-failed.command';
import { ReassertServiceHandler } from './services/reassert-service.command';
import { RegisterServiceHandler } from './services/register-service.command';
import { StopServiceHandler } from './services/stop-service.command';

/** Nest providers: one handler per command, all over the one `CommandExecutor`, which the module provides. */
export const commandHandlers = [
  AbandonJobRunHandler,
  BackfillJobHandler,
  BindJobToServiceHandler,
  CancelJobHandler,
  CompleteJobRunHandler,
  DeclareJobHandler,
  FailJobRunHandler,
  PauseJobHandler,
  ReleaseFromQuarantineHandler,
  ReleaseJobHandler,
  RemoveJobHandler,
  RequeueJobHandler,
  RescheduleJobHandler,
  ResolveHoldHandler,
  ResumeJobHandler,
  RunJobNowHandler,
  ScheduleJobHandler,
  StartJobRunHandler,
  DrainServiceHandler,
  MarkServiceFailedHandler,
  ReassertServiceHandler,
  RegisterServiceHandler,
  StopServiceHandler,
];
