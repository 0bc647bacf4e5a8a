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
  /** Who lived when a backup took the place of the log, and when that was. */
  private readonly connected = new Map<string, number>();
  /** Processes whose membership, and whose views, know of a log that is no more. */
  private readonly members = new Set<string>();
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
      this.connected.set(process.name, now);
      process.told.lost(log.head);
      if (!webOnly && process.told.upTo > log.head) this.members.add(process.name);
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
      this.members.delete(process.name);
    }
    if (fact === 'view.rebuilding') this.views.delete(process.name);
  }

  /** Whether that process has not noticed the last one, how long ago that was, and whether it may still end what it decided by the log that was lost. */
  of(process: string): { readonly unaware: boolean; readonly sinceMs: number; readonly connected: boolean } {
    const { now } = this.world.scheduler;
    return {
      unaware: this.members.has(process) || this.views.has(process),
      sinceMs: now - this.restoredAt,
      connected: now - (this.connected.get(process) ?? -Infinity) < this.aftermathMs,
    };
  }

  /** The view of that process, in that state, may show what is lost. */
  showsLost(process: string, state: string): boolean {
    if (this.views.has(process)) return true;
    // It has noticed that the log is another one, and shows what was until it begins anew.
    return state === 'rebuilding' && this.world.scheduler.now - this.restoredAt < SHOWN_MS;
  }

  private get aftermathMs(): number {
    return 4 * this.world.liveness.failAfterMs;
  }
}
