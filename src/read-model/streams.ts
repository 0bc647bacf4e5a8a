import { namespacePrefix } from '../domain/namespace';

/** The categories that the view is made from, in their namespace (`acme.job`). */
export function viewCategories(namespace: string): readonly string[] {
  const prefix = namespacePrefix(namespace);
  return [`${prefix}job`, `${prefix}service`];
}

/** Whose stream it is; null: not one of the view's. */
export function subjectOf(
  namespace: string,
  stream: string,
): { readonly kind: 'job' | 'service'; readonly id: string } | null {
  const prefix = namespacePrefix(namespace);
  for (const kind of ['job', 'service'] as const) {
    const start = `${prefix}${kind}-`;
    if (stream.length > start.length && stream.startsWith(start)) return { kind, id: stream.slice(start.length) };
  }
  return null;
}
