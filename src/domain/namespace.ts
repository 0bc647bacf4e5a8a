/** What a namespace puts before every stream and category (`acme.job-…`); nothing for the empty one. */
export function namespacePrefix(namespace: string): string {
  return namespace === '' ? '' : `${namespace}.`;
}
