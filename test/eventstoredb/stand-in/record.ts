/** What a caller proposes; the id in lower case, as the log keeps it. */
export interface Proposal {
  readonly id: string;
  readonly type: string;
  readonly json: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** What the log has: one record of `$all`, system events included. */
export interface StoredRecord extends Proposal {
  readonly stream: string;
  readonly revision: bigint;
  /** Commit and prepare are the same here, as they are for every append over gRPC. */
  readonly position: bigint;
  /** Whole milliseconds. */
  readonly created: number;
}

export type Expected = bigint | 'no_stream' | 'any' | 'stream_exists';

/**
 * `revision` is -1n where an empty append met an empty stream; `position` is absent where the events of a retry are truncated.
 * `repeated`: nothing was written, the answer is that of an earlier append.
 */
export type WriteAnswer =
  | { readonly result: 'success'; readonly revision: bigint; readonly position?: bigint; readonly repeated?: true }
  | { readonly result: 'wrong-version'; readonly current: bigint }
  | { readonly result: 'deleted' };

export type StreamRead =
  | { readonly result: 'found'; readonly records: readonly StoredRecord[] }
  | { readonly result: 'not-found' }
  | { readonly result: 'deleted' };

/** The number that stands for "this stream is gone": the revision of a tombstone, and `$tb` of a soft-deleted stream. */
export const GONE = 9_223_372_036_854_775_807n;

export const isMetastream = (stream: string): boolean => stream.startsWith('$$');
export const metastreamOf = (stream: string): string => `$$${stream}`;
