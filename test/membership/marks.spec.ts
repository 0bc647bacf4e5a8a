import { World, type Member } from './world';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());
const { failAfterMs: failAfter, selfFenceAfterMs: selfFence } = new World().liveness;

const append = async (serviceId: string, type: string, data: object) => {
  const { head } = await world.store.readStream(`service-${serviceId}`, { direction: 'backwards', limit: 1 });
  const event = {
    id: world.random.uuid(world.clock.wall()),
    type,
    data: JSON.stringify({ serviceId, at: world.clock.wall(), ...data }),
    metadata: '{}',
  };
  const outcome = await world.store.append(`service-${serviceId}`, head, [event]);
  expect(outcome.outcome).toBe('appended');
};
const mark = (m: Member, more: object = {}) =>
  append(m.membership.serviceId, 'ServiceMarkedFailed', {
    incarnation: m.membership.incarnation(),
    by: 'operator',
    actor: 'olga',
    reason: 'disk on fire',
    confirmedDead: false,
    ...more,
  });
const judge = (m: Member, observer: string) =>
  append(m.membership.serviceId, 'ServiceMarkedFailed', {
    incarnation: m.membership.incarnation(),
    by: 'observer',
    observer,
    observerIncarnation: 'o1',
    evidence: { kind: 'silence', lastBeat: 1, silenceMs: 6_100, thresholdMs: 6_000, membershipPosition: '9' },
  });

describe('a false verdict', () => {
  it('fences at once; it comes back with a new incarnation after failAfter, and its observer waits twice as long for it', async () => {
    const [a, b] = await world.registered('a', 'b');
    const first = a.membership.incarnation();
    await judge(a, 'b');
    const at = world.clock.monotonic();
    await world.until('a is fenced', () => a.membership.trust.check() === 'marked-failed');
    expect(world.clock.monotonic() - at).toBeLessThan(100);
    expect(a.fences).toEqual([{ incarnation: first, reason: 'marked-failed', at: expect.any(Number) }]);
    expect(a.membership.health()).toMatchObject({ state: 'fenced', incarnation: null });
    expect(a.membership.health().detail).toMatch(
      /^judged by b: silent for 6100 ms of 6000 ms; the next attempt to register is in (5\d{3}|6000) ms$/,
    );
    await world.until('a is back', () => a.membership.mayClaim());
    expect(world.clock.monotonic() - at).toBeGreaterThanOrEqual(failAfter);
    const facts = await world.facts('a');
    expect(facts.map((f) => f.type)).toEqual(['ServiceRegistered', 'ServiceMarkedFailed', 'ServiceRegistered']);
    expect(facts[2].data).toMatchObject({ reason: 'falselyFailed', incarnation: a.membership.incarnation() });
    expect(a.membership.isOwn(first!)).toBe(true);
    expect(b.membership.silences()).toEqual([expect.objectContaining({ serviceId: 'a', thresholdMs: 2 * failAfter })]);
  });

  it('each further one within the hour doubles the wait, to ten minutes', async () => {
    const [a] = await world.registered('a', 'b');
    const waits: number[] = [];
    for (let k = 0; k < 8; k++) {
      await judge(a, 'b');
      const at = world.clock.monotonic();
      await world.until('a is fenced', () => a.membership.trust.check() === 'marked-failed');
      if (k === 6)
        expect(a.membership.health().detail).toMatch(
          /; a was registered \d+ times within .*; the next attempt to register is in \d{6} ms$/,
        );
      await world.until('a is back', () => a.membership.mayClaim(), 700_000);
      waits.push(world.clock.monotonic() - at);
    }
    const expected = [1, 2, 4, 8, 16, 32, 64, 128].map((f) => Math.min(f * failAfter, 600_000));
    expected.forEach((least, k) => {
      expect(waits[k]).toBeGreaterThanOrEqual(least);
      // The back-off of registrations in the last ten minutes comes on top, and the beats.
      expect(waits[k]).toBeLessThan(least + 20_000);
    });
  });

  it('while draining: it does not come back', async () => {
    const [a] = await world.registered('a', 'b');
    await a.membership.drain('deploy');
    await judge(a, 'b');
    await world.clock.advance(60_000);
    expect(a.membership.incarnation()).toBeNull();
    await a.membership.stop([]);
    expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceDrainStarted', 'ServiceMarkedFailed']);
  });
});

describe('an operator’s mark', () => {
  it('fences, ends the beats under it, and it does not register again until told to', async () => {
    const [a, b] = await world.registered('a', 'b');
    const incarnation = a.membership.incarnation()!;
    await mark(a);
    await world.until('a is marked', () => a.membership.health().state === 'marked');
    expect(a.membership.trust.check()).toBe('marked-failed');
    expect(a.membership.health().detail).toContain('marked failed by olga: disk on fire');
    const beats = (await world.beats('a')).length;
    const at = world.clock.monotonic();
    expect(b.membership.silentSinceEnd(incarnation)).toBe(false);
    await world.until('b has heard its silence', () => b.membership.silentSinceEnd(incarnation));
    expect(world.clock.monotonic() - at).toBeGreaterThanOrEqual(failAfter - 1_000);
    await world.clock.advance(700_000);
    expect(await world.beats('a')).toHaveLength(beats);
    expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceMarkedFailed']);
    a.membership.rejoin();
    await world.until('it is back', () => a.membership.mayClaim());
    expect(a.membership.incarnation()).not.toBe(incarnation);
  });

  it('after a drain: told to, it comes back and drains no more, unless it is about to end', async () => {
    const [a, b] = await world.registered('a', 'b');
    for (const one of [a, b]) {
      await append(one.membership.serviceId, 'ServiceDrainStarted', {
        incarnation: one.membership.incarnation(),
        reason: 'rolling update',
      });
      await world.until('it drains', () => one.membership.draining());
    }
    await b.membership.drain('close');
    for (const one of [a, b]) {
      await mark(one);
      await world.until('it is marked', () => one.membership.health().state === 'marked');
      one.membership.rejoin();
    }
    await world.until('a is back', () => a.membership.mayClaim());
    expect(a.membership.draining()).toBe(false);
    await world.clock.advance(10 * failAfter);
    expect(b.membership.health().state).toBe('marked');
    expect(b.membership.draining()).toBe(true);
  });

  it('on a process that goes on beating: no silence since the mark is measured', async () => {
    const [a, b] = await world.registered('a', 'b');
    const incarnation = a.membership.incarnation()!;
    // It does not see its own mark: its subscription stands still, its beats go out.
    a.link.lagMs = 100_000;
    await world.clock.advance(10);
    await mark(a);
    await world.clock.advance(30_000);
    expect(a.membership.trust.check()).toBeNull();
    expect(b.membership.silentSinceEnd(incarnation)).toBe(false);
    a.kill();
    await world.until('b has heard its silence', () => b.membership.silentSinceEnd(incarnation), failAfter + 3_000);
  });

  it('after a verdict, while it waits to come back: it stays away', async () => {
    const [a] = await world.registered('a', 'b');
    const incarnation = a.membership.incarnation();
    await judge(a, 'b');
    await world.until('a is fenced', () => a.membership.health().state === 'fenced');
    await mark(a, { incarnation, confirmedDead: true });
    await world.clock.advance(60_000);
    expect(a.membership.health().state).toBe('marked');
    expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceMarkedFailed', 'ServiceMarkedFailed']);
  });
});

describe('own trust', () => {
  it('a cut-off service fences itself before anybody judges it, and after the verdict registers anew', async () => {
    const [a, b] = await world.registered('a', 'b');
    const first = a.membership.incarnation();
    a.link.cut = true;
    const at = world.clock.monotonic();
    await world.until('b judges', () => b.logger.facts('service.marked-failed').length > 0);
    expect(a.fences).toHaveLength(1);
    expect(a.fences[0]).toMatchObject({ incarnation: first, reason: 'trust-expired' });
    expect(a.fences[0].at - at).toBeLessThanOrEqual(selfFence);
    a.link.cut = false;
    await world.until('a is back', () => a.membership.mayClaim());
    expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceMarkedFailed', 'ServiceRegistered']);
  });

  it('a cut-off service that nobody has judged comes back by reassertion, with the same incarnation', async () => {
    const [a] = await world.registered('a');
    const returned: boolean[] = [];
    a.membership.trust.onTrust((t) => returned.push(t.returned));
    const first = a.membership.incarnation();
    a.link.cut = true;
    await world.clock.advance(selfFence + 1_000);
    expect(a.membership.mayClaim()).toBe(false);
    a.link.cut = false;
    await world.until('a is back', () => a.membership.mayClaim());
    expect(a.membership.incarnation()).toBe(first);
    expect(returned).toEqual([true]);
    const [, reasserted] = await world.facts('a');
    expect(reasserted.type).toBe('ServiceReasserted');
    expect((reasserted.data as { fencedForMs: number }).fencedForMs).toBeGreaterThanOrEqual(1_000);
  });

  it('answers that come too late renew nothing: it fences, and a reassertion answered too late does not bring it back', async () => {
    const [a] = await world.registered('a');
    a.link.answerMs = selfFence + 500;
    await world.until('it is fenced', () => a.membership.trust.check() === 'trust-expired', 2 * selfFence);
    await world.clock.advance(60_000);
    expect(a.membership.trust.check()).toBe('trust-expired');
    a.link.answerMs = 0;
    await world.until('it is back', () => a.membership.mayClaim());
  });

  it('answers slower than the time-out of a beat, but in time, keep it trusted', async () => {
    const [a] = await world.registered('a');
    a.link.answerMs = selfFence / 4 + 500;
    await world.clock.advance(60_000);
    expect(a.membership.trust.check()).toBeNull();
    expect(a.fences).toEqual([]);
  });

  it('a jump of the wall clock is doubt until a beat after it and a leader read; then it goes on', async () => {
    const [a] = await world.registered('a');
    a.link.answerMs = 100;
    await world.clock.advance(1_000);
    a.clock.wallOffset = 3_600_000;
    expect(a.membership.trust.check()).toBe('clock-jump');
    expect(a.membership.mayClaim()).toBe(false);
    expect(a.membership.health().detail).toContain('wall clock jumped');
    const settled = a.membership.trust.settled();
    await world.until('it is settled', () => a.membership.trust.check() === null, 3_000);
    await expect(settled).resolves.toBe(true);
    expect(a.fences).toEqual([]);
    expect(a.membership.health()).toMatchObject({ state: 'registered', detail: null });
    // Cluster time did not follow the jump.
    expect(Math.abs(a.membership.clusterTime.now() - world.clock.wall())).toBeLessThan(1_000);
  });

  it('a beat that was under way when the clock jumped does not settle the doubt', async () => {
    const [a] = await world.registered('a');
    a.link.answerMs = 700;
    let sent = 0;
    a.link.onAppend = (stream) => {
      if (stream.startsWith('heartbeat-')) sent += 1;
    };
    await world.until('a beat is under way', () => sent === 1);
    a.clock.wallOffset = 3_600_000;
    expect(a.membership.trust.check()).toBe('clock-jump');
    // It is answered, and the leader read that could follow at once; the next beat is under way.
    await world.clock.advance(1_500);
    expect(sent).toBe(2);
    expect(a.membership.trust.check()).toBe('clock-jump');
    await world.until('the next one settles it', () => a.membership.trust.check() === null, 1_000);
  });

  it('doubt is not settled while the log shows the incarnation ended', async () => {
    const [a] = await world.registered('a', 'b');
    // It cannot hear its own verdict, but a leader read shows it.
    a.link.lagMs = 20_000;
    await world.clock.advance(10);
    await judge(a, 'b');
    a.clock.wallOffset = -3_600_000;
    await world.clock.advance(10_000);
    expect(a.membership.trust.check()).toBe('clock-jump');
    await world.until('it hears it', () => a.fences.length > 0);
    expect(a.fences[0].reason).toBe('marked-failed');
  });
});
