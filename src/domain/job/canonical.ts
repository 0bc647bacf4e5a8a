import type { JobDefinition } from './definition';

/** The definition as one text, the same for equal definitions however they were written: keys sorted at every depth. The hash of a definition is made of it. */
export function canonicalDefinition(definition: JobDefinition): string {
  return canonical(definition);
}

/** JSON text with the keys of every object sorted. */
export function canonical(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
