import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { history, JobHandler, Jobs, jobType, Queries, type JobContext } from '../../src';
import { HoldfastTesting, HoldfastTestingModule } from '../../src/testing';

const Work = jobType('work');

@Injectable()
class Works {
  work: (context: JobContext) => unknown = () => undefined;

  @JobHandler(Work)
  async run(_: null, context: JobContext): Promise<void> {
    await this.work(context);
  }
}

describe('an application', () => {
  let app: TestingModule;
  let testing: HoldfastTesting;
  let jobs: Jobs;

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [HoldfastTestingModule.forRoot({}, { handlerPatienceMs: 20 })],
      providers: [Works],
    }).compile();
    await app.init();
    testing = app.get(HoldfastTesting);
    jobs = app.get(Jobs);
  });
  afterEach(() => app.close());

  const every = (ms: number) => ({ kind: 'interval', every: ms }) as const;
  const facts = async (jobId: string) => {
    const types = [];
    for await (const { type } of history(testing.store, jobId)) types.push(type);
    return types;
  };

  it('resumes a job that was paused when its owner died, where it is now', async () => {
    await testing.join({ host: 'other' });
    await jobs.schedule(Work, null, {
      id: 'job',
      tag: { host: 'other' },
      affinity: 'preferred',
      schedule: every(1_000),
    });
    await testing.expectOwner('job', 'app@other');
    await testing.during(jobs.pause('job'));
    await testing.kill('app@other');
    await testing.advance('20s');
    await testing.expectOwner('job', 'app@test');
    const before = testing.runs('job').length;
    await testing.advance('20s');
    expect(testing.runs('job')).toHaveLength(before);
    await testing.during(jobs.resume('job'));
    await testing.advance('3s');
    expect(testing.runs('job').slice(before)).toMatchObject([
      { serviceId: 'app@test' },
      { serviceId: 'app@test' },
      { serviceId: 'app@test' },
    ]);
  });

  it('goes on beating, and keeps its jobs, while a job runs for long', async () => {
    await testing.join({ host: 'other' });
    let finish = () => undefined as void;
    app.get(Works).work = () => new Promise<void>((resolve) => (finish = resolve));
    await jobs.schedule(Work, null, { id: 'long', tag: { host: 'other' }, affinity: 'preferred' });
    await testing.advance('10m');
    expect(testing.runs('long')).toMatchObject([{ serviceId: 'app@other', outcome: 'running' }]);
    finish();
    await testing.advance('1s');
    expect(await facts('long')).toEqual([
      'JobScheduled',
      'JobBoundToService',
      'JobRunStarted',
      'JobRunSucceeded',
      'JobCompleted',
    ]);
  });

  it('runs by a new interval at once, not when the old one has passed', async () => {
    await jobs.schedule(Work, null, { id: 'daily', schedule: every(86_400_000) });
    await testing.advance('1m');
    await testing.during(jobs.reschedule('daily', { schedule: every(10_000) }));
    const { nextRunTime } = (await app.get(Queries).job('daily'))!;
    expect(nextRunTime).toBe(testing.now().getTime() + 10_000);
    await testing.advance('25s');
    expect(testing.runs('daily')).toHaveLength(2);
  });
});
