/**
 * What is broken: an invariant of protocol §11; `5.11`: the rule for suspects; `transition`: a fact that its decider would have refused;
 * `log`: the order of the log itself (revisions, positions, ids, streams).
 */
export type InvariantName =
  'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I8' | 'I10' | 'I12' | 'I13' | '5.11' | 'transition' | 'log';

/** One broken rule, with the event that breaks it. */
export interface Violation {
  readonly invariant: InvariantName;
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly eventId: string;
  /** In plain English: what the event says, and what it contradicts. No payloads. */
  readonly words: string;
}

/** Takes what a check found in the event at hand. */
export type Report = (invariant: InvariantName, words: string) => void;
