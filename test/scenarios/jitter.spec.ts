import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cron, history, JobHandler, Jobs, jobType, previewSchedule, Queries, verifyLog } from '../../src';
import { HoldfastTesting, HoldfastTestingModule } from '../../src/testing';

/** Jitter through the whole of it: decider, log, view, worker, takeover. */

const Report = jobType<null>('report');
const schedule = { kind: 'interval', every: 'PT2M', jitter: 'PT1M30S' } as const;

@Injectable()
class Reports {
  constructor(readonly jobs: Jobs) {}

  @JobHandler(Report)
  report(): void {}

  @Cron('*/5 * * * *', { name: 'declared', timeZone: 'UTC', jitter: 60_000 })
  declared(): void {}
}

describe('jitter', () => {
  let app: TestingModule;
  let testing: HoldfastTesting;
  let begun: number;

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [HoldfastTestingModule.forRoot()],
      providers: [Reports],
    }).compile();
    await app.init();
    testing = app.get(HoldfastTesting);
    begun = testing.clock.wall();
  });
  afterEach(() => app.close());

  /** Slot and due time of the next ones, as anybody may compute them. */
  const expected = (jobId: string, n: number) =>
    previewSchedule(schedule, n, { after: begun, jobId }).map(({ slot, dueAt }) => ({
      slot: new Date(slot).toISOString(),
      dueAt,
    }));
  const ran = (jobId: string) => testing.runs(jobId).map(({ slot, enteredAt }) => ({ slot, enteredAt }));

  it('runs each slot when it is due, and not before; the view and the log say when', async () => {
    await app.get(Jobs).schedule(Report, null, { id: 'report', schedule });
    const [first] = expected('report', 1);
    await testing.advance(1);
    expect((await app.get(Queries).job('report'))?.nextRunTime).toBe(first.dueAt);
    await testing.advance('10m');
    const runs = ran('report');
    const slots = expected('report', runs.length);
    expect(runs.length).toBeGreaterThanOrEqual(4);
    runs.forEach(({ slot, enteredAt }, i) => {
      expect(slot).toBe(slots[i].slot);
      expect(enteredAt).toBeGreaterThanOrEqual(slots[i].dueAt);
      expect(enteredAt - slots[i].dueAt).toBeLessThan(1_000);
    });
    expect(slots.some(({ slot, dueAt }) => dueAt - Date.parse(slot) > 10_000)).toBe(true);
    for await (const { type, data } of history(testing.store, 'report')) {
      if (type === 'JobScheduled') expect(data).toMatchObject({ nextSlot: first.slot, nextDueAt: first.dueAt });
    }
    expect((await verifyLog(testing.store)).violations).toEqual([]);
  });

  it('is another delay for each job', async () => {
    for (let n = 0; n < 10; n++) await app.get(Jobs).schedule(Report, null, { id: `job-${n}`, schedule });
    await testing.advance('4m');
    const first = Array.from({ length: 10 }, (_, n) => ran(`job-${n}`)[0]?.enteredAt);
    expect(new Set(first).size).toBe(10);
  });

  it('is the same delay for whoever takes the job over', async () => {
    await testing.join({ host: 'other' });
    await app.get(Jobs).schedule(Report, null, { id: 'away', schedule, tag: { host: 'other' }, affinity: 'preferred' });
    await testing.advance('1s');
    await testing.expectOwner('away', 'app@other');
    await testing.kill('app@other');
    await testing.advance('10s');
    await testing.expectOwner('away', 'app@test');
    await testing.advance('4m');
    const [slot] = expected('away', 1);
    const [run] = ran('away');
    expect(run.slot).toBe(slot.slot);
    expect(run.enteredAt - slot.dueAt).toBeGreaterThanOrEqual(0);
    expect(run.enteredAt - slot.dueAt).toBeLessThan(1_000);
  });

  it('can be declared', async () => {
    await testing.advance('6m');
    const [run] = ran('declared');
    const delay = run.enteredAt - Date.parse(run.slot);
    expect(run.slot).toMatch(/:05:00\.000Z$/);
    expect(delay).toBeGreaterThanOrEqual(0);
    expect(delay).toBeLessThan(61_000);
  });
});
