import { allRunners } from './all-runners';
import type { SpecificationRunner } from './runner';
import type { Specification } from './specification';

/** `it` or `test` of a test framework. */
export type DeclaresTests = (name: string, run: () => Promise<void>) => unknown;

/** Declares one test for each specification and runner: `specify(it, [specification('…')…])`. */
export function specify(
  it: DeclaresTests,
  specifications: readonly Specification[],
  runners: readonly SpecificationRunner[] = allRunners,
): void {
  for (const one of specifications) {
    for (const runner of runners) it(`${one.name} [${runner.name}]`, () => runner.run(one));
  }
}
