import {
  AbandonJobRunCommand,
  BindJobToServiceCommand,
  CompleteJobRunCommand,
  MarkServiceFailedCommand,
  RequeueJobCommand,
  ScheduleJobCommand,
  StartJobRunCommand,
} from '../../src/commands';
import { isSuspect, type JobRecord } from '../../src/domain/job';
import type { Candidate } from '../../src/domain/service';
import { Bench, Held } from './bench';

const asap = { kind: 'once', at: 'asap' } as const;

/** Jobs in which owners die: who starts them, and who takes the blame back. */
describe('a suspect', () => {
  let bench: Bench;
  let survivor: Bench;
  let held: Held;
  beforeEach(() => {
    held = new Held();
    bench = new Bench();
    survivor = new Bench('b@test', bench);
  });
  afterEach(async () => {
    await bench.close();
    await survivor.close();
  });

  const record = (jobId: string) => bench.view.job(jobId)!.state as JobRecord;
  const open = async () => {
    await bench.open([{ name: 'audit', run: held.run }]);
    await survivor.open([{ name: 'audit', run: () => undefined }]);
  };
  /** Jobs of service a in which two owners have died. */
  const suspects = async (count: number) => {
    await Promise.all(Array.from({ length: count }, (_, n) => twoCrashes(bench, `s${n}`)));
    const all = () => Array.from({ length: count }, (_, n) => bench.view.job(`s${n}`));
    await bench.until('the view to show them', () => all().every((row) => row?.suspect));
  };

  it('runs alone among its kind: the next is started when the outcome of the first is in the log; others run beside it', async () => {
    await open();
    await suspects(3);
    for (let n = 0; n < 3; n++) expect(isSuspect(record(`s${n}`))).toBe(true);
    await bench.until('the first suspect runs', () => held.entered === 1);
    await bench.jobs(5, 'audit');
    await bench.until('the others run', () => held.entered === 6);
    await bench.clock.advance(10_000);
    expect(held.entered).toBe(6);
    expect(held.contexts.filter(({ jobId }) => jobId.startsWith('s'))).toHaveLength(1);
    let record1: () => void = () => undefined;
    const recording = new Promise<void>((resolve) => (record1 = resolve));
    bench.before = (command) => (command instanceof CompleteJobRunCommand ? recording : undefined);
    held.finish();
    await bench.clock.advance(10_000);
    expect(held.entered).toBe(6);
    record1();
    await bench.until('the second suspect runs', () => held.entered === 7);
    expect(held.contexts[6].jobId).not.toBe(held.contexts[0].jobId);
    expect(isSuspect(record(held.contexts[0].jobId))).toBe(false);
  });

  it('that waits for another hides no other job, however many there are', async () => {
    await open();
    bench.trust.fence();
    await suspects(700);
    bench.trust.trustAgain();
    await bench.until('one suspect runs', () => held.entered === 1);
    await bench.jobs(3, 'audit', 'late');
    await bench.until('the others run', () => held.entered === 4, 2_000);
    expect(held.contexts.slice(1).every(({ jobId }) => jobId.startsWith('late'))).toBe(true);
  });

  it('that was started and not entered is closed in the log before the next one is started', async () => {
    await open();
    bench.after = ({ constructor: { name } }) => {
      if (name === 'StartJobRunCommand' && bench.facts('job.not-entered').length === 0) bench.trust.fence();
    };
    bench.before = (command) => (command instanceof AbandonJobRunCommand ? bench.clock.sleep(3_000) : undefined);
    await suspects(2);
    await bench.until('a start that is not entered', () => bench.facts('job.not-entered').length === 1);
    bench.trust.trustAgain();
    await bench.until('a run', () => held.entered === 1);
    const { events } = await bench.store.readAll({ after: 'start', limit: 1_000 });
    const own = (type: string) => (event: (typeof events)[number]) =>
      event.type === type && event.data.includes(bench.incarnation);
    const closed = events.findIndex(own('JobRunAbandoned'));
    expect(closed).toBeGreaterThan(events.findIndex(own('JobRunStarted')));
    expect(closed).toBeLessThan(events.findLastIndex(own('JobRunStarted')));
    held.finish();
    await bench.until('the other', () => held.entered === 2);
  });

  it('that turned out to be none keeps nobody waiting', async () => {
    await open();
    bench.trust.fence();
    await bench.jobs(1, 'audit');
    await suspects(1);
    // Taken for a suspect, as by a sweep whose view is behind.
    const reservation = bench.worker.reserve(bench.view.job('j0')!, true)!;
    const { serviceId, incarnation } = bench;
    const started = await bench.send(new StartJobRunCommand({ jobId: 'j0', serviceId, incarnation, epoch: 1 }));
    bench.trust.trustAgain();
    reservation.landed(started);
    await bench.until('both run', () => held.entered === 2);
  });

  it('says in its start that it was the only one', async () => {
    await open();
    await suspects(1);
    await bench.jobs(1, 'audit');
    await bench.until('both run', () => held.entered === 2);
    const starts = async (jobId: string) => {
      const { events } = await bench.store.readStream(`job-${jobId}`, { direction: 'forwards', limit: 100 });
      return events.filter(({ type }) => type === 'JobRunStarted').map(({ data }) => JSON.parse(data));
    };
    expect((await starts('s0')).at(-1)).toMatchObject({ soleSuspect: true });
    expect((await starts('j0')).at(-1)).not.toHaveProperty('soleSuspect');
  });

  describe('a process that was thought dead and returns takes its crashes back', () => {
    /** An observer marks it, and a survivor that has no room for the run takes its job over. */
    const takenOver = async () => {
      const row = survivor.view.service('a@test')!;
      await survivor.executor.execute(
        new MarkServiceFailedCommand({
          by: 'observer',
          serviceId: 'a@test',
          incarnation: bench.incarnation,
          observer: 'b@test',
          observerIncarnation: survivor.incarnation,
          evidence: { kind: 'silence', lastBeat: 1, silenceMs: 1_000, thresholdMs: 1_000, membershipPosition: '1' },
          viewRevision: row.revision,
        }),
      );
      const { candidate } = survivor.view.candidate('b@test')!;
      survivor.trust.fence();
      await survivor.send(requeue('j', { serviceId: 'a@test', incarnation: bench.incarnation }, candidate, false));
    };
    const crashes = () => (survivor.view.job('j')!.state as JobRecord).crashes.length;
    const returned = async () => {
      bench.incarnation = bench.incarnation.replace(/^./, (c) => (c === '0' ? '1' : '0'));
      bench.trust.trustAgain();
      await bench.until('the crash to be taken back', () => crashes() === 0);
    };

    it('of a start that was never entered', async () => {
      await open();
      bench.after = (command) => {
        if (command.constructor.name === 'StartJobRunCommand') bench.trust.fence();
      };
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap });
      await bench.until('the start', () => bench.facts('job.not-entered').length === 1);
      await takenOver();
      expect(crashes()).toBe(1);
      await returned();
      expect(held.entered).toBe(0);
    });

    it('of a handler that ignores its abort, though it waits for it', async () => {
      await open();
      await bench.job({ jobId: 'j', handler: 'audit', schedule: asap, policies: { onStuck: 'wait' } });
      await bench.until('the run', () => held.entered === 1);
      bench.trust.fence();
      await bench.clock.advance(10_000);
      await takenOver();
      expect(crashes()).toBe(1);
      await returned();
    });
  });
});

const why = { kind: 'requeue', rank: 0, candidates: 1, first: 'x', placementVersion: 1, labelsMatch: true } as const;

function requeue(
  jobId: string,
  { serviceId, incarnation }: { readonly serviceId: string; readonly incarnation: string },
  to: Candidate,
  start: boolean,
): RequeueJobCommand {
  return new RequeueJobCommand({
    jobId,
    gone: { serviceId, incarnation, cause: 'failed' },
    to: { service: to, why, start, soleSuspect: false },
    nobody: null,
    viewPosition: '1',
    quarantine: { crashes: 3, windowMs: 3_600_000 },
  });
}

/** Two owners die in the job; then the service of the bench owns it, and nothing of it has been started since. */
async function twoCrashes(bench: Bench, jobId: string): Promise<void> {
  const own = bench.view.candidate(bench.serviceId)!.candidate;
  const [x, y] = ['x', 'y'].map((name) => ({ ...own, serviceId: name, incarnation: `${name}-1` }));
  await bench.executor.execute(new ScheduleJobCommand({ jobId, handler: 'audit', schedule: asap }));
  const claim = { by: 'claim', service: x, viewPosition: '1', why: { ...why, kind: 'claim' } } as const;
  await bench.executor.execute(new BindJobToServiceCommand({ ...claim, jobId, start: true }));
  await bench.executor.execute(requeue(jobId, x, y, true));
  await bench.executor.execute(requeue(jobId, y, own, false));
}
