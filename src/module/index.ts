/** The Nest glue. */
export * from './facts';
export { JobHandlerRefusedError } from './handler-explorer';
export { JobHandler, type JobHandlerOptions } from './job-handler.decorator';
export { JobOwnershipModule } from './job-ownership.module';
