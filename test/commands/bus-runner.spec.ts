import type { BindJob, JobDefinition, JobEvent, ScheduleJob } from '../../src/domain/job';
import { busRunner, specification, specify } from '../../src/testing/specification';
import { candidate } from './bench';

const at = Date.parse('2026-03-01T10:00:00.000Z');
const common = { at, zoneData: '2026a' };
const definition: JobDefinition = {
  handler: 'audit',
  payload: { goal: 'balance' },
  schedule: { kind: 'cron', pattern: '0 * * * *', zone: 'UTC', days: 'either', start: null, end: null, maxRuns: null },
  tag: { name: 'a' },
  affinity: 'required',
  policies: {
    retry: { maxRetries: 0, initialMs: 1_000, factor: 2, maxMs: 300_000 },
    overlap: 'skip',
    misfire: 'once',
    onOwnerLoss: 'rerun',
    onStuck: 'release',
    timeoutMs: null,
    priority: 0,
  },
};
const schedule: ScheduleJob = {
  kind: 'ScheduleJob',
  jobId: 'j',
  commandId: 'c',
  definition,
  definitionHash: 'word',
  onConflict: 'refuse',
  renew: false,
  ...common,
};
const scheduled: JobEvent = {
  type: 'JobScheduled',
  data: {
    jobId: 'j',
    definition,
    definitionHash: 'word',
    anchor: at,
    renewed: false,
    nextSlot: '2026-03-01T11:00:00.000Z',
    ...common,
    commandId: 'c',
  },
};
const bind: BindJob = {
  kind: 'BindJob',
  by: 'operator',
  service: candidate('a'),
  viewPosition: '12',
  why: { kind: 'operator', rank: 2, candidates: 3, first: 'b', placementVersion: 1, labelsMatch: true },
  start: false,
  ...common,
};
const bound: JobEvent = {
  type: 'JobBoundToService',
  data: { epoch: 1, serviceId: 'a', incarnation: 'a-1', viewPosition: '12', why: bind.why, at },
};
const other = { ...schedule, commandId: 'd', definition: { ...definition, payload: null } };

describe('what the bus makes anew on the way', () => {
  specify(it, [
    specification('a hash is a word for its definition').when(schedule).then(scheduled),
    specification('the same definition again')
      .given(scheduled)
      .when({ ...schedule, commandId: 'd' })
      .thenNothing(),
    specification('another definition')
      .given(scheduled)
      .when({ ...other, definitionHash: 'w' })
      .thenRefused('job-exists'),
    specification('an operator binds without a command id').given(scheduled).when(bind).then(bound),
    specification('an operator binds with one')
      .given(scheduled)
      .when({ ...bind, commandId: 'b' })
      .then({ ...bound, data: { ...bound.data, commandId: 'b' } } as JobEvent),
  ]);

  it('is no cover for a hash that contradicts its definition', async () => {
    const wrong = specification('contradiction').given(scheduled).when(other).thenNothing();
    await expect(busRunner.run(wrong)).rejects.toThrow(/contradict/);
  });

  it('does not hide an owner, an epoch or a position that differ', async () => {
    const wrong = { ...bound, data: { ...bound.data, epoch: 2, viewPosition: '13' } } as JobEvent;
    await expect(busRunner.run(specification('other').given(scheduled).when(bind).then(wrong))).rejects.toMatchObject({
      diff: expect.arrayContaining([expect.stringContaining('epoch'), expect.stringContaining('viewPosition')]),
    });
  });
});
