import fc from 'fast-check';
import { instancesOn, loadOf, type Cluster, type Host, type Instance } from '../cluster/cluster';
import { machineAsHost } from '../cluster/machine';
import { readCluster } from '../cluster/read-cluster';
import type { Scope } from '../cluster/scope';
import { applied, deviation, type Action, type ActionPlan } from './plan';
import { planSummary } from './plan-text';
import { approachOf, planText, recommend, type Parameters } from '.';

const host = (name: string, more: Partial<Host> = {}): Host => ({
  name,
  zone: 'az',
  cpus: 10,
  memoryMiB: 10_000,
  own: { cpus: 0, memoryMiB: 0 },
  ...more,
});
const on = (at: string, name: string, cpus: number, more: Partial<Instance> = {}): Instance => ({
  name,
  host: at,
  cpus,
  memoryMiB: 100,
  ...more,
});

function plan(goal: string, cluster: Cluster, parameters: Parameters = {}, scope: Scope = {}): ActionPlan {
  const approach = approachOf(goal, undefined, parameters);
  if (!approach.ok) throw new Error(approach.refusals[0].rule);
  return recommend(cluster, approach.value, scope, { audit: 'audit', slot: '2026-01-01T00:00:00.000Z' });
}
const consolidation = (cluster: Cluster, parameters?: Parameters, scope?: Scope) =>
  plan('server-consolidation', cluster, parameters, scope);
const balance = (cluster: Cluster, parameters?: Parameters, scope?: Scope) =>
  plan('workload-balancing', cluster, parameters, scope);
const migrations = ({ actions }: ActionPlan) =>
  actions.filter((a): a is Action & { kind: 'migrate' } => a.kind === 'migrate');

describe('consolidation', () => {
  it('empties the least loaded host onto the fullest that has room, and releases it', () => {
    const cluster = {
      hosts: [host('a'), host('b'), host('c')],
      instances: [on('a', 'a1', 4), on('b', 'b1', 6), on('c', 'c1', 1)],
    };
    expect(consolidation(cluster, { maxHosts: 1 })).toMatchObject({
      actions: [
        { kind: 'migrate', instance: 'c1', from: 'c', to: 'b' },
        { kind: 'release', host: 'c' },
      ],
      before: { hostsInUse: 3 },
      after: { hostsInUse: 2 },
    });
  });

  it('empties a host whole or not at all', () => {
    const cluster = {
      hosts: [host('a'), host('b')],
      instances: [on('a', 'a1', 7), on('b', 'b1', 0.5), on('b', 'b2', 2)],
    };
    expect(consolidation(cluster).actions).toEqual([]);
  });

  it('leaves a host alone on which something is pinned, and one that cannot be switched off', () => {
    const cluster = {
      hosts: [host('a'), host('b'), host('c', { keep: true })],
      instances: [on('a', 'a1', 4), on('b', 'b1', 1, { pinned: true }), on('c', 'c1', 1)],
    };
    expect(migrations(consolidation(cluster)).filter(({ from }) => from !== 'a')).toEqual([]);
  });

  it('opens no empty host, but uses one that runs anyway', () => {
    const instances = [on('a', 'a1', 1), on('b', 'b1', 7.5)];
    const full = { hosts: [host('a'), host('b'), host('empty')], instances };
    expect(consolidation(full).actions).toEqual([]);
    const kept = { hosts: [...full.hosts.slice(0, 2), host('empty', { keep: true })], instances };
    expect(migrations(consolidation(kept))).toMatchObject([{ instance: 'a1', to: 'empty' }]);
  });

  it('has nothing to do where nothing runs', () => {
    expect(consolidation({ hosts: [host('a'), host('b')], instances: [] }).actions).toEqual([]);
    expect(consolidation({ hosts: [], instances: [] }).actions).toEqual([]);
  });
});

describe('workload balance', () => {
  it('lowers the spread', () => {
    const cluster = {
      hosts: [host('a'), host('b')],
      instances: [on('a', 'a1', 4), on('a', 'a2', 2), on('a', 'a3', 2), on('b', 'b1', 1)],
    };
    const { actions, before, after } = balance(cluster);
    expect(actions).toEqual([{ kind: 'migrate', instance: 'a1', from: 'a', to: 'b' }]);
    expect([before.spread.cpu, after.spread.cpu]).toEqual([0.7, 0.1]);
  });

  it('does nothing within the threshold', () => {
    const cluster = {
      hosts: [host('a'), host('b')],
      instances: [on('a', 'a1', 2), on('a', 'a2', 1), on('b', 'b1', 2.5)],
    };
    expect(balance(cluster).actions).toEqual([]);
    expect(balance(cluster).notes).toEqual([]);
  });

  it('says so when no move helps', () => {
    const cluster = { hosts: [host('a'), host('b')], instances: [on('a', 'a1', 7)] };
    expect(balance(cluster)).toMatchObject({ actions: [], notes: [expect.stringContaining('No further move')] });
  });

  it('evens out memory when that is asked for', () => {
    const cluster = {
      hosts: [host('a'), host('b')],
      instances: [on('a', 'a1', 1, { memoryMiB: 6_000 }), on('a', 'a2', 1, { memoryMiB: 2_000 })],
    };
    expect(migrations(balance(cluster, { metric: 'memory' }))).toMatchObject([{ instance: 'a2', to: 'b' }]);
  });

  it('does not widen the spread, though the deviation would fall', () => {
    // 50, 0, 0 and 50 % would become 25, 55, 0 and 50 %.
    const hosts = [host('a'), host('b', { cpus: 2.5 / 0.55 }), host('c', { cpus: 1 }), host('d')];
    const instances = [on('a', 'a1', 2.5), on('a', 'a2', 2.5), on('d', 'd1', 5, { pinned: true })];
    expect(balance({ hosts, instances }).actions).toEqual([]);
  });

  it('keeps to maxMigrations', () => {
    const instances = Array.from({ length: 8 }, (_, n) => on('a', `a${n}`, 1));
    const cluster = { hosts: [host('a'), host('b')], instances };
    expect(balance(cluster, { maxMigrations: 2 }).actions).toHaveLength(2);
    expect(balance(cluster).actions).toHaveLength(4);
  });
});

it.each([
  ['server-consolidation', consolidation],
  ['workload-balancing', balance],
])('%s looks at memory as at cores', (_goal, strategy) => {
  const hosts = [host('a'), host('b')];
  const instances = [on('a', 'a1', 3, { memoryMiB: 4_500 }), on('b', 'b1', 1, { memoryMiB: 4_500 })];
  const more = [on('a', 'a2', 3, { memoryMiB: 4_000 })];
  expect(migrations(strategy({ hosts, instances: [...instances, ...more] }))).toEqual([]);
  const roomy = hosts.map((one) => ({ ...one, memoryMiB: 100_000 }));
  expect(migrations(strategy({ hosts: roomy, instances: [...instances, ...more] }))).not.toEqual([]);
});

describe('no-op', () => {
  it('recommends nothing and records what it was given', () => {
    const cluster = { hosts: [host('a')], instances: [on('a', 'a1', 2)] };
    expect(plan('dummy', cluster, { para1: 3.2, para2: 'hello' }, { zones: ['az'] })).toMatchObject({
      strategy: 'no-op',
      actions: [],
      inputs: {
        parameters: { para1: 3.2, para2: 'hello' },
        scope: { zones: ['az'] },
        hosts: [{ host: 'a', instances: 1, cpu: 0.2, memory: 0.01 }],
      },
    });
  });
});

describe('the scope', () => {
  const cluster = {
    hosts: [host('a', { zone: 'one' }), host('b', { zone: 'one' }), host('c', { zone: 'two' })],
    instances: [on('a', 'a1', 1), on('b', 'b1', 2), on('c', 'c1', 3)],
  };

  it('keeps zones and hosts that it does not name out of the plan', () => {
    const { actions, before } = consolidation(cluster, {}, { zones: ['one'] });
    expect(before.hosts.map((h) => h.host)).toEqual(['a', 'b']);
    expect(actions).toContainEqual({ kind: 'migrate', instance: 'a1', from: 'a', to: 'b' });
    expect(migrations(consolidation(cluster, {}, { hosts: ['b', 'c'] })).map((m) => m.instance)).toEqual(['b1']);
  });

  it('leaves excluded hosts and instances where they are', () => {
    const { actions } = consolidation(cluster, {}, { exclude: { hosts: ['b'], instances: ['a1'] } });
    expect(migrations({ actions } as ActionPlan)).toEqual([{ kind: 'migrate', instance: 'c1', from: 'c', to: 'a' }]);
  });

  it('tells of names that the cluster does not have', () => {
    expect(consolidation(cluster, {}, { zones: ['one', 'three'] }).notes).toEqual([
      'The scope names three, which is not in the cluster.',
    ]);
  });
});

describe('an approach', () => {
  it.each([
    ['goal', approachOf('world-peace', undefined), { field: 'goal', value: 'world-peace' }],
    ['strategy', approachOf('dummy', 'consolidation'), { field: 'strategy', value: 'consolidation' }],
    [
      'parameter',
      approachOf('server-consolidation', undefined, { maxLoad: 1.5 }),
      { field: 'parameters.maxLoad', value: '1.5' },
    ],
    [
      'parameter name',
      approachOf('workload-balancing', undefined, { mode: 1 }),
      { field: 'parameters.mode', value: '1' },
    ],
    [
      'parameter of a prototype',
      approachOf('workload-balancing', undefined, { toString: 1 }),
      { field: 'parameters.toString' },
    ],
  ])('with a wrong %s is refused: field, value, rule, remedy', (_what, approach, refusal) => {
    expect(approach).toMatchObject({
      ok: false,
      refusals: [{ ...refusal, rule: expect.stringMatching(/.+/), remedy: expect.stringMatching(/.+/) }],
    });
  });

  it('without a strategy has that of its goal, with its defaults', () => {
    expect(approachOf('workload-balancing', undefined, { metric: 'memory' })).toMatchObject({
      value: { strategy: 'workload-balance', parameters: { metric: 'memory', threshold: 0.1, maxLoad: 0.8 } },
    });
  });
});

describe('the cluster that ships, with this machine in it', () => {
  const files = readCluster();
  const here = machineAsHost({ cpus: 2, memoryMiB: 4_096, cpusInUse: 1.5, memoryInUseMiB: 2_048, samples: 1 });
  const cluster = { hosts: [...files.hosts, here], instances: files.instances };

  it('can be consolidated and balanced, and the plan can be read', () => {
    const text = planText(consolidation(cluster));
    expect(text).toMatch(/release node-6: nothing is left on it/);
    expect(text).toMatch(/hosts in use 7 → \d/);
    expect(planText(balance(cluster))).toMatch(/ {2}1\. migrate \S+: node-\d → node-\d/);
    expect(planSummary(balance(cluster))).toMatch(/^workload-balancing: \d+ migrations?; .* cpu spread 7\d % → \d+ %$/);
    expect(planText(plan('dummy', cluster))).toMatch(/Nothing is to be done[^]*inputs: \{"parameters":\{\}/);
  });
});

describe('for random clusters', () => {
  const amount = (max: number) => fc.double({ min: 0, max, noNaN: true });
  const clusters: fc.Arbitrary<Cluster> = fc
    .array(fc.record({ cpus: fc.integer({ min: 1, max: 32 }), own: amount(2), keep: fc.boolean() }), {
      minLength: 1,
      maxLength: 6,
    })
    .chain((hosts) =>
      fc
        .array(
          fc.record({ at: fc.nat(hosts.length - 1), cpus: amount(8), memoryMiB: amount(8_000), pinned: fc.boolean() }),
          {
            maxLength: 20,
          },
        )
        .map((instances) => ({
          hosts: hosts.map(({ cpus, own, keep }, n) =>
            host(`h${n}`, { cpus, memoryMiB: cpus * 2_000, own: { cpus: own, memoryMiB: 0 }, keep }),
          ),
          instances: instances.map(({ at, cpus, memoryMiB, pinned }, n) =>
            on(`h${at}`, `i${n}`, cpus, { memoryMiB, pinned: pinned && n % 3 === 0 }),
          ),
        })),
    );
  const loads = (cluster: Cluster) => cluster.hosts.map((one) => loadOf(one, instancesOn(cluster, one.name)));
  const both = [consolidation, balance];
  const maxLoad = 0.8;

  it('no plan overloads a host', () => {
    fc.assert(
      fc.property(clusters, fc.constantFrom(...both), (cluster, strategy) => {
        const [before, after] = [loads(cluster), loads(applied(cluster, strategy(cluster).actions))];
        after.forEach(({ cpu, memory }, n) => {
          expect(cpu).toBeLessThanOrEqual(Math.max(maxLoad, before[n].cpu) + 1e-9);
          expect(memory).toBeLessThanOrEqual(Math.max(maxLoad, before[n].memory) + 1e-9);
        });
      }),
    );
  });

  it('nothing pinned moves, nothing moves twice, and every move is from where the instance is', () => {
    fc.assert(
      fc.property(clusters, fc.constantFrom(...both), (cluster, strategy) => {
        const moves = migrations(strategy(cluster));
        expect(new Set(moves.map((m) => m.instance)).size).toBe(moves.length);
        for (const { instance, from, to } of moves) {
          const found = cluster.instances.find((one) => one.name === instance);
          expect(found).toMatchObject({ host: from, pinned: false });
          expect(to).not.toBe(from);
        }
      }),
    );
  });

  it('consolidation leaves exactly what it releases empty, and uses no more hosts than before', () => {
    fc.assert(
      fc.property(clusters, (cluster) => {
        const plan = consolidation(cluster);
        const after = applied(cluster, plan.actions);
        const released = plan.actions.flatMap((a) => (a.kind === 'release' ? [a.host] : []));
        for (const name of released) expect(instancesOn(after, name)).toEqual([]);
        expect(plan.after.hostsInUse).toBe(plan.before.hostsInUse - released.length);
      }),
    );
  });

  it('balance lowers the deviation with every plan that is not empty, and never widens the spread', () => {
    fc.assert(
      fc.property(clusters, (cluster) => {
        const { actions, before, after } = balance(cluster);
        const cpu = (of: Cluster) => loads(of).map((load) => load.cpu);
        expect(after.spread.cpu).toBeLessThanOrEqual(before.spread.cpu);
        if (actions.length > 0) expect(deviation(cpu(applied(cluster, actions)))).toBeLessThan(deviation(cpu(cluster)));
      }),
    );
  });
});
