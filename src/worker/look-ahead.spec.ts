import { VirtualClock } from '../clock';
import type { JobRow, OwnJobs } from '../read-model';
import { LookAhead } from './look-ahead';

/** Due jobs j0, j1, … as a view has them; counts what is asked and what is read. */
class DueView {
  jobs: string[] = [];
  readings = 0;
  limits: number[] = [];
  rowsRead: string[] = [];
  readonly ownJobs = {
    due: (
      _: string,
      __: number,
      limit: number,
      { handlers = [] }: Parameters<OwnJobs['due']>[3] = {},
      known: Parameters<OwnJobs['due']>[4],
    ) => {
      this.readings++;
      this.limits.push(limit);
      return this.jobs
        .filter((jobId) => !handlers.includes(jobId))
        .slice(0, limit)
        .flatMap((jobId) => {
          const row = known?.(jobId);
          if (row === undefined) this.rowsRead.push(jobId);
          return row === null ? [] : [row ?? ({ jobId } as JobRow)];
        });
    },
  } as unknown as OwnJobs;
}

describe('due rows are read ahead', () => {
  const clock = new VirtualClock();
  const none = { count: () => 0, has: () => false };
  let view: DueView;
  let ahead: LookAhead;

  const take = (count: number, wanted: Partial<Parameters<LookAhead['each']>[0]> = {}): string[] => {
    const taken: string[] = [];
    ahead.each({ incarnation: 'i', now: 0, full: {}, useless: none, ...wanted }, ({ jobId }) => {
      taken.push(jobId);
      return taken.length < count;
    });
    return taken;
  };

  beforeEach(() => {
    view = new DueView();
    view.jobs = Array.from({ length: 1_000 }, (_, n) => `j${n}`);
    ahead = new LookAhead({ ownJobs: view.ownJobs, clock });
  });

  it('once for many passes, in due order, each row once', () => {
    expect([...take(10), ...take(10), ...take(10)]).toEqual(view.jobs.slice(0, 30));
    expect(view.readings).toBe(1);
    view.jobs = view.jobs.slice(32);
    expect(take(10)).toEqual(Array.from({ length: 10 }, (_, n) => `j${30 + n}`));
    expect(view.readings).toBe(2);
  });

  it('twice as many as were of use the last time, within bounds', () => {
    for (const count of [1_000, 1_000, 1_000, 1_000, 1_000, 3]) {
      take(count);
      view.jobs = Array.from({ length: 1_000 }, (_, n) => `k${n}`);
    }
    expect(view.limits).toEqual([32, 64, 128, 256, 512, 512]);
    take(0);
    expect(view.limits.at(-1)).toBe(512);
  });

  it('without what was kept for a former incarnation: its rows have other epochs', async () => {
    take(5);
    view.rowsRead = [];
    take(5, { incarnation: 'other' });
    expect(view.rowsRead).toEqual(view.jobs.slice(0, 32));
    await clock.advance(20);
    view.rowsRead = [];
    take(5, { incarnation: 'other' });
    expect(view.rowsRead).toEqual(view.jobs.slice(0, 5));
  });

  it('anew at the end of what was read, and only once: a pass ends', () => {
    view.jobs = ['a'];
    expect(take(5)).toEqual(['a']);
    expect(view.readings).toBe(1);
    expect(take(5)).toEqual(['a']);
    expect(view.readings).toBe(2);
  });

  it('in an order that is trusted for 20 ms: what became more urgent comes then, and rows that are here are not read again', async () => {
    take(1);
    view.jobs = ['urgent', ...view.jobs.slice(1)];
    await clock.advance(19);
    expect(take(1)).toEqual(['j1']);
    await clock.advance(1);
    view.jobs.splice(1, 1);
    const read = view.rowsRead.length;
    expect(take(3)).toEqual(['urgent', 'j2', 'j3']);
    expect(view.rowsRead.slice(read)).not.toContain('j2');
  });

  it('but no row is kept for more than a second', async () => {
    take(1);
    for (let ms = 0; ms < 1_000; ms += 20) {
      await clock.advance(20);
      take(1);
    }
    expect(view.rowsRead.filter((jobId) => jobId === 'j5')).toHaveLength(2);
  });

  it('again for another incarnation', () => {
    take(1);
    const read = view.rowsRead.length;
    expect(take(1, { incarnation: 'next' })).toEqual(['j0']);
    expect(view.rowsRead.slice(read)).toContain('j0');
  });

  it('without those that are of no use, which hide nobody', () => {
    const useless = { count: () => 990, has: (jobId: string) => Number(jobId.slice(1)) < 990 };
    expect(take(3, { useless })).toEqual(['j990', 'j991', 'j992']);
    expect(view.rowsRead).not.toContain('j0');
  });

  it('without handlers that have no place', () => {
    expect(take(1, { full: { handlers: ['j0'] } })).toEqual(['j1']);
  });
});
