import { Empty, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb';
import { AppendReq, BatchAppendReq, ReadResp } from '@eventstore/db-client/generated/streams_pb';
import type { Expected, Proposal, StoredRecord } from './record';

/** Between the messages of the wire and the records of the log. */

const NIL = '00000000-0000-0000-0000-000000000000';
const UUID_FORM = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TICKS_PER_MILLISECOND = 10_000n;

/** Why the server's own constructor of an event would throw. */
export class BadProposal extends Error {
  override readonly name = 'BadProposal';
}

/** A required property of the message is absent. */
export class MissingProperty extends Error {
  override readonly name = 'MissingProperty';
  constructor(readonly property: string) {
    super(property);
  }
}

export function streamName(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');
}

export function identifierOf(stream: string): StreamIdentifier {
  const identifier = new StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream, 'utf8'));
  return identifier;
}

export function uuid(text: string): UUID {
  const made = new UUID();
  made.setString(text);
  return made;
}

interface ExpectedCase {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists?(): boolean;
}

export function expectedOf(options: ExpectedCase, revision: string): Expected {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists?.()) return 'stream_exists';
  return BigInt(revision);
}

type Proposed = AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage;

/** @throws BadProposal | MissingProperty */
export function proposalOf(message: Proposed): Proposal {
  const properties = message.getMetadataMap();
  const type = properties.get('type');
  if (type === undefined) throw new MissingProperty('type');
  const contentType = properties.get('content-type');
  if (contentType === undefined) throw new MissingProperty('content-type');
  const id = (message.getId()?.getString() ?? '').toLowerCase();
  if (!UUID_FORM.test(id)) throw new BadProposal('Unrecognized Guid format.');
  if (id === NIL) throw new BadProposal("Empty eventId provided. (Parameter 'eventId')");
  if (type === '') throw new BadProposal("Empty eventType provided. (Parameter 'eventType')");
  return {
    id,
    type,
    json: contentType === 'application/json',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

/** What the server counts of an event: its data alone. Metadata and type may be as large as a message. */
export const bytesOf = ({ data }: Proposal): number => data.length;

export function eventResponse(record: StoredRecord): ReadResp {
  const recorded = new ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(uuid(record.id));
  recorded.setStreamIdentifier(identifierOf(record.stream));
  recorded.setStreamRevision(String(record.revision));
  recorded.setCommitPosition(String(record.position));
  recorded.setPreparePosition(String(record.position));
  recorded
    .getMetadataMap()
    .set('type', record.type)
    .set('content-type', record.json ? 'application/json' : 'application/octet-stream')
    .set('created', String(BigInt(record.created) * TICKS_PER_MILLISECOND));
  recorded.setData(record.data);
  recorded.setCustomMetadata(record.metadata);
  const event = new ReadResp.ReadEvent();
  event.setEvent(recorded);
  event.setCommitPosition(String(record.position));
  const response = new ReadResp();
  response.setEvent(event);
  return response;
}

export function notFoundResponse(stream: string): ReadResp {
  const missing = new ReadResp.StreamNotFound();
  missing.setStreamIdentifier(identifierOf(stream));
  const response = new ReadResp();
  response.setStreamNotFound(missing);
  return response;
}

export function confirmationResponse(id: string): ReadResp {
  const confirmation = new ReadResp.SubscriptionConfirmation();
  confirmation.setSubscriptionId(id);
  const response = new ReadResp();
  response.setConfirmation(confirmation);
  return response;
}

export function checkpointResponse(position: bigint): ReadResp {
  const checkpoint = new ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(position));
  checkpoint.setPreparePosition(String(position));
  const response = new ReadResp();
  response.setCheckpoint(checkpoint);
  return response;
}

export function caughtUpResponse(): ReadResp {
  const response = new ReadResp();
  response.setCaughtUp(new ReadResp.CaughtUp());
  return response;
}

interface Answered {
  setCurrentRevision(value: string): unknown;
  setNoStream(value?: Empty): unknown;
}

/** The revision of an answer; an empty append to an empty stream has none. */
export function setRevision(answer: Answered, revision: bigint): void {
  if (revision < 0n) answer.setNoStream(new Empty());
  else answer.setCurrentRevision(String(revision));
}

/** The server's own numbers for what is expected, as a refused delete names them. */
export function expectedNumber(expected: Expected): bigint {
  if (expected === 'no_stream') return -1n;
  if (expected === 'any') return -2n;
  return expected === 'stream_exists' ? -4n : expected;
}
