/** What may be used of a host: cores, and memory in MiB. */
export interface Resources {
  readonly cpus: number;
  readonly memoryMiB: number;
}

/** A machine that can carry instances. `cpus` and `memoryMiB` are its capacity. */
export interface Host extends Resources {
  readonly name: string;
  /** Where it stands; scopes name zones. */
  readonly zone: string;
  /** What the host itself uses, whatever instances it carries. */
  readonly own: Resources;
  /** It cannot be switched off: it is in use with or without instances. Default false. */
  readonly keep?: boolean;
}

/** Something that runs on a host and can move. `cpus`: cores that it really uses; `memoryMiB`: what is set aside for it. */
export interface Instance extends Resources {
  readonly name: string;
  readonly host: string;
  /** It must stay where it is. Default false. */
  readonly pinned?: boolean;
}

/** What a strategy looks at. Plain data; nothing here changes anything. */
export interface Cluster {
  readonly hosts: readonly Host[];
  readonly instances: readonly Instance[];
}

/** Shares of the capacity of a host that are in use; 1: all of it. */
export interface Load {
  readonly cpu: number;
  readonly memory: number;
}

/** Load of a host that carries these instances. */
export function loadOf(host: Host, carried: readonly Resources[]): Load {
  const sum = (of: (one: Resources) => number) => carried.reduce((total, one) => total + of(one), 0);
  return {
    cpu: (host.own.cpus + sum(({ cpus }) => cpus)) / host.cpus,
    memory: (host.own.memoryMiB + sum(({ memoryMiB }) => memoryMiB)) / host.memoryMiB,
  };
}

export function instancesOn(cluster: Cluster, host: string): readonly Instance[] {
  return cluster.instances.filter((instance) => instance.host === host);
}

/** The cluster after these instances (by name) have moved. Instances that it does not have are left out. */
export function moved(cluster: Cluster, targets: ReadonlyMap<string, string>): Cluster {
  const instances = cluster.instances.map((one) => ({ ...one, host: targets.get(one.name) ?? one.host }));
  return { hosts: cluster.hosts, instances };
}

/** What is wrong with the cluster as data; empty: nothing. Each sentence names the host or instance. */
export function clusterFaults({ hosts, instances }: Cluster): readonly string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  for (const { name } of [...hosts, ...instances]) {
    if (names.has(name)) faults.push(`${name}: stands in the cluster twice`);
    names.add(name);
  }
  for (const { name, cpus, memoryMiB, own } of hosts) {
    if (!(cpus > 0 && memoryMiB > 0)) faults.push(`${name}: a host has cpus and memoryMiB above 0`);
    if (!(own?.cpus >= 0 && own.memoryMiB >= 0)) faults.push(`${name}: own.cpus and own.memoryMiB are 0 or more`);
  }
  const known = new Set(hosts.map(({ name }) => name));
  for (const { name, host, cpus, memoryMiB } of instances) {
    if (!known.has(host)) faults.push(`${name}: there is no host ${host}`);
    if (!(cpus >= 0 && memoryMiB >= 0)) faults.push(`${name}: cpus and memoryMiB are 0 or more`);
  }
  return faults;
}
