import { livenessProfiles } from '../../src/membership';
import { World } from '../membership/world';

describe('who beats is alive', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());
  const { beatMs, selfFenceAfterMs } = livenessProfiles.default;

  it('whatever its wall clock says, and that of its observer', async () => {
    const members = await world.registered('a', 'b', 'c');
    const [early, late] = members;
    early.clock.wallOffset = -3_600_000;
    late.clock.wallOffset = 3_600_000;
    await world.clock.advance(60_000);
    for (const id of ['a', 'b', 'c']) expect(await world.types(id)).toEqual(['ServiceRegistered']);
    for (const { membership } of members) expect(membership.trust.check()).toBeNull();
  });

  it('though a beat of it is late, again and again', async () => {
    const [, b] = await world.registered('a', 'b', 'c');
    for (let n = 0; n < 10; n += 1) {
      b.pause();
      await world.clock.advance(selfFenceAfterMs - 1.5 * beatMs);
      b.resume();
      await world.clock.advance(3 * beatMs);
    }
    expect(await world.types('b')).toEqual(['ServiceRegistered']);
    expect(b.fences).toEqual([]);
  });
});
