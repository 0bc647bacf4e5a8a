import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb';
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import { refusedFor, refusalFor, requiresLeader, type Context } from './context';
import { eventResponse, notFoundResponse, streamName } from './messages';
import { handlerThrew, readFailed, streamDeleted } from './refusals';
import { filterOf, type RecordFilter } from './filters';
import type { StoredRecord } from './record';
import { Outlet } from './outlet';
import { subscribeToAll, subscribeToStream, type From } from './subscriptions';

const ALL = '$all';
const BACKWARDS = 1;

export function read(context: Context): handleServerStreamingCall<ReadReq, ReadResp> {
  return (call) => {
    const options = call.request.getOptions()!;
    const stream = options.hasAll() ? ALL : streamName(options.getStream()!.getStreamIdentifier());
    const subscribing = options.hasSubscription();
    context.calls.push({
      method: subscribing ? 'subscribe' : 'read',
      stream,
      requiresLeader: requiresLeader(call.metadata),
    });
    const outlet = new Outlet(call);
    const refused = refusedFor(context, call.metadata);
    if (refused) return outlet.fail(refused);
    const fault = context.faults.takeRead(stream);
    if (fault) {
      if (fault.kind === 'silence') return;
      return fault.kind === 'drop' ? context.drop(call.getPeer()) : outlet.fail(refusalFor(fault));
    }
    const backwards = options.getReadDirection() === BACKWARDS;
    // The client sends Number.MAX_SAFE_INTEGER for "all of it".
    const count = Number(options.getCount());
    if (stream !== ALL) {
      const from = streamFrom(options.getStream()!);
      if (subscribing) return subscribeToStream(context, outlet, stream, from);
      return readStream(context, outlet, stream, backwards, from, count);
    }
    const from = allFrom(options.getAll()!);
    const filter = filterOf(options.getFilter());
    const nowhere = typeof from === 'bigint' && !context.log.isPosition(from);
    if (nowhere) return outlet.fail(subscribing ? handlerThrew() : readFailed('ReadAllResult'));
    if (subscribing) return subscribeToAll(context, outlet, from, filter);
    readAll(context, outlet, backwards, from, count, filter);
  };
}

function streamFrom(options: ReadReq.Options.StreamOptions): From {
  if (options.hasStart()) return 'start';
  return options.hasEnd() ? 'end' : BigInt(options.getRevision());
}

function allFrom(options: ReadReq.Options.AllOptions): From {
  if (options.hasStart()) return 'start';
  return options.hasEnd() ? 'end' : BigInt(options.getPosition()!.getCommitPosition());
}

function readStream(
  context: Context,
  outlet: Outlet,
  stream: string,
  backwards: boolean,
  from: From,
  count: number,
): void {
  // The start backwards is the first event alone; the end forwards is more than the server can do.
  const first = from === 'start' ? 0n : from === 'end' ? undefined : from;
  if (from === 'end' && !backwards) return outlet.fail(readFailed('ReadStreamResult'));
  const found = context.log.readStream(stream, backwards, first, count);
  if (found.result === 'deleted') return outlet.fail(streamDeleted(stream));
  if (found.result === 'found') return void deliver(outlet, found.records);
  outlet.put(notFoundResponse(stream));
  outlet.end();
}

function readAll(
  context: Context,
  outlet: Outlet,
  backwards: boolean,
  from: From,
  count: number,
  filter: RecordFilter | undefined,
): void {
  if (backwards ? from === 'start' : from === 'end') return outlet.end();
  // Forwards there is nothing yet; backwards the server does not find its way.
  if (backwards && typeof from === 'bigint' && from > (context.log.records.at(-1)?.position ?? 0n)) {
    return outlet.fail(readFailed('ReadAllResult'));
  }
  const first = typeof from === 'bigint' ? from : undefined;
  const records = context.log.readAll(backwards, first, filter ? Infinity : count);
  void deliver(outlet, filter ? records.filter(filter.matches).slice(0, count) : records);
}

async function deliver(outlet: Outlet, records: readonly StoredRecord[]): Promise<void> {
  for (const record of records) {
    if (outlet.closed) return;
    if (!outlet.put(eventResponse(record))) await outlet.drained();
  }
  outlet.end();
}
