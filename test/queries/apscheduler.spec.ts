import { CommandExecutor, Jobs, jobType, RegisterServiceCommand } from '../../src/commands';
import { Queries } from '../../src/queries';
import type { SqliteReadModel } from '../../src/read-model';
import { ALog, T0 } from '../read-model/a-log';

/** One case per row of the table in docs/apscheduler.md. */
describe("the methods of APScheduler's job stores", () => {
  const Audit = jobType<{ readonly goal: string }>('audit');
  const every = (seconds: number) => ({ kind: 'interval' as const, every: seconds * 1_000 });
  let log: ALog;
  let view: SqliteReadModel;
  let jobs: Jobs;
  let queries: Queries;

  beforeEach(async () => {
    log = new ALog();
    view = await log.view();
    const { store, clock, random, lines: logger } = log;
    const clusterTime = { now: () => clock.wall() };
    const executor = new CommandExecutor({
      store,
      clock,
      random,
      clusterTime,
      zoneData: '2025b',
      namespace: '',
      directory: view,
      logger,
    });
    jobs = new Jobs(executor);
    queries = new Queries(view, clock);
    for (const name of ['ours', 'theirs']) {
      await executor.execute(
        new RegisterServiceCommand({
          serviceId: name,
          incarnation: random.uuid(T0),
          labels: { name, host: 'h' },
          capacity: { maxOwnedJobs: 100, maxConcurrentRuns: 10 },
          handlers: { audit: '1' },
          process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
          placementVersion: 1,
          reason: 'start',
          supersede: null,
        }),
      );
    }
    await log.applied(view);
  });
  afterEach(() => log.close());

  /** A job of a service; its position is applied. */
  const add = async (id: string, service: string, seconds: number) => {
    const tag = { name: service };
    await jobs.schedule(Audit, { goal: 'load' }, { id, tag, schedule: every(seconds) });
    await log.applied(view);
    const { position } = await jobs.bind(id, service);
    await view.waitFor(position, 1_000);
    return position;
  };

  it('add_job(job): ScheduleJob, with the tag that names the service; the same again adds nothing, another is refused', async () => {
    const options = { id: 'j', tag: { name: 'ours' }, schedule: every(60) };
    const first = await jobs.schedule(Audit, { goal: 'load' }, options);
    expect(await queries.job('j', { after: first.position })).toMatchObject({
      tag: { name: 'ours' },
      status: 'unbound',
    });
    expect(await jobs.schedule(Audit, { goal: 'load' }, options)).toMatchObject({ added: 0 });
    await expect(jobs.schedule(Audit, { goal: 'disk' }, options)).rejects.toMatchObject({ code: 'job-exists' });
    await expect(jobs.bind('j', 'theirs')).rejects.toMatchObject({ code: 'service-ineligible' });
  });

  it('update_job(job): RescheduleJob; an unknown job is refused', async () => {
    await add('j', 'ours', 60);
    const { position } = await jobs.reschedule(
      'j',
      { payload: { goal: 'disk' }, schedule: every(30) },
      { type: Audit },
    );
    expect(await queries.job('j', { after: position })).toMatchObject({
      nextRunTime: T0 + 30_000,
      serviceId: 'ours',
      state: { definition: { payload: { goal: 'disk' } } },
    });
    await expect(jobs.reschedule('k', { schedule: every(30) })).rejects.toMatchObject({ code: 'job-unknown' });
  });

  it('remove_job(job_id): RemoveJob; an unknown job is refused', async () => {
    await add('j', 'ours', 60);
    const { position } = await jobs.remove('j');
    expect(await queries.job('j', { after: position })).toMatchObject({ status: 'removed', nextRunTime: null });
    expect((await queries.jobs()).rows).toEqual([]);
    await expect(jobs.remove('k')).rejects.toMatchObject({ code: 'job-unknown' });
  });

  it('remove_all_jobs(): RemoveJob for each of ListJobs of one service; those of the others stay', async () => {
    for (const id of ['a', 'b', 'c']) await add(id, 'ours', 60);
    await add('d', 'theirs', 60);
    let cursor: string | undefined;
    do {
      const page = await queries.jobs({ serviceId: 'ours', limit: 2, ...(cursor !== undefined && { cursor }) });
      for (const row of page.rows) await jobs.remove(row.jobId);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    await log.applied(view);
    expect((await queries.jobs({ serviceId: 'ours' })).rows).toEqual([]);
    expect((await queries.jobs()).rows.map((row) => row.jobId)).toEqual(['d']);
  });

  it('lookup_job(job_id): GetJob; a worker looks up its own only', async () => {
    await add('j', 'theirs', 60);
    expect(await queries.job('j')).toMatchObject({ jobId: 'j', serviceId: 'theirs' });
    expect(await queries.job('k')).toBeNull();
    expect(view.ownJobs('theirs').one('j')).toMatchObject({ jobId: 'j' });
    expect(view.ownJobs('ours').one('j')).toBeNull();
  });

  it('get_due_jobs(now): DueJobs of one service', async () => {
    await add('late', 'ours', 90);
    await add('soon', 'ours', 30);
    await add('other', 'theirs', 10);
    const due = async (seconds: number) =>
      (await queries.due({ serviceId: 'ours', at: T0 + seconds * 1_000 })).rows.map((row) => row.jobId);
    expect(await due(29)).toEqual([]);
    expect(await due(30)).toEqual(['soon']);
    expect(await due(90)).toEqual(['soon', 'late']);
  });

  it('get_next_run_time(): GetNextRunTime of one service', async () => {
    await add('other', 'theirs', 10);
    expect((await queries.nextRunTime('ours')).nextRunTime).toBeNull();
    await add('soon', 'ours', 30);
    await add('late', 'ours', 90);
    expect((await queries.nextRunTime('ours')).nextRunTime).toBe(T0 + 30_000);
    const { position } = await jobs.pause('soon');
    expect((await queries.nextRunTime('ours', { after: position })).nextRunTime).toBe(T0 + 90_000);
  });

  it('get_all_jobs(): ListJobs of one service; soonest first with a next-run window', async () => {
    await add('a', 'ours', 90);
    await add('b', 'ours', 30);
    await add('c', 'ours', 60);
    await add('d', 'theirs', 10);
    await jobs.pause('c');
    await log.applied(view);
    expect((await queries.jobs({ serviceId: 'ours' })).rows.map((row) => row.jobId)).toEqual(['a', 'b', 'c']);
    const pending = await queries.jobs({ serviceId: 'ours', nextRunFrom: 0 });
    expect(pending.rows.map((row) => row.jobId)).toEqual(['b', 'a']);
  });
});
