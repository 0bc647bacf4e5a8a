import type { ServiceRow } from 'holdfast';

/** Watcher's words: a service beats, or it does not. STOPPED: it has said so itself, and nobody need be alarmed. */
export type EngineStatus = 'ACTIVE' | 'FAILED' | 'STOPPED';

export interface EngineView {
  readonly engine: string;
  readonly status: EngineStatus;
  /** Audits that it has. */
  readonly audits: number;
}

/** The decision engines among the services, by id; services of other names are none of theirs. Facts of the log, not a look at the clock. */
export function enginesOf(services: readonly ServiceRow[], name = 'engine'): readonly EngineView[] {
  return services.flatMap(({ serviceId, current, ownedJobs }) => {
    if (current === null || current.labels.name !== name) return [];
    const status = { live: 'ACTIVE', draining: 'ACTIVE', failed: 'FAILED', stopped: 'STOPPED' } as const;
    return [{ engine: serviceId, status: status[current.life], audits: ownedJobs }];
  });
}
