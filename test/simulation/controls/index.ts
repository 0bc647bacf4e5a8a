import { simulate } from '../../../src/testing/simulation';
import type { Control } from './control';
import { commandsAndRuns } from './commands-and-runs';
import { ownership } from './ownership';
import { slotControls } from './slots';
import { suspectsAndViews } from './suspects-and-views';
import { trustAndVerdicts } from './trust-and-verdicts';

export type { Control } from './control';
export const controls: readonly Control[] = [
  ...commandsAndRuns,
  ...ownership,
  ...slotControls,
  ...trustAndVerdicts,
  ...suspectsAndViews,
];

export interface Caught {
  readonly seed: number;
  readonly rule: string;
  readonly words: string;
}

/** Lives through worlds in which the rule is broken, until so many were caught. */
export async function breakRule(control: Control, wanted: number, mostSeeds: number): Promise<readonly Caught[]> {
  const caught: Caught[] = [];
  const undo = control.replace?.();
  try {
    for (let seed = 1; seed <= mostSeeds && caught.length < wanted; seed++) {
      const { violations } = await simulate(control.script(seed), control.options);
      const found = violations.find(({ rule }) => control.caughtBy.includes(rule));
      if (found !== undefined) caught.push({ seed, rule: found.rule, words: found.words });
    }
  } finally {
    undo?.();
  }
  return caught;
}

/** The world of a control, unbroken: what the judge says of it then. */
export async function keepRule({ script }: Control, seed: number) {
  const asIs = script(seed);
  const { violations } = await simulate({ ...asIs, options: { ...asIs.options, liveness: undefined } });
  return violations;
}
