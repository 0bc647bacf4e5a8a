import type { Readable } from 'node:stream';
import type { AllStreamResolvedEvent, EventStoreDBClient, ResolvedEvent } from '@eventstore/db-client';

/** An event as the client gives it, from a stream or from `$all`. */
export type FoundEvent = ResolvedEvent | AllStreamResolvedEvent;

/** A read of the client, while it runs. */
export type FoundStream = Readable & { cancel?(): Promise<void> };

/** A subscription of the client: a stream of events that also says `caughtUp` and `fellBehind`. */
export type ServerSubscription = Readable & { unsubscribe?(): Promise<void> };

/** What of the client is used, and what a scripted one has to have. Its streams are those of Node, which its own types do not say. */
export interface LogClient extends Pick<EventStoreDBClient, 'appendToStream' | 'setStreamMetadata'> {
  readStream(...asked: Parameters<EventStoreDBClient['readStream']>): FoundStream;
  readAll(...asked: Parameters<EventStoreDBClient['readAll']>): FoundStream;
  subscribeToAll(...asked: Parameters<EventStoreDBClient['subscribeToAll']>): ServerSubscription;
}
