import type { JsonValue } from 'holdfast';
import { instancesOn, loadOf, moved, type Cluster, type Load } from '../cluster/cluster';

/** One step of a plan. Steps are done in their order. */
export type Action =
  | {
      readonly kind: 'migrate';
      readonly instance: string;
      readonly from: string;
      readonly to: string;
    }
  /** The host carries nothing any more and may be switched off. */
  | { readonly kind: 'release'; readonly host: string };

/** What a strategy makes of a cluster. */
export interface Proposal {
  readonly actions: readonly Action[];
  /** What a reader should know besides, one sentence each. */
  readonly notes: readonly string[];
  /** What the strategy was given, where that is its point. */
  readonly inputs?: JsonValue;
}

/** A host in figures. */
export interface HostFigures extends Load {
  readonly host: string;
  readonly instances: number;
}

/** A cluster in figures. */
export interface Figures {
  readonly hosts: readonly HostFigures[];
  /** Hosts that carry something, or cannot be switched off. */
  readonly hostsInUse: number;
  /** Between the host with the highest load and the one with the lowest: a share of capacity. */
  readonly spread: Load;
  /** Standard deviation of the loads of hosts. */
  readonly deviation: Load;
}

/** What an audit recommends. Nothing is carried out. */
export interface ActionPlan extends Proposal {
  readonly audit: string;
  readonly slot: string;
  readonly goal: string;
  readonly strategy: string;
  readonly before: Figures;
  readonly after: Figures;
}

export type PlanOf = Pick<ActionPlan, 'audit' | 'slot' | 'goal' | 'strategy'>;

/** A proposal as a plan, with what it does to the cluster that it was made for. */
export function planOf(of: PlanOf, proposal: Proposal, cluster: Cluster): ActionPlan {
  return { ...of, ...proposal, before: figuresOf(cluster), after: figuresOf(applied(cluster, proposal.actions)) };
}

/** The cluster when the actions are done. */
export function applied(cluster: Cluster, actions: readonly Action[]): Cluster {
  const targets = new Map<string, string>();
  for (const action of actions) if (action.kind === 'migrate') targets.set(action.instance, action.to);
  return moved(cluster, targets);
}

export function figuresOf(cluster: Cluster): Figures {
  const hosts = cluster.hosts.map((host) => {
    const carried = instancesOn(cluster, host.name);
    const { cpu, memory } = loadOf(host, carried);
    return { host: host.name, instances: carried.length, cpu: rounded(cpu), memory: rounded(memory) };
  });
  const keep = new Set(cluster.hosts.filter(({ keep }) => keep === true).map(({ name }) => name));
  const over = (of: (loads: readonly number[]) => number): Load => ({
    cpu: rounded(of(hosts.map(({ cpu }) => cpu))),
    memory: rounded(of(hosts.map(({ memory }) => memory))),
  });
  return {
    hosts,
    hostsInUse: hosts.filter(({ host, instances }) => instances > 0 || keep.has(host)).length,
    spread: over(spread),
    deviation: over(deviation),
  };
}

/** Highest minus lowest; 0 of nothing. */
export function spread(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.max(...values) - Math.min(...values);
}

/** Standard deviation; 0 of nothing. */
export function deviation(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
