/** What an audit can want, and the ways to it. Pure: a cluster in, a plan out. */
import type { JsonValue, Refusal } from 'holdfast';
import type { Cluster } from '../cluster/cluster';
import { withinScope, type Scope } from '../cluster/scope';
import { balance, type BalanceParameters } from './balance';
import { consolidate, type ConsolidationParameters } from './consolidation';
import { noOp } from './no-op';
import { planOf, type ActionPlan, type PlanOf, type Proposal } from './plan';
import { checkParameters, oneOf, share, whole, type ParameterRule } from './parameters';

export type Parameters = { readonly [name: string]: JsonValue };

interface Strategy {
  readonly goal: string;
  /** null: any parameter is taken, and recorded. */
  readonly parameters: { readonly [name: string]: ParameterRule } | null;
  readonly propose: (cluster: Cluster, scope: Scope, parameters: Parameters) => Proposal;
}

const maxLoad = share(0.8, { zero: false });

/** The first strategy of a goal is the one that an audit has which names none. */
const strategies: { readonly [name: string]: Strategy } = {
  consolidation: {
    goal: 'server-consolidation',
    parameters: { maxLoad, maxHosts: whole(100, 1, 10_000) },
    propose: (cluster, _scope, parameters) => consolidate(cluster, parameters as unknown as ConsolidationParameters),
  },
  'workload-balance': {
    goal: 'workload-balancing',
    parameters: {
      metric: oneOf('cpu', 'memory'),
      threshold: share(0.1, { zero: true }),
      maxLoad,
      maxMigrations: whole(10, 1, 10_000),
    },
    propose: (cluster, _scope, parameters) => balance(cluster, parameters as unknown as BalanceParameters),
  },
  'no-op': {
    goal: 'dummy',
    parameters: null,
    propose: (cluster, scope, parameters) => noOp(cluster, scope, parameters),
  },
};

export const goals: readonly string[] = [...new Set(Object.values(strategies).map(({ goal }) => goal))];

export interface Approach {
  readonly goal: string;
  readonly strategy: string;
  readonly parameters: Parameters;
}

/** Goal, strategy and parameters with every default filled in; or what is wrong with them. */
export function approachOf(
  goal: string,
  strategy: string | undefined,
  parameters: Parameters = {},
): { readonly ok: true; readonly value: Approach } | { readonly ok: false; readonly refusals: readonly Refusal[] } {
  if (!goals.includes(goal)) {
    const remedy = `Choose one of ${goals.join(', ')}.`;
    return no({ code: 'bad-goal', field: 'goal', value: goal, rule: 'There is no such goal.', remedy });
  }
  const ofGoal = Object.keys(strategies).filter((name) => strategies[name].goal === goal);
  const name = strategy ?? ofGoal[0];
  if (!ofGoal.includes(name)) {
    const rule = `The goal ${goal} has no such strategy.`;
    const remedy = `Choose one of ${ofGoal.join(', ')}, or leave it out.`;
    return no({ code: 'bad-strategy', field: 'strategy', value: name, rule, remedy });
  }
  const rules = strategies[name].parameters;
  const checked = rules === null ? { values: parameters, refusals: [] } : checkParameters(rules, parameters);
  if (checked.refusals.length > 0) return { ok: false, refusals: checked.refusals };
  return { ok: true, value: { goal, strategy: name, parameters: checked.values } };
}

/**
 * What an audit recommends for a cluster: an approach that was checked, kept to its scope.
 * @throws Error for a strategy that this version does not have.
 */
export function recommend(
  cluster: Cluster,
  { goal, strategy, parameters }: Approach,
  scope: Scope,
  { audit, slot }: Pick<PlanOf, 'audit' | 'slot'>,
): ActionPlan {
  const known = strategies[strategy];
  if (known === undefined) throw new Error(`This engine has no strategy ${strategy}.`);
  const seen = withinScope(cluster, scope);
  const proposal = known.propose(seen.cluster, scope, parameters);
  const unknown = seen.unknown.map((name) => `The scope names ${name}, which is not in the cluster.`);
  const notes = [...unknown, ...proposal.notes];
  return planOf({ audit, slot, goal, strategy }, { ...proposal, notes }, seen.cluster);
}

function no(refusal: Refusal): { readonly ok: false; readonly refusals: readonly Refusal[] } {
  return { ok: false, refusals: [refusal] };
}

export { planText } from './plan-text';
export type { Action, ActionPlan, Figures } from './plan';
