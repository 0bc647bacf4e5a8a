import fc from 'fast-check';
import { MINUTE } from './a-job';
import { ACTIONS, type Step } from './random-life';

/** Steps of a random life: any action by anyone, at once, a little later, or several slots of a job of every minute later. */
export function randomSteps(length: { readonly minLength: number; readonly maxLength: number }): fc.Arbitrary<Step[]> {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.nat(ACTIONS - 1),
    fc.nat(100),
    fc.nat(1_000),
    fc.constantFrom(0, 1, 900, 5_000, 30_000, MINUTE, 3 * MINUTE),
  );
  return fc.array(step, { ...length, size: 'max' });
}
