/** Questions to the view: one validated class each, answered over Nest's QueryBus or by `Queries`. */
export { DueJobsQuery, type DueJobs } from './due-jobs';
export { GetJobQuery } from './get-job';
export { GetNextRunTimeQuery, type NextRunTime } from './get-next-run-time';
export { GetServiceQuery } from './get-service';
export { jobStatuses } from './fields';
export { ListJobsQuery, type ListJobsFields } from './list-jobs';
export { ListServicesQuery, type ServiceList } from './list-services';
export { describeSchedule, previewSchedule, type PreviewOptions } from './preview-schedule';
export { Queries } from './queries';
export { queryHandlers } from './query-handlers';
export { QueryRefusedError, ViewQuery, type Asked, type Freshness } from './view-query';
