import { VirtualClock } from '../clock';
import type { Candidate } from '../domain/service';
import type { JobRow, OwnJobs, ServiceLoads, SweepSnapshot } from '../read-model';
import { MoveBudget } from './budget';
import type { Ledger } from './ledger';
import { sweepOptions, type SweepOptions } from './options';
import type { ReleaseContext } from './own-jobs';
import { Pace } from './pace';
import { Rebalance } from './rebalance';

const OWN = 'life-of-a';

function candidate(serviceId: string, owned: number): Candidate {
  return {
    serviceId,
    incarnation: serviceId === 'a' ? OWN : `life-of-${serviceId}`,
    life: 'live',
    labels: { name: 'worker', host: serviceId },
    handlers: ['work'],
    capacity: { maxOwnedJobs: 1_000, maxConcurrentRuns: 10 },
    owned,
  } as unknown as Candidate;
}

/** `a` owns 100 jobs and `b` none; the view shows what it is told to. */
class Scene {
  readonly clock = new VirtualClock();
  readonly rows = Array.from({ length: 100 }, (_, n) => row(`job-${String(n).padStart(3, '0')}`));
  readonly rebalance: Rebalance;
  private readonly gone = new Set<string>();
  private readonly options: SweepOptions;

  constructor(settings: Partial<SweepOptions> = {}) {
    this.options = sweepOptions({ claimGraceMs: 500, failAfterMs: 6_000, movesPerSecond: 1_000, ...settings });
    const ownJobs = {
      all: (_incarnation: string, after: string | null, limit: number) =>
        this.shown()
          .filter(({ jobId }) => after === null || jobId > after)
          .slice(0, limit),
      one: (jobId: string) => this.shown().find((one) => one.jobId === jobId) ?? null,
    } as unknown as OwnJobs;
    const ledger = { isAhead: () => false, restsUntil: () => null } as unknown as Ledger;
    const budget = new MoveBudget(this.clock, this.options.movesPerSecond);
    this.rebalance = new Rebalance(ownJobs, this.clock, ledger, budget, this.options);
  }

  /** Jobs that are handed over in a round now. */
  async round(): Promise<readonly string[]> {
    const owned = this.shown().length;
    const candidates = [candidate('a', owned), candidate('b', 100 - owned)];
    const snapshot = { candidates, loads: new Map() as ServiceLoads } as unknown as SweepSnapshot;
    this.rebalance.observe(snapshot, candidates[0]);
    const context: ReleaseContext = {
      incarnation: OWN,
      own: candidates[0],
      candidates,
      at: this.clock.wall(),
      pace: new Pace(this.clock),
      holds: () => false,
    };
    return (await this.rebalance.slice(context)).map(({ jobId }) => jobId);
  }

  /** The view shows that these have another owner. */
  show(jobs: readonly string[]): void {
    for (const jobId of jobs) this.gone.add(jobId);
  }

  private shown(): JobRow[] {
    return this.rows.filter(({ jobId }) => !this.gone.has(jobId));
  }
}

function row(jobId: string): JobRow {
  const state = { stage: 'live', inProgress: [], definition: {} };
  return { jobId, epoch: 1, handler: 'work', tag: {}, incarnation: OWN, nextRunTime: null, state } as unknown as JobRow;
}

describe('jobs that are handed over for balance', () => {
  it('count for their target until the view shows it: a view that lags lets nobody give away too much', async () => {
    const scene = new Scene();
    await scene.clock.advance(60_000);
    const first = await scene.round();
    expect(first.length).toBeGreaterThanOrEqual(45);
    expect(first.length).toBeLessThanOrEqual(50);
    await scene.clock.advance(1_000);
    const second = await scene.round();
    expect(first.length + second.length).toBeLessThanOrEqual(50);
    scene.show([...first, ...second]);
    await scene.clock.advance(1_000);
    expect(await scene.round()).toEqual([]);
  });

  it('count no longer when the view does not show it for eight claimGrace: they have not moved', async () => {
    const scene = new Scene();
    await scene.clock.advance(60_000);
    const first = await scene.round();
    await scene.clock.advance(4_000 + 1_001);
    expect((await scene.round()).length).toBeGreaterThanOrEqual(first.length - 5);
  });

  it('are forgotten with the incarnation that had them', async () => {
    const scene = new Scene();
    await scene.clock.advance(60_000);
    await scene.round();
    scene.rebalance.reset();
    await scene.clock.advance(60_000);
    expect((await scene.round()).length).toBeGreaterThanOrEqual(45);
  });

  it('are chosen in rounds a second apart, of what the budget has then', async () => {
    const scene = new Scene({ movesPerSecond: 10 });
    expect(await scene.round()).toEqual([]);
    await scene.clock.advance(60_000);
    expect(await scene.round()).toHaveLength(10);
    await scene.clock.advance(600);
    expect(await scene.round()).toEqual([]);
    expect(scene.rebalance.next() - scene.clock.monotonic()).toBe(400);
    await scene.clock.advance(400);
    expect(await scene.round()).toHaveLength(10);
  });
});
