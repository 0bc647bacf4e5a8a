import type { Tag } from '../domain/job';

const SURROGATE = /\p{Surrogate}/u;

/** How a key or value stands in `job_tags`: as it is, but for lone surrogates, which UTF-8 cannot hold. */
export function tagText(text: string): string {
  return SURROGATE.test(text) ? JSON.stringify(text) : text;
}

export function containsTag(tag: Tag, wanted: Tag): boolean {
  return Object.keys(wanted).every((key) => Object.hasOwn(tag, key) && tag[key] === wanted[key]);
}
