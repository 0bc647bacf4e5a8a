import type { Member } from './member';
import { World } from './world';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Services that come and go: their jobs do not come and go with them. */
describe('a service that flaps', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  const start = (...members: Member[]) => members.forEach(({ sweep }) => sweep.start());
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `job-${String(n).padStart(5, '0')}`);
  const schedule = async (jobIds: readonly string[], words: Parameters<World['job']>[1] = {}) => {
    for (const id of jobIds) world.job(id, { nextRunTime: world.now + 100 * HOUR, ...words });
    await world.until(() => jobIds.every((id) => world.owner(id) !== null), 'the claims');
  };
  const binds = (jobId: string) =>
    world.appends.filter((one) => one.jobId === jobId && one.types.includes('JobBoundToService')).length;
  const released = (jobId: string) =>
    world.appends.filter((one) => one.jobId === jobId && one.types[0] === 'JobReleased');
  /** It lives, dies, and after so long an observer has said so. */
  const life = async (serviceId: string, livesMs: number, deadMs: number) => {
    const member = world.member(serviceId);
    start(member);
    await world.clock.advance(livesMs);
    member.kill();
    world.fail(serviceId);
    await world.clock.advance(deadMs);
  };

  it('loses its jobs once: they stay where they have gone, and it is given no others while it flaps', async () => {
    const flapping = world.member('f');
    start(world.member('a'), world.member('b'), flapping);
    await schedule(ids(120));
    const lost = ids(120).filter((id) => world.owner(id) === 'f');
    expect(lost.length).toBeGreaterThan(20);
    const kept = new Map(ids(120).map((id) => [id, binds(id)]));
    flapping.kill();
    world.fail('f');
    await world.clock.advance(10 * SECOND);
    for (let n = 0; n < 30; n++) await life('f', 40 * SECOND, 10 * SECOND);
    for (const id of ids(120)) expect(binds(id) - kept.get(id)!).toBe(lost.includes(id) ? 1 : 0);
    // When it has come to stay, it gets its share.
    start(world.member('f'));
    await world.clock.advance(20 * MINUTE);
    expect(world.owned('f')).toBeGreaterThanOrEqual(32);
    expect(world.owned('f')).toBeLessThanOrEqual(50);
  });

  it('and is the home of jobs: each comes back after twice as long as the time before, and then stays away', async () => {
    start(world.member('a'));
    await schedule(ids(20), { tag: { name: 'home' }, affinity: 'preferred' });
    // Long enough for the first two returns, at 10 and at 20 s, and not for the third, at 40 s.
    for (let n = 0; n < 20; n++) await life('home', 30 * SECOND, 10 * SECOND);
    for (const id of ids(20)) {
      const returns = released(id);
      expect(returns.map(({ command }) => command.kind === 'ReleaseJob' && command.reason)).toEqual(['home', 'home']);
      // The claim, then there and back twice.
      expect(binds(id)).toBe(5);
      expect(world.owner(id)).toBe('a');
    }
    // A home that stays gets them for good.
    start(world.member('home'));
    const back = world.clock.monotonic();
    await world.until(() => world.owned('home') === 20, 'the returns', 10 * MINUTE);
    expect(world.clock.monotonic() - back).toBeGreaterThanOrEqual(40 * SECOND);
    expect(world.clock.monotonic() - back).toBeLessThanOrEqual(43 * SECOND);
    const { length } = world.appends;
    await world.clock.advance(HOUR);
    expect(world.appends.slice(length)).toEqual([]);
  });

  it('after an hour without a return the first wait is short again', async () => {
    start(world.member('a'));
    await schedule(ids(1), { tag: { name: 'home' }, affinity: 'preferred' });
    await life('home', 30 * SECOND, 10 * SECOND);
    await world.clock.advance(HOUR);
    start(world.member('home'));
    const back = world.clock.monotonic();
    await world.until(() => world.owned('home') === 1, 'the return', MINUTE);
    expect(world.clock.monotonic() - back).toBeLessThanOrEqual(13 * SECOND);
  });
});
