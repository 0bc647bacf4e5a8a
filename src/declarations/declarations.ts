import type { Refusal } from '../domain/refusal';
import type { ScheduleLimits } from '../domain/schedule';
import { declarationOf, type Declaration, type Place } from './declaration';
import type { DeclaredMethod } from './metadata';

/** What is wrong with one decorated method. */
export interface DeclarationRefusal extends Refusal {
  /** `ClassName.methodName`. */
  readonly where: string;
}

/** Decorators that declare no job, or two of one id. `refusals` names each method, option, value, rule and remedy. */
export class DeclarationRefusedError extends Error {
  override readonly name = 'DeclarationRefusedError';
  constructor(readonly refusals: readonly DeclarationRefusal[]) {
    super(
      refusals.map((r) => `${r.where}: ${r.field} = ${r.value}: ${r.rule.replace(/\.?$/, '.')} ${r.remedy}`).join('\n'),
    );
  }
}

/** The methods of a process that declare jobs. Filled before the start, constant afterwards. */
export class Declarations {
  private readonly byId = new Map<string, Declaration & { readonly of: unknown }>();
  private readonly refusals: DeclarationRefusal[] = [];

  /** @param processZone the IANA zone of the process. @param limits see `declarationOf`. */
  constructor(
    private readonly processZone: string,
    private readonly limits: ScheduleLimits | null = null,
  ) {}

  /**
   * @param of the class, by identity: a class that two modules provide declares its jobs once.
   * @returns the declaration; `refused` (see `check`); `declared-already` by another instance of the same class.
   */
  add(method: DeclaredMethod, place: Place, of: unknown): Declaration | 'refused' | 'declared-already' {
    const where = `${place.className}.${place.methodName}`;
    const declared = declarationOf(method, place, this.processZone, this.limits);
    if (!declared.ok) {
      this.refusals.push(
        ...declared.refusals.map((refusal) => ({ ...refusal, where: `@${method.decorator} on ${where}` })),
      );
      return 'refused';
    }
    const { value } = declared;
    const before = this.byId.get(value.jobId);
    if (before === undefined) {
      this.byId.set(value.jobId, { ...value, of });
      return value;
    }
    if (before.of === of && before.where === where && value.name === null) return 'declared-already';
    this.refusals.push({
      code: 'duplicate-declaration',
      where: `@${method.decorator} on ${where}`,
      field: 'name',
      value: value.name ?? where,
      rule: `${before.where} (@${before.decorator}) declares a job of this name already, and a name is the id of one job.`,
      remedy: 'Give one of the two another name.',
    });
    return 'refused';
  }

  /** @throws DeclarationRefusedError for everything that was refused. */
  check(): void {
    if (this.refusals.length > 0) throw new DeclarationRefusedError(this.refusals);
  }

  all(): readonly Declaration[] {
    return [...this.byId.values()];
  }

  has(jobId: string): boolean {
    return this.byId.has(jobId);
  }
}
