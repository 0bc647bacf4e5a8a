import type { Check } from './check';
import { isPlain, nothingWrong } from './check';
import type { Refusal } from '../../domain/refusal';

/** A payload may have this many bytes as JSON (UTF-8). */
export const MAX_PAYLOAD_BYTES = 65_536;
const MAX_DEPTH = 100;

const remedies = {
  plain: 'Pass plain objects, arrays, strings, finite numbers, booleans and null only.',
  reference: 'Store large data elsewhere and pass a reference to it.',
} as const;

/** What `JSON.parse(JSON.stringify(value))` gives back unchanged, and no more than `MAX_PAYLOAD_BYTES` of it. Refusals name the path, never the content. */
export const jsonPayload: Check = (value, field) => {
  if (value === undefined) return nothingWrong;
  const walk: Walk = { ancestors: new Set(), nodes: 0, bytes: 0 };
  const wrong = look(value, field, walk);
  if (wrong !== null) return [wrong];
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes > MAX_PAYLOAD_BYTES ? [tooLarge(field, `${bytes} bytes`)] : nothingWrong;
};

interface Walk {
  readonly ancestors: Set<object>;
  nodes: number;
  /** A lower bound of the size as JSON: a huge payload is not walked to its end. */
  bytes: number;
}

function look(value: unknown, path: string, walk: Walk): Refusal | null {
  walk.nodes += 1;
  if (typeof value === 'string') walk.bytes += value.length;
  if (walk.nodes + walk.bytes > 2 * MAX_PAYLOAD_BYTES)
    return tooLarge('payload', `more than ${MAX_PAYLOAD_BYTES} bytes`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return null;
    case 'number':
      if (!Number.isFinite(value))
        return notJson(path, String(value), 'JSON has no such number; it would become null.');
      return Object.is(value, -0) ? notJson(path, '-0', 'JSON would make it 0.', 'Pass 0.') : null;
    case 'undefined':
      return notJson(path, 'undefined', 'JSON drops it, or makes it null.', 'Leave it out, or pass null.');
    case 'bigint':
      return notJson(path, 'a bigint', 'JSON has no bigint.', 'Pass it as a decimal string.');
    case 'object':
      return value === null ? null : lookInside(value, path, walk);
    default:
      return notJson(path, `a ${typeof value}`, 'JSON drops it, or makes it null.');
  }
}

function lookInside(value: object, path: string, walk: Walk): Refusal | null {
  if (walk.ancestors.has(value)) return notJson(path, 'a cycle', 'It contains itself.', 'Break the cycle.');
  if (walk.ancestors.size >= MAX_DEPTH) {
    return notJson(path, `deeper than ${MAX_DEPTH}`, `At most ${MAX_DEPTH} levels are allowed.`, 'Flatten it.');
  }
  const isArray = Array.isArray(value);
  // Each entry takes a byte at least. Not looked at further: a huge payload must not cost its refusal seconds.
  const entries = isArray ? (value as unknown[]).length : Object.keys(value).length;
  if (entries > MAX_PAYLOAD_BYTES) return tooLarge('payload', `${entries} entries`);
  const wrong = shapeOf(value, path, isArray);
  if (wrong !== null) return wrong;
  walk.ancestors.add(value);
  for (const key of Object.keys(value)) {
    walk.bytes += isArray ? 0 : key.length;
    const inside = look(
      (value as Record<string, unknown>)[key],
      isArray ? `${path}[${key}]` : `${path}.${shownKey(key)}`,
      walk,
    );
    if (inside !== null) return inside;
  }
  walk.ancestors.delete(value);
  return null;
}

/** What makes an object or array one that JSON would not give back. */
function shapeOf(value: object, path: string, isArray: boolean): Refusal | null {
  if (!(isArray ? isPlain(Object.getPrototypeOf(value) as object) : isPlain(value))) {
    const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
    return value instanceof Date
      ? notJson(path, 'a Date', 'JSON would make it a string.', 'Pass an ISO 8601 string or epoch milliseconds.')
      : notJson(
          path,
          `an instance of ${typeof name === 'string' ? name.slice(0, 80) : 'a class'}`,
          'JSON would not give its class back.',
          'Pass a plain object with the same fields.',
        );
  }
  if (Object.getOwnPropertySymbols(value).length > 0) return notJson(path, 'a symbol key', 'JSON drops symbol keys.');
  const keys = Object.keys(value);
  if (isArray && keys.length !== (value as unknown[]).length) {
    return notJson(
      path,
      'a sparse or extended array',
      'JSON would fill holes with null and drop named properties.',
      'Pass a dense array.',
    );
  }
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    if (key === '__proto__') return notJson(path, '__proto__', 'This key is not allowed.', 'Rename the key.');
    if (isArray && key === 'length') continue;
    if (property.get !== undefined || property.set !== undefined) {
      return notJson(`${path}.${shownKey(key)}`, 'an accessor', 'Its value can change.', 'Pass the value itself.');
    }
    if (!property.enumerable) return notJson(`${path}.${shownKey(key)}`, 'a hidden property', 'JSON drops it.');
    if (key === 'toJSON' && typeof property.value === 'function') {
      return notJson(path, 'an object with toJSON', 'JSON would replace it.', 'Pass what toJSON returns.');
    }
  }
  return null;
}

function shownKey(key: string): string {
  return key.length <= 80 ? key : `${key.slice(0, 80)}…`;
}

function notJson(path: string, value: string, rule: string, remedy: string = remedies.plain): Refusal {
  return { code: 'payload-not-json', field: path, value, rule, remedy };
}

function tooLarge(field: string, value: string): Refusal {
  return {
    code: 'payload-too-large',
    field,
    value,
    rule: `A payload may have ${MAX_PAYLOAD_BYTES} bytes as JSON.`,
    remedy: remedies.reference,
  };
}
