import type { SimulatedProcess } from './simulated-process';
import type { Scheduler } from './scheduler';
import type { HandlerDefinition, JobContext } from '../../worker';

/** One entry of a handler, in true time (ms since the beginning of the world). */
export interface WitnessedRun {
  readonly jobId: string;
  readonly handler: string;
  readonly slot: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly fencingToken: number;
  readonly serviceId: string;
  readonly incarnation: string;
  /** Name of the process. */
  readonly process: string;
  readonly enteredAt: number;
  /** When it settled, or its process was gone; null: it runs. */
  leftAt: number | null;
  how: 'running' | 'returned' | 'threw' | 'died';
  /** When it was told to stop; null: it was not. */
  abortedAt: number | null;
  /** Why. */
  abortReason: string | null;
  /**
   * How long it had gone on, since its process was resumed from a pause that outlasts trust, when it was told to stop by the fence, or ended by itself
   * before that. Null: no such pause, or told to stop for another reason. Without the time for which the process was held up once more. ms.
   */
  zombieMs: number | null;
}

interface Open {
  readonly run: WitnessedRun;
  readonly process: SimulatedProcess;
}

/** Sees every entry and exit of a handler, in every process. */
export class Witness {
  readonly runs: WitnessedRun[] = [];
  private readonly open = new Set<Open>();
  private readonly resumedListeners: ((run: WitnessedRun, wentOnMs: number) => void)[] = [];
  private readonly listeners: ((
    run: WitnessedRun,
    others: readonly WitnessedRun[],
    process: SimulatedProcess,
  ) => void)[] = [];

  private readonly guardListeners: ((run: WitnessedRun) => void)[] = [];

  constructor(
    private readonly scheduler: Scheduler,
    /** A process that was held up for longer cannot trust itself. */
    private readonly longPauseMs: number,
  ) {}

  /** Told of every handler that was in the middle of its run when its process was held up for so long that it cannot trust itself, and how long it went on. */
  onResumed(listener: (run: WitnessedRun, wentOnMs: number) => void): void {
    this.resumedListeners.push(listener);
  }

  /** Told of every entry, with the runs of the same job that are open at that moment. */
  onEntry(listener: (run: WitnessedRun, others: readonly WitnessedRun[], process: SimulatedProcess) => void): void {
    this.listeners.push(listener);
  }

  processOf(run: WitnessedRun): SimulatedProcess | null {
    for (const one of this.open) if (one.run === run) return one.process;
    return null;
  }

  around(handler: HandlerDefinition, process: SimulatedProcess): HandlerDefinition {
    return {
      ...handler,
      run: (payload, context) => {
        const entry = this.enter(handler, context, process);
        let result: unknown;
        try {
          result = handler.run(payload, this.watched(context, entry.run));
        } catch (error) {
          this.leave(entry, 'threw');
          throw error;
        }
        return Promise.resolve(result).then(
          (value) => (this.leave(entry, 'returned'), value),
          (error: unknown) => {
            this.leave(entry, 'threw');
            throw error;
          },
        );
      },
    };
  }

  /** The process is gone, and what ran in it. */
  died(process: SimulatedProcess): readonly WitnessedRun[] {
    const gone = [...this.open].filter((one) => one.process === process);
    for (const one of gone) this.leave(one, 'died');
    return gone.map(({ run }) => run);
  }

  openRuns(): readonly WitnessedRun[] {
    return [...this.open].map(({ run }) => run);
  }

  /** Told whenever a handler has asked whether it may still act, and was let pass. */
  onGuard(listener: (run: WitnessedRun) => void): void {
    this.guardListeners.push(listener);
  }

  private watched(context: JobContext, run: WitnessedRun): JobContext {
    const guard = async () => {
      await context.guard();
      for (const listener of this.guardListeners) listener(run);
    };
    return { ...context, guard };
  }

  private enter(handler: HandlerDefinition, context: JobContext, process: SimulatedProcess): Open {
    const { jobId, slot, attempt, epoch, fencingToken, serviceId, incarnation } = context;
    const run: WitnessedRun = {
      jobId,
      handler: handler.name,
      slot,
      attempt,
      epoch,
      fencingToken,
      serviceId,
      incarnation,
      process: process.name,
      enteredAt: this.scheduler.now,
      leftAt: null,
      how: 'running',
      abortedAt: null,
      abortReason: null,
      zombieMs: null,
    };
    const others = [...this.open].filter((one) => one.run.jobId === jobId).map((one) => one.run);
    const entry = { run, process };
    this.open.add(entry);
    this.runs.push(run);
    context.signal.addEventListener(
      'abort',
      () => {
        run.abortedAt = this.scheduler.now;
        run.abortReason = (context.signal.reason as { reason?: string }).reason ?? null;
        if (run.abortReason === 'fenced') this.resumed(run, process);
      },
      { once: true },
    );
    for (const listener of this.listeners) listener(run, others, process);
    return entry;
  }

  /** A handler that was in the middle of its run when its process was held up for long ends, or is told to: how long has it gone on since? */
  private resumed(run: WitnessedRun, process: SimulatedProcess): void {
    const { now } = this.scheduler;
    const pause = process.pauses.findLast(
      ({ from, to }) => from >= run.enteredAt && to <= now && to - from >= this.longPauseMs,
    );
    if (pause === undefined) return;
    run.zombieMs = Math.max(0, now - pause.to - process.pausedWithin(pause.to, now));
    for (const listener of this.resumedListeners) listener(run, run.zombieMs);
  }

  private leave(entry: Open, how: 'returned' | 'threw' | 'died'): void {
    if (!this.open.delete(entry)) return;
    if (entry.run.abortedAt === null && how !== 'died') this.resumed(entry.run, entry.process);
    entry.run.leftAt = this.scheduler.now;
    entry.run.how = how;
  }
}
