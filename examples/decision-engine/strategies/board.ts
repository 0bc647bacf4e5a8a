import { loadOf, type Cluster, type Host, type Instance, type Load, type Resources } from '../cluster/cluster';

/** A cluster on which moves are tried out. The cluster itself does not change. */
export class Board {
  readonly hosts: readonly Host[];
  private readonly carried = new Map<string, Instance[]>();

  constructor(cluster: Cluster) {
    this.hosts = [...cluster.hosts].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name } of this.hosts) this.carried.set(name, []);
    for (const instance of cluster.instances) this.carried.get(instance.host)?.push(instance);
  }

  on(host: Host): readonly Instance[] {
    return this.carried.get(host.name) ?? [];
  }

  /** Load of a host, with `more` on it and `less` taken away. */
  load(host: Host, more: readonly Resources[] = [], less: readonly Instance[] = []): Load {
    return loadOf(host, [...this.on(host).filter((one) => !less.includes(one)), ...more]);
  }

  /** The host stays within the limit with these instances on it besides. */
  fits(host: Host, more: readonly Instance[], limit: number): boolean {
    const { cpu, memory } = this.load(host, more);
    return cpu <= limit && memory <= limit;
  }

  move(instance: Instance, from: Host, to: Host): void {
    this.carried.set(
      from.name,
      this.on(from).filter((one) => one !== instance),
    );
    this.carried.set(to.name, [...this.on(to), instance]);
  }
}
