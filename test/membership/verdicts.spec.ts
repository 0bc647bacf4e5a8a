import { World, type Member } from './world';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

const { failAfterMs: failAfter, selfFenceAfterMs: selfFence } = new World().liveness;

describe('a verdict', () => {
  it('falls on a killed service, after its own fence and within the bound, by one observer', async () => {
    const [a, b] = await world.registered('a', 'b');
    const killed = b.membership.incarnation();
    const at = world.clock.monotonic();
    b.kill();
    await world.until('b is marked failed', () => a.logger.facts('service.marked-failed').length > 0);
    const after = world.clock.monotonic() - at;
    expect(after).toBeGreaterThan(failAfter - 1_000);
    expect(after).toBeLessThan(failAfter + 2_000);
    const [registered, failed, ...more] = await world.facts('b');
    expect(more).toEqual([]);
    expect(registered.data.incarnation).toBe(killed);
    expect(failed).toMatchObject({
      type: 'ServiceMarkedFailed',
      data: {
        incarnation: killed,
        by: 'observer',
        observer: 'a',
        observerIncarnation: a.membership.incarnation(),
        evidence: { kind: 'silence', thresholdMs: failAfter },
      },
    });
    const { evidence } = failed.data as {
      evidence: { silenceMs: number; lastBeat: number; membershipPosition: string };
    };
    expect(evidence.silenceMs).toBeGreaterThanOrEqual(failAfter);
    expect(evidence.lastBeat).toBeGreaterThan(0);
    expect(BigInt(evidence.membershipPosition)).toBeGreaterThan(0n);
  });

  it('falls on a service that dies before its first beat', async () => {
    const [a] = await world.registered('a');
    const b = await world.member('b', {
      before: (m) => {
        m.link.onAppend = (stream) => {
          if (stream.startsWith('heartbeat-')) m.link.cut = true;
        };
      },
    });
    // Its registration lands, its beats never do.
    m: for (;;) {
      if ((await world.types('b')).length > 0) break m;
      b.link.cut = false;
      await world.clock.advance(100);
    }
    b.kill();
    await world.until('b is marked failed', () => a.logger.facts('service.marked-failed').length > 0);
    expect((await world.facts('b'))[1].data).toMatchObject({ evidence: { lastBeat: -1 } });
  });

  it('may be on its way to a service whose first beat comes late: that one reasserts itself before it trusts itself', async () => {
    await world.registered('a');
    const b = await world.member('b', {
      before: (m) => {
        m.link.onAppend = (stream) => {
          if (stream.startsWith('heartbeat-')) m.link.cut = true;
        };
      },
    });
    while ((await world.types('b')).length === 0) {
      b.link.cut = false;
      await world.clock.advance(100);
    }
    b.link.cut = false;
    await world.clock.advance(100);
    b.link.cut = true;
    await world.clock.advance(selfFence);
    b.link.onAppend = () => undefined;
    b.link.cut = false;
    await world.until('b trusts itself', () => b.membership.trust.check() === null);
    expect(await world.types('b')).toEqual(['ServiceRegistered', 'ServiceReasserted']);
  });

  it('does not fall while everybody beats', async () => {
    await world.registered('a', 'b', 'c');
    await world.clock.advance(60_000);
    for (const id of ['a', 'b', 'c']) expect(await world.types(id)).toEqual(['ServiceRegistered']);
  });

  it('waits one more window before more than half of the living are failed', async () => {
    const [a, b, c] = await world.registered('a', 'b', 'c');
    const at = world.clock.monotonic();
    b.kill();
    c.kill();
    await world.until('both are marked failed', () => a.logger.facts('service.marked-failed').length === 2);
    expect(world.clock.monotonic() - at).toBeGreaterThan(2 * failAfter - 1_000);
    expect(await world.types('b')).toEqual(['ServiceRegistered', 'ServiceMarkedFailed']);
  });

  it.each([
    ['a reassertion', 'ServiceReasserted', { fencedForMs: 0 }],
    ['what is no sign of life', 'ServiceDrainStarted', { reason: 'deploy' }],
  ])('is dropped when the stream has moved since by %s, and silence is measured anew', async (_, type, more) => {
    const [a, b] = await world.registered('a', 'b');
    b.kill();
    // The stream of b moves on at the moment of the verdict, before it arrives.
    let moved = false;
    a.link.onAppend = (stream) => {
      if (stream !== 'service-b' || moved) return;
      moved = true;
      const at = world.clock.wall();
      void world.store.append('service-b', 0, [
        {
          id: world.random.uuid(at),
          type,
          data: JSON.stringify({ serviceId: 'b', incarnation: b.membership.incarnation(), at, ...more }),
          metadata: '{}',
        },
      ]);
    };
    await world.until('the verdict is dropped', () => a.logger.facts('service.verdict-dropped').length > 0);
    const at = world.clock.monotonic();
    expect(await world.types('b')).toEqual(['ServiceRegistered', type]);
    await world.until('another one falls', () => a.logger.facts('service.marked-failed').length > 0);
    expect(world.clock.monotonic() - at).toBeGreaterThan(failAfter - 1_000);
  });
});

describe('the delay of an observer only delays', () => {
  const noVerdicts = async () => {
    for (const { membership } of world.members)
      expect(await world.types(membership.serviceId)).not.toContain('ServiceMarkedFailed');
  };
  const bothLive = async (a: Member, b: Member) => {
    await world.clock.advance(20_000);
    await noVerdicts();
    await world.until('both may claim', () => a.membership.mayClaim() && b.membership.mayClaim());
  };

  it('its own pause of a minute fails nobody', async () => {
    const [a, b] = await world.registered('a', 'b', 'c');
    a.pause();
    await world.clock.advance(60_000);
    // The others judge it: it is silent. It does not judge them when it wakes.
    a.resume();
    await world.clock.advance(10_000);
    expect(await world.types('b')).toEqual(['ServiceRegistered']);
    expect(await world.types('c')).toEqual(['ServiceRegistered']);
    await world.until('a is back', () => a.membership.mayClaim(), 120_000);
    expect(b.membership.mayClaim()).toBe(true);
  });

  it('a suspended machine fails nobody', async () => {
    const [a, b] = await world.registered('a', 'b');
    world.clock.suspend(3_600_000);
    await bothLive(a, b);
  });

  it('a lagging subscription fails nobody', async () => {
    const [a, b] = await world.registered('a', 'b');
    a.link.lagMs = 9_000;
    await world.clock.advance(60_000);
    await noVerdicts();
    a.link.lagMs = 0;
    await bothLive(a, b);
  });

  it('a store outage fails nobody; everybody fences and returns by reassertion', async () => {
    const [a, b, c] = await world.registered('a', 'b', 'c');
    for (const m of [a, b, c]) m.link.cut = true;
    await world.clock.advance(30_000);
    for (const m of [a, b, c]) {
      expect(m.membership.trust.check()).toBe('trust-expired');
      expect(m.fences).toHaveLength(1);
      expect(m.membership.health().detail).toContain(`${selfFence} ms`);
    }
    for (const m of [a, b, c]) m.link.cut = false;
    await world.until('all are back', () => [a, b, c].every((m) => m.membership.mayClaim()));
    await world.clock.advance(20_000);
    for (const m of [a, b, c]) {
      expect(await world.types(m.membership.serviceId)).toEqual(['ServiceRegistered', 'ServiceReasserted']);
      expect(m.membership.health()).toMatchObject({ state: 'registered', detail: null });
    }
  });

  it('an observer that starts gives every peer a full window', async () => {
    const [, b] = await world.registered('a', 'b');
    world.members[0].kill();
    b.kill();
    await world.clock.advance(60_000);
    const at = world.clock.monotonic();
    const c = await world.member('c');
    await world.until('somebody is judged', () => c.logger.facts('service.marked-failed').length > 0);
    expect(world.clock.monotonic() - at).toBeGreaterThanOrEqual(failAfter);
  });
});
