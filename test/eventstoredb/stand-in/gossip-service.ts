import type { IGossipServer } from '@eventstore/db-client/generated/gossip_grpc_pb';
import { ClusterInfo, EndPoint, MemberInfo } from '@eventstore/db-client/generated/gossip_pb';
import { SupportedMethod, SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb';
import type { Empty } from '@eventstore/db-client/generated/shared_pb';
import type { handleUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { refusalFor, type Context } from './context';
import type { Member, ReadFault } from './faults';
import { uuid } from './messages';

const SERVER_VERSION = '23.10.6';
const FEATURES: Record<string, string[]> = { read: ['position', 'events'], batchappend: ['deadline_duration'] };
const { INITIALIZING, FOLLOWER, LEADER } = MemberInfo.VNodeState;
const STATES = { leader: LEADER, follower: FOLLOWER, unknown: INITIALIZING };

export function gossip(context: Context, port: () => number): IGossipServer {
  const read: handleUnaryCall<Empty, ClusterInfo> = (call, callback) => {
    context.calls.push({ method: 'gossip', stream: '', requiresLeader: false });
    if (afflicted(context, context.faults.takeGossip(), call.getPeer(), callback)) return;
    const alone: Member = { host: '127.0.0.1', port: port(), state: 'leader', alive: true };
    const info = new ClusterInfo();
    for (const member of context.faults.members ?? [alone]) info.addMembers(memberInfo(context, member));
    callback(null, info);
  };
  return { read };
}

function memberInfo(context: Context, { host, port, state, alive }: Member): MemberInfo {
  const endPoint = new EndPoint();
  endPoint.setAddress(host);
  endPoint.setPort(port);
  const info = new MemberInfo();
  info.setInstanceId(uuid(context.random.uuid(context.clock.wall())));
  info.setTimeStamp(String(BigInt(context.clock.wall()) * 10_000n));
  info.setState(STATES[state]);
  info.setIsAlive(alive);
  info.setHttpEndPoint(endPoint);
  return info;
}

/** What the client asks before its first append: whether there is a batch path. */
export function serverFeatures(context: Context): { getSupportedMethods: handleUnaryCall<Empty, SupportedMethods> } {
  return {
    getSupportedMethods: (call, callback) => {
      context.calls.push({ method: 'features', stream: '', requiresLeader: false });
      if (afflicted(context, context.faults.takeServerFeatures(), call.getPeer(), callback)) return;
      const methods = new SupportedMethods();
      methods.setEventStoreServerVersion(SERVER_VERSION);
      for (const { path } of Object.values(StreamsService)) {
        // The server writes names in lower case, and the client compares so.
        const [, service, name] = path.toLowerCase().split('/');
        const method = new SupportedMethod();
        method.setServiceName(service);
        method.setMethodName(name);
        method.setFeaturesList(FEATURES[name] ?? []);
        methods.addMethods(method);
      }
      callback(null, methods);
    },
  };
}

function afflicted<T>(
  context: Context,
  fault: ReadFault | undefined,
  peer: string,
  callback: sendUnaryData<T>,
): boolean {
  if (!fault) return false;
  if (fault.kind === 'drop') context.drop(peer);
  else if (fault.kind !== 'silence') callback(refusalFor(fault));
  return true;
}
