import fc from 'fast-check';
import { CommandUnavailableError } from '../../src/commands';
import type { Member } from './member';
import { World } from './world';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

describe('the sweep balances', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  const start = (...members: Member[]) => members.forEach(({ sweep }) => sweep.start());
  const ids = (count: number, prefix = 'job') =>
    Array.from({ length: count }, (_, n) => `${prefix}-${String(n).padStart(5, '0')}`);
  const schedule = async (jobIds: readonly string[], words: Parameters<World['job']>[1] = {}) => {
    for (const id of jobIds) world.job(id, { nextRunTime: world.now + 100 * HOUR, ...words });
    await world.until(() => jobIds.every((id) => world.owner(id) !== null), 'the claims');
  };
  const moves = (reason: string) =>
    world.appends.filter(({ command }) => command.kind === 'ReleaseJob' && command.reason === reason);
  const targets = (reason: string) =>
    new Set(moves(reason).map(({ command }) => (command.kind === 'ReleaseJob' ? command.target : null)));
  /** What follows for an hour is nothing. */
  const expectQuiet = async () => {
    await world.clock.advance(10 * SECOND);
    const { length } = world.appends;
    await world.clock.advance(HOUR);
    expect(world.appends.slice(length)).toEqual([]);
  };

  describe('a service that joins', () => {
    it('gets its share after a minute, from all, within their budgets; then nothing moves', async () => {
      start(world.member('a'), world.member('b'), world.member('c'));
      await schedule(ids(400));
      await world.clock.advance(5 * MINUTE);
      const before = world.appends.length;
      start(world.member('d'));
      const joined = world.clock.monotonic();
      await world.clock.advance(59 * SECOND);
      expect(world.appends).toHaveLength(before);
      await world.until(() => world.owned('d') >= 80, 'its share', 2 * MINUTE);
      await world.clock.advance(MINUTE);
      expect(world.owned('d')).toBeGreaterThanOrEqual(80);
      expect(world.owned('d')).toBeLessThanOrEqual(110);
      expect(targets('rebalance')).toEqual(new Set(['d']));
      // Placement has given each about 133; whoever has more than its share then gives what is above it.
      for (const id of ['a', 'b', 'c']) expect(world.owned(id)).toBeLessThanOrEqual(110);
      expect(moves('rebalance')[0].at - joined).toBeGreaterThanOrEqual(MINUTE);
      expect(moves('rebalance')).toHaveLength(world.owned('d'));
      await expectQuiet();
    });

    it('also where there are so many others that none has more than 1.25 times the mean', async () => {
      const members = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id) => world.member(id));
      start(...members);
      await schedule(ids(320));
      await world.clock.advance(10 * MINUTE);
      start(world.member('i'));
      await world.clock.advance(5 * MINUTE);
      const share = 320 / 9;
      expect(world.owned('i')).toBeGreaterThanOrEqual(0.75 * share);
      expect(world.owned('i')).toBeLessThanOrEqual(1.25 * share);
      await expectQuiet();
    });

    it('gets what is idle only, at most so many per second and owner', async () => {
      start(world.member('a', { movesPerSecond: 10 }));
      await schedule(ids(200));
      for (const id of ids(50)) world.startRun(id);
      start(world.member('b'));
      await world.until(() => moves('rebalance').length > 0, 'the first', 2 * MINUTE);
      const first = world.clock.monotonic();
      await world.until(() => world.owned('b') === 100, 'its share', 2 * MINUTE);
      expect(world.clock.monotonic() - first).toBeGreaterThanOrEqual(8 * SECOND);
      for (const id of ids(50)) expect(world.owner(id)).toBe('a');
      await expectQuiet();
    });

    it('though there are many jobs that nobody fits', async () => {
      start(world.member('a'));
      await schedule(ids(100));
      for (const id of ids(300, 'nobody')) world.job(id, { handler: 'other', nextRunTime: world.now });
      start(world.member('b'));
      await world.until(() => world.owned('b') === 50, 'its share', 2 * MINUTE);
    });

    it('what runs at that time is looked at again when the rest is not enough', async () => {
      start(world.member('a'));
      await schedule(ids(100));
      for (const id of ids(80)) world.startRun(id);
      start(world.member('b'));
      await world.clock.advance(5 * MINUTE);
      expect(world.owned('b')).toBe(20);
      for (const id of ids(80)) world.endRun(id);
      // Those are at their end: others take their place.
      await schedule(ids(100, 'more'), { tag: { name: 'a' }, affinity: 'preferred' });
      await expectQuiet();
    });

    it('gets what ran at that time when it is idle again, within about a minute', async () => {
      start(world.member('a'));
      await schedule(ids(100));
      for (const id of ids(80)) world.startRun(id);
      start(world.member('b'));
      await world.clock.advance(5 * MINUTE);
      expect(world.owned('b')).toBe(20);
      for (const id of ids(80)) world.endRun(id);
      await world.until(() => world.owned('b') === 50, 'its share', 3 * MINUTE);
    });

    it('gets nothing that is due: the owner is about to start it', async () => {
      const a = world.member('a', { lateAfterMs: 600 * MINUTE });
      a.places = 0;
      start(a);
      await schedule(ids(100), { nextRunTime: world.now });
      start(world.member('b'));
      await world.clock.advance(5 * MINUTE);
      expect(moves('rebalance')).toEqual([]);
      expect(world.owned('b')).toBe(0);
    });

    it('is given nothing while membership does not stay as it is', async () => {
      start(world.member('a'));
      await schedule(ids(100));
      start(world.member('b'));
      for (let n = 0; n < 20; n++) {
        await world.clock.advance(50 * SECOND);
        world.register(`passing-${n}`, { handlers: ['other'] });
        world.advance();
      }
      expect(moves('rebalance')).toEqual([]);
      await world.clock.advance(2 * MINUTE);
      expect(world.owned('b')).toBe(50);
    });

    it('a hand-over that fails, or that nobody takes, does no harm', async () => {
      const a = world.member('a');
      start(a);
      await schedule(ids(60));
      let faults = 0;
      a.fault = () => (faults++ < 10 ? new CommandUnavailableError('the store is away') : null);
      // It is registered and takes nothing: the owner has its jobs back after four graces.
      world.register('b');
      await world.clock.advance(10 * MINUTE);
      expect(faults).toBeGreaterThan(10);
      expect(world.owned('a')).toBe(60);
      for (const { at, jobId } of moves('rebalance')) {
        const back = world.appends.find(
          (one) => one.jobId === jobId && one.types.includes('JobBoundToService') && one.at > at,
        );
        expect(back!.at - at).toBeGreaterThanOrEqual(2_000);
        expect(back!.at - at).toBeLessThanOrEqual(2_600);
      }
    });
  });

  it('a job that was moved stays for ten minutes, whatever happens to the others', async () => {
    start(world.member('a'));
    await schedule(ids(90));
    start(world.member('b'));
    await world.clock.advance(3 * MINUTE);
    const moved = moves('rebalance').map(({ jobId }) => jobId);
    expect(moved).toHaveLength(45);
    start(world.member('c'));
    await world.clock.advance(5 * MINUTE);
    const again = moves('rebalance').slice(45);
    // The other service has jobs that have not been moved.
    expect(again.every(({ by }) => by === 'a')).toBe(true);
    await world.clock.advance(20 * MINUTE);
    for (const id of ['a', 'b', 'c']) expect(world.owned(id)).toBeGreaterThanOrEqual(24);
    await expectQuiet();
  });

  it('a job that an operator has moved stays for as long', async () => {
    start(world.member('a'), world.member('b'));
    await schedule(ids(40));
    const b = world.candidates().find(({ serviceId }) => serviceId === 'b')!;
    for (const id of ids(40).filter((one) => world.owner(one) === 'a')) {
      world.decideOn(id, {
        kind: 'BindJob',
        by: 'operator',
        service: b,
        viewPosition: '1',
        why: { kind: 'operator', rank: 0, candidates: 1, first: 'b', placementVersion: 1, labelsMatch: true },
        start: false,
        at: world.now,
        zoneData: 'test',
      });
    }
    const moved = ids(40).filter((id) => world.state(id).movedAt !== undefined);
    await world.clock.advance(9 * MINUTE);
    expect(moved.every((id) => world.owner(id) === 'b')).toBe(true);
    await world.clock.advance(20 * MINUTE);
    expect(world.owned('a')).toBeGreaterThanOrEqual(16);
    await expectQuiet();
  });

  it('own jobs are not looked at while the counts say that all have their share', async () => {
    const [a, b] = [world.member('a'), world.member('b')];
    start(a, b);
    await schedule(ids(200));
    await world.clock.advance(10 * MINUTE);
    const own = a.reads.own;
    for (let n = 0; n < 100; n++) {
      world.change('job-00000', () => ({}));
      await world.clock.advance(5 * SECOND);
    }
    expect(a.reads.own).toBe(own);
  });

  it('an owner of many that only it may own looks at them once, and rests', async () => {
    const a = world.member('a', {}, { labels: { disk: 'large' } });
    start(a, world.member('b'));
    await schedule(ids(1_500), { tag: { disk: 'large' } });
    await world.clock.advance(5 * MINUTE);
    const own = a.reads.own;
    await world.clock.advance(5 * MINUTE);
    expect(a.reads.own - own).toBeLessThanOrEqual(16);
    expect(moves('rebalance')).toEqual([]);
  });

  it('no ping-pong: random fleets come to rest, and then no job moves', async () => {
    const aFleet = fc.record({
      services: fc.array(
        fc.record({ zone: fc.constantFrom('north', 'south'), room: fc.constantFrom(1_000, 1_000, 3_000) }),
        { minLength: 1, maxLength: 4 },
      ),
      joining: fc.array(fc.constantFrom('north', 'south'), { minLength: 1, maxLength: 2 }),
      jobs: fc.array(
        fc.record({
          tag: fc.constantFrom<Record<string, string>>({}, {}, {}, { zone: 'north' }, { zone: 'south' }),
          affinity: fc.constantFrom('required' as const, 'preferred' as const),
        }),
        { minLength: 20, maxLength: 80 },
      ),
      dies: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(aFleet, async ({ services, joining, jobs, dies }) => {
        world = new World();
        services.forEach(({ zone, room }, n) =>
          start(world.member(`s-${n}`, {}, { labels: { zone }, maxOwnedJobs: room })),
        );
        jobs.forEach(({ tag, affinity }, n) =>
          world.job(`job-${n}`, { tag, affinity, nextRunTime: world.now + 100 * HOUR }),
        );
        await world.clock.advance(2 * MINUTE);
        joining.forEach((zone, n) => start(world.member(`j-${n}`, {}, { labels: { zone }, maxOwnedJobs: 1_000 })));
        await world.clock.advance(3 * MINUTE);
        if (dies) {
          world.members[0].kill();
          world.fail('s-0');
        }
        await world.clock.advance(30 * MINUTE);
        const { length } = world.appends;
        await world.clock.advance(30 * MINUTE);
        expect(world.appends.slice(length)).toEqual([]);
        await world.close();
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});
