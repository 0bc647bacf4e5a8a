import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { EventStoreDbConnection } from 'holdfast';

/** A node as it is seen by the one that was asked. */
export interface Node {
  readonly state: string;
  readonly alive: boolean;
  /** `host:port` */
  readonly address: string;
}

const PATIENCE_MS = 2_000;

/** What the cluster's own gossip says (`/gossip`), of the first host of the connection string that answers. */
export async function nodesOf(connection: string): Promise<readonly Node[]> {
  const hosts = hostsOf(connection);
  const failed: string[] = [];
  for (const host of hosts) {
    try {
      return nodesIn(await get(connection, host));
    } catch (error) {
      failed.push(`${host}: ${(error as Error).message}`);
    }
  }
  throw new Error(`No node tells who the others are. ${failed.join('; ')}`);
}

/** The leader, where every node is alive and there is exactly one; null: the cluster is not whole. */
export function leaderOfWhole(nodes: readonly Node[]): Node | null {
  const leaders = nodes.filter(({ state }) => state === 'Leader');
  const whole = nodes.every(({ state, alive }) => alive && ['Leader', 'Follower', 'ReadOnlyReplica'].includes(state));
  return whole && leaders.length === 1 ? leaders[0] : null;
}

export function nodesIn(gossip: string): readonly Node[] {
  const { members } = JSON.parse(gossip) as {
    readonly members: readonly {
      readonly state: string;
      readonly isAlive: boolean;
      readonly httpEndPointIp: string;
      readonly httpEndPointPort: number;
    }[];
  };
  return members
    .filter(({ state }) => state !== 'Manager')
    .map(({ state, isAlive, httpEndPointIp, httpEndPointPort }) => ({
      state,
      alive: isAlive,
      address: `${httpEndPointIp}:${httpEndPointPort}`,
    }));
}

function hostsOf(connection: string): readonly string[] {
  const hosts = /^[^:]+:\/\/(?:[^/?]*@)?([^/?]*)/.exec(connection)?.[1] ?? '';
  return hosts.split(',').map((host) => (host.includes(':') ? host : `${host}:2113`));
}

function get(connection: string, host: string): Promise<string> {
  const { tls, credentials } = EventStoreDbConnection.parse(connection);
  const file = /[?&]tlsCAFile=([^&]*)/i.exec(connection)?.[1];
  const auth = tls ? `${credentials.username}:${credentials.password}` : undefined;
  const ca = file === undefined ? undefined : readFileSync(decodeURIComponent(file));
  return new Promise((resolve, reject) => {
    const options = { auth, ca, timeout: PATIENCE_MS };
    const url = `${tls ? 'https' : 'http'}://${host}/gossip?format=json`;
    const request = (tls ? https : http).get(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
    request.on('error', reject);
  });
}
