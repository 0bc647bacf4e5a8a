import {
  AccessDenied,
  BadRequest,
  Empty,
  MaximumAppendSizeExceeded,
  StreamDeleted,
  Timeout,
  WrongExpectedVersion,
} from '@eventstore/db-client/generated/shared_pb';
import { Status } from '@eventstore/db-client/generated/status_pb';
import { AppendResp, BatchAppendResp, type BatchAppendReq } from '@eventstore/db-client/generated/streams_pb';
import type { ServerDuplexStream, handleBidiStreamingCall } from '@grpc/grpc-js';
import type { Message } from 'google-protobuf';
import { Any } from 'google-protobuf/google/protobuf/any_pb';
import type { Timer } from '../../../src/clock';
import { refusedFor, refusalFor, requiresLeader, resetStream, type Context } from './context';
import type { Refusing } from './faults';
import { bytesOf, expectedOf, identifierOf, proposalOf, setRevision, streamName, uuid } from './messages';
import type { Expected, Proposal, WriteAnswer } from './record';
import { MAX_APPEND_BYTES } from './refusals';
import { proposalsOf } from './writes';

/** An append of which not all messages have come yet. */
interface Pending {
  readonly stream: string;
  readonly expected: Expected;
  readonly proposals: Proposal[];
  bytes: number;
}

type Call = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

export function batchAppend(context: Context): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> {
  return (call) => new Batch(context, call);
}

/** The append path on which all appends of a client share one stream, and are told apart by correlation ids. */
class Batch {
  private readonly pending = new Map<string, Pending>();
  private readonly timers = new Map<string, Timer>();
  private over = false;

  constructor(
    private readonly context: Context,
    private readonly call: Call,
  ) {
    call.on('data', (request: BatchAppendReq) => this.take(request));
    call.on('end', () => {
      this.finish();
      call.end();
    });
    call.on('cancelled', () => this.finish());
    call.on('error', () => this.finish());
  }

  private take(request: BatchAppendReq): void {
    if (this.over) return;
    const correlation = request.getCorrelationId()!.getString();
    const options = request.getOptions();
    if (options) {
      const stream = streamName(options.getStreamIdentifier());
      const left = (options.getDeadline()?.toDate().getTime() ?? Infinity) - this.context.clock.wall();
      if (left <= 0) return this.fail(correlation, stream, 'Timeout', 4, 'Timeout', new Timeout());
      const expected = expectedOf(options, options.getStreamPosition());
      this.pending.set(correlation, { stream, expected, proposals: [], bytes: 0 });
      // Whatever is not complete by then is answered with a time-out, also when it has been answered with a refusal.
      const timeout = Math.min(left, this.context.limits.writeTimeoutMs);
      const timer = this.context.clock.setTimer(timeout, () => this.giveUp(correlation), { keepAlive: false });
      this.timers.set(correlation, timer);
    }
    const pending = this.pending.get(correlation);
    if (!pending) return;
    try {
      for (const message of request.getProposedMessagesList()) {
        const proposal = proposalOf(message);
        pending.proposals.push(proposal);
        pending.bytes += bytesOf(proposal);
      }
      if (pending.bytes > MAX_APPEND_BYTES) {
        this.forget(correlation);
        const details = new MaximumAppendSizeExceeded();
        details.setMaxappendsize(MAX_APPEND_BYTES);
        this.fail(correlation, pending.stream, 'MaximumAppendSizeExceeded', 3, 'MaximumAppendSizeExceeded', details);
        return;
      }
      if (!request.getIsFinal()) return;
      this.forget(correlation);
      proposalsOf(pending.stream, []);
      this.write(correlation, pending);
    } catch (error) {
      // The append stays pending here, so its time-out is a second answer, which ends the client's process.
      const details = new BadRequest();
      details.setMessage(error instanceof Error ? error.message : String(error));
      this.fail(correlation, pending.stream, 'BadRequest', 3, 'BadRequest', details);
    }
  }

  private write(correlation: string, { stream, expected, proposals }: Pending): void {
    const { context, call } = this;
    context.calls.push({ method: 'batchAppend', stream, requiresLeader: requiresLeader(call.metadata) });
    const refused = refusedFor(context, call.metadata);
    if (refused) return this.failStream(refused);
    const fault = context.faults.takeAppend(stream);
    const commit = () => context.log.append(stream, expected, proposals);
    if (!fault) {
      return void context.writer.append(stream, expected, proposals).then((written) => {
        if (written !== 'timed-out') return this.answer(correlation, stream, expected, written);
        this.refuse(correlation, stream, { kind: 'timeout' });
      });
    }
    switch (fault.kind) {
      case 'second-answer': {
        const written = commit();
        this.answer(correlation, stream, expected, written);
        return this.answer(correlation, stream, expected, written);
      }
      case 'silence':
        if (fault.commit) commit();
        return;
      case 'late': {
        const written = commit();
        void fault.until.then(() => this.answer(correlation, stream, expected, written));
        return;
      }
      case 'drop-before':
        return context.drop(call.getPeer());
      case 'drop-after':
        commit();
        return context.drop(call.getPeer());
      case 'reset':
        if (fault.commit) commit();
        return resetStream(call);
      default:
        return this.refuse(correlation, stream, fault);
    }
  }

  private refuse(correlation: string, stream: string, fault: Refusing): void {
    switch (fault.kind) {
      case 'not-ready':
        return this.fail(correlation, stream, 'Empty', 0, 'Server Is Not Ready', new Empty());
      case 'busy':
        return this.fail(correlation, stream, 'Empty', 0, 'Server Is Busy', new Empty());
      case 'no-leader':
        return this.fail(correlation, stream, 'Empty', 0, 'No leader info available in response', new Empty());
      case 'timeout':
        return this.fail(correlation, stream, 'Timeout', 4, 'Timeout', new Timeout());
      case 'access-denied':
        return this.fail(correlation, stream, 'AccessDenied', 7, 'AccessDenied', new AccessDenied());
      case 'unauthenticated':
      case 'not-leader':
        // Refusals that end the stream, and with it every append that waits on it.
        return this.failStream(refusalFor(fault));
    }
  }

  private answer(correlation: string, stream: string, expected: Expected, answer: WriteAnswer): void {
    if (answer.result === 'deleted') {
      const details = new StreamDeleted();
      details.setStreamIdentifier(identifierOf(stream));
      return this.fail(correlation, stream, 'StreamDeleted', 5, 'StreamDeleted', details);
    }
    if (answer.result === 'wrong-version') {
      const details = wrongVersion(expected, answer.current);
      return this.fail(correlation, stream, 'WrongExpectedVersion', 6, 'WrongExpectedVersion', details);
    }
    const success = new BatchAppendResp.Success();
    setRevision(success, answer.revision);
    if (answer.position !== undefined) success.setPosition(positionOf(answer.position));
    const response = new BatchAppendResp();
    response.setSuccess(success);
    this.say(correlation, stream, response);
  }

  private fail(
    correlation: string,
    stream: string,
    type: string,
    code: number,
    message: string,
    details: Message,
  ): void {
    const packed = new Any();
    packed.pack(details.serializeBinary(), type === 'Empty' ? 'google.protobuf.Empty' : `event_store.client.${type}`);
    const status = new Status();
    status.setCode(code as never);
    status.setMessage(message);
    status.setDetails(packed);
    const response = new BatchAppendResp();
    response.setError(status);
    this.say(correlation, stream, response);
  }

  private say(correlation: string, stream: string, response: BatchAppendResp): void {
    if (this.over) return;
    response.setCorrelationId(uuid(correlation));
    response.setStreamIdentifier(identifierOf(stream));
    this.call.write(response);
  }

  private failStream(refusal: object): void {
    if (this.over) return;
    this.finish();
    this.call.emit('error', refusal);
  }

  private giveUp(correlation: string): void {
    const pending = this.pending.get(correlation);
    this.forget(correlation);
    if (pending) this.fail(correlation, pending.stream, 'Timeout', 4, 'Timeout', new Timeout());
  }

  private forget(correlation: string): void {
    this.pending.delete(correlation);
    this.timers.get(correlation)?.cancel();
    this.timers.delete(correlation);
  }

  private finish(): void {
    this.over = true;
    for (const correlation of [...this.timers.keys()]) this.forget(correlation);
  }
}

function positionOf(position: bigint): AppendResp.Position {
  const made = new AppendResp.Position();
  made.setCommitPosition(String(position));
  made.setPreparePosition(String(position));
  return made;
}

function wrongVersion(expected: Expected, current: bigint): WrongExpectedVersion {
  const details = new WrongExpectedVersion();
  if (current < 0n) details.setCurrentNoStream(new Empty());
  else details.setCurrentStreamRevision(String(current));
  if (expected === 'any') details.setExpectedAny(new Empty());
  else if (expected === 'stream_exists') details.setExpectedStreamExists(new Empty());
  else if (expected === 'no_stream') details.setExpectedNoStream(new Empty());
  else details.setExpectedStreamPosition(String(expected));
  return details;
}
