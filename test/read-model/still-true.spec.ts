import { absentJob, fold, type JobRecord } from '../../src/domain/job';
import { columnsOf } from '../../src/read-model/job-columns';
import type { JobRow } from '../../src/read-model/read-model';
import { StillTrue } from '../../src/read-model/still-true';
import { aDefinition, aRun, slot, T0, t } from '../../src/testing/specification/a-job';
import { fact } from '../../src/testing/specification/facts';

/** A job with up to three open runs: `states[n]` has n. */
const events = [
  fact.scheduled(T0, slot(1), aDefinition({}, { overlap: { allow: 3 } })),
  fact.claimed(T0, 1),
  ...[1, 2, 3].map((minute) => fact.started(t(minute), aRun(slot(minute)), slot(minute + 1))),
];
const states = [0, 1, 2, 3].map((n) => fold(events.slice(0, 2 + n), 0, absentJob) as JobRecord);

describe('the rows with an open run', () => {
  it.each([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 2],
    [1, 0],
  ])('are read anew when the open runs of a job go from %i to %i', (from, to) => {
    const known = new StillTrue();
    const { serviceId, incarnation } = columnsOf(states[1]);
    const read = (n: number) => () => [{ state: states[n] } as JobRow];
    known.running(serviceId!, incarnation!, read(from));
    known.jobChanged({ before: columnsOf(states[from]), after: columnsOf(states[to]) });
    const [{ state }] = known.running(serviceId!, incarnation!, read(to));
    expect(state).toBe(states[to]);
  });
});
