import { createHash } from 'node:crypto';
import { canonicalDefinition, type JobDefinition } from '../../domain/job';
import { defineSchedule, type ScheduleInput, type ScheduleLimits } from '../../domain/schedule';
import type { Affinity, Tag } from '../../domain/job';
import type { JsonValue } from '../../domain/instant';
import type { Result } from '../../domain/refusal';
import { defaultPolicies, withDefaults, type PoliciesInput } from '../validation';

/** A job as people write it. */
export interface DefinitionInput {
  readonly handler: string;
  readonly payload?: unknown;
  readonly schedule?: ScheduleInput;
  readonly tag?: Tag;
  readonly affinity?: Affinity;
  readonly policies?: PoliciesInput;
}

export interface Defined {
  readonly definition: JobDefinition;
  /** SHA-256 of the canonical text, hex. */
  readonly definitionHash: string;
}

/**
 * The definition in canonical form; what `input` leaves out is taken from `base`, else it has its default.
 * @param limits for a schedule that is given: one that was taken before stays.
 */
export function define(input: Partial<DefinitionInput>, limits: ScheduleLimits, base?: JobDefinition): Result<Defined> {
  const schedule =
    input.schedule === undefined && base !== undefined
      ? ({ ok: true, value: base.schedule } as const)
      : defineSchedule(input.schedule ?? { kind: 'once' }, null, limits);
  if (!schedule.ok) return schedule;
  const definition: JobDefinition = {
    handler: input.handler ?? base?.handler ?? '',
    payload: copy(input.payload === undefined ? (base?.payload ?? null) : (input.payload as JsonValue)),
    schedule: schedule.value,
    tag: { ...(input.tag ?? base?.tag ?? {}) },
    affinity: input.affinity ?? base?.affinity ?? 'required',
    policies: withDefaults(input.policies, base?.policies ?? defaultPolicies),
  };
  const definitionHash = createHash('sha256').update(canonicalDefinition(definition)).digest('hex');
  return { ok: true, value: { definition, definitionHash } };
}

/** What the log holds must not change when the caller goes on using the payload. */
function copy(payload: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(payload)) as JsonValue;
}
