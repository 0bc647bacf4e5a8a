/** The Nest glue. */
export * from './facts';
export { JobHandlerRefusedError } from './handler-explorer';
export { JobHandler, type JobHandlerOptions } from './job-handler.decorator';
export { JobOwnershipModule, type HoldfastAsyncOptions } from './job-ownership.module';
