import type { JobExecution } from '../commands';
import { fencingToken, type JobRecord, type JobRunStarted, type RunRef } from '../domain/job';

/** A run whose JobRunStarted is in the log, as this process executes it. */
export interface StartedRun {
  readonly run: RunRef;
  readonly serviceId: string;
  /** It runs as the sole suspect of this process. */
  readonly suspect: boolean;
  /** Definition in force at the start. */
  readonly record: JobRecord;
  readonly fencingToken: number;
  /** Position of the append that started it. */
  readonly position: bigint;
}

/** The run that an append started; null: it started none. */
export function startedRun(execution: JobExecution, generation: number): StartedRun | null {
  const index = execution.events.findLastIndex((e) => e.type === 'JobRunStarted');
  if (index < 0 || execution.state.stage === 'absent' || execution.state.stage === 'opaque') return null;
  const { data } = execution.events[index] as JobRunStarted;
  return {
    run: { slot: data.slot, attempt: data.attempt, epoch: data.epoch, incarnation: data.incarnation },
    serviceId: data.serviceId,
    suspect: data.soleSuspect === true,
    record: execution.state,
    fencingToken: fencingToken(generation, execution.firstRevision + index),
    position: execution.position,
  };
}
