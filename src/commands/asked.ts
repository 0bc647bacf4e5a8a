import type { Refusal, Result } from '../domain/refusal';

/** What a command asks the domain. */
export function asked<Question>(question: Question): Result<Question> {
  return { ok: true, value: question };
}

/** It cannot even be asked. */
export function refused(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}
