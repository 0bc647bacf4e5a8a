import type { Provider } from '@nestjs/common';
import { DueJobsHandler } from './due-jobs';
import { GetJobHandler } from './get-job';
import { GetNextRunTimeHandler } from './get-next-run-time';
import { GetServiceHandler } from './get-service';
import { ListJobsHandler } from './list-jobs';
import { ListServicesHandler } from './list-services';
import { Queries } from './queries';
import { Asking } from './view-query';

/** Providers of the QueryBus handlers. They need a provider of `Queries` beside them. */
export const queryHandlers: readonly Provider[] = [
  { provide: Asking, useExisting: Queries },
  GetJobHandler,
  ListJobsHandler,
  GetNextRunTimeHandler,
  DueJobsHandler,
  GetServiceHandler,
  ListServicesHandler,
];
