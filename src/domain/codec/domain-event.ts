import type { JobEvent } from '../job/events';
import type { ServiceEvent, ServiceHeartbeat } from '../service/events';

/** Everything that Holdfast writes into its streams. */
export type DomainEvent = JobEvent | ServiceEvent | ServiceHeartbeat;
