/** What a namespace may be, and what to do about one that is not. */
export const namespaceRule = {
  rule: 'A namespace has at most 32 letters, digits and _.',
  remedy: 'Choose such a name; it must not contain a dash, where categories are cut.',
};

export function isNamespace(text: string): boolean {
  return /^[A-Za-z0-9_]{0,32}$/.test(text);
}

/** What a namespace puts before every stream and category (`acme.job-…`); nothing for the empty one. */
export function namespacePrefix(namespace: string): string {
  return namespace === '' ? '' : `${namespace}.`;
}
