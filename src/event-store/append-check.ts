import {
  MAX_APPEND_BYTES,
  type AppendOutcome,
  type ExpectedRevision,
  type NewEvent,
  type StoreRefusalCode,
} from './port';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NIL = '00000000-0000-0000-0000-000000000000';
const LONE_SURROGATE = /\p{Surrogate}/u;
const MAX_STREAM = 1_024;
const MAX_TYPE = 256;

/** What every adapter refuses before it touches its store; null: the append may go on. */
export function refuseAppend(
  stream: string,
  expected: ExpectedRevision,
  events: readonly NewEvent[],
): Extract<AppendOutcome, { outcome: 'refused' }> | null {
  const refuse = (code: StoreRefusalCode, message: string) => ({ outcome: 'refused', code, message }) as const;
  const name = streamNameProblem(stream);
  if (name !== null) return refuse('stream-name', name);
  if (
    typeof expected === 'number'
      ? !Number.isSafeInteger(expected) || expected < 0
      : expected !== 'no_stream' && expected !== 'any'
  ) {
    return refuse(
      'expected-revision',
      `expected revision ${String(expected)}: a revision (0, 1, …), 'no_stream' or 'any'`,
    );
  }
  if (!Array.isArray(events) || events.length === 0)
    return refuse('empty-append', 'an append is an array of at least one event');
  let bytes = 0;
  for (const [index, event] of (events as readonly (Partial<NewEvent> | null)[]).entries()) {
    const at = `event ${index}`;
    const { id, type, data, metadata } = event ?? {};
    if (typeof id !== 'string' || !UUID.test(id) || id === NIL)
      return refuse('event-id', `${at}: '${String(id).slice(0, 40)}' is no UUID in lower case, or the nil UUID`);
    if (typeof type !== 'string' || type.length === 0 || type.length > MAX_TYPE || LONE_SURROGATE.test(type))
      return refuse('event-type', `${at}: a type has 1–${MAX_TYPE} characters and no lone surrogates`);
    if (!parses(data, false)) return refuse('event-json', `${at}: data is no JSON text`);
    if (!parses(metadata, true)) return refuse('event-json', `${at}: metadata is no JSON text of an object`);
    bytes += Buffer.byteLength(type) + Buffer.byteLength(data) + Buffer.byteLength(metadata);
  }
  if (bytes > MAX_APPEND_BYTES)
    return refuse('append-size', `${bytes} bytes; an append has at most ${MAX_APPEND_BYTES}`);
  return null;
}

/** What is wrong with a stream name; null: nothing. */
export function streamNameProblem(stream: unknown): string | null {
  if (typeof stream !== 'string' || stream.length === 0) return 'a stream name is a non-empty string';
  if (stream.length > MAX_STREAM) return `a stream name has at most ${MAX_STREAM} characters`;
  if (stream.startsWith('$')) return 'names that begin with $ are the system’s';
  if (/[\u0000-\u001f\u007f]/.test(stream) || LONE_SURROGATE.test(stream))
    return 'a stream name has no control characters and no lone surrogates';
  return null;
}

function parses(text: unknown, object: boolean): text is string {
  if (typeof text !== 'string' || LONE_SURROGATE.test(text)) return false;
  try {
    const value: unknown = JSON.parse(text);
    return !object || (typeof value === 'object' && value !== null && !Array.isArray(value));
  } catch {
    return false;
  }
}
