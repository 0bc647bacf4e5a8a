import { createHash } from 'node:crypto';
import { withOrigin } from '../domain/codec';
import type { LogPosition, RecordedEvent } from '../event-store';

/** The first place in which a copy is not what it should be. */
export interface Difference {
  /** `missing`: the copy ends before it; `extra`: only the copy has it; `other`: another event stands there; `content`: the same event, with another content. */
  readonly kind: 'missing' | 'extra' | 'other' | 'content';
  readonly expected: Place | null;
  readonly found: Place | null;
  readonly words: string;
}

/** Where an event is, in its own log. */
export interface Place {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly id: string;
}

/** How far a copy has come. */
export interface Comparison {
  /** Events that both have. */
  readonly events: number;
  /** Streams that they belong to. */
  readonly streams: number;
  /** Position, in the log that is copied, of the last of them. */
  readonly position: LogPosition;
  /** Over stream, revision, id, type, data and metadata of each, in order; one of either log. */
  readonly sha256: { readonly expected: string; readonly found: string };
  /** Null: the copy is whole. */
  readonly difference: Difference | null;
}

/** The event as the copy of the log `log` has it. */
export function copied(event: RecordedEvent, log: string): RecordedEvent {
  const { metadata, position, created } = event;
  return { ...event, metadata: withOrigin(metadata, { log, position, created }) };
}

/**
 * Walks through a log and its copy side by side, up to the first difference. Order, ids and every byte count.
 * @param source as the copy should have them: see `copied`.
 */
export async function compareLogs(
  source: AsyncIterable<RecordedEvent>,
  copy: AsyncIterable<RecordedEvent>,
  onEvent: (event: RecordedEvent, events: number) => void = () => undefined,
): Promise<Comparison> {
  const hashes = { expected: createHash('sha256'), found: createHash('sha256') };
  const others = copy[Symbol.asyncIterator]();
  let [events, streams, position] = [0, 0, 'start' as LogPosition];
  const soFar = (difference: Difference | null): Comparison => ({
    events,
    streams,
    position,
    sha256: { expected: hashes.expected.copy().digest('hex'), found: hashes.found.copy().digest('hex') },
    difference,
  });
  for await (const expected of source) {
    const next = await others.next();
    const found = next.done === true ? null : next.value;
    const difference = differenceOf(expected, found);
    if (difference !== null) return soFar(difference);
    hashes.expected.update(bytesOf(expected));
    hashes.found.update(bytesOf(found as RecordedEvent));
    events += 1;
    if (expected.revision === 0) streams += 1;
    position = expected.position;
    onEvent(expected, events);
  }
  const { done, value } = await others.next();
  return soFar(done === true ? null : differenceOf(null, value));
}

function bytesOf({ stream, revision, id, type, data, metadata }: RecordedEvent): string {
  return JSON.stringify([stream, revision, id, type, data, metadata]);
}

function differenceOf(expected: RecordedEvent | null, found: RecordedEvent | null): Difference | null {
  const places = { expected: placeOf(expected), found: placeOf(found) };
  if (expected === null || found === null) {
    if (found !== null) return { kind: 'extra', ...places, words: `${wordsOf(found)} is no part of the copied log` };
    return { kind: 'missing', ...places, words: `${wordsOf(expected as RecordedEvent)} is missing` };
  }
  if (expected.stream !== found.stream || expected.revision !== found.revision || expected.id !== found.id) {
    return { kind: 'other', ...places, words: `${wordsOf(found)} stands where ${wordsOf(expected)} should` };
  }
  const changed = (['type', 'data', 'metadata'] as const).filter((part) => expected[part] !== found[part]);
  if (changed.length === 0) return null;
  return {
    kind: 'content',
    ...places,
    words: `${wordsOf(found)} has another ${changed.join(' and ')} than where it is from`,
  };
}

function placeOf(event: RecordedEvent | null): Place | null {
  if (event === null) return null;
  const { stream, revision, position, id } = event;
  return { stream, revision, position, id };
}

function wordsOf({ stream, revision, position, type }: RecordedEvent): string {
  return `${type} (${stream} revision ${revision}, position ${position})`;
}
