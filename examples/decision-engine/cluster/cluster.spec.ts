import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterFaults, loadOf, type Cluster } from './cluster';
import { machineAsHost, observeMachine } from './machine';
import { ClusterDataError, readCluster } from './read-cluster';

const own = { cpus: 1, memoryMiB: 512 };
const node = { name: 'node', zone: 'z', cpus: 4, memoryMiB: 4_096, own };
const vm = { name: 'vm', host: 'node', cpus: 1, memoryMiB: 512 };

it('the load of a host is its own and that of what it carries, as shares', () => {
  expect(loadOf(node, [vm, vm])).toEqual({ cpu: 0.75, memory: 0.375 });
});

describe('the data of a cluster', () => {
  it('that ships is sound', () => {
    const { hosts, instances } = readCluster();
    expect(hosts.length).toBeGreaterThan(3);
    for (const { name } of hosts) expect(instances.some(({ host }) => host === name)).toBe(true);
  });

  it.each<[string, Partial<Cluster>, string]>([
    ['a host without cores', { hosts: [{ ...node, cpus: 0 }] }, 'node: a host has cpus and memoryMiB above 0'],
    [
      'own use below 0',
      { hosts: [{ ...node, own: { cpus: -1, memoryMiB: 0 } }] },
      'node: own.cpus and own.memoryMiB are 0 or more',
    ],
    ['the same name twice', { instances: [vm, vm] }, 'vm: stands in the cluster twice'],
    ['an instance nowhere', { instances: [{ ...vm, host: 'moon' }] }, 'vm: there is no host moon'],
    ['an instance that is no number', { instances: [{ ...vm, cpus: NaN }] }, 'vm: cpus and memoryMiB are 0 or more'],
  ])('%s is told', (_what, more, words) => {
    expect(clusterFaults({ hosts: [node], instances: [vm], ...more })).toEqual([words]);
  });

  it('that is not sound is not used, and the folder is named', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
    try {
      writeFileSync(join(folder, 'hosts.json'), JSON.stringify([node]));
      writeFileSync(join(folder, 'instances.json'), JSON.stringify([{ ...vm, host: 'moon' }]));
      expect(() => readCluster(folder)).toThrow(ClusterDataError);
      expect(() => readCluster(folder)).toThrow(`${folder}: vm: there is no host moon.`);
      writeFileSync(join(folder, 'instances.json'), '{}');
      expect(() => readCluster(folder)).toThrow('a list is wanted');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('this machine', () => {
  it('is a host that carries what it uses itself, within what it has', async () => {
    const figures = await observeMachine(0, new AbortController().signal);
    expect(figures.samples).toBe(1);
    const host = machineAsHost(figures);
    expect(clusterFaults({ hosts: [host], instances: [] })).toEqual([]);
    const { cpu, memory } = loadOf(host, []);
    for (const share of [cpu, memory]) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(host).toMatchObject({ name: 'this-machine', keep: true });
  });

  it('is observed no longer when the run is told to stop', async () => {
    const stop = new AbortController();
    const observing = observeMachine(3_600_000, stop.signal);
    stop.abort(new Error('fenced'));
    await expect(observing).rejects.toThrow('fenced');
  });
});
