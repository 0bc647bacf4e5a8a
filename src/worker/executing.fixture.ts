import { VirtualClock } from '../clock';
import type { RunRef } from '../domain/job';
import { silentLogger } from '../logging';
import type { Trust } from '../membership';
import type { JobRow } from '../read-model';
import { Execution } from './execution';
import type { StartedRun } from './started-run';

export const OWN = 'life-1';

export function run(slot: string, attempt = 1, incarnation = OWN): RunRef {
  return { slot, attempt, epoch: 1, incarnation };
}

/** A handler that never settles, in the middle of this run, which the log has from position 5 on. */
export function executing(jobId: string, of: RunRef, clock = new VirtualClock()): Execution {
  const definition = { payload: null, tag: {}, policies: { timeoutMs: null } };
  const started = {
    run: of,
    serviceId: 'a',
    suspect: false,
    record: { jobId, definition },
    fencingToken: 1,
    position: 5n,
  };
  const trust = { check: () => null, settled: () => Promise.resolve(true) } as unknown as Trust;
  return new Execution(
    started as unknown as StartedRun,
    { name: 'work', run: () => new Promise(() => undefined) },
    { clock, trust, logger: silentLogger, abortGraceMs: 1_000, onStuck: () => undefined },
  );
}

/** A row of an own job with these runs open. */
export function row(
  jobId: string,
  words: { overlap?: unknown; runs?: readonly RunRef[]; revision?: number } = {},
): JobRow {
  const { overlap = 'skip', runs = [], revision = 3 } = words;
  const state = { stage: 'live', definition: { policies: { overlap } }, inProgress: runs.map((one) => ({ run: one })) };
  return { jobId, revision, state } as unknown as JobRow;
}
