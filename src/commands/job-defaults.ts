import type { Affinity, Tag } from '../domain/job';
import type { Refusal } from '../domain/refusal';
import { affinity, dictionary, fieldsOf, optional, policies, refusal, type PoliciesInput } from './validation';
import { isRecord } from './validation/check';

/**
 * What a job gets where the one who schedules it says nothing: on its job type, or on its handler. It is written into the definition of the
 * job, so a later change of the default leaves jobs that exist as they are.
 */
export interface JobDefaults {
  /** Taken as a whole, if the caller gives no tag. */
  readonly tag?: Tag;
  readonly affinity?: Affinity;
  /** Field by field, those of `retry` too. */
  readonly policies?: PoliciesInput;
}

/** What is wrong with defaults, each refusal naming its field. */
export function checkJobDefaults(defaults: unknown): readonly Refusal[] {
  if (!isRecord(defaults)) {
    return refusal('wrong-type', 'defaults', defaults, 'It must be an object.', 'Pass { tag, affinity, policies }.');
  }
  return fieldsOf(
    defaults,
    { tag: optional(dictionary), affinity: optional(affinity), policies: optional(policies) },
    '',
  );
}

/** The first that says something counts, field by field: the caller's before the handler's before the job type's. */
export function withJobDefaults(...said: readonly (JobDefaults | undefined)[]): JobDefaults {
  const first = <Field extends keyof JobDefaults>(field: Field): JobDefaults[Field] =>
    said.find((one) => one?.[field] !== undefined)?.[field];
  const all = said.map((one) => one?.policies).filter((one) => one !== undefined);
  return { tag: first('tag'), affinity: first('affinity'), policies: all.length === 0 ? undefined : merged(all) };
}

function merged(all: readonly PoliciesInput[]): PoliciesInput {
  const retries = all.map(({ retry }) => retry ?? {});
  const whole = overlaid(all);
  return all.some(({ retry }) => retry !== undefined) ? { ...whole, retry: overlaid(retries) } : whole;
}

function overlaid<Part extends object>(parts: readonly Part[]): Part {
  const given = parts.map((part) => Object.entries(part).filter(([, value]) => value !== undefined));
  return Object.fromEntries(given.reverse().flat()) as Part;
}
