import { exec } from 'node:child_process';
import type { BenchCase, BenchContext, Measured } from '../case';
import { connectionOfRound, placeOnServer } from '../place';
import { median, percentile } from '../statistics';
import { ClaimingService, now } from './claiming-service';
import { leaderOfWhole, nodesOf, type Node } from './nodes';

const KILLS = 20;
const QUICK_KILLS = 2;
/** Of steady claims before a kill, and after the cluster was whole again. */
const SETTLE_MS = 3_000;
/** How long claims are watched from the kill, at least. */
const WATCH_MS = 10_000;
/** Claims flow when the last one is no older. */
const FLOWING_MS = 500;
const PATIENCE_MS = 90_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * How long no claim is accepted when the leader of the cluster is killed: a service with the default profile schedules jobs without pause and claims
 * them; counted is the longest time between two acknowledged claims from the moment before the command that kills the node is run until claims have
 * flowed again. Then the node is started, and the next kill waits until every node is alive.
 *
 * The jobs are scheduled through the same log, so that what the scheduling needs to find the new leader is in the figure too.
 */
export const leaderKill: BenchCase = {
  name: 'esdb-leader-kill',
  keys: ['esdbLeaderKillMedianMs', 'esdbLeaderKillMaxMs'],
  rounds: 'once',
  async run({ directory, say, quick, leaderKill: how }: BenchContext): Promise<Measured> {
    if (how === undefined) throw new Error('Nobody has said how a node is killed and started.');
    const kills = quick ? QUICK_KILLS : KILLS;
    await leader();
    const service = await ClaimingService.start(await placeOnServer(directory));
    const times: number[] = [];
    try {
      for (let n = 1; n <= kills; n++) {
        const { address } = await leader();
        await sleep(SETTLE_MS);
        const at = now();
        await shell(how.kill, address);
        const ms = longestPause(at, await flowingAgain(service, at));
        await shell(how.start, address);
        times.push(ms);
        say(`esdb-leader-kill: kill ${n} of ${kills}, ${address}: ${Math.round(ms)} ms without accepted claims`);
      }
    } finally {
      await service.kill();
    }
    const words = [0, 0.5, 0.9, 1].map((p) => Math.round(percentile(times, p))).join(' / ');
    return {
      figures: { esdbLeaderKillMedianMs: median(times), esdbLeaderKillMaxMs: percentile(times, 1) },
      beside: [
        { what: `leader killed, without accepted claims: min / p50 / p90 / max of ${kills}`, value: `${words} ms` },
      ],
    };
  },
};

/** @param claims in their order, all of them after `from`. The time before the first one counts, that after the last one does not. */
export function longestPause(from: number, claims: readonly number[]): number {
  return claims.reduce(({ last, longest }, at) => ({ last: at, longest: Math.max(longest, at - last) }), {
    last: from,
    longest: 0,
  }).longest;
}

async function flowingAgain(service: ClaimingService, at: number): Promise<readonly number[]> {
  await sleep(WATCH_MS);
  for (;;) {
    const claims = await service.claimsSince(at);
    if (now() - (claims.at(-1) ?? at) <= FLOWING_MS) return claims;
    if (now() - at > PATIENCE_MS) throw new Error(`no claims ${PATIENCE_MS / 1_000} s after the leader was killed`);
    await sleep(100);
  }
}

/** As soon as every node is alive, and one of them leads. */
async function leader(): Promise<Node> {
  const end = now() + PATIENCE_MS;
  for (let nodes: readonly Node[] = []; ; await sleep(250)) {
    nodes = await nodesOf(connectionOfRound()).catch(() => nodes);
    const found = leaderOfWhole(nodes);
    if (found !== null) return found;
    if (now() > end) {
      const states = nodes.map(({ address, state, alive }) => `${address} ${alive ? state : 'dead'}`).join(', ');
      throw new Error(`the cluster is not whole after ${PATIENCE_MS / 1_000} s: ${states || 'no node answers'}`);
    }
  }
}

function shell(command: string, node: string): Promise<void> {
  return new Promise((resolve, reject) => {
    exec(command, { env: { ...process.env, HOLDFAST_NODE: node }, timeout: PATIENCE_MS }, (error, _out, words) =>
      error ? reject(new Error(`\`${command}\` for ${node} failed: ${words.trim() || error.message}`)) : resolve(),
    );
  });
}
