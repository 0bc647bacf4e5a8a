/**
 * Why something was not done. Part of the interface: stable `code`, the `field` that is wrong (a path such as `schedule.zone`; empty for the whole),
 * the offending `value` (shortened; never a payload), the `rule` that refuses it and the `remedy`.
 */
export interface Refusal<Code extends string = string> {
  readonly code: Code;
  readonly field: string;
  readonly value: string;
  readonly rule: string;
  readonly remedy: string;
}

export type Result<T, Code extends string = string> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal<Code> };
