import type { EventData } from '@eventstore/db-client';
import type { NewEvent, RecordedEvent } from '../port';
import type { FoundEvent } from './log-client';
import type { LogNames } from './log-names';

/**
 * The client parses JSON and writes it anew, so that `1.50`, white space and great numbers would come back as another text. Text that it would
 * alter goes as bytes: data with the content type of bytes, metadata (which has no content type) with a byte order mark before it, which no
 * JSON text has and which makes the client's parser give the bytes as they are. All that Holdfast itself writes is JSON to the server.
 */
const MARK = Buffer.from('\ufeff');

/** An event as the client takes it. The texts are JSON: that has been checked. */
export function toServer({ id, type, data, metadata }: NewEvent): EventData {
  const meta = unaltered(metadata) ?? Uint8Array.from(Buffer.concat([MARK, Buffer.from(metadata)]));
  const json = unaltered(data);
  return (
    json === undefined
      ? { id, type, contentType: 'application/octet-stream', data: Uint8Array.from(Buffer.from(data)), metadata: meta }
      : { id, type, contentType: 'application/json', data: json, metadata: meta }
  ) as EventData;
}

/** The value whose text the client will write exactly so; undefined: there is none. */
function unaltered(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return JSON.stringify(value) === text ? value : undefined;
}

/** Position of an event in `$all`. @throws Error a server older than 22.6 does not say it. */
export function positionOf(found: FoundEvent): bigint {
  const position = found.event?.position?.commit ?? found.commitPosition;
  if (position === undefined) throw new Error('The server names no position with its events; it is older than 22.6.');
  return position;
}

/** The event as the port has it; null: it is none of this log's. */
export function fromServer(found: FoundEvent, names: LogNames): RecordedEvent | null {
  const { event } = found;
  if (event === undefined) return null;
  const stream = names.inLog(event.streamId);
  const revision = Number(event.revision);
  // The tombstone of a stream that was deleted for good has the greatest revision that there is; it is no event of anybody's.
  if (stream === null || !Number.isSafeInteger(revision)) return null;
  return {
    id: event.id,
    type: event.type,
    data: event.isJson ? JSON.stringify(event.data) : Buffer.from(event.data as Uint8Array).toString('utf8'),
    metadata: metadataText(event.metadata),
    stream,
    revision,
    position: positionOf(found),
    created: event.created.getTime(),
  };
}

function metadataText(metadata: unknown): string {
  if (metadata === undefined) return '{}';
  if (!(metadata instanceof Uint8Array)) return JSON.stringify(metadata);
  const bytes = Buffer.from(metadata);
  return (bytes.subarray(0, MARK.length).equals(MARK) ? bytes.subarray(MARK.length) : bytes).toString('utf8');
}
