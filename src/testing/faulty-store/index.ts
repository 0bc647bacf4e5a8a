/** Faults in front of any adapter, by rate and seed or aimed: for tests of what uses a log. */
export {
  faultsOf,
  type Fault,
  type FaultCounts,
  type FaultOf,
  type FaultRates,
  type FaultyCall,
  type FaultyMethod,
  type Span,
} from './faults';
export { FaultyEventStore, type FaultyEventStoreOptions } from './faulty-event-store';
export type { InjectOptions } from './plan';
