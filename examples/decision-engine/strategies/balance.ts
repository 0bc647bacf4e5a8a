import type { Cluster, Host, Instance } from '../cluster/cluster';
import { Board } from './board';
import { deviation, spread, type Action, type Proposal } from './plan';

export interface BalanceParameters {
  /** What is to be even. */
  readonly metric: 'cpu' | 'memory';
  /** While highest and lowest load are no further apart than this, nothing is done; 0 … 1, a share of capacity. */
  readonly threshold: number;
  /** Share of cores and of memory that a host may have in use after it has received something; above 0, at most 1. */
  readonly maxLoad: number;
  /** 1 or more. */
  readonly maxMigrations: number;
}

/** Less than this is no gain: sums of shares are not exact. */
const GAIN = 1e-9;

interface Move {
  readonly instance: Instance;
  readonly from: Host;
  readonly to: Host;
  readonly deviation: number;
}

/**
 * Moves instances off the most loaded hosts until the loads lie within the threshold.
 *
 * Each step is the move off the most loaded host that has one which lowers the standard deviation most, of several that with the least
 * memory to copy, and none that would widen the spread. An instance moves at most once.
 */
export function balance(cluster: Cluster, parameters: BalanceParameters): Proposal {
  const board = new Board(cluster);
  const moved = new Set<Instance>();
  const actions: Action[] = [];
  while (actions.length < parameters.maxMigrations) {
    const loads = board.hosts.map((host) => board.load(host)[parameters.metric]);
    if (spread(loads) <= parameters.threshold) break;
    const move = bestMove(board, loads, moved, parameters);
    if (move === null) {
      return { actions, notes: [`No further move lowers the spread of ${parameters.metric} load.`] };
    }
    const { instance, from, to } = move;
    board.move(instance, from, to);
    moved.add(instance);
    actions.push({ kind: 'migrate', instance: instance.name, from: from.name, to: to.name });
  }
  return { actions, notes: [] };
}

function bestMove(
  board: Board,
  loads: readonly number[],
  moved: ReadonlySet<Instance>,
  parameters: BalanceParameters,
): Move | null {
  const mean = loads.reduce((a, b) => a + b, 0) / loads.length;
  const givers = board.hosts
    .map((host, at) => ({ host, load: loads[at] }))
    .filter(({ load }) => load > mean)
    .sort((a, b) => b.load - a.load);
  for (const { host } of givers) {
    const moves = board
      .on(host)
      .filter((one) => one.pinned !== true && !moved.has(one))
      .sort((a, b) => a.memoryMiB - b.memoryMiB)
      .flatMap((instance) => movesOf(instance, host, board, loads, parameters));
    if (moves.length > 0) return moves.reduce((best, next) => (next.deviation < best.deviation - GAIN ? next : best));
  }
  return null;
}

function movesOf(
  instance: Instance,
  from: Host,
  board: Board,
  loads: readonly number[],
  { metric, maxLoad }: BalanceParameters,
): readonly Move[] {
  const before = { deviation: deviation(loads), spread: spread(loads) };
  const giver = board.hosts.indexOf(from);
  const left = board.load(from, [], [instance])[metric];
  return board.hosts.flatMap((to, receiver) => {
    if (to === from || !board.fits(to, [instance], maxLoad)) return [];
    const got = board.load(to, [instance])[metric];
    const after = loads.map((load, at) => (at === giver ? left : at === receiver ? got : load));
    if (spread(after) > before.spread) return [];
    const lower = deviation(after);
    return lower < before.deviation - GAIN ? [{ instance, from, to, deviation: lower }] : [];
  });
}
