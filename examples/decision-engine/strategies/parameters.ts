import type { JsonValue, Refusal } from 'holdfast';

/** What a parameter of a strategy may be. */
export interface ParameterRule {
  readonly fallback: JsonValue;
  /** In words, after "A parameter that is …". */
  readonly rule: string;
  readonly holds: (value: unknown) => boolean;
}

export function share(fallback: number, { zero }: { readonly zero: boolean }): ParameterRule {
  const holds = (value: unknown) => typeof value === 'number' && value <= 1 && (zero ? value >= 0 : value > 0);
  return { fallback, rule: zero ? 'a share of capacity, 0 … 1' : 'a share of capacity, above 0 and at most 1', holds };
}

export function whole(fallback: number, from: number, to: number): ParameterRule {
  const holds = (value: unknown) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to;
  return { fallback, rule: `a whole number, ${from} … ${to}`, holds };
}

/** The first is the default. */
export function oneOf(...words: readonly [string, ...string[]]): ParameterRule {
  const holds = (value: unknown) => typeof value === 'string' && words.includes(value);
  return { fallback: words[0], rule: `one of ${words.join(', ')}`, holds };
}

/** The parameters with every default filled in, and everything that is wrong with them. */
export function checkParameters(
  rules: { readonly [name: string]: ParameterRule },
  given: { readonly [name: string]: JsonValue },
): { readonly values: { readonly [name: string]: JsonValue }; readonly refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [];
  for (const [name, value] of Object.entries(given)) {
    const known = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (known?.holds(value) === true) continue;
    refusals.push({
      code: 'bad-parameter',
      field: `parameters.${name}`,
      value: JSON.stringify(value).slice(0, 100),
      rule: known === undefined ? 'The strategy has no such parameter.' : `It is ${known.rule}.`,
      remedy: known === undefined ? `It has ${Object.keys(rules).join(', ')}.` : 'Correct it, or leave it out.',
    });
  }
  const defaults = Object.fromEntries(Object.entries(rules).map(([name, { fallback }]) => [name, fallback]));
  return { values: { ...defaults, ...given }, refusals };
}
