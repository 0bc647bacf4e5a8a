import { exec } from 'node:child_process';
import { setTimeout as rest } from 'node:timers/promises';
import type { FaultOptions } from './options';

interface Member {
  readonly state: string;
  readonly isAlive: boolean;
  readonly httpEndPointIp: string;
  readonly httpEndPointPort: number;
}

const PATIENCE_MS = 180_000;
const START_AGAIN_MS = 15_000;

/** The nodes of the server: who leads, and what is done to them. */
export class Nodes {
  constructor(private readonly options: FaultOptions) {}

  /** 1, 2, …; null: nobody, as far as the nodes say. */
  async leader(): Promise<number | null> {
    for (const node of this.options.nodes) {
      const leader = (await gossip(node))?.find(({ state, isAlive }) => state === 'Leader' && isAlive);
      if (leader !== undefined) return this.placeOf(leader);
    }
    return null;
  }

  async kill(n: number): Promise<void> {
    await shell(fill(this.options.kill, n));
  }

  async start(n: number): Promise<void> {
    if (this.options.start !== '') await shell(fill(this.options.start, n));
  }

  async freeze(n: number): Promise<void> {
    await shell(fill(this.options.freeze, n, await this.pid(n)));
  }

  async thaw(n: number): Promise<void> {
    await shell(fill(this.options.thaw, n, await this.pid(n)));
  }

  /**
   * All nodes are there and in step, as each of them sees it. One that is silent for long is started again: a leader of former times with records
   * that nobody else has ends itself when it comes back, to be started once more.
   * @returns false: not in time.
   */
  async whole(): Promise<boolean> {
    const { nodes } = this.options;
    const deadline = performance.now() + PATIENCE_MS;
    let again = performance.now() + START_AGAIN_MS;
    while (performance.now() < deadline) {
      const seen = await Promise.all(nodes.map(gossip));
      const good = (members: readonly Member[] | null) =>
        members !== null &&
        members.filter(({ isAlive, state }) => isAlive && (state === 'Leader' || state === 'Follower')).length ===
          nodes.length;
      if (seen.every(good)) return true;
      if (performance.now() > again && this.options.start !== '') {
        again = performance.now() + START_AGAIN_MS;
        for (const [index, members] of seen.entries()) if (members === null) await this.start(index + 1);
      }
      await rest(250);
    }
    return false;
  }

  private async pid(n: number): Promise<string> {
    return this.options.pid === '' ? '' : (await shell(fill(this.options.pid, n))).trim();
  }

  private placeOf({ httpEndPointIp, httpEndPointPort }: Member): number | null {
    const found = this.options.nodes.findIndex((node) => {
      const { hostname, port } = new URL(node);
      return Number(port) === httpEndPointPort && (hostname === httpEndPointIp || this.options.nodes.length > 0);
    });
    return found < 0 ? null : found + 1;
  }
}

async function gossip(node: string): Promise<readonly Member[] | null> {
  try {
    const answer = await fetch(new URL('/gossip', node), { signal: AbortSignal.timeout(1_000) });
    return ((await answer.json()) as { members: Member[] }).members;
  } catch {
    return null;
  }
}

function fill(command: string, n: number, pid = ''): string {
  return command.replaceAll('{n}', String(n)).replaceAll('{pid}', pid);
}

function shell(command: string): Promise<string> {
  return new Promise((resolve, reject) =>
    exec(command, { timeout: PATIENCE_MS }, (error, out) => (error ? reject(error) : resolve(out))),
  );
}
