import type { ReadModel, ServiceRow } from '../read-model';
import { QueryRefusedError } from './view-query';

/** @throws QueryRefusedError `service-unknown`: an empty answer would hide a misspelt id. */
export function knownService(view: ReadModel, serviceId: string): ServiceRow {
  const service = view.service(serviceId);
  if (service !== null) return service;
  throw new QueryRefusedError([
    {
      code: 'service-unknown',
      field: 'serviceId',
      value: serviceId,
      rule: 'The view knows of no service with this id.',
      remedy: 'Look at the list of services, or pass `after` to wait for a registration.',
    },
  ]);
}
