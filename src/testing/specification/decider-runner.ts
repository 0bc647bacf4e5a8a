import { decide } from '../../domain/job';
import { throughText, writeGiven } from './given-log';
import { compare, SpecificationFailed, type Outcome, type SpecificationRunner } from './runner';
import type { Specification } from './specification';

/** The decider alone. Every event, given or decided, goes through its text and back. */
export const deciderRunner: SpecificationRunner = {
  name: 'decider',
  run(specification: Specification): Promise<void> {
    return Promise.resolve().then(() => {
      const { name, when, then } = specification;
      const lost = (lines: readonly string[]): never => {
        throw new SpecificationFailed(name, 'decider', lines);
      };
      const { state } = writeGiven(specification, 'decider');
      const decision = decide(state, when);
      let outcome: Outcome;
      if (!decision.ok) outcome = { kind: 'refused', refusal: decision.refusal };
      else if (decision.events.length === 0) {
        outcome = { kind: 'nothing', knownRevision: decision.knownRevision ?? null };
      } else outcome = { kind: 'events', events: decision.events.map((event) => throughText(event, lost)) };
      const diff = compare(then, outcome);
      if (diff.length > 0) throw new SpecificationFailed(name, 'decider', diff);
    });
  },
};
