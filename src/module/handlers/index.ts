/** Handlers: from what a host declares on its providers to the code of a job. */
export { HandlerInvoker, HOLDFAST_CONTEXT, type InvokerOptions, type JobRequest } from './handler-invoker';
export {
  JOB_HANDLER,
  JobHandler,
  JobHandlerRefusedError,
  type JobHandlerDecorator,
  type JobHandlerMetadata,
  type JobHandlerOptions,
  type JobRunner,
} from './job-handler.decorator';
export { JobCtx, JobPayload } from './parameters';
