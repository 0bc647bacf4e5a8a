import { Metadata, status, type ServiceError } from '@grpc/grpc-js';

/** What the server ends a call with. The trailers are what the client tells one refusal from another by. */
export type Refusal = Pick<ServiceError, 'code' | 'details' | 'metadata'>;

export const MAX_APPEND_BYTES = 1_048_576;
export const TOO_SLOW =
  'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.';

function refusal(code: status, details: string, trailers: Record<string, string> = {}): Refusal {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) {
    // A header is ASCII; the real server sends names as bytes that it calls text, so others arrive mangled.
    metadata.set(key, value.replace(/[^\x20-\x7e]/g, '?'));
  }
  return { code, details, metadata };
}

export const notReady = (): Refusal => refusal(status.UNAVAILABLE, 'Server Is Not Ready');
export const busy = (): Refusal => refusal(status.UNAVAILABLE, 'Server Is Too Busy');
export const timedOut = (what: string): Refusal => refusal(status.ABORTED, `Operation timed out: ${what}`);
export const tooSlow = (): Refusal => refusal(status.ABORTED, TOO_SLOW);
/** What an exception of the server itself is: it does not say which. */
export const handlerThrew = (): Refusal => refusal(status.UNKNOWN, 'Exception was thrown by handler.');
export const noLeaderKnown = (): Refusal => refusal(status.UNKNOWN, 'No leader info available in response');
/** `ReadStreamResult` or `ReadAllResult`. */
export const readFailed = (result: string): Refusal => refusal(status.UNKNOWN, `Unexpected ${result}: Error`);

export const notLeader = (leader: { host: string; port: number }): Refusal =>
  refusal(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.host,
    'leader-endpoint-port': String(leader.port),
  });

export const streamDeleted = (stream: string): Refusal =>
  refusal(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });

export const accessDenied = (): Refusal =>
  refusal(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });

/** User and password are not those of anybody. */
export const unauthenticated = (): Refusal => refusal(status.UNAUTHENTICATED, 'Unauthenticated');

export const appendTooLarge = (): Refusal =>
  refusal(status.INVALID_ARGUMENT, `Maximum Append Size of ${MAX_APPEND_BYTES} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(MAX_APPEND_BYTES),
  });

export const metadataMissing = (property: string): Refusal =>
  refusal(status.INVALID_ARGUMENT, `Required Metadata Property '${property}' is missing`, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });

/** Of a delete or a tombstone, which calls itself a delete too; an append says it in its answer instead. */
export const wrongVersion = (stream: string, expected: bigint, actual: bigint): Refusal =>
  refusal(
    status.FAILED_PRECONDITION,
    `Delete failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${actual}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': String(expected),
      'actual-version': String(actual),
    },
  );
