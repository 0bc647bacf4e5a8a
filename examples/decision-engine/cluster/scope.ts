import type { Cluster } from './cluster';

/** The part of the cluster that an audit may touch. What is left out does not narrow it; `{}`: everything. */
export interface Scope {
  readonly zones?: readonly string[];
  readonly hosts?: readonly string[];
  readonly exclude?: {
    /** They neither give nor get. */
    readonly hosts?: readonly string[];
    /** They stay where they are, and count where they are. */
    readonly instances?: readonly string[];
  };
}

/**
 * The cluster as a strategy may see it: hosts out of scope are gone with all that they carry, and instances that are excluded are pinned.
 * `unknown`: names in the scope that the cluster does not have.
 */
export function withinScope(cluster: Cluster, scope: Scope): { readonly cluster: Cluster; readonly unknown: string[] } {
  const { zones, hosts, exclude = {} } = scope;
  const inScope = cluster.hosts.filter(
    ({ name, zone }) =>
      (zones?.includes(zone) ?? true) && (hosts?.includes(name) ?? true) && !(exclude.hosts?.includes(name) ?? false),
  );
  const names = new Set(inScope.map(({ name }) => name));
  const instances = cluster.instances
    .filter(({ host }) => names.has(host))
    .map((one) => (exclude.instances?.includes(one.name) ? { ...one, pinned: true } : one));
  return { cluster: { hosts: inScope, instances }, unknown: unknownNames(cluster, scope) };
}

function unknownNames(cluster: Cluster, { zones = [], hosts = [], exclude = {} }: Scope): string[] {
  const known = new Set<string>();
  for (const { name, zone } of cluster.hosts) known.add(name).add(zone);
  for (const { name } of cluster.instances) known.add(name);
  return [...zones, ...hosts, ...(exclude.hosts ?? []), ...(exclude.instances ?? [])].filter((n) => !known.has(n));
}
