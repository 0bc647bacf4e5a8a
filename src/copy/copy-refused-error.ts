import type { Refusal } from '../domain/refusal';

/** The log cannot be copied so. Nothing that was in the target before has changed. */
export class CopyRefusedError extends Error {
  override readonly name = 'CopyRefusedError';
  readonly refusals: readonly [Refusal];

  constructor(code: string, field: 'from' | 'to' | 'stream', value: string, rule: string, remedy: string) {
    super(`${field} ${value}: ${rule} ${remedy}`);
    this.refusals = [{ code, field, value, rule, remedy }];
  }
}
