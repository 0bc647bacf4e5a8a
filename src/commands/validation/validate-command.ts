import type { Refusal } from '../../domain/refusal';
import { unknownField } from './check';
import { checksOf } from './checked';

/**
 * Everything that is wrong with a command; empty: nothing. Unknown fields are refused.
 *
 * The checks are those that class-validator would run; they are asked directly, because with thousands of commands per second its walk over its
 * metadata costs more than the checks.
 */
export function validateCommand(command: object): readonly Refusal[] {
  const checks = checksOf(command.constructor);
  const refusals: Refusal[] = [];
  for (const key of Object.keys(command)) {
    if (!checks.has(key)) refusals.push(...unknownField(key, [...checks.keys()]));
  }
  for (const [property, check] of checks) {
    refusals.push(...check((command as Record<string, unknown>)[property], property, command));
  }
  return refusals;
}
