/** The Nest glue. */
export * from './facts';
export { HandlerInvoker, HOLDFAST_CONTEXT, JobCtx, JobHandler, JobHandlerRefusedError, JobPayload } from './handlers';
export type { InvokerOptions, JobHandlerDecorator, JobHandlerOptions, JobRequest, JobRunner } from './handlers';
export { HOLDFAST_PORTS, JobOwnershipModule, type HoldfastAsyncOptions } from './job-ownership.module';
export { endBeforeDrain } from './shutdown-order';
