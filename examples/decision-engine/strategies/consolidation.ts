import type { Cluster, Host, Instance } from '../cluster/cluster';
import { Board } from './board';
import type { Action, Proposal } from './plan';

export interface ConsolidationParameters {
  /** Share of cores and of memory that a host may have in use after it has received something; above 0, at most 1. */
  readonly maxLoad: number;
  /** Hosts to empty at most, 1 or more. */
  readonly maxHosts: number;
}

/**
 * Empties hosts, the least loaded first, so that fewer have to run.
 *
 * A host is emptied whole or not at all; what it carried goes to hosts that run anyway, onto the fullest that still has room. An instance
 * moves at most once, and a host that has received something is not emptied itself.
 */
export function consolidate(cluster: Cluster, { maxLoad, maxHosts }: ConsolidationParameters): Proposal {
  const board = new Board(cluster);
  const receivers = new Set<string>();
  const emptied = new Set<string>();
  const actions: Action[] = [];
  const weight = (host: Host) => Math.max(board.load(host).cpu, board.load(host).memory);
  const donors = board.hosts.filter((host) => mayGive(host, board)).sort((a, b) => weight(a) - weight(b));
  for (const donor of donors) {
    if (emptied.size >= maxHosts) break;
    if (receivers.has(donor.name)) continue;
    const open = board.hosts.filter(
      (host) => host !== donor && !emptied.has(host.name) && (host.keep === true || board.on(host).length > 0),
    );
    const moves = movesOff(donor, open, board, maxLoad);
    if (moves === null) continue;
    for (const { instance, to } of moves) {
      board.move(instance, donor, to);
      receivers.add(to.name);
      actions.push({ kind: 'migrate', instance: instance.name, from: donor.name, to: to.name });
    }
    emptied.add(donor.name);
    actions.push({ kind: 'release', host: donor.name });
  }
  return { actions, notes: [] };
}

function mayGive(host: Host, board: Board): boolean {
  const carried = board.on(host);
  return host.keep !== true && carried.length > 0 && carried.every(({ pinned }) => pinned !== true);
}

interface Move {
  readonly instance: Instance;
  readonly to: Host;
}

/** Where everything of the donor goes, the largest first; null: not everything has room. */
function movesOff(donor: Host, open: readonly Host[], board: Board, maxLoad: number): readonly Move[] | null {
  const bySize = [...board.on(donor)].sort((a, b) => b.cpus - a.cpus || b.memoryMiB - a.memoryMiB);
  const given = new Map<string, Instance[]>();
  const moves: Move[] = [];
  for (const instance of bySize) {
    const room = open
      .map((host) => ({ host, with: [...(given.get(host.name) ?? []), instance] }))
      .filter(({ host, with: more }) => board.fits(host, more, maxLoad));
    if (room.length === 0) return null;
    const fullest = room.reduce((best, next) =>
      board.load(next.host, next.with).cpu > board.load(best.host, best.with).cpu ? next : best,
    );
    given.set(fullest.host.name, fullest.with);
    moves.push({ instance, to: fullest.host });
  }
  return moves;
}
