import { StoreUnavailableError, type EventStore, type RecordedEvent } from '../../src/event-store';
import { World, type Member } from './world';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

/** Puts another log, a copy of this one up to `position`, in its place: what a restore from a backup does. */
async function restoreTo(world: World, members: readonly Member[], position: bigint): Promise<EventStore> {
  return restore(world, members, (e) => e.position <= position);
}

async function restore(
  world: World,
  members: readonly Member[],
  has: (event: RecordedEvent) => boolean,
): Promise<EventStore> {
  const older = new World({ seed: 7 }).store;
  for (let after: bigint | 'start' = 'start'; ;) {
    const slice = await world.store.readAll({ after, limit: 1_000 });
    for (const e of slice.events.filter(has)) {
      await older.append(e.stream, 'any', [e]);
    }
    if (slice.end) break;
    after = slice.position;
  }
  for (const m of members) m.link.use(older);
  return older;
}

describe('the log went back in time', () => {
  it('fences, says so, drops what was remembered, and registers anew', async () => {
    let dropped = 0;
    const a = await world.member('a', { ports: { onLogWentBack: () => (dropped += 1) } });
    await world.until('it may claim', () => a.membership.mayClaim());
    const first = a.membership.incarnation();
    const backup = (await world.store.head()) as bigint;
    await world.clock.advance(20_000);
    const older = await restoreTo(world, [a], backup);
    await world.until('it is fenced', () => a.fences.length > 0, 10_000);
    expect(a.fences).toEqual([{ incarnation: first, reason: 'log-went-back', at: expect.any(Number) }]);
    expect(a.logger.facts('log.went-back')).toHaveLength(1);
    expect(dropped).toBe(1);
    expect(a.membership.incarnation()).toBeNull();
    await world.until('it is registered anew', () => a.membership.mayClaim(), 30_000);
    expect(a.membership.incarnation()).not.toBe(first);
    const { events } = await older.readStream('service-a', { direction: 'forwards', limit: 10 });
    expect(events.map((e) => e.type)).toEqual(['ServiceRegistered', 'ServiceMarkedFailed', 'ServiceRegistered']);
    await world.clock.advance(60_000);
    expect(dropped).toBe(1);
    expect(a.membership.mayClaim()).toBe(true);
  });

  it('is noticed by an own heartbeat revision that is not greater than an acknowledged one', async () => {
    const [a] = await world.registered('a');
    const backup = (await world.store.head()) as bigint;
    await world.clock.advance(3_000);
    await restoreTo(world, [a], backup);
    // The next beat is enough: long before the head is compared.
    await world.until('it is fenced', () => a.fences.length > 0, 1_500);
    expect(a.fences[0].reason).toBe('log-went-back');
  });

  it('is not believed of a store that only answers slowly, or not at all', async () => {
    const [a] = await world.registered('a');
    a.link.cut = true;
    await world.clock.advance(30_000);
    a.link.cut = false;
    await world.clock.advance(30_000);
    expect(a.logger.facts('log.went-back')).toEqual([]);
    expect(a.membership.mayClaim()).toBe(true);
  });

  it('is noticed by one that could not ask when it heard of it, though it has heard more since', async () => {
    const [a, b] = await world.registered('a', 'b');
    const c = await world.member('c');
    await world.until('c is there', () => c.membership.mayClaim());
    await c.membership.stop([]);
    await world.clock.advance(500);
    // All that is lost is c: no heartbeat of its own tells b.
    await restore(world, [a, b], ({ stream }) => !stream.endsWith('-c'));
    // What it asks fails; what it hears does not.
    const head = jest.spyOn(b.link, 'head').mockRejectedValue(new StoreUnavailableError('cut off'));
    await world.clock.advance(20_000);
    expect(b.logger.facts('log.went-back')).toEqual([]);
    head.mockRestore();
    await world.until('b has noticed', () => b.logger.facts('log.went-back').length > 0, 10_000);
  });

  it('is noticed when all that is lost is an own append that was acknowledged: no view would ever come to it', async () => {
    const [a] = await world.registered('a');
    a.link.cut = true;
    const backup = (await world.store.head()) as bigint;
    a.membership.appended(backup + 50n);
    await restoreTo(world, [a], backup);
    a.link.cut = false;
    await world.until('a has noticed', () => a.logger.facts('log.went-back').length > 0, 20_000);
    await world.until('it is registered anew', () => a.membership.mayClaim(), 30_000);
    await world.clock.advance(60_000);
    expect(a.logger.facts('log.went-back')).toHaveLength(1);
  });

  it('leaves a marked service marked: it still waits to be told', async () => {
    const [a, b] = await world.registered('a', 'b');
    await world.store.append('service-a', 0, [
      {
        id: world.random.uuid(world.clock.wall()),
        type: 'ServiceMarkedFailed',
        data: JSON.stringify({
          serviceId: 'a',
          incarnation: a.membership.incarnation(),
          by: 'operator',
          actor: 'op',
          reason: 'maintenance',
          confirmedDead: false,
          at: world.clock.wall(),
        }),
        metadata: '{}',
      },
    ]);
    await world.until('a is marked', () => a.membership.health().state === 'marked');
    const backup = (await world.store.head()) as bigint;
    await world.clock.advance(20_000);
    await restoreTo(world, [a, b], backup);
    await world.until('a has noticed', () => a.logger.facts('log.went-back').length > 0, 30_000);
    await world.clock.advance(60_000);
    expect(a.membership.health()).toMatchObject({ state: 'marked', incarnation: null });
    expect(b.membership.mayClaim()).toBe(true);
    a.membership.rejoin();
    await world.until('a is back', () => a.membership.mayClaim(), 60_000);
  });

  it('is nothing to a service that has stopped', async () => {
    const [a] = await world.registered('a');
    const backup = (await world.store.head()) as bigint;
    await world.clock.advance(5_000);
    await a.membership.stop([]);
    await restoreTo(world, [a], backup);
    await world.clock.advance(30_000);
    expect(a.membership.health()).toMatchObject({ state: 'stopped', incarnation: null });
    expect(a.logger.facts('log.went-back')).toEqual([]);
  });
});
