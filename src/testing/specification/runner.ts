import type { JobRefusal } from '../../domain/job';
import { eventDifferences } from './diff';
import type { Expected, Specification } from './specification';

/** Says whether a specification holds, in one way of running it. */
export interface SpecificationRunner {
  readonly name: string;
  /** @throws {@link SpecificationFailed} when it does not hold. */
  run(specification: Specification): Promise<void>;
}

/** A specification does not hold. The message is the whole story: what was expected, what was, and where they differ. */
export class SpecificationFailed extends Error {
  override readonly name = 'SpecificationFailed';
  constructor(
    readonly specification: string,
    readonly runner: string,
    /** Line by line. */
    readonly diff: readonly string[],
  ) {
    super([`“${specification}” does not hold (${runner}):`, ...diff].join('\n'));
  }
}

/** What came of the command. Events are as they were read back from their text. */
export type Outcome =
  | { readonly kind: 'events'; readonly events: readonly { readonly type: string; readonly data: unknown }[] }
  | { readonly kind: 'nothing'; readonly knownRevision: number | null }
  | { readonly kind: 'refused'; readonly refusal: Pick<JobRefusal, 'field' | 'rule'> & { readonly code: string } };

/** Where the outcome is not the expected one, as lines for a person; empty: it is. */
export function compare(expected: Expected, actual: Outcome): readonly string[] {
  if (expected.kind === 'events' && actual.kind !== 'refused') {
    return eventDifferences(expected.events, actual.kind === 'events' ? actual.events : []);
  }
  if (expected.kind === 'nothing' && actual.kind === 'nothing') {
    const { knownRevision } = expected;
    if (knownRevision === undefined || knownRevision === actual.knownRevision) return [];
    return [
      `  expected the first result at revision ${knownRevision}`,
      `  actual   ${actual.knownRevision === null ? 'the command is not known' : `revision ${actual.knownRevision}`}`,
    ];
  }
  if (expected.kind === 'refused' && actual.kind === 'refused') {
    const { code, field } = expected;
    if (code === actual.refusal.code && (field === undefined || field === actual.refusal.field)) return [];
  }
  return [`  expected ${expectedText(expected)}`, `  actual   ${actualText(actual)}`];
}

function expectedText(expected: Expected): string {
  switch (expected.kind) {
    case 'events':
      return `events: ${expected.events.map((event) => event.type).join(', ')}`;
    case 'nothing':
      return 'nothing';
    case 'refused':
      return `refusal ${expected.code}${expected.field === undefined ? '' : `, field '${expected.field}'`}`;
  }
}

function actualText(actual: Outcome): string {
  switch (actual.kind) {
    case 'events':
      return `events: ${actual.events.map(({ type, data }) => `${type} ${JSON.stringify(data)}`).join(', ')}`;
    case 'nothing':
      return 'nothing';
    case 'refused':
      return `refusal ${actual.refusal.code}, field '${actual.refusal.field}' (${actual.refusal.rule})`;
  }
}
