import type { SubscribeOptions, LogPosition } from '../port';
import type { StoreCredentials } from './connection-string';
import type { LogClient } from './log-client';
import type { LogNames } from './log-names';
import type { OpenSubscription } from './subscription-session';

/**
 * Events that the server looks at in one go. Its default of 32 scans a log in which little is asked for 3–7 times more slowly. A checkpoint comes
 * once per window.
 */
const SEARCH_WINDOW = 1_000;
/** Events that wait in the client. The more there is room for, the longer a burst may be before the server drops the subscriber. */
const MOST_BUFFERED = 500;

/** How a subscription of `$all` is opened behind a position: filtered by the server, on the leader. */
export function openSubscription(
  client: LogClient,
  credentials: StoreCredentials,
  names: LogNames,
  after: LogPosition,
  { categories, batch = MOST_BUFFERED }: SubscribeOptions,
): OpenSubscription {
  return (checkpoint) =>
    client.subscribeToAll(
      {
        fromPosition: after === 'start' ? after : { commit: after, prepare: after },
        filter: {
          filterOn: 'streamName',
          ...names.filter(categories),
          maxSearchWindow: SEARCH_WINDOW,
          checkpointInterval: 1,
          // Must not reject: the subscription would stop without a word.
          checkpointReached: (_subscription, position) => checkpoint(position.commit),
        },
        credentials,
        requiresLeader: true,
      },
      { highWaterMark: Math.min(batch, MOST_BUFFERED) },
    );
}
