import { validateSync } from 'class-validator';
import type { Refusal } from '../../domain/refusal';
import { unknownField } from './check';
import { checksOf } from './checked';

/** Everything that is wrong with a command, by class-validator; empty: nothing. Unknown fields are refused. */
export function validateCommand(command: object): readonly Refusal[] {
  const checks = checksOf(command.constructor);
  const known = [...checks.keys()];
  const refusals: Refusal[] = [];
  for (const key of Object.keys(command)) {
    if (!checks.has(key)) refusals.push(...unknownField(key, known));
  }
  for (const error of validateSync(command, { forbidUnknownValues: false })) {
    const value: unknown = (command as Record<string, unknown>)[error.property];
    refusals.push(...(checks.get(error.property)?.(value, error.property, command) ?? []));
  }
  return refusals;
}
