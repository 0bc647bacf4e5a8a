import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Interval, JobHandler, Jobs, jobType, Queries, verifyLog, type JobContext } from '../../src';
import type { PoliciesInput } from '../../src/commands';
import { HoldfastTesting, HoldfastTestingModule } from '../../src/testing';

const Report = jobType<null>('report');
const HOUR = 3_600_000;
const NOON = Date.parse('2026-01-01T12:00:00.000Z');

@Injectable()
class Reports {
  readonly entered: { readonly jobId: string; readonly scheduledAt: number | null; readonly backfill: boolean }[] = [];

  @JobHandler(Report)
  report(_: null, { jobId, scheduledAt, backfill }: JobContext): void {
    this.entered.push({ jobId, scheduledAt, backfill });
  }

  @Interval('declared', HOUR, { misfire: { policy: 'all', cap: 2 }, tag: { host: 'other' } })
  declared({ jobId, scheduledAt, backfill }: JobContext): void {
    this.entered.push({ jobId, scheduledAt, backfill });
  }

  /** Hours after the start for which the handler was entered. */
  hours(jobId: string): (number | null)[] {
    const of = this.entered.filter((one) => one.jobId === jobId);
    return of.map(({ scheduledAt }) => (scheduledAt === null ? null : (scheduledAt - NOON) / HOUR));
  }
}

/** Hourly jobs that only one service may run. It is away for some hours. */
describe('hours that a service was away', () => {
  let app: TestingModule;
  let testing: HoldfastTesting;
  let reports: Reports;
  let jobs: Jobs;

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [
        HoldfastTestingModule.forRoot(
          { liveness: { beatMs: 300_000, selfFenceAfterMs: 1_200_000, failAfterMs: 1_800_000 } },
          { now: new Date(NOON - 60_000) },
        ),
      ],
      providers: [Reports],
    }).compile();
    await app.init();
    testing = app.get(HoldfastTesting);
    reports = app.get(Reports);
    jobs = app.get(Jobs);
  });
  afterEach(async () => {
    expect((await verifyLog(testing.store)).violations).toEqual([]);
    await testing.close();
    await app.close();
  });

  const hourly = (id: string, misfire: NonNullable<PoliciesInput['misfire']>) =>
    jobs.schedule(Report, null, {
      id,
      schedule: { kind: 'interval', every: HOUR, origin: new Date(NOON) },
      tag: { host: 'other' },
      policies: { misfire },
    });
  const away = async (time: string) => {
    await testing.kill('app@other');
    await testing.advance(time);
    await testing.join({ host: 'other' });
    await testing.advance('1m');
  };

  it('are made up for as the policy of each job says', async () => {
    await testing.join({ host: 'other' });
    await hourly('skip', 'skip');
    await hourly('latest', 'once');
    await hourly('earliest', { policy: 'once', run: 'earliest' });
    await hourly('all', 'all');
    await hourly('some', { policy: 'all', cap: 3, maxAgeMs: 3.6 * HOUR });
    await testing.advance('1h 30m');
    await away('4h');
    await testing.advance('1h');
    expect(reports.hours('skip')).toEqual([0, 1, 6]);
    expect(reports.hours('latest')).toEqual([0, 1, 5, 6]);
    expect(reports.hours('earliest')).toEqual([0, 1, 2, 6]);
    expect(reports.hours('all')).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(reports.hours('some')).toEqual([0, 1, 3, 4, 5, 6]);
  });

  it('are made up for as a declaration says', async () => {
    await testing.join({ host: 'other' });
    await testing.advance('1h 30m');
    const before = reports.hours('declared').length;
    await away('4h');
    expect(reports.hours('declared').length - before).toBe(2);
  });

  it('are made up for by a backfill, whose handler is told of which time each run is', async () => {
    await testing.join({ host: 'other' });
    await hourly('skip', 'skip');
    await testing.advance('1h 30m');
    await away('4h');
    await testing.during(jobs.backfill('skip', { from: NOON + 2 * HOUR, to: NOON + 5 * HOUR }));
    await testing.advance('10s');
    const made = reports.entered.filter(({ backfill }) => backfill).map(({ scheduledAt }) => scheduledAt);
    expect(made).toEqual([2, 3, 4].map((hour) => NOON + hour * HOUR));
    const { nextRunTime } = (await app.get(Queries).job('skip'))!;
    expect(nextRunTime).toBe(NOON + 6 * HOUR);
  });

  it('of a pause are made up for as onResume says', async () => {
    await testing.join({ host: 'other' });
    await hourly('plain', 'all');
    await hourly('each', { policy: 'skip', onResume: 'all' });
    await testing.advance('1h 30m');
    for (const id of ['plain', 'each']) await testing.during(jobs.pause(id));
    await testing.advance('3h');
    for (const id of ['plain', 'each']) await testing.during(jobs.resume(id));
    await testing.advance('1h');
    expect(reports.hours('plain')).toEqual([0, 1, 5]);
    expect(reports.hours('each')).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
