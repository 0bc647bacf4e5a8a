/** The worker's room: own due jobs, claim, run, outcome. See `Worker` for what it keeps true. */
export { HandlerRegistry } from './handler-registry';
export { JobAbortedError, type AbortReason, type HandlerDefinition, type JobContext, type RunJob } from './job-context';
export type { Leftover, WorkerHealth, WorkerOptions, WorkerPorts } from './ports';
export { Worker } from './worker';
