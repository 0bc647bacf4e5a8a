import type { StoreRefusalCode } from '../port';

/**
 * What an error of an append says of it.
 * - `conflict`: nothing was written; `actual` null: the error does not say where the stream stands.
 * - `refused`: nothing was written, and never will be.
 * - `unavailable`: certainly not written.
 * - `unknown`: everything else.
 */
export type ErrorOutcome =
  | { readonly outcome: 'conflict'; readonly actual: number | 'no_stream' | null }
  | { readonly outcome: 'refused'; readonly code: StoreRefusalCode; readonly message: string }
  | { readonly outcome: 'unavailable'; readonly message: string }
  | { readonly outcome: 'unknown'; readonly message: string };

/** Type, code and message of whatever was thrown. */
export interface ErrorFacts {
  /** The client's own word (`wrong-expected-version`, …); undefined on errors that are not its own. */
  readonly type: string | undefined;
  /** Status of the call (gRPC); undefined where no call was answered. */
  readonly code: number | undefined;
  readonly message: string;
}

/** Not by class: the same class stands for several outcomes, several classes for one, and some errors are plain ones. */
export function factsOf(error: unknown): ErrorFacts {
  const { type, code, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  return {
    type: typeof type === 'string' ? type : undefined,
    code: typeof code === 'number' ? code : undefined,
    message: typeof message === 'string' ? message : String(error),
  };
}

interface Rule {
  readonly type?: string | null;
  readonly code?: number | null;
  readonly message?: RegExp;
  readonly says: (facts: ErrorFacts, error: unknown) => ErrorOutcome;
}

const refused =
  (code: StoreRefusalCode, words: string) =>
  ({ message }: ErrorFacts): ErrorOutcome => ({ outcome: 'refused', code, message: told(words, message) });
const unavailable =
  (words: string) =>
  ({ message }: ErrorFacts): ErrorOutcome => ({ outcome: 'unavailable', message: told(words, message) });

const ACCESS_REMEDY =
  'Give the user of the connection string the right to read $all and to write the streams of the log (group $admins, or an ACL).';
const WHO_REMEDY =
  'Check user and password of the connection string; what is not a letter or digit in them is percent-encoded.';
const UNAUTHENTICATED = 16;

/** What to do about a denial: the server does not know who asks, or what they ask for is not theirs to ask. */
export function accessRemedy(error: unknown): string {
  return factsOf(error).code === UNAUTHENTICATED ? WHO_REMEDY : ACCESS_REMEDY;
}

/**
 * The first rule that fits decides; `null` means that the error has no such field. Only what the server, or the client before it has sent
 * anything, says for certain stands here.
 */
const RULES: readonly Rule[] = [
  {
    type: 'wrong-expected-version',
    says: (_facts, error) => ({
      outcome: 'conflict',
      actual: actualOf((error as { actualVersion?: unknown }).actualVersion),
    }),
  },
  // The server's word for an append of which some events are there and others are not: nothing was written.
  { type: 'invalid-transaction', says: () => ({ outcome: 'conflict', actual: null }) },
  { type: 'stream-deleted', says: refused('stream-deleted', 'the stream was deleted for good') },
  { type: 'maximum-append-size-exceeded', says: refused('append-size', 'the server takes no append of this size') },
  {
    type: 'missing-required-metadata-property',
    says: refused('event-type', 'the server misses a property of an event'),
  },
  { type: 'invalid-argument', says: refused('stream-name', 'the server refuses an argument') },
  { type: 'unknown', code: 3, says: refused('stream-name', 'the server refuses an argument') },
  { type: 'access-denied', code: UNAUTHENTICATED, says: unavailable(`access denied: ${WHO_REMEDY}`) },
  { type: 'access-denied', says: unavailable(`access denied: ${ACCESS_REMEDY}`) },
  { type: 'unknown', code: 7, says: unavailable(`access denied: ${ACCESS_REMEDY}`) },
  // No node was found, so there was nobody to send it to.
  {
    type: null,
    code: null,
    message: /^Failed to discover after /,
    says: unavailable('no node of the cluster answers'),
  },
  // No connection could be made, so nothing was sent.
  { code: 14, message: /No connection established/, says: unavailable('no connection') },
];

/** What became of an append that ended with this error. Pure: type, code and message decide, nothing else. */
export function outcomeOf(error: unknown): ErrorOutcome {
  const facts = factsOf(error);
  const rule = RULES.find(
    ({ type, code, message }) =>
      fits(type, facts.type) && fits(code, facts.code) && (message === undefined || message.test(facts.message)),
  );
  return rule?.says(facts, error) ?? { outcome: 'unknown', message: words(facts) };
}

function fits<T>(wanted: T | null | undefined, actual: T | undefined): boolean {
  return wanted === undefined || (wanted === null ? actual === undefined : wanted === actual);
}

/** The client's revisions: a bigint, `no_stream`, or words and negative numbers that name no revision. */
function actualOf(actual: unknown): number | 'no_stream' | null {
  if (actual === 'no_stream' || actual === -1n) return 'no_stream';
  return typeof actual === 'bigint' && actual >= 0n ? Number(actual) : null;
}

/** An error in words: `unavailable (14): …`. */
export function words({ type, code, message }: ErrorFacts): string {
  const what = [type, code === undefined ? undefined : `(${code})`].filter((part) => part !== undefined).join(' ');
  return [what, message].filter((part) => part !== '').join(': ') || 'an error without a word';
}

function told(what: string, message: string): string {
  return message === '' ? what : `${what} (${message})`;
}

/** The server's buffers of a live subscription were full: normal under load, nothing is wrong. */
export function isTooSlow(error: unknown): boolean {
  const { type, code, message } = factsOf(error);
  return type === 'timeout' && code === 10 && /too slow/i.test(message);
}

/** The node that was asked is not the leader; the client has turned to the one that it named. */
export function isNotLeader(error: unknown): boolean {
  return factsOf(error).type === 'not-leader';
}

/** There is no such stream to read, or no longer. */
export function isNoStream(error: unknown): boolean {
  const { type } = factsOf(error);
  return type === 'stream-not-found' || type === 'stream-deleted';
}

export function isAccessDenied(error: unknown): boolean {
  const { type, code } = factsOf(error);
  return type === 'access-denied' || (type === 'unknown' && code === 7);
}

/** The server cannot read `$all` from there: it is no position of an event. */
export function isNoPosition(error: unknown): boolean {
  return /ReadAllResult|invalid position/i.test(factsOf(error).message);
}
