import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import type { ExpectedRevision } from './port';

/** Namespace of Holdfast's name-based ids; never changes. */
const NAMESPACE = '7f0d1c52-6f4e-5d5c-9a0e-3b8f1f6f0a11';

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
  const hash = createHash('sha256');
  for (const { type, data } of events) hash.update(`${type.length}:${type}${data.length}:${data}`);
  const content = hash.digest('hex');
  return events.map((_, index) => v5(JSON.stringify([commandId, stream, expected, content, index]), NAMESPACE));
}
