import {
  AppendReq,
  AppendResp,
  DeleteResp,
  TombstoneResp,
  type DeleteReq,
  type TombstoneReq,
} from '@eventstore/db-client/generated/streams_pb';
import { Empty } from '@eventstore/db-client/generated/shared_pb';
import type { handleClientStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import { refusedFor, refusalFor, requiresLeader, resetStream, type Context } from './context';
import {
  BadProposal,
  MissingProperty,
  bytesOf,
  expectedNumber,
  expectedOf,
  proposalOf,
  setRevision,
  streamName,
} from './messages';
import type { Expected, Proposal, WriteAnswer } from './record';
import {
  MAX_APPEND_BYTES,
  appendTooLarge,
  handlerThrew,
  metadataMissing,
  streamDeleted,
  timedOut,
  wrongVersion,
  type Refusal,
} from './refusals';

/** The writing calls that have one answer each: the plain append, delete and tombstone. */

type Answer = (error: Refusal | null, response?: AppendResp) => void;

export function plainAppend(context: Context): handleClientStreamingCall<AppendReq, AppendResp> {
  return (call, callback) => {
    let options: AppendReq.Options | undefined;
    const messages: AppendReq.ProposedMessage[] = [];
    call.on('data', (request: AppendReq) => {
      options ??= request.getOptions();
      const message = request.getProposedMessage();
      if (message) messages.push(message);
    });
    call.on('end', () => {
      const answer: Answer = (error, response) => callback(error, response ?? null);
      const stream = streamName(options?.getStreamIdentifier());
      context.calls.push({ method: 'append', stream, requiresLeader: requiresLeader(call.metadata) });
      const refused = refusedFor(context, call.metadata);
      if (refused || !options) return answer(refused ?? handlerThrew());
      let proposals: Proposal[];
      try {
        proposals = proposalsOf(stream, messages);
      } catch (error) {
        return answer(refusalOfProposal(error));
      }
      if (proposals.reduce((bytes, proposal) => bytes + bytesOf(proposal), 0) > MAX_APPEND_BYTES) {
        return answer(appendTooLarge());
      }
      const expected = expectedOf(options, options.getRevision());
      const write: Write = {
        now: () => appendResponse(context.log.append(stream, expected, proposals), expected, stream),
        usual: async () => {
          const written = await context.writer.append(stream, expected, proposals);
          return written === 'timed-out'
            ? timedOut('Commit phase timeout.')
            : appendResponse(written, expected, stream);
        },
      };
      writeWithFault(context, stream, call, write, answer);
    });
  };
}

/** @throws BadProposal | MissingProperty */
export function proposalsOf(stream: string, messages: readonly Parameters<typeof proposalOf>[0][]): Proposal[] {
  if (stream === '') throw new BadProposal("Argument cannot be null or empty. (Parameter 'eventStreamId')");
  return messages.map(proposalOf);
}

function refusalOfProposal(error: unknown): Refusal {
  if (error instanceof MissingProperty) return metadataMissing(error.property);
  return handlerThrew();
}

function writeWithFault(
  context: Context,
  stream: string,
  call: { getPeer(): string },
  write: Write,
  answer: Answer,
): void {
  const fault = context.faults.takeAppend(stream);
  const say = (written: AppendOrRefusal) => (written instanceof AppendResp ? answer(null, written) : answer(written));
  if (!fault || fault.kind === 'second-answer') return void write.usual().then(say);
  switch (fault.kind) {
    case 'silence':
      if (fault.commit) write.now();
      return;
    case 'late': {
      const written = write.now();
      void fault.until.then(() => say(written));
      return;
    }
    case 'drop-before':
      return context.drop(call.getPeer());
    case 'drop-after':
      write.now();
      return context.drop(call.getPeer());
    case 'reset':
      if (fault.commit) write.now();
      return resetStream(call);
    default:
      return answer(refusalFor(fault));
  }
}

type AppendOrRefusal = AppendResp | Refusal;

interface Write {
  /** In this turn; for faults that say themselves when it is answered. */
  now(): AppendOrRefusal;
  usual(): Promise<AppendOrRefusal>;
}

function appendResponse(answer: WriteAnswer, expected: Expected, stream: string): AppendOrRefusal {
  if (answer.result === 'deleted') return streamDeleted(stream);
  const response = new AppendResp();
  if (answer.result === 'wrong-version') {
    const wrong = new AppendResp.WrongExpectedVersion();
    if (answer.current < 0n) wrong.setCurrentNoStream(new Empty());
    else wrong.setCurrentRevision(String(answer.current));
    if (expected === 'any') wrong.setExpectedAny(new Empty());
    else if (expected === 'stream_exists') wrong.setExpectedStreamExists(new Empty());
    else if (expected === 'no_stream') wrong.setExpectedNoStream(new Empty());
    else wrong.setExpectedRevision(String(expected));
    response.setWrongExpectedVersion(wrong);
    return response;
  }
  const success = new AppendResp.Success();
  setRevision(success, answer.revision);
  if (answer.position === undefined) {
    success.setNoPosition(new Empty());
  } else {
    const position = new AppendResp.Position();
    position.setCommitPosition(String(answer.position));
    position.setPreparePosition(String(answer.position));
    success.setPosition(position);
  }
  response.setSuccess(success);
  return response;
}

export function softDelete(context: Context): handleUnaryCall<DeleteReq, DeleteResp> {
  return (call, callback) => {
    const options = call.request.getOptions()!;
    const stream = streamName(options.getStreamIdentifier());
    const expected = expectedOf(options, options.getRevision());
    context.calls.push({ method: 'delete', stream, requiresLeader: requiresLeader(call.metadata) });
    const answer = context.log.delete(stream, expected);
    if (answer.result !== 'success') return callback(refusalOf(stream, expected, answer));
    const position = new DeleteResp.Position();
    position.setCommitPosition(String(answer.position));
    position.setPreparePosition(String(answer.position));
    const response = new DeleteResp();
    response.setPosition(position);
    callback(null, response);
  };
}

export function tombstone(context: Context): handleUnaryCall<TombstoneReq, TombstoneResp> {
  return (call, callback) => {
    const options = call.request.getOptions()!;
    const stream = streamName(options.getStreamIdentifier());
    const expected = expectedOf(options, options.getRevision());
    context.calls.push({ method: 'tombstone', stream, requiresLeader: requiresLeader(call.metadata) });
    const answer = context.log.tombstone(stream, expected);
    if (answer.result !== 'success') return callback(refusalOf(stream, expected, answer));
    const position = new TombstoneResp.Position();
    position.setCommitPosition(String(answer.position));
    position.setPreparePosition(String(answer.position));
    const response = new TombstoneResp();
    response.setPosition(position);
    callback(null, response);
  };
}

function refusalOf(stream: string, expected: Expected, answer: Exclude<WriteAnswer, { result: 'success' }>): Refusal {
  return answer.result === 'deleted'
    ? streamDeleted(stream)
    : wrongVersion(stream, expectedNumber(expected), answer.current);
}
