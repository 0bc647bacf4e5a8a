import fc from 'fast-check';
import { countedCrashes, isSuspect, openRuns } from '../../src/domain/job';
import { World } from './world';

const HOUR = 3_600_000;
const SERVICES = ['a', 'b', 'c'];

/**
 * Jobs that run in processes which die. Whoever runs a poison job dies of it a moment later, with whatever else runs there; the process is
 * started again. Everything is started by the rule of the worker: of suspects, one per process.
 */
class Fleet {
  readonly world = new World();
  /** Runs that were lost beside a poison job, by job. */
  readonly lost = new Map<string, number>();

  constructor(
    readonly jobs: readonly string[],
    private readonly poison: ReadonlySet<string>,
  ) {
    for (const id of SERVICES) this.world.member(id).sweep.start();
  }

  async begin(): Promise<void> {
    // All at one service, as many a job is when its poison arrives.
    for (const id of this.jobs) this.world.job(id, { nextRunTime: this.world.now });
    await this.world.clock.advance(5_000);
  }

  /** Time passes until nothing dies any more. */
  async live(longestMs: number): Promise<void> {
    for (let passed = 0; passed < longestMs; passed += 10_000) {
      this.startWaiting();
      for (const serviceId of SERVICES) {
        const running = this.running(serviceId);
        if (running.some((id) => this.poison.has(id))) await this.die(serviceId, running);
        else for (const id of running) this.end(id);
      }
      await this.world.clock.advance(10_000);
    }
  }

  quarantined(): string[] {
    return this.jobs.filter((id) => this.world.state(id).stage === 'quarantined');
  }

  private running(serviceId: string): string[] {
    return this.jobs.filter((id) => openRuns(this.world.state(id)).some((run) => run.serviceId === serviceId));
  }

  private async die(serviceId: string, running: readonly string[]): Promise<void> {
    const { world } = this;
    const suspects = running.filter((id) => isSuspect(world.state(id)));
    if (suspects.length > 1) throw new Error(`${suspects.join(' and ')} ran together at ${serviceId}`);
    for (const id of running) this.lost.set(id, (this.lost.get(id) ?? 0) + 1);
    world.members.findLast((one) => one.serviceId === serviceId)!.kill();
    world.fail(serviceId);
    // The others take over, and start what they may in the same appends.
    await world.clock.advance(5_000);
    world.member(serviceId).sweep.start();
    await world.clock.advance(100);
  }

  /** What the worker of each service does with its due jobs. */
  private startWaiting(): void {
    const { world } = this;
    for (const member of world.members) {
      if (member.suspectRuns === null) continue;
      const state = world.state(member.suspectRuns);
      if (!openRuns(state).some((run) => run.incarnation === member.incarnation)) member.suspectRuns = null;
    }
    for (const id of this.jobs) {
      const state = world.state(id);
      if (state.stage !== 'live' || state.ownership.kind !== 'bound' || openRuns(state).length > 0) continue;
      const { serviceId, incarnation } = state.ownership;
      const owner = world.members.find((one) => one.incarnation === incarnation)!;
      const soleSuspect = owner.suspectRuns === null;
      if (isSuspect(state) && !soleSuspect) continue;
      const { nextRunTime } = world.row(id);
      if (nextRunTime === null || nextRunTime > world.now) continue;
      const { epoch } = state;
      if (isSuspect(state)) owner.suspectRuns = id;
      world.decideOn(id, {
        kind: 'StartRun',
        serviceId,
        incarnation,
        epoch,
        soleSuspect,
        at: world.now,
        zoneData: 'test',
      });
    }
  }

  private end(jobId: string): void {
    this.world.endRun(jobId);
  }
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `innocent-${String(n).padStart(2, '0')}`);

describe('a poison job', () => {
  let fleet: Fleet;
  afterEach(() => fleet.world.close());

  it('is blamed alone: it is quarantined, and none of those that died with it twice', async () => {
    fleet = new Fleet([...names(30), 'poison'], new Set(['poison']));
    await fleet.begin();
    await fleet.live(300_000);
    expect(fleet.quarantined()).toEqual(['poison']);
    expect(fleet.lost.get('poison')).toBe(3);
    const twice = [...fleet.lost].filter(([id, times]) => id !== 'poison' && times >= 2);
    expect(twice.every(([, times]) => times === 2)).toBe(true);
    expect(twice.length).toBeGreaterThan(0);
    // The others have run to their end.
    for (const id of names(30)) expect(fleet.world.state(id).stage).toBe('completed');
    expect(countedCrashes(fleet.world.state('poison'))).toHaveLength(3);
  });

  it('is released by an operator, and owned again', async () => {
    fleet = new Fleet(['poison'], new Set(['poison']));
    await fleet.begin();
    await fleet.live(120_000);
    expect(fleet.quarantined()).toEqual(['poison']);
    expect(fleet.world.owner('poison')).toBeNull();
    const { world } = fleet;
    world.decideOn('poison', {
      kind: 'ReleaseFromQuarantine',
      reason: 'mended',
      commandId: 'release',
      at: world.now,
      zoneData: 'test',
    });
    await world.until(() => world.owner('poison') !== null, 'the claim');
    expect(isSuspect(world.state('poison'))).toBe(false);
  });

  it('whatever runs beside it, wherever it stands in the order: nothing else is quarantined', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 40 }), fc.nat(40), async (innocents, place) => {
        const jobs = names(innocents);
        // Jobs of one time are taken in the order of their ids.
        const poison = `innocent-${String(place).padStart(2, '0')}-poison`;
        fleet = new Fleet([...jobs, poison], new Set([poison]));
        await fleet.begin();
        await fleet.live(HOUR / 6);
        expect(fleet.quarantined()).toEqual([poison]);
        await fleet.world.close();
      }),
      { numRuns: 15 },
    );
  });
});
