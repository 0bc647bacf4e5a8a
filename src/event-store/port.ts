import type { Instant } from '../clock';

/**
 * The log as Holdfast sees it: streams, revisions, positions; not one word about jobs.
 *
 * Every sentence of this file is a case of the contract suite (`holdfast/testing`), which every adapter passes unchanged.
 *
 * - A *stream* is a non-empty string of at most 1,024 characters without lone surrogates or control characters. Its *category* is the part before the first `-`
 *   (the whole name where there is none). Names that begin with `$` are refused.
 * - A *revision* numbers the events of one stream: 0, 1, 2, … without gaps. A safe integer.
 * - A *position* orders all events of the log: strictly increasing, gaps allowed, a bigint (a decimal string in JSON). Never zero or negative.
 * - Events of one append are written together or not at all, adjacent in their stream.
 */
export type ExpectedRevision = number | 'no_stream' | 'any';

/** An event that the caller wants to append. */
export interface NewEvent {
  /** UUID, lower case, made by the caller. The same event sent again has the same id. The nil UUID is refused. */
  readonly id: string;
  /** Non-empty, at most 256 characters. */
  readonly type: string;
  /** JSON text. Refused if it does not parse. */
  readonly data: string;
  /** JSON text of an object. Refused if it does not parse to an object. */
  readonly metadata: string;
}

/** An event as the log has it. */
export interface RecordedEvent extends NewEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  /** When the log took it, by the log's clock; whole milliseconds. */
  readonly created: Instant;
}

/**
 * What became of an append. There is no other answer, and `append` never rejects.
 *
 * - `appended`: the events are durable at `revision - n + 1 … revision`. `revision` and `position` are those of the *last event of this append*,
 *   also when the very same append (same stream, same exact expected revision or `no_stream`, same ids in order) had been written before:
 *   it is answered again and nothing is written. A prefix of an earlier append at the same revision is accepted in the same way. Data is not compared: the first content stays.
 * - `conflict`: nothing was written; `actual` is the revision of the stream's last event, or `no_stream`.
 * - `refused`: nothing was written and the same append will never succeed (bad name, id, type, JSON, size; empty append; a stream that was deleted for good; store closed or read-only).
 * - `unavailable`: certainly not written; the same append may succeed later.
 * - `unknown`: it may have been written, or may still be. Send the identical append again.
 */
export type AppendOutcome =
  | { readonly outcome: 'appended'; readonly revision: number; readonly position: bigint }
  | { readonly outcome: 'conflict'; readonly actual: number | 'no_stream' }
  | { readonly outcome: 'refused'; readonly code: StoreRefusalCode; readonly message: string }
  | { readonly outcome: 'unavailable'; readonly message: string }
  | { readonly outcome: 'unknown'; readonly message: string };

export type StoreRefusalCode =
  | 'stream-name'
  | 'event-id'
  | 'event-type'
  | 'event-json'
  | 'expected-revision'
  | 'empty-append'
  | 'append-size'
  | 'stream-deleted'
  | 'closed'
  | 'read-only';

/** Bytes of data + metadata + type of one append, together (1 MiB, the limit of EventStoreDB). A larger append is refused with `append-size`. */
export const MAX_APPEND_BYTES = 1_048_576;

export interface AppendOptions {
  /**
   * `urgent`: goes before everything that waits, for what must not queue behind work: beats, and what a service decides about its own life and that
   * of its peers. Few appends, or they are in each other's way. Default `normal`.
   */
  readonly lane?: 'urgent' | 'normal';
}

export interface ReadStreamOptions {
  readonly direction: 'forwards' | 'backwards';
  /** First revision to read, inclusive. Default: the first event forwards, the last one backwards. */
  readonly from?: number;
  /** At most this many events; 1 … 10,000. */
  readonly limit: number;
}

/** A part of a stream. A stream that does not exist is `{ events: [], head: 'no_stream' }`. */
export interface StreamSlice {
  readonly events: readonly RecordedEvent[];
  /** Revision of the stream's last event when the slice was read. */
  readonly head: number | 'no_stream';
}

/** A place in the log: after this position (exclusive), or before everything. */
export type LogPosition = bigint | 'start';

export interface ReadAllOptions {
  /** Exclusive. */
  readonly after: LogPosition;
  /** Only streams of these categories; all when absent. */
  readonly categories?: readonly string[];
  /** At most this many events; 1 … 10,000. */
  readonly limit: number;
}

export interface AllSlice {
  readonly events: readonly RecordedEvent[];
  /** Everything up to here was looked at: go on after it. Equals `after` when there was nothing ('start' while the log is empty). */
  readonly position: LogPosition;
  /** No more events were there when it was read. */
  readonly end: boolean;
}

export interface SubscribeOptions {
  /** Exclusive; `end`: only what is appended after the subscription was made. */
  readonly after: LogPosition | 'end';
  readonly categories?: readonly string[];
  /** At most this many events in one batch; default 500. */
  readonly batch?: number;
  /**
   * Called with the next events in log order, never concurrently: the next call waits for the returned promise (back-pressure).
   * `position`: everything up to it was delivered or filtered out; it advances also past events of other categories
   * (then `events` may be empty). When it throws or rejects, the subscription ends with reason `handler`.
   */
  readonly onEvents: (events: readonly RecordedEvent[], position: bigint) => void | Promise<void>;
  /** Called whenever everything in the log at that moment has been delivered; at least once, also on an empty log. */
  readonly onCaughtUp?: () => void;
}

export type SubscriptionEnd =
  | { readonly reason: 'closed' }
  | { readonly reason: 'handler'; readonly error: unknown }
  | { readonly reason: 'dropped'; readonly message: string };

export interface Subscription {
  /** Resolves once, when nothing will be delivered any more. Never rejects. */
  readonly ended: Promise<SubscriptionEnd>;
  /** No call of `onEvents` begins after this; resolves when the one under way has settled. Idempotent. */
  close(): Promise<void>;
}

/** Who this log is. `generation` starts at 1 and is raised by `raiseGeneration` after a restore. */
export interface LogIdentity {
  readonly id: string;
  readonly generation: number;
}

export interface EventStore {
  append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options?: AppendOptions,
  ): Promise<AppendOutcome>;
  /** Reads what a decision may be made on (leader reads). Rejects with `StoreUnavailableError`. */
  readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice>;
  /** Rejects with `StoreUnavailableError`. */
  readAll(options: ReadAllOptions): Promise<AllSlice>;
  /** The event at exactly this position, or null. */
  readAt(position: bigint): Promise<RecordedEvent | null>;
  /** Position of the newest event of the log, or 'start' when it is empty. */
  head(): Promise<LogPosition>;
  /** Delivers every event after `options.after` exactly once and in order until closed. What the store breaks off ends with `dropped`; whoever subscribed goes on from the last position handled. */
  subscribe(options: SubscribeOptions): Subscription;
  /**
   * For technical streams: from now on at least the last `count` events are kept, older ones may vanish from reads. Revisions go on. `count` ≥ 1.
   * The retry of an append whose events have vanished is a conflict.
   * @param maxAgeMs ≥ 1,000: of the last `count`, too, those older than this may vanish, now or later. Left out: what was said before stays.
   */
  keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void>;
  identity(): Promise<LogIdentity>;
  /** After a restore from a backup; the new generation (1 … 511). */
  raiseGeneration(): Promise<LogIdentity>;
  /** Ends subscriptions, waits for appends under way (their answers are given), releases everything. Idempotent. Afterwards appends are refused with `closed`. */
  close(): Promise<void>;
}

/** The store cannot be read now. `code` names why where the adapter knows; `remedy` says what to do. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  constructor(
    message: string,
    readonly code: string = 'unavailable',
    readonly remedy: string = 'Try again when the store is reachable.',
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The store cannot be opened or used at all: damaged, foreign, newer, read-only, on a network file system, full. */
export class StoreUnusableError extends Error {
  override readonly name = 'StoreUnusableError';
  constructor(
    readonly code:
      | 'damaged'
      | 'foreign'
      | 'newer'
      | 'read-only'
      | 'network-file-system'
      | 'disk-full'
      | 'driver-missing'
      | 'access-denied'
      | 'path',
    message: string,
    readonly remedy: string,
    options?: { cause?: unknown },
  ) {
    super(`${message} ${remedy}`, options);
  }
}

/** The category of a stream: what stands before the first `-`. */
export function categoryOf(stream: string): string {
  const dash = stream.indexOf('-');
  return dash < 0 ? stream : stream.slice(0, dash);
}
