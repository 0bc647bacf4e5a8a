import type { Refusal } from '../../domain/refusal';

/** Codes of what is refused before the domain is asked. */
export type InputRefusalCode =
  | 'unknown-field'
  | 'missing'
  | 'wrong-type'
  | 'not-allowed'
  | 'out-of-range'
  | 'too-long'
  | 'bad-id'
  | 'bad-tag'
  | 'bad-schedule'
  | 'payload-not-json'
  | 'payload-too-large'
  | 'append-too-large';

export type InputRefusal = Refusal<InputRefusalCode>;

/** Looks at the value of a field; empty: nothing is wrong. `whole` is the object that has the field. */
export type Check = (value: unknown, field: string, whole?: object) => readonly Refusal[];

export const nothingWrong: readonly Refusal[] = [];

/** A value as a refusal shows it: short, and never the content of an object. */
export function shown(value: unknown): string {
  if (typeof value === 'string')
    return value.length <= 80 ? value : `${value.slice(0, 80)}… (${value.length} characters)`;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export function refusal(
  code: InputRefusalCode,
  field: string,
  value: unknown,
  rule: string,
  remedy: string,
): readonly [InputRefusal] {
  return [{ code, field, value: shown(value), rule, remedy }];
}

/** Absent (undefined) is allowed. */
export function optional(check: Check): Check {
  return (value, field, whole) => (value === undefined ? nothingWrong : check(value, field, whole));
}

/** The field belongs to one variant of its object: there it is checked, elsewhere it must be absent. */
export function when(variant: (whole: Readonly<Record<string, unknown>>) => boolean, check: Check): Check {
  return (value, field, whole = {}) => {
    if (variant(whole as Readonly<Record<string, unknown>>)) return check(value, field, whole);
    if (value === undefined) return nothingWrong;
    return refusal('not-allowed', field, value, 'It does not go together with the other fields.', 'Leave it out.');
  };
}

export function nullable(check: Check): Check {
  return (value, field) => (value === null ? nothingWrong : check(value, field));
}

export const anything: Check = () => nothingWrong;

/** A string of at most `most` characters. */
export function text(most: number, least = 0): Check {
  return (value, field) => {
    if (value === undefined) return missing(field);
    if (typeof value !== 'string') return refusal('wrong-type', field, value, 'It must be a string.', 'Pass a string.');
    if (value.length > most) {
      return refusal(
        'too-long',
        field,
        value,
        `At most ${most} characters are allowed.`,
        `Shorten it to ${most} characters.`,
      );
    }
    if (value.length < least) {
      return refusal(
        'missing',
        field,
        value,
        'It must not be empty.',
        `Pass at least ${least} character${least === 1 ? '' : 's'}.`,
      );
    }
    return nothingWrong;
  };
}

export function oneOf<const Values extends readonly (string | number | boolean | null)[]>(...values: Values): Check {
  const list = values.map((value) => String(value)).join(', ');
  return (value, field) => {
    if (values.includes(value as never)) return nothingWrong;
    if (value === undefined) return missing(field);
    return refusal('not-allowed', field, value, `Allowed: ${list}.`, 'Pass one of them.');
  };
}

export const boolean: Check = (value, field) =>
  typeof value === 'boolean'
    ? nothingWrong
    : refusal('wrong-type', field, value, 'It must be true or false.', 'Pass a boolean.');

/** A whole number within bounds (inclusive). */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Check {
  return (value, field) => {
    if (value === undefined) return missing(field);
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      return refusal('wrong-type', field, value, 'It must be a whole number.', 'Pass a whole number.');
    }
    return range(value, field, least, most);
  };
}

/** A finite number within bounds (inclusive). */
export function number(least: number, most: number = Number.MAX_VALUE): Check {
  return (value, field) => {
    if (value === undefined) return missing(field);
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return refusal('wrong-type', field, value, 'It must be a finite number.', 'Pass a finite number.');
    }
    return range(value, field, least, most);
  };
}

function range(value: number, field: string, least: number, most: number): readonly Refusal[] {
  if (value >= least && value <= most) return nothingWrong;
  const bounds = most >= Number.MAX_SAFE_INTEGER ? `at least ${least}` : `from ${least} to ${most}`;
  return refusal('out-of-range', field, value, `It must be ${bounds}.`, 'Pass a number within these bounds.');
}

export type Shape = Readonly<Record<string, Check>>;

/** A plain object with these fields and no others. */
export function object(shape: Shape): Check {
  return (value, field) => {
    if (value === undefined) return missing(field);
    if (!isRecord(value)) return refusal('wrong-type', field, value, 'It must be an object.', 'Pass an object.');
    return fieldsOf(value, shape, `${field}.`);
  };
}

/** Checks each field of the shape, and refuses the others. `prefix` ends with a dot, or is empty for the whole. */
export function fieldsOf(value: object, shape: Shape, prefix: string): readonly Refusal[] {
  const found: Refusal[] = [];
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(shape, key)) found.push(...unknownField(prefix + key, Object.keys(shape)));
  }
  for (const [key, check] of Object.entries(shape)) {
    found.push(
      ...check(Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined, prefix + key, value),
    );
  }
  return found;
}

export function arrayOf(check: Check, most: number): Check {
  return (value, field) => {
    if (value === undefined) return missing(field);
    if (!Array.isArray(value)) return refusal('wrong-type', field, value, 'It must be an array.', 'Pass an array.');
    if (value.length > most) {
      return refusal('too-long', field, value, `At most ${most} entries are allowed.`, `Pass at most ${most}.`);
    }
    return value.flatMap((entry: unknown, i) => check(entry, `${field}[${i}]`));
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** No instance of a class: its prototype is that of `{}`, or none. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export function missing(field: string): readonly Refusal[] {
  return refusal('missing', field, undefined, 'It is required.', `Pass ${field}.`);
}

export function unknownField(field: string, known: readonly string[]): readonly Refusal[] {
  return refusal(
    'unknown-field',
    field,
    undefined,
    'There is no such field.',
    `Leave it out, or use one of: ${known.join(', ')}.`,
  );
}
