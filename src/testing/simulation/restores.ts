import type { LivenessOptions } from '../../membership';
import type { Place } from './place';
import type { Scheduler } from './scheduler';
import type { SimulatedLog, WrittenAppend } from './simulated-log';
import type { SimulatedProcess } from './simulated-process';
import type { TroubleHistory } from './trouble-history';

/** A view that rebuilds shows for so long what was before a restore, ms. */
const SHOWN_MS = 30_000;

/** Backups that take the place of the log, and who has not noticed it. */
export class Restores {
  private restoredAt = -Infinity;
  /** Processes that lived then and have not noticed; and those whose views show what is lost. */
  private readonly unaware = new Set<string>();
  private readonly views = new Set<string>();

  constructor(
    private readonly world: {
      readonly scheduler: Scheduler;
      readonly log: SimulatedLog;
      readonly history: TroubleHistory;
      readonly liveness: LivenessOptions;
      readonly note: (what: string) => void;
      /** The log holds these appends, and nothing else any more. */
      readonly rewound: (appends: readonly WrittenAppend[]) => void;
    },
  ) {}

  /** Whoever is connected to the log is broken off, and finds another state of it when it comes back. */
  async restore(places: readonly Place[], backMs: number): Promise<void> {
    const { scheduler, log, history, note, rewound } = this.world;
    const now = (this.restoredAt = scheduler.now);
    note('restore');
    const appends = await log.restore(now - backMs);
    for (const { name, current, webOnly } of places) {
      history.restored(name, now, now + this.aftermathMs);
      if (current === null) continue;
      const { process, service, connection } = current;
      process.told.lost(log.head);
      // Who has heard nothing yet has nothing to notice.
      if (!webOnly && process.told.goesBy !== null) this.unaware.add(process.name);
      const position = service?.readModel.position() ?? 'start';
      if (position !== 'start' && position > log.head) this.views.add(process.name);
      connection.drop();
    }
    rewound(appends);
  }

  /** What a process tells its log when it notices that. */
  noticed(process: SimulatedProcess, fact: string): void {
    if (fact === 'log.went-back') {
      process.told.forgetLog();
      process.told.goesBy = this.world.log.generation;
      this.unaware.delete(process.name);
    }
    if (fact === 'view.rebuilding') this.views.delete(process.name);
  }

  /** Whether that process has not noticed the last one, and how long ago that was. */
  of(process: string): { readonly unaware: boolean; readonly sinceMs: number } {
    return {
      unaware: this.unaware.has(process) || this.views.has(process),
      sinceMs: this.world.scheduler.now - this.restoredAt,
    };
  }

  /** The view of that process, in that state, may show what is lost. */
  showsLost(process: string, state: string): boolean {
    if (this.views.has(process)) return true;
    // It has noticed that the log is another one, and shows what was until it begins anew: it tries that again where the log does not answer.
    return (state === 'rebuilding' || state === 'failed') && this.world.scheduler.now - this.restoredAt < SHOWN_MS;
  }

  private get aftermathMs(): number {
    return 4 * this.world.liveness.failAfterMs;
  }
}
