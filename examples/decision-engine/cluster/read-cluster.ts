import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { clusterFaults, type Cluster, type Host, type Instance } from './cluster';

/** The data of the cluster cannot be used; the message names the host or instance. */
export class ClusterDataError extends Error {
  override readonly name = 'ClusterDataError';
}

/** A file that ships with the example, wherever the compiled code lies. */
export function exampleFile(...path: string[]): string {
  let at = __dirname;
  while (!existsSync(join(at, 'package.json'))) at = dirname(at);
  return join(at, 'examples/decision-engine', ...path);
}

/** The cluster of the data files `hosts.json` and `instances.json` in `folder` (default: those that ship). @throws ClusterDataError */
export function readCluster(folder = exampleFile('cluster')): Cluster {
  const cluster = {
    hosts: read<Host>(join(folder, 'hosts.json')),
    instances: read<Instance>(join(folder, 'instances.json')),
  };
  const faults = clusterFaults(cluster);
  if (faults.length > 0) throw new ClusterDataError(`${folder}: ${faults.join('; ')}.`);
  return cluster;
}

function read<One>(path: string): One[] {
  const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(list)) throw new ClusterDataError(`${path}: a list is wanted.`);
  return list as One[];
}
