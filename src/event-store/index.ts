/** The log: the port, its adapters, and what everyone who appends or subscribes needs. */
export * from './port';
export { refuseAppend, streamNameProblem } from './append-check';
export { EmbeddedEventStore, type EmbeddedOptions } from './embedded';
export { eventIds } from './event-id';
export {
  ConnectionStringError,
  EventStoreDbConnection,
  EventStoreDbEventStore,
  isConnectionString,
  type EventStoreDbOptions,
} from './eventstoredb';
export { MemoryEventStore } from './memory';
export { PulledSubscription } from './pulled-subscription';
export {
  SupervisedSubscription,
  type SubscriptionHealth,
  type SupervisedSubscriptionOptions,
} from './supervised-subscription';
