import type { DeclarationOutcome } from '../commands';

/** What became of one declaration. */
export interface DeclarationAnswer {
  readonly jobId: string;
  /** `ClassName.methodName`. */
  readonly where: string;
  /**
   * What the log says of it (see `DeclarationOutcome`), or
   * - `passed`: a `@Cron` of a date that had passed at the start, and the log has no such job; it never fires.
   * - `refused`: the log refused it; `detail` says why.
   */
  readonly outcome: DeclarationOutcome | 'passed' | 'refused';
  /** Rule and remedy in words, where something is to be done; null otherwise. */
  readonly detail: string | null;
}

/** A job that the log knows as declared by this service name, and that this process does not declare. */
export interface VanishedJob {
  readonly jobId: string;
  /** `kept`, or `removed` by the option `declarations: { vanished: 'remove' }`. */
  readonly action: 'kept' | 'removed';
}

/** What the reconciliation of one start came to. */
export interface DeclarationsReport {
  readonly declared: readonly DeclarationAnswer[];
  readonly vanished: readonly VanishedJob[];
  /** Not declared here, while a living service still has the handler (a rolling deploy): looked at again until nobody has it. */
  readonly elsewhere: readonly string[];
}

/** How far it is. */
export interface DeclarationsHealth {
  readonly settled: boolean;
  /** Of how many declarations the log has answered how many. */
  readonly declarations: number;
  readonly answered: number;
  /** What is waited for, in words; null: nothing. */
  readonly waitingFor: string | null;
}
