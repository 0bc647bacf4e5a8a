import { World } from './world';

const HOUR = 3_600_000;
let world: World;
afterEach(() => world.close());

it('the beats of a service that is gone for good vanish from the log, those of the living stay, and it comes back as ever', async () => {
  world = new World({ liveness: { beatMs: HOUR, selfFenceAfterMs: 4 * HOUR, failAfterMs: 6 * HOUR } });
  const [a, b] = await world.registered('a', 'b');
  const beats = async (serviceId: string) =>
    (await world.store.readStream(`heartbeat-${serviceId}`, { direction: 'forwards', limit: 1_000 })).events.length;
  await world.until('b has beaten', () => b.link.streams.filter((s) => s === 'heartbeat-b').length > 9, 24 * HOUR);
  const stopping = b.membership.stop([]);
  await world.clock.settle();
  await stopping;
  b.kill();
  const before = await beats('b');
  expect(before).toBeGreaterThan(9);
  await world.clock.advance(250 * HOUR);
  expect(await beats('b')).toBe(before);
  await world.clock.advance(20 * HOUR);
  expect(await beats('b')).toBe(1);
  expect(await beats('a')).toBeGreaterThan(250);
  expect(a.link.streams.filter((stream) => stream === 'service-b')).toEqual([]);

  const [again] = await world.registered('b');
  await world.clock.advance(20 * HOUR);
  expect(again.membership.health().state).toBe('registered');
  expect(again.fences).toEqual([]);
  expect(a.fences).toEqual([]);
  expect(await beats('b')).toBeGreaterThan(20);
});
