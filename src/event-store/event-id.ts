import { hash } from 'node:crypto';
import { parse } from 'uuid';
import type { ExpectedRevision } from './port';

/** Namespace of Holdfast's name-based ids; never changes. */
const NAMESPACE = Buffer.from(parse('7f0d1c52-6f4e-5d5c-9a0e-3b8f1f6f0a11'));

/**
 * Ids of the events of one append (protocol §3.2): UUIDv5 of (command id, stream, expected revision, hash of all events, index).
 * The identical append always has the same ids, and no other append ever has one of them.
 */
export function eventIds(
  commandId: string,
  stream: string,
  expected: ExpectedRevision,
  events: readonly { readonly type: string; readonly data: string }[],
): string[] {
  const content = contentHash(events);
  return events.map((_, index) => uuidv5(JSON.stringify([commandId, stream, expected, content, index])));
}

function contentHash(events: readonly { readonly type: string; readonly data: string }[]): string {
  const texts = events.map(({ type, data }) => `${type.length}:${type}${data.length}:${data}`);
  return hash('sha256', texts.join(''));
}

/** UUIDv5 in that namespace. Every event has one, and one call of the hash costs a fraction of what the steps of a general function do. */
function uuidv5(name: string): string {
  const digest = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(name)]));
  const variant = ((parseInt(digest[16], 16) & 0x3) | 0x8).toString(16);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
