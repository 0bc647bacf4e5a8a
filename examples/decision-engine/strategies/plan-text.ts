import type { Action, ActionPlan, Figures, HostFigures } from './plan';

/** A plan for a reader: what to do, and what it changes. */
export function planText(plan: ActionPlan): string {
  const { audit, slot, goal, strategy, actions, before, after, notes, inputs } = plan;
  const lines = [`Plan of ${audit} (goal ${goal}, strategy ${strategy}), slot ${slot}`];
  if (actions.length === 0) lines.push('  Nothing is to be done.');
  actions.forEach((action, at) => lines.push(`  ${String(at + 1).padStart(2)}. ${actionWords(action)}`));
  lines.push('', `  ${cells(['host', 'instances', 'cpu', 'memory'])}`);
  before.hosts.forEach((host, at) => lines.push(`  ${cells(hostCells(host, after.hosts[at]))}`));
  lines.push('', `  hosts in use ${change(String(before.hostsInUse), String(after.hostsInUse))}`);
  lines.push(`  spread of cpu ${spreads(before, after, 'cpu')}, of memory ${spreads(before, after, 'memory')}`);
  for (const note of notes) lines.push(`  ${note}`);
  if (inputs !== undefined) lines.push(`  inputs: ${JSON.stringify(inputs)}`);
  return lines.join('\n');
}

/** One line: what the plan is in short. */
export function planSummary({ goal, actions, before, after }: ActionPlan): string {
  const migrations = actions.filter(({ kind }) => kind === 'migrate').length;
  const doing = migrations === 0 ? 'nothing to do' : `${migrations} migration${migrations === 1 ? '' : 's'}`;
  const hosts = `hosts in use ${change(String(before.hostsInUse), String(after.hostsInUse))}`;
  return `${goal}: ${doing}; ${hosts}; cpu spread ${spreads(before, after, 'cpu')}`;
}

function actionWords(action: Action): string {
  if (action.kind === 'release') return `release ${action.host}: nothing is left on it`;
  return `migrate ${action.instance}: ${action.from} → ${action.to}`;
}

function hostCells(before: HostFigures, after: HostFigures): readonly string[] {
  return [
    before.host,
    change(String(before.instances), String(after.instances)),
    change(percent(before.cpu), percent(after.cpu)),
    change(percent(before.memory), percent(after.memory)),
  ];
}

function cells([host, ...figures]: readonly string[]): string {
  return `${host.padEnd(14)}${figures.map((one) => one.padStart(16)).join('')}`;
}

function spreads(before: Figures, after: Figures, of: 'cpu' | 'memory'): string {
  return change(percent(before.spread[of]), percent(after.spread[of]));
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function change(before: string, after: string): string {
  return before === after ? before : `${before} → ${after}`;
}
