/**
 * Every place where two JSON values differ, one line each, in the order of `expected`: path, expected, actual. Empty: they are the same.
 * A field that is undefined counts as absent, as in JSON.
 */
export function differences(expected: unknown, actual: unknown, path = ''): string[] {
  if (Object.is(expected, actual)) return [];
  if (isList(expected) && isList(actual)) {
    return range(Math.max(expected.length, actual.length)).flatMap((n) =>
      differences(n in expected ? expected[n] : absent, n in actual ? actual[n] : absent, `${path}[${n}]`),
    );
  }
  if (isObject(expected) && isObject(actual)) {
    return [...new Set([...Object.keys(expected), ...Object.keys(actual)])].flatMap((key) =>
      differences(fieldOf(expected, key), fieldOf(actual, key), path === '' ? key : `${path}.${key}`),
    );
  }
  return [`${path}: expected ${text(expected)}, actual ${text(actual)}`];
}

interface Typed {
  readonly type: string;
  readonly data: unknown;
}

/** How a list of events differs from the expected one, index by index, as lines for a person; empty: it does not. */
export function eventDifferences(expected: readonly Typed[], actual: readonly Typed[]): string[] {
  let differ = false;
  const lines = range(Math.max(expected.length, actual.length)).flatMap((n) => {
    const [wanted, got] = [expected[n], actual[n]] as readonly (Typed | undefined)[];
    if (wanted === undefined || got === undefined || wanted.type !== got.type) {
      differ = true;
      return [`  ${n}  expected ${eventText(wanted)}`, `     actual   ${eventText(got)}`];
    }
    const fields = differences(wanted.data, got.data);
    if (fields.length === 0) return [`  ${n}  ${wanted.type}, as expected`];
    differ = true;
    return [`  ${n}  ${wanted.type}`, ...fields.map((line) => `       ${line}`)];
  });
  return differ ? lines : [];
}

function eventText(event: Typed | undefined): string {
  return event === undefined ? 'no event' : `${event.type} ${text(event.data)}`;
}

const absent = Symbol('absent');

function fieldOf(value: { readonly [key: string]: unknown }, key: string): unknown {
  return Object.hasOwn(value, key) && value[key] !== undefined ? value[key] : absent;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** One line, shortened. */
function text(value: unknown): string {
  if (value === absent) return 'nothing';
  const whole = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return whole.length <= 400 ? whole : `${whole.slice(0, 400)}…`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, n) => n);
}
