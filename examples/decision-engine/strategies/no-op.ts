import type { JsonValue } from 'holdfast';
import type { Cluster } from '../cluster/cluster';
import type { Scope } from '../cluster/scope';
import { figuresOf, type Proposal } from './plan';

/** Does nothing, and records what it was given: for trying out audits, and for seeing what a strategy would have seen. */
export function noOp(cluster: Cluster, scope: Scope, parameters: JsonValue): Proposal {
  const { hosts } = figuresOf(cluster);
  const inputs = { parameters, scope, hosts } as unknown as JsonValue;
  return { actions: [], notes: ['This strategy recommends nothing; what it was given stands under inputs.'], inputs };
}
