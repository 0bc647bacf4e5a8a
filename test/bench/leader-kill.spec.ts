import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { longestPause } from '../../bench/eventstoredb/leader-kill';
import { leaderOfWhole, nodesIn, nodesOf } from '../../bench/eventstoredb/nodes';

const member = (port: number, state: string, isAlive = true) => ({
  state,
  isAlive,
  httpEndPointIp: '10.0.0.1',
  httpEndPointPort: port,
});
const gossip = (...members: object[]) => JSON.stringify({ members });

describe('the longest pause between claims', () => {
  it('counts from the kill to the first claim, and between claims', () => {
    expect(longestPause(100, [150, 160, 170])).toBe(50);
    expect(longestPause(100, [101, 102, 1_502, 1_503])).toBe(1_400);
    expect(longestPause(100, [])).toBe(0);
  });
});

describe('the nodes of a cluster', () => {
  it('have a leader when all are alive and one leads', () => {
    const whole = nodesIn(gossip(member(1, 'Follower'), member(2, 'Leader'), member(3, 'Follower')));
    expect(leaderOfWhole(whole)?.address).toBe('10.0.0.1:2');
  });

  it('have none while one is dead, catches up, or nobody knows who leads', () => {
    const others = [member(1, 'Follower'), member(2, 'Leader')];
    for (const third of [member(3, 'Follower', false), member(3, 'CatchingUp'), member(3, 'Leader')])
      expect(leaderOfWhole(nodesIn(gossip(...others, third)))).toBeNull();
    expect(leaderOfWhole(nodesIn(gossip(member(1, 'Follower'))))).toBeNull();
  });

  it('are asked of the first host that answers', async () => {
    const server = createServer((_request, response) => response.end(gossip(member(2, 'Leader'))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const nodes = await nodesOf(`esdb://127.0.0.1:1,127.0.0.1:${port}?tls=false`);
    expect(nodes.map(({ address }) => address)).toEqual(['10.0.0.1:2']);
    await new Promise((resolve) => server.close(resolve));
    await expect(nodesOf('esdb://127.0.0.1:1?tls=false')).rejects.toThrow('127.0.0.1:1: ');
  });
});
