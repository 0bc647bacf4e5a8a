import { livenessProfiles } from '../../src/membership';
import { World } from './world';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());
const { failAfterMs: failAfter } = livenessProfiles.default;

describe('a view that is further behind than failAfter', () => {
  it('stops the beats, so that others take its jobs; when it has caught up the service is back', async () => {
    let view: bigint | null = null;
    // null: it has applied everything.
    const b = await world.member('b', { ports: { viewPosition: () => view ?? 1_000_000n } });
    await world.registered('a');
    await world.until('b may claim', () => b.membership.mayClaim());
    view = (await world.store.head()) as bigint;
    expect(b.membership.viewBehindMs()).toBe(0);
    // Facts that membership hears and the view does not apply.
    await world.registered('c');
    await world.until('b is behind', () => b.membership.viewBehindMs() > failAfter, 20_000);
    await world.until('b is marked failed', () =>
      world.members.some((m) => m.logger.facts('service.marked-failed').some((l) => l.fields.peer === 'b')),
    );
    expect(b.membership.mayClaim()).toBe(false);
    view = null;
    await world.until('b is back', () => b.membership.mayClaim(), 120_000);
    expect(await world.types('b')).toEqual(['ServiceRegistered', 'ServiceMarkedFailed', 'ServiceRegistered']);
  });

  it('is noticed by own appends too, where nobody joins or leaves', async () => {
    let view: bigint | null = null;
    const b = await world.member('b', { ports: { viewPosition: () => view ?? 1_000_000n } });
    await world.registered('a');
    await world.until('b may claim', () => b.membership.mayClaim());
    view = (await world.store.head()) as bigint;
    await world.clock.advance(2 * failAfter);
    expect(b.membership.viewBehindMs()).toBe(0);
    // Acknowledged in another order than that of the log.
    b.membership.appended(view + 9n);
    await world.clock.advance(failAfter / 2);
    b.membership.appended(view + 3n);
    await world.clock.advance(failAfter / 2);
    expect(b.membership.viewBehindMs()).toBeCloseTo(failAfter, -2);
    view += 3n;
    expect(b.membership.viewBehindMs()).toBeGreaterThanOrEqual(failAfter);
    await world.until('b is marked failed', () =>
      world.members.some((m) => m.logger.facts('service.marked-failed').some((l) => l.fields.peer === 'b')),
    );
    view += 6n;
    expect(b.membership.viewBehindMs()).toBe(0);
  });

  it('at start does not: the log is still being read, and nothing is owned', async () => {
    const a = await world.member('a', {
      ports: { viewPosition: () => 'start', viewApplied: () => new Promise(() => undefined) },
    });
    await world.until('it trusts itself', () => a.membership.trust.check() === null);
    await world.clock.advance(10 * failAfter);
    expect(a.membership.trust.check()).toBeNull();
    expect(a.membership.mayClaim()).toBe(false);
  });
});

describe('a due queue that is no longer gone through', () => {
  it('ends the beats: the service fences itself and is judged', async () => {
    let passes = true;
    const [a] = await world.registered('a');
    const b = await world.member('b', {
      passes: false,
      ports: { wantPass: () => passes && b.membership.passCompleted() },
    });
    await world.until('b may claim', () => b.membership.mayClaim());
    passes = false;
    await world.until('b is judged', () => a.logger.facts('service.marked-failed').length > 0);
    expect(b.fences[0].reason).toBe('trust-expired');
    expect(await world.types('b')).toEqual(['ServiceRegistered', 'ServiceMarkedFailed']);
  });
});
