import { VirtualClock } from '../clock';
import { CommandUnavailableError, type JobExecution } from '../commands';
import type { JobRow, OwnJobs } from '../read-model';
import { silentLogger } from '../logging';
import { AppendLane, type Act } from './append-lane';
import { MoveBudget } from './budget';
import { Drain } from './drain';
import { Ledger } from './ledger';
import { sweepOptions } from './options';
import { OwnJobsScan } from './own-jobs';
import type { SweepPorts } from './ports';
import { Releases } from './releases';

const OWN = 'a#1';
const PATIENCE_MS = 6_000;

/** A drain on a real lane and ledger; log and view do what a test says. */
class Scene {
  readonly clock = new VirtualClock();
  readonly lane = new AppendLane(this.clock, 4, (error) => {
    throw error;
  });
  readonly ledger = new Ledger(this.clock, silentLogger, () => undefined);
  readonly closing = new AbortController();
  readonly released: string[] = [];
  readonly drain: Drain;
  trusted = true;
  /** Jobs that the view shows as own and idle. */
  shown: string[] = [];
  /** Position of the view. */
  position = 0n;
  waits = 0;
  latencyMs = 0;
  fails: (jobId: string) => boolean = () => false;
  private head = 0n;
  private readonly waiters: { readonly position: bigint; readonly tell: () => void }[] = [];

  constructor() {
    const { clock, lane, ledger } = this;
    const options = sweepOptions({ claimGraceMs: 500, failAfterMs: PATIENCE_MS });
    const ownJobs = {
      all: (_incarnation: string, after: string | null, limit: number) =>
        this.shown
          .filter((jobId) => after === null || jobId > after)
          .slice(0, limit)
          .map((jobId) => ({ jobId, epoch: 1, state: { stage: 'live', inProgress: [] } }) as unknown as JobRow),
    } as unknown as OwnJobs;
    const readModel = {
      position: () => this.position,
      waitFor: (position: bigint, ms: number) => {
        this.waits += 1;
        if (this.position >= position) return Promise.resolve();
        return Promise.race([
          new Promise<void>((tell) => this.waiters.push({ position, tell })),
          clock.sleep(ms).then(() => Promise.reject(new Error('the view is behind'))),
        ]);
      },
    };
    const commands = {
      execute: async ({ jobId }: { readonly jobId: string }) => {
        if (this.latencyMs > 0) await clock.sleep(this.latencyMs);
        if (this.fails(jobId)) throw new CommandUnavailableError('the store is away');
        this.released.push(jobId);
        return this.appended(jobId);
      },
    };
    const membership = { serviceId: 'a' };
    const ports = { clock, logger: silentLogger, commands, readModel, membership } as unknown as SweepPorts;
    const mayAppend = (incarnation: string) => this.trusted && incarnation === OWN;
    const scan = new OwnJobsScan(ownJobs, clock, ledger, new MoveBudget(clock, 50), options);
    const releases = new Releases(ports, ledger, PATIENCE_MS, mayAppend);
    this.drain = new Drain(ports, lane, ledger, scan, releases, mayAppend, PATIENCE_MS, this.closing.signal);
  }

  appended(jobId: string): JobExecution {
    this.head += 1n;
    return { id: jobId, position: this.head, added: 1, revision: 1 } as unknown as JobExecution;
  }

  /** A claim of this process that the view does not show yet. */
  claimed(jobId: string): void {
    this.ledger.landed(this.appended(jobId));
  }

  /** The view has everything that was appended: these are own and idle in it. */
  show(...jobIds: string[]): void {
    this.shown = jobIds;
    this.position = this.head;
    for (const { position, tell } of this.waiters.splice(0)) if (position <= this.position) tell();
  }

  act(jobId: string, run: () => Promise<unknown>): Act {
    return { jobId, run: () => run().then(() => 'took' as const) };
  }

  /** What a pass has come to so far. */
  pass(): { readonly next: () => number | null | undefined } {
    let next: number | null | undefined;
    void this.drain.pass(OWN).then((at) => (next = at));
    return { next: () => next };
  }

  /** Whether a drain that began now is over. */
  over(): () => boolean {
    let over = false;
    void this.drain.over().then(() => (over = true));
    return () => over;
  }
}

describe('a pass of the drain', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
  });

  it('ends when its releases are in the log, and asks for another pass at once: more may have become idle', async () => {
    scene.latencyMs = 100;
    scene.shown = ['one', 'two', 'three', 'four', 'five', 'six'];
    const over = scene.over();
    const pass = scene.pass();
    await scene.clock.advance(150);
    expect(pass.next()).toBeUndefined();
    await scene.clock.advance(50);
    expect([scene.released.length, pass.next(), over()]).toEqual([6, scene.clock.monotonic(), false]);
  });

  it('that finds nothing ends the drain, for everyone who waits', async () => {
    const over = [scene.over(), scene.over(), scene.over()];
    const pass = scene.pass();
    await scene.clock.settle();
    expect(over.map((one) => one())).toEqual([true, true, true]);
    expect([pass.next(), scene.waits]).toEqual([null, 0]);
  });

  it('gives back what this process has claimed and its view does not show yet', async () => {
    scene.claimed('one');
    const over = scene.over();
    scene.pass();
    await scene.clock.advance(1_000);
    expect(over()).toBe(false);
    scene.show('one');
    await scene.clock.settle();
    expect(scene.released).toEqual(['one']);
  });

  it('waits no longer for a view that stands still than it has patience, and not once the sweep closes', async () => {
    scene.claimed('one');
    const patient = scene.over();
    scene.pass();
    await scene.clock.advance(PATIENCE_MS - 1);
    expect(patient()).toBe(false);
    await scene.clock.advance(1);
    expect(patient()).toBe(true);
    const closing = scene.over();
    scene.pass();
    await scene.clock.advance(1_000);
    expect(closing()).toBe(false);
    scene.closing.abort();
    await scene.clock.settle();
    expect(closing()).toBe(true);
    const closed = scene.over();
    scene.pass();
    await scene.clock.settle();
    expect(closed()).toBe(true);
  });

  it('drops what waited for its turn before: nothing is claimed any more', async () => {
    let begun = 0;
    let end: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (end = resolve));
    const claim = (jobId: string) => scene.act(jobId, () => ((begun += 1), running));
    scene.lane.add(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(claim));
    await scene.clock.settle();
    expect(begun).toBe(4);
    const pass = scene.pass();
    await scene.clock.settle();
    expect(pass.next()).toBeUndefined();
    end();
    await scene.clock.settle();
    expect([begun, pass.next()]).toEqual([4, null]);
  });

  it('sends nothing to a job of which an append hangs, and all the others', async () => {
    scene.lane.add([scene.act('one', () => new Promise(() => undefined))]);
    scene.shown = ['one', 'two'];
    scene.pass();
    await scene.clock.advance(PATIENCE_MS);
    expect(scene.released).toEqual(['two']);
    expect(scene.lane.queued).toBe(0);
    await scene.clock.advance(PATIENCE_MS);
    // No more can be done.
    scene.show('one');
    const over = scene.over();
    scene.pass();
    await scene.clock.advance(PATIENCE_MS);
    expect(over()).toBe(true);
  });

  it('is done with a job that it has given back, though the view does not show that', async () => {
    scene.shown = ['one'];
    scene.pass();
    await scene.clock.settle();
    expect(scene.released).toEqual(['one']);
    const over = scene.over();
    scene.pass();
    await scene.clock.advance(PATIENCE_MS);
    expect([scene.released, over()]).toEqual([['one'], true]);
  });

  it('gives back about a thousand jobs, and the next one more', async () => {
    scene.shown = Array.from({ length: 1_250 }, (_, n) => `job-${String(n).padStart(4, '0')}`);
    const pass = scene.pass();
    await scene.clock.runUntil(() => pass.next() !== undefined);
    expect(scene.released).toEqual(scene.shown.slice(0, 1_000));
    scene.show(...scene.shown.slice(1_000));
    scene.pass();
    await scene.clock.runUntil(() => scene.released.length === 1_250);
  });

  it('leaves a job alone after an append that did not succeed, for a while, and says when it may be tried again', async () => {
    scene.shown = ['one'];
    scene.fails = () => true;
    scene.pass();
    await scene.clock.settle();
    const over = scene.over();
    const pass = scene.pass();
    await scene.clock.settle();
    expect(pass.next()).toBe(scene.ledger.restsUntil('one', scene.clock.monotonic()));
    expect(pass.next()).toBeGreaterThan(scene.clock.monotonic());
    expect(over()).toBe(false);
  });

  it('of an incarnation that is not trusted releases nothing, and keeps nobody waiting', async () => {
    scene.trusted = false;
    scene.shown = ['one'];
    const over = scene.over();
    const pass = scene.pass();
    await scene.clock.settle();
    expect([scene.released, pass.next(), over()]).toEqual([[], null, true]);
  });
});
