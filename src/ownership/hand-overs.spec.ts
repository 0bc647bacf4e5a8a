import { VirtualClock } from '../clock';
import type { Candidate } from '../domain/service';
import { silentLogger } from '../logging';
import type { JobRow, OwnJobs, ServiceLoads, SweepSnapshot } from '../read-model';
import { HandOvers } from './hand-overs';
import { Ledger } from './ledger';
import { sweepOptions, type SweepOptions } from './options';
import { Pace } from './pace';

const OWN = 'life-of-a';
const SECOND = 1_000;

function candidate(serviceId: string, owned: number, handlers: readonly string[]): Candidate {
  return {
    serviceId,
    incarnation: `life-of-${serviceId}`,
    life: 'live',
    registeredAt: 0,
    labels: { name: 'worker', host: serviceId },
    handlers,
    capacity: { maxOwnedJobs: 1_000, maxConcurrentRuns: 10 },
    owned,
  } as unknown as Candidate;
}

/** Service `a` owns what the scene holds, `b` nothing. */
class Scene {
  readonly clock = new VirtualClock();
  readonly handOvers: HandOvers;
  readonly reads = { all: 0, changed: 0 };
  rows: JobRow[] = [];

  constructor(settings: Partial<SweepOptions> = {}) {
    const options = sweepOptions({ claimGraceMs: 500, failAfterMs: 6_000, movesPerSecond: 1_000, ...settings });
    const ownJobs = {
      position: () => 1n,
      due: (_incarnation: string, at: number, limit: number) =>
        this.rows.filter(({ nextRunTime }) => nextRunTime !== null && nextRunTime <= at).slice(0, limit),
      nextDueTime: (_incarnation: string, after = -Infinity) =>
        this.rows.map(({ nextRunTime }) => nextRunTime).find((next) => next !== null && next > after) ?? null,
      one: (jobId: string) => this.rows.find((row) => row.jobId === jobId) ?? null,
      all: (incarnation: string, after: string | null, limit: number) => {
        if (after === null) this.reads.all += 1;
        return this.rows
          .filter((row) => row.incarnation === incarnation && (after === null || row.jobId > after))
          .slice(0, limit);
      },
      placedAfter: () => {
        this.reads.changed += 1;
        return { rows: [], through: 1n };
      },
    } as unknown as OwnJobs;
    const ledger = new Ledger(this.clock, silentLogger, () => undefined);
    this.handOvers = new HandOvers(ownJobs, this.clock, ledger, options);
  }

  /** An append to every job hangs. */
  held = false;

  job(
    jobId: string,
    words: { readonly handler?: string; readonly nextRunTime?: number | null; readonly home?: string } = {},
  ): void {
    const { handler = 'work', nextRunTime = null, home } = words;
    const [tag, affinity] = home === undefined ? [{}, 'required'] : [{ host: home }, 'preferred'];
    const definition = { handler, tag, affinity };
    const ownership = { kind: 'bound', since: this.clock.wall() };
    const state = { stage: 'live', inProgress: [], definition, ownership, homeReturns: [] };
    const row = { jobId, epoch: 1, handler, tag, incarnation: OWN, nextRunTime, state, suspect: false };
    this.rows.push(row as unknown as JobRow);
  }

  /** Another incarnation owns the job now. */
  taken(jobId: string): void {
    this.rows = this.rows.map((row) => (row.jobId === jobId ? { ...row, epoch: 2, incarnation: 'life-of-b' } : row));
  }

  async slice(): Promise<readonly (readonly [jobId: string, reason: string, target: string | null])[]> {
    const candidates = [candidate('a', this.rows.length, ['work']), candidate('b', 0, ['work', 'moved'])];
    const loads: ServiceLoads = new Map();
    this.handOvers.observe({ candidates, loads } as unknown as SweepSnapshot, candidates[0]);
    const context = {
      incarnation: OWN,
      own: candidates[0],
      candidates,
      at: this.clock.wall(),
      pace: new Pace(this.clock),
      holds: () => this.held,
    };
    return (await this.handOvers.slice(context, loads)).map(({ jobId, reason, target }) => [jobId, reason, target]);
  }

  /** From now on, ms. */
  next(): number {
    const now = this.clock.monotonic();
    return this.handOvers.next(now) - now;
  }
}

describe('hand-overs', () => {
  it('give no job away twice: what is late and no longer eligible here goes as late, to whoever has room', async () => {
    const scene = new Scene();
    const due = scene.clock.wall();
    scene.job('both', { handler: 'moved', nextRunTime: due });
    scene.job('late', { nextRunTime: due });
    scene.job('strange', { handler: 'moved' });
    await scene.clock.advance(31 * SECOND);
    expect(await scene.slice()).toEqual([
      ['both', 'late', 'b'],
      ['late', 'late', 'b'],
      ['strange', 'ineligible', null],
    ]);
  });

  it('look no more at a job that was to be given back when somebody else has it', async () => {
    const scene = new Scene({ ownScanMs: 600 * SECOND });
    scene.job('strange', { handler: 'moved' });
    expect(await scene.slice()).toEqual([['strange', 'ineligible', null]]);
    await scene.clock.advance(SECOND);
    expect(await scene.slice()).toEqual([['strange', 'ineligible', null]]);
    scene.taken('strange');
    await scene.clock.advance(SECOND);
    expect(await scene.slice()).toEqual([]);
    await scene.clock.advance(SECOND);
    expect(scene.next()).toBeGreaterThan(SECOND);
  });

  it('leave a job that is due with who is about to start it, and bring it home afterwards', async () => {
    const scene = new Scene();
    await scene.clock.advance(60 * SECOND);
    scene.job('away', { home: 'b', nextRunTime: scene.clock.wall() });
    for (let n = 0; n < 20; n++) {
      expect(await scene.slice()).toEqual([]);
      await scene.clock.advance(SECOND);
    }
    scene.rows = scene.rows.map((row) => ({ ...row, nextRunTime: scene.clock.wall() + 60 * SECOND }));
    await scene.clock.advance(SECOND);
    expect(await scene.slice()).toEqual([['away', 'home', 'b']]);
  });

  it('find all that does not belong here, also more than are watched one by one', async () => {
    const scene = new Scene({ stableForMs: 6_000 * SECOND });
    for (let n = 0; n < 5_200; n++) scene.job(`job-${String(n).padStart(5, '0')}`, { handler: 'moved' });
    scene.held = true;
    for (let n = 0; n < 10; n++) {
      expect(await scene.slice()).toEqual([]);
      await scene.clock.advance(SECOND);
    }
    scene.held = false;
    const found = new Set<string>();
    for (let n = 0; n < 30; n++) {
      for (const [jobId] of await scene.slice()) found.add(jobId);
      await scene.clock.advance(SECOND);
    }
    expect(found.size).toBe(5_200);
  });

  describe('are looked for again', () => {
    it('when something may be late, though all own jobs have just been looked through', async () => {
      const scene = new Scene({ ownScanMs: 600 * SECOND, stableForMs: 600 * SECOND });
      scene.job('one', { nextRunTime: scene.clock.wall() + 10 * SECOND });
      await scene.slice();
      expect(scene.next()).toBe(30 * SECOND);
      await scene.clock.advance(30 * SECOND);
      expect(await scene.slice()).toEqual([]);
      expect(scene.next()).toBe(10 * SECOND);
      await scene.clock.advance(10 * SECOND);
      expect(await scene.slice()).toEqual([['one', 'late', 'b']]);
    });

    it('when membership has been the same for long enough to balance', async () => {
      const scene = new Scene({ ownScanMs: 600 * SECOND, lateAfterMs: 600 * SECOND });
      scene.job('one');
      await scene.slice();
      expect(scene.next()).toBe(60 * SECOND);
    });

    it('when own jobs may have changed', async () => {
      const scene = new Scene();
      await scene.slice();
      expect(scene.next()).toBe(5 * SECOND);
    });
  });

  describe('when membership has changed', () => {
    it('all own jobs are looked through at once', async () => {
      const scene = new Scene();
      await scene.slice();
      await scene.clock.advance(SECOND);
      await scene.slice();
      expect(scene.reads.all).toBe(1);
      scene.handOvers.membershipChanged();
      expect(scene.next()).toBe(0);
      await scene.slice();
      expect(scene.reads.all).toBe(2);
    });

    it('nothing is moved for balance before it has been the same for a minute again', async () => {
      const scene = new Scene();
      for (let n = 0; n < 20; n++) scene.job(`job-${n}`);
      await scene.clock.advance(59 * SECOND);
      scene.handOvers.membershipChanged();
      await scene.clock.advance(59 * SECOND);
      expect(await scene.slice()).toEqual([]);
      await scene.clock.advance(SECOND);
      expect(await scene.slice()).toHaveLength(10);
    });
  });

  it('of a process that claims again begin with nothing that was late', async () => {
    const scene = new Scene();
    scene.job('one', { nextRunTime: scene.clock.wall() });
    await scene.clock.advance(31 * SECOND);
    scene.handOvers.claims();
    expect(await scene.slice()).toEqual([]);
    await scene.clock.advance(30 * SECOND);
    expect(await scene.slice()).toEqual([['one', 'late', 'b']]);
  });

  describe('of another incarnation', () => {
    it('begin with all its jobs, not with what has changed since the last look at those of the former', async () => {
      const scene = new Scene();
      await scene.slice();
      scene.handOvers.reset();
      await scene.slice();
      expect(scene.reads).toEqual({ all: 2, changed: 0 });
    });

    it('begin with nothing that was late', async () => {
      const scene = new Scene();
      scene.job('one', { nextRunTime: scene.clock.wall() });
      await scene.clock.advance(31 * SECOND);
      scene.handOvers.reset();
      expect(await scene.slice()).toEqual([]);
      await scene.clock.advance(29 * SECOND);
      expect(await scene.slice()).toEqual([]);
      await scene.clock.advance(SECOND);
      expect(await scene.slice()).toEqual([['one', 'late', 'b']]);
    });

    it('begin with no balance', async () => {
      const scene = new Scene();
      for (let n = 0; n < 20; n++) scene.job(`job-${n}`);
      await scene.clock.advance(61 * SECOND);
      scene.handOvers.reset();
      expect(await scene.slice()).toEqual([]);
      await scene.clock.advance(60 * SECOND);
      expect(await scene.slice()).toHaveLength(10);
    });
  });
});
