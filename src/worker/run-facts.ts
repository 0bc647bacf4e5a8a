import type { RunRef } from '../domain/job';

/** The fields by which a log line names a run. */
export function runFacts(
  jobId: string,
  run: RunRef,
): { jobId: string; slot: string; attempt: number; epoch: number; incarnation: string } {
  return { jobId, slot: run.slot, attempt: run.attempt, epoch: run.epoch, incarnation: run.incarnation };
}
