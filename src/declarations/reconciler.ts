import type { Clock, ClusterTime, Random } from '../clock';
import {
  CommandRefusedError,
  DeclareJobCommand,
  declarationOutcome,
  type CommandExecutor,
  type DeclarationOutcome,
  type JobExecution,
} from '../commands';
import { statusOf } from '../domain/job';
import type { Logger } from '../logging';
import type { ReadModel } from '../read-model';
import { hasPassed, scheduleFrom, type Declaration } from './declaration';
import type { DeclarationsHealth, DeclarationsReport, DeclarationAnswer } from './report';
import { othersWith, Vanished } from './vanished';
import { EndedError, Waiting } from './waiting';

export interface ReconcilerPorts {
  readonly commands: Pick<CommandExecutor, 'execute'>;
  readonly view: ReadModel;
  readonly clock: Clock;
  readonly clusterTime: ClusterTime;
  readonly random: Random;
  readonly logger: Logger;
  /** The registered incarnation of this process; null: none yet. */
  readonly incarnation: () => string | null;
}

export interface ReconcilerOptions {
  readonly serviceId: string;
  /** The name of the service: who declares. */
  readonly source: string;
  /** Whether this process registers as a service: a web-only replica does not. */
  readonly registers: boolean;
  /** What becomes of jobs that were declared by this service name and no longer are. */
  readonly vanished: 'report' | 'remove';
}

/** So many declarations are sent at the same time. */
const AT_ONCE = 16;

/**
 * Brings the jobs that a process declares into the log, once per start, in the background: new ones are scheduled, changed ones
 * rescheduled, vanished ones reported.
 *
 * It decides nothing twice: what a declaration does to a job is decided on the job's stream, by its hash, whoever sends it and however often.
 * A log that does not answer is tried until it does. Nothing that happens here stops the process.
 */
export class Reconciler {
  private readonly waiting: Waiting;
  private readonly vanished: Vanished;
  private readonly answers = new Map<string, DeclarationAnswer>();
  private declarations: readonly Declaration[] = [];
  private running: Promise<void> | null = null;
  private startedAt = 0;
  private lastPosition = 0n;
  private isSettled = false;
  private settle: (report: DeclarationsReport) => void = () => undefined;
  private readonly whenSettled = new Promise<DeclarationsReport>((resolve) => (this.settle = resolve));

  constructor(
    private readonly ports: ReconcilerPorts,
    private readonly options: ReconcilerOptions,
  ) {
    const { clock, random, logger } = ports;
    this.waiting = new Waiting(clock, random, logger);
    this.vanished = new Vanished(ports, options, this.waiting);
  }

  /** Begins; returns at once. `declarations` are those of this process; now is the application's start. */
  start(declarations: readonly Declaration[]): void {
    if (this.running !== null) return;
    this.declarations = declarations;
    this.startedAt = this.ports.clock.monotonic();
    this.running = this.reconcile().catch((error: unknown) => {
      if (error instanceof EndedError) return;
      // A defect of ours: the jobs of the log go on; what is not declared yet is declared at the next start.
      this.ports.logger.error('declarations.failed', { error: String(error) });
    });
  }

  /** Ends what is under way. A log that does not answer is not waited for. */
  async close(): Promise<void> {
    this.waiting.end();
    await this.running;
  }

  /** Resolves when the log has answered every declaration, and vanished ones have been looked for once. Waits for a log that does not answer. */
  settled(): Promise<DeclarationsReport> {
    return this.whenSettled;
  }

  /** What is known so far. */
  report(): DeclarationsReport {
    const declared = this.declarations.flatMap(({ jobId }) => this.answers.get(jobId) ?? []);
    return { declared, vanished: this.vanished.found(), elsewhere: this.vanished.elsewhere() };
  }

  health(): DeclarationsHealth {
    return {
      settled: this.isSettled,
      declarations: this.declarations.length,
      answered: this.answers.size,
      waitingFor: this.waiting.what,
    };
  }

  /**
   * A service declares after it has registered. So whoever finds a declared job in the log finds, before it, the service that has its
   * handler: a job that was declared a moment ago has not vanished for anybody.
   */
  private async reconcile(): Promise<void> {
    const { view } = this.ports;
    await this.seen('the registration', () => this.isInView());
    await this.seen('the view', () => view.health().state === 'live');
    const start = this.startInstant();
    const passed = this.declarations.filter(({ written }) => hasPassed(written, start));
    for (const declaration of passed) this.tellPassed(declaration);
    await this.each(
      this.declarations.filter((declaration) => !passed.includes(declaration)),
      (declaration) => this.declare(declaration),
    );
    await this.seen('the view', () => this.isApplied());
    const declared = new Set(this.declarations.map(({ jobId }) => jobId));
    await this.vanished.look(declared);
    this.isSettled = true;
    const report = this.report();
    this.tell(report);
    this.settle(report);
    await this.vanished.untilNoneIsElsewhere(declared);
  }

  private seen(what: string, holds: () => boolean): Promise<void> {
    return this.waiting.condition(what, holds, (look) => this.ports.view.onAdvance(look));
  }

  private async each(declarations: readonly Declaration[], work: (declaration: Declaration) => Promise<void>) {
    for (let i = 0; i < declarations.length; i += AT_ONCE) {
      await Promise.all(declarations.slice(i, i + AT_ONCE).map(work));
    }
  }

  private async declare(declaration: Declaration): Promise<void> {
    const { jobId, written, tag, affinity, policies, disabled, hash } = declaration;
    const restart = written.kind === 'timeout' && this.isAlone(declaration);
    const command = new DeclareJobCommand({
      ...{ jobId, handler: jobId, schedule: scheduleFrom(declaration, this.startInstant()), tag, affinity, policies },
      ...{ declaration: { hash, source: this.options.source }, disabled, restart },
    });
    try {
      // The same command again and again: it keeps its ids, so what has landed is known as such.
      const execution = await this.waiting.until('the log', () =>
        this.ports.commands.execute(command, { actor: this.options.serviceId }),
      );
      if (execution.position > this.lastPosition) this.lastPosition = execution.position;
      this.answer(declaration, declarationOutcome(execution, hash), execution);
    } catch (error) {
      if (!(error instanceof CommandRefusedError)) throw error;
      this.note(declaration, 'refused', error.message);
      this.ports.logger.error('declaration.refused', { jobId, where: declaration.where, error: error.message });
    }
  }

  private answer(declaration: Declaration, outcome: DeclarationOutcome, { state }: JobExecution): void {
    const { jobId, where, written } = declaration;
    const once = written.kind === 'timeout' || written.kind === 'date';
    const status = state.stage === 'absent' || state.stage === 'opaque' ? state.stage : statusOf(state);
    if (outcome === 'replaced') {
      const detail =
        'The log has this declaration as one that was replaced by a newer one; it is not applied again. ' +
        "If this one is to hold (a rollback), give it another text for the option 'revision'.";
      this.note(declaration, outcome, detail);
      this.ports.logger.warn('declaration.replaced', { jobId, where, remedy: detail });
    } else if (outcome === 'ended' && !(once && status === 'completed')) {
      const detail =
        `The job has ended (${status}), and a declaration that has not changed does not begin it anew. ` +
        "If it is to run again, give the declaration another text for the option 'revision'.";
      this.note(declaration, outcome, detail);
      this.ports.logger.warn('declaration.ended', { jobId, where, status, remedy: detail });
    } else {
      const other = state.stage === 'absent' || state.stage === 'opaque' ? undefined : state.declaration?.source;
      const detail = other === undefined || other === this.options.source ? null : sharedWith(other);
      this.note(declaration, outcome, detail);
      if (detail === null) this.ports.logger.debug('declaration.answered', { jobId, where, outcome });
      else this.ports.logger.warn('declaration.shared', { jobId, where, declaredBy: other, remedy: detail });
    }
  }

  private tellPassed(declaration: Declaration): void {
    const { jobId, where } = declaration;
    // A job that the log has is not begun anew by a start; if it is still pending it will run, late.
    if (this.ports.view.job(jobId) !== null) return this.note(declaration, 'unchanged', null);
    const detail = 'The date has passed: it never fires. Remove it, or choose a later date.';
    this.note(declaration, 'passed', detail);
    this.ports.logger.warn('declaration.passed', { jobId, where, remedy: detail });
  }

  private note({ jobId, where }: Declaration, outcome: DeclarationAnswer['outcome'], detail: string | null): void {
    this.answers.set(jobId, { jobId, where, outcome, detail });
  }

  private tell({ declared, vanished, elsewhere }: DeclarationsReport): void {
    if (declared.length === 0 && vanished.length === 0) return;
    const counts: Record<string, number> = {};
    for (const { outcome } of declared) counts[outcome] = (counts[outcome] ?? 0) + 1;
    const fields = { declarations: declared.length, ...counts, vanished: vanished.length, elsewhere: elsewhere.length };
    this.ports.logger.info('declarations.settled', fields);
  }

  /** The view has applied what was answered here. */
  private isApplied(): boolean {
    const position = this.ports.view.position();
    return this.lastPosition === 0n || (position !== 'start' && position >= this.lastPosition);
  }

  /** The application's start in cluster time: what has passed since then is measured, not read off a wall. */
  private startInstant(): number {
    const { clock, clusterTime } = this.ports;
    return Math.round(clusterTime.now() - (clock.monotonic() - this.startedAt));
  }

  /** The view shows this process as registered: and with it every service that registered before. */
  private isInView(): boolean {
    if (!this.options.registers) return true;
    const incarnation = this.ports.incarnation();
    const current = this.ports.view.service(this.options.serviceId)?.current;
    return incarnation !== null && current?.incarnation === incarnation;
  }

  /**
   * No other living service has the handler that registered before this one. Registrations stand in one order in the log, so of those that
   * start together one at most is alone. A later position is that of a later registration, unless something has happened to that service since.
   */
  private isAlone({ jobId }: Declaration): boolean {
    const { view } = this.ports;
    const own = view.service(this.options.serviceId);
    if (!this.options.registers || own === null) return false;
    const since = own.current?.registeredAt ?? 0;
    return othersWith(view, this.options.serviceId, jobId).every(
      ({ position, current }) => position > own.position && (current?.registeredAt ?? 0) >= since,
    );
  }
}

function sharedWith(source: string): string {
  return (
    `The service ${source} declares a job of this id too, and it is one job: one of the two runs each tick. ` +
    'Give one of them another name, or each application a namespace of its own.'
  );
}
