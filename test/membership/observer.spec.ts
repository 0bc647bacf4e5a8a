import { World } from './world';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());
const { selfFenceAfterMs: selfFence } = new World().liveness;

describe('an observer', () => {
  it('that reads its own beats back too late claims nothing, though the log acknowledges them', async () => {
    const [a] = await world.registered('a');
    a.link.lagMs = 30_000;
    await world.clock.advance(selfFence + 1_000);
    expect(a.membership.trust.check()).toBeNull();
    expect(a.fences).toEqual([]);
    expect(a.membership.mayClaim()).toBe(false);
    a.link.lagMs = 0;
    await world.until('it claims again', () => a.membership.mayClaim());
  });

  it('whose own life has ended while it read the stream of the silent one judges nobody', async () => {
    const [a, b] = await world.registered('a', 'b');
    const read = a.link.readStream;
    let ended = false;
    a.link.readStream = async (stream, options) => {
      const slice = await read(stream, options);
      if (stream === 'service-b' && !ended) {
        ended = true;
        const data = {
          ...{ serviceId: 'a', incarnation: a.membership.incarnation(), at: world.clock.wall() },
          ...{ by: 'operator', actor: 'olga', reason: 'disk on fire', confirmedDead: false },
        };
        const id = world.random.uuid(world.clock.wall());
        const mark = { id, type: 'ServiceMarkedFailed', data: JSON.stringify(data), metadata: '{}' };
        expect(await world.store.append('service-a', 0, [mark])).toMatchObject({ outcome: 'appended' });
        await world.clock.sleep(100);
        expect(a.membership.incarnation()).toBeNull();
      }
      return slice;
    };
    b.kill();
    await world.until('a was about to judge b', () => ended);
    await world.until('a is fenced', () => a.membership.health().state === 'marked');
    await world.clock.advance(5_000);
    expect(await world.types('b')).toEqual(['ServiceRegistered']);
  });
});
