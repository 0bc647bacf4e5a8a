import { World } from '../ownership/world';

describe('whatever has failed, and whoever saw it', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  const ids = Array.from({ length: 300 }, (_, n) => `job-${String(n).padStart(3, '0')}`);
  const unplaced = () => {
    const { unowned, orphaned } = world.snapshot(1_000);
    return unowned.length + orphaned.length;
  };

  it('a failure that fell while nobody was alive is found by the next service that starts', async () => {
    const a = world.member('a');
    a.sweep.start();
    for (const id of ids.slice(0, 20)) world.job(id);
    await world.until(() => world.owned('a') === 20, 'the claims');
    a.kill();
    world.fail('a');
    await world.clock.advance(3_600_000);
    world.member('c').sweep.start();
    await world.until(() => unplaced() === 0, 'the requeues');
    expect(world.owned('c')).toBe(20);
  });

  it('the jobs of several hosts that fail together are shared by all survivors', async () => {
    const members = ['a', 'b', 'c', 'd', 'e'].map((id) => world.member(id));
    for (const { sweep } of members) sweep.start();
    for (const id of ids) world.job(id);
    await world.until(() => unplaced() === 0, 'the claims');
    const [a, b, ...survivors] = members;
    const lost = world.owned('a') + world.owned('b');
    expect(lost).toBeGreaterThan(80);
    const before = survivors.map(({ serviceId }) => world.owned(serviceId));
    for (const member of [a, b]) {
      member.kill();
      world.fail(member.serviceId);
    }
    await world.until(() => unplaced() === 0, 'the requeues');
    survivors.forEach(({ serviceId }, n) => {
      expect(world.owned(serviceId) - before[n]).toBeGreaterThan(lost / 6);
      expect(world.owned(serviceId)).toBeLessThanOrEqual((1.25 * ids.length) / survivors.length + 1);
    });
  });
});
