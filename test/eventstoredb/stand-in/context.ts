import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import type { Clock, Random } from '../../../src/clock';
import type { Faults, Refusing } from './faults';
import type { Log } from './log';
import {
  accessDenied,
  busy,
  noLeaderKnown,
  notLeader,
  notReady,
  timedOut,
  unauthenticated,
  type Refusal,
} from './refusals';
import type { Writer } from './writer';

/** A call that came in, for tests that want to know what was asked for. */
export interface SeenCall {
  readonly method: 'append' | 'batchAppend' | 'read' | 'subscribe' | 'delete' | 'tombstone' | 'gossip' | 'features';
  readonly stream: string;
  readonly requiresLeader: boolean;
}

export interface Limits {
  /** How many events a live subscription holds for a consumer that does not keep up. */
  readonly liveBuffer: number;
  /** After how long the server gives up an append that it could not finish. */
  readonly writeTimeoutMs: number;
}

/** What the services share. */
export interface Context {
  readonly log: Log;
  readonly writer: Writer;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly calls: SeenCall[];
  /** Undefined: nobody is asked who they are. */
  readonly users: Readonly<Record<string, string>> | undefined;
  /** Resets the connection that a call came over. */
  drop(peer: string): void;
}

export const requiresLeader = (headers: Metadata): boolean => headers.get('requires-leader')[0] === 'true';

export function refusalFor(fault: Refusing): Refusal {
  switch (fault.kind) {
    case 'not-ready':
      return notReady();
    case 'busy':
      return busy();
    case 'timeout':
      return timedOut('Forward timeout');
    case 'no-leader':
      return noLeaderKnown();
    case 'access-denied':
      return accessDenied();
    case 'unauthenticated':
      return unauthenticated();
    case 'not-leader':
      return notLeader(fault);
  }
}

/** What this node says to a call of somebody whom it does not know, or that needs the leader when the leader is another. */
export function refusedFor(context: Context, headers: Metadata): Refusal | undefined {
  if (!isKnown(context, headers)) return unauthenticated();
  const { leader } = context.faults;
  return leader && requiresLeader(headers) ? notLeader(leader) : undefined;
}

function isKnown({ users }: Context, headers: Metadata): boolean {
  if (users === undefined) return true;
  const [, basic = ''] = String(headers.get('authorization')[0] ?? '').split(' ');
  const given = Buffer.from(basic, 'base64').toString('utf8');
  return Object.entries(users).some(([user, password]) => given === `${user}:${password}`);
}

/** Breaks a call off with RST_STREAM. The gRPC server offers no way to, so it is done below it. */
export function resetStream(call: object): void {
  const { stream } = (call as { call: { stream: ServerHttp2Stream } }).call;
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}
