export { ConnectionStringError, EventStoreDbConnection, isConnectionString } from './connection-string';
export { EventStoreDbEventStore, type EventStoreDbOptions } from './eventstoredb-event-store';
