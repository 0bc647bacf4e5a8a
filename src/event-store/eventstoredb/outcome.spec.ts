import { factsOf, isNoPosition, isNoStream, isNotLeader, isTooSlow, outcomeOf } from './outcome';

/** An error as the client throws it: class names do not count, these fields do. */
function thrown(type: string | undefined, code: number | undefined, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), type === undefined ? {} : { type }, { code }, more);
}

const unknown: readonly (readonly [string, unknown])[] = [
  ['a server that is down, by the capabilities call', thrown(undefined, 14, '14 UNAVAILABLE: Connection dropped')],
  ['a server that went down', thrown('unavailable', 14, '14 UNAVAILABLE: Connection dropped')],
  ['a keep-alive without an answer', thrown('unavailable', 14, '14 UNAVAILABLE: Keepalive timeout')],
  ['"not ready", plain path', thrown('unavailable', 14, '14 UNAVAILABLE: Server Is Not Ready')],
  ['"busy", plain path', thrown('unavailable', 14, '14 UNAVAILABLE: Server Is Busy')],
  ['"not ready", batch path', thrown('unknown', undefined, 'Could not recognize Server Is Not Ready')],
  ['"busy", batch path', thrown('unknown', undefined, 'Could not recognize Server Is Busy')],
  ['a deadline, plain path', thrown('deadline-exceeded', 4, '4 DEADLINE_EXCEEDED: Deadline exceeded')],
  ['a deadline, batch path', thrown('deadline-exceeded', undefined, '')],
  ['a forwarding time-out', thrown('timeout', 10, '10 ABORTED: Operation timed out')],
  ['a slow consumer', thrown('timeout', 10, '10 ABORTED: Consumer too slow to handle event while live')],
  ['a reset stream', thrown('unknown', 13, '13 INTERNAL: Received RST_STREAM with code 2')],
  ['a disposed client', thrown('unknown', 1, '1 CANCELLED: Cancelled on client')],
  ['a call that the server cancelled', thrown('cancelled', 1, '1 CANCELLED: Call cancelled')],
  ['a message of 17 MB', thrown('unknown', 8, '8 RESOURCE_EXHAUSTED: Received message larger than max')],
  ['a node that is not the leader', thrown('not-leader', 5, '5 NOT_FOUND: Leader info available')],
  ['a server that threw', thrown('unknown', 2, '2 UNKNOWN: Exception was thrown by handler.')],
  ['an unavailable node that says no more', thrown('unavailable', 14, '')],
  ['an error of code 14 of nobody', thrown(undefined, 14, '')],
  ['a discovery that has a code', thrown(undefined, 14, 'Failed to discover after 3 attempts.')],
  ['another plain error', new Error('write after end')],
  ['an error in the client', new TypeError('undefined is not iterable')],
  ['a text', 'no'],
  ['nothing', undefined],
  ['null', null],
];

describe('the outcome of an append that ended with an error', () => {
  it.each(unknown)('is unknown after %s', (_what, error) => {
    expect(outcomeOf(error)).toMatchObject({ outcome: 'unknown', message: expect.stringMatching(/./) });
  });

  it.each([
    ['a revision', 4n, 4],
    ['no stream', 'no_stream', 'no_stream'],
    ['no stream, as a number', -1n, 'no_stream'],
    ['any, as a number', -2n, null],
    ['a word that names no revision', 'stream_exists', null],
    ['another such word', 'any', null],
    ['nothing', undefined, null],
  ])('is a conflict where the server names %s', (_what, actualVersion, actual) => {
    const error = thrown('wrong-expected-version', undefined, '', { actualVersion, expectedVersion: 1n });
    expect(outcomeOf(error)).toEqual({ outcome: 'conflict', actual });
  });

  it('is a conflict, of which the revision has to be read, where only a part of the append is there', () => {
    expect(outcomeOf(thrown('invalid-transaction', 9, '9'))).toEqual({ outcome: 'conflict', actual: null });
  });

  it.each([
    ['a stream that was deleted for good', thrown('stream-deleted', 9, ''), 'stream-deleted'],
    ['an append that is too great', thrown('maximum-append-size-exceeded', 3, 'too large'), 'append-size'],
    ['a property that is missing', thrown('missing-required-metadata-property', 3, ''), 'event-type'],
    ['an argument that the client refuses', thrown('invalid-argument', undefined, 'no'), 'stream-name'],
    ['an argument that the server refuses', thrown('unknown', 3, '3 INVALID_ARGUMENT: no'), 'stream-name'],
  ])('is refused after %s', (_what, error, code) => {
    expect(outcomeOf(error)).toMatchObject({ outcome: 'refused', code, message: expect.stringMatching(/./) });
  });

  it.each([
    ['access was denied', thrown('access-denied', 7, '7 PERMISSION_DENIED: Access Denied')],
    ['nobody is known by this password', thrown('access-denied', 16, '16 UNAUTHENTICATED: ')],
    ['access was denied without the word for it', thrown('unknown', 7, '7 PERMISSION_DENIED: no')],
    ['no node was found', new Error('Failed to discover after 1 attempts.')],
    [
      'no connection was made',
      thrown('unavailable', 14, '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED'),
    ],
  ])('is "certainly not written" where %s', (_what, error) => {
    expect(outcomeOf(error)).toMatchObject({ outcome: 'unavailable', message: expect.stringMatching(/./) });
  });
});

describe('an error of a read or of a subscription', () => {
  const tooSlow = thrown('timeout', 10, '10 ABORTED: Consumer too slow to handle event while live');

  it('is normal where the subscriber was too slow, and nothing else is', () => {
    expect(isTooSlow(tooSlow)).toBe(true);
    for (const [, error] of unknown.filter(([what]) => what !== 'a slow consumer'))
      expect(isTooSlow(error)).toBe(false);
  });

  it('says that there is no stream, no leader, or no such position', () => {
    expect(isNoStream(thrown('stream-not-found', undefined, 'job-1 not found'))).toBe(true);
    expect(isNoStream(thrown('stream-deleted', 9, ''))).toBe(true);
    expect(isNoStream(thrown('not-found', 5, ''))).toBe(false);
    expect(isNotLeader(thrown('not-leader', 5, ''))).toBe(true);
    expect(isNoPosition(thrown('unknown', 2, '2 UNKNOWN: Unexpected ReadAllResult: Error'))).toBe(true);
    expect(isNoPosition(tooSlow)).toBe(false);
  });

  it('has a type, a code and a message, whatever was thrown', () => {
    expect(factsOf(tooSlow)).toEqual({ type: 'timeout', code: 10, message: tooSlow.message });
    expect(factsOf('no')).toEqual({ type: undefined, code: undefined, message: 'no' });
    expect(factsOf({ type: 1, code: '14' })).toMatchObject({ type: undefined, code: undefined });
  });
});
