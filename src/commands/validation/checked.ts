import { registerDecorator, type ValidationArguments } from 'class-validator';
import type { Check } from './check';

/** By the class that bears the decorators. */
const checks = new WeakMap<object, Map<string, Check>>();
/** With those of the classes that it extends. */
const all = new WeakMap<object, ReadonlyMap<string, Check>>();

/**
 * Property decorator: the check as a class-validator constraint, so that a host's ValidationPipe applies it too.
 * `validateCommand` finds the same check here and gives its refusals with code, field, rule and remedy.
 */
export function Checked(check: Check): PropertyDecorator {
  return (prototype, property) => {
    const name = String(property);
    const own = checks.get(prototype.constructor) ?? new Map<string, Check>();
    own.set(name, check);
    checks.set(prototype.constructor, own);
    registerDecorator({
      name: 'checked',
      target: prototype.constructor,
      propertyName: name,
      validator: {
        validate: (value: unknown, args?: ValidationArguments) => check(value, name, args?.object).length === 0,
        defaultMessage: (args?: ValidationArguments) =>
          check(args?.value, name, args?.object)
            .map(({ field, rule, remedy }) => `${field}: ${rule} ${remedy}`)
            .join('; '),
      },
    });
  };
}

/** The checks of a command class by property, those of the classes that it extends included. */
export function checksOf(commandClass: object): ReadonlyMap<string, Check> {
  if (typeof commandClass !== 'function') return new Map();
  const known = all.get(commandClass);
  if (known !== undefined) return known;
  const parent = Object.getPrototypeOf(commandClass) as object;
  const found = new Map([...checksOf(parent), ...(checks.get(commandClass) ?? [])]);
  all.set(commandClass, found);
  return found;
}
