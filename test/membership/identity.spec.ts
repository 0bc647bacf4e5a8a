import { RegisterServiceCommand } from '../../src/commands';
import { ownProcessIdentity } from '../../src/membership';
import { World } from './world';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());
const { failAfterMs: failAfter } = new World().liveness;

describe('the order at start', () => {
  it('register → own beat read back → view has applied the registration → claim', async () => {
    let applied: () => void = () => undefined;
    const a = await world.member('a', {
      ports: { viewApplied: () => new Promise((resolve) => (applied = resolve)) },
      before: (m) => (m.link.lagMs = 300),
    });
    expect(a.membership.trust.check()).toBe('not-registered');
    await world.until('it is registered', () => a.membership.incarnation() !== null);
    // In the log, but no own beat was read back since.
    expect(a.membership.trust.check()).toBe('not-registered');
    await world.until('it trusts itself', () => a.membership.trust.check() === null);
    expect(a.membership.health().state).toBe('registered');
    expect(a.membership.mayClaim()).toBe(false);
    applied();
    await world.until('it may claim', () => a.membership.mayClaim());
    expect(a.membership.isOwn(a.membership.incarnation()!)).toBe(true);
  });

  it('a beat that was in the log before the registration is none that makes trust', async () => {
    const [former] = await world.registered('a');
    former.kill();
    // It beats while it observes, and hears everything late.
    const again = await world.member('a', { before: (m) => (m.link.lagMs = 1_700) });
    let landedAt = 0;
    again.link.onAppend = (stream) => {
      if (stream.startsWith('service-')) landedAt = world.clock.monotonic();
    };
    let trustedAt = 0;
    again.membership.trust.onTrust(() => (trustedAt = world.clock.monotonic()));
    await world.until('it trusts itself', () => trustedAt > 0);
    expect(landedAt).toBeGreaterThan(0);
    // Not before it has read its own registration back, which takes as long.
    expect(trustedAt - landedAt).toBeGreaterThanOrEqual(1_700);
  });

  it('a registration whose answer was lost is found by reading the log', async () => {
    const a = await world.member('a', {
      before: (m) => {
        m.link.onAppend = (stream) => {
          // The answer to the registration takes longer than the command is waited for.
          m.link.answerMs = stream.startsWith('service-') ? 45_000 : 0;
        };
      },
    });
    await world.until('it may claim', () => a.membership.mayClaim(), 30_000);
    expect(await world.types('a')).toEqual(['ServiceRegistered']);
  });
});

describe('one living incarnation per service id', () => {
  it('after a stop it registers at once', async () => {
    const [a] = await world.registered('a');
    await a.membership.stop([]);
    await a.membership.close();
    const at = world.clock.monotonic();
    const again = await world.member('a');
    await world.until('it is back', () => again.membership.mayClaim());
    expect(world.clock.monotonic() - at).toBeLessThan(1_000);
    expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceStopped', 'ServiceRegistered']);
  });

  it('after a death that cannot be proven it hears a full failAfter of silence, and fails it in the append of its registration', async () => {
    const [a] = await world.registered('a');
    const former = a.membership.incarnation();
    a.kill();
    await world.clock.advance(3_000);
    const at = world.clock.monotonic();
    const again = await world.member('a');
    await world.until('it observes', () => again.membership.health().state === 'observing');
    expect(again.membership.health().detail).toContain(String(former));
    await world.until('it is back', () => again.membership.mayClaim());
    expect(world.clock.monotonic() - at).toBeGreaterThanOrEqual(failAfter);
    expect(world.clock.monotonic() - at).toBeLessThan(failAfter + 2_500);
    const facts = await world.facts('a');
    expect(facts.map((f) => f.type)).toEqual(['ServiceRegistered', 'ServiceMarkedFailed', 'ServiceRegistered']);
    expect(facts[1].data).toMatchObject({ incarnation: former, observer: 'a', evidence: { kind: 'silence' } });
    const { events } = await world.store.readStream('service-a', { direction: 'forwards', limit: 10 });
    expect(events[2].created).toBe(events[1].created);
  });

  it('after a death that it can prove it registers at once', async () => {
    const [b] = await world.registered('b');
    void b;
    const register = new RegisterServiceCommand({
      serviceId: 'a',
      incarnation: '01900000-0000-7000-8000-000000000001',
      labels: { name: 'a', host: 'host-1' },
      capacity: { maxOwnedJobs: 1, maxConcurrentRuns: 1 },
      handlers: {},
      // This very pid, but of a process that began at another time.
      process: { ...ownProcessIdentity(), startTicks: '1' },
      placementVersion: 1,
      reason: 'start',
      supersede: null,
    });
    await world.store.append('service-a', 'no_stream', [
      {
        id: world.random.uuid(0),
        type: 'ServiceRegistered',
        data: JSON.stringify({ ...register, at: world.clock.wall() }),
        metadata: '{}',
      },
    ]);
    const at = world.clock.monotonic();
    const a = await world.member('a');
    await world.until('it is there', () => a.membership.mayClaim());
    expect(world.clock.monotonic() - at).toBeLessThan(1_000);
    const facts = await world.facts('a');
    expect(facts.map((f) => f.type)).toEqual(['ServiceRegistered', 'ServiceMarkedFailed', 'ServiceRegistered']);
    expect(facts[1].data).toMatchObject({ evidence: { kind: 'processGone' } });
  });

  it('while the other beats it does not register, and says loudly which two processes bear one name', async () => {
    const [a] = await world.registered('a');
    const twin = await world.member('a');
    await world.until('it says so', () => twin.logger.facts('service.identity-conflict').length > 0);
    await world.clock.advance(120_000);
    expect(await world.types('a')).toEqual(['ServiceRegistered']);
    expect(a.membership.mayClaim()).toBe(true);
    expect(twin.membership.mayClaim()).toBe(false);
    expect(twin.membership.incarnation()).toBeNull();
    const { state, detail } = twin.membership.health();
    expect(state).toBe('identity-conflict');
    expect(detail).toContain(String(a.membership.incarnation()));
    expect(detail).toContain(`process ${process.pid} on host-1`);
    const said = twin.logger.facts('service.identity-conflict');
    expect(said[0].level).toBe('error');
    expect(said.length).toBeLessThanOrEqual(3);
    // It goes on observing: when the other is gone it takes the name.
    a.kill();
    await world.until('it takes the name', () => twin.membership.mayClaim());
  });

  it('the first process, paused while another takes its name, fences itself and never registers again', async () => {
    const [a] = await world.registered('a');
    const first = a.membership.incarnation();
    a.pause();
    const twin = await world.member('a');
    await world.until('it takes the name', () => twin.membership.mayClaim());
    a.resume();
    await world.until('the first one knows', () => a.membership.health().state === 'identity-conflict');
    expect(a.fences.map((f) => f.incarnation)).toEqual([first]);
    await world.clock.advance(700_000);
    expect(a.membership.trust.check()).toBe('superseded');
    expect(a.membership.incarnation()).toBeNull();
    expect(twin.membership.mayClaim()).toBe(true);
    expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceMarkedFailed', 'ServiceRegistered']);
    a.membership.rejoin();
    await world.clock.advance(10_000);
    expect(await world.types('a')).toHaveLength(3);
  });
});

describe('a process whose name was taken while it waited to come back from a false verdict', () => {
  it('never registers it again, also when the other has stopped', async () => {
    const [a] = await world.registered('a', 'b');
    await world.store.append('service-a', 0, [
      {
        id: world.random.uuid(0),
        type: 'ServiceMarkedFailed',
        data: JSON.stringify({
          serviceId: 'a',
          incarnation: a.membership.incarnation(),
          by: 'observer',
          observer: 'b',
          observerIncarnation: 'b1',
          evidence: { kind: 'silence', lastBeat: 1, silenceMs: 6_100, thresholdMs: 6_000, membershipPosition: '9' },
          at: 0,
        }),
        metadata: '{}',
      },
    ]);
    await world.until('a is fenced', () => a.fences.length > 0);
    const twin = await world.member('a');
    await world.until('another one has the name', () => twin.membership.mayClaim(), failAfter - 1_000);
    expect(a.membership.health().state).toBe('identity-conflict');
    await twin.membership.stop([]);
    await world.clock.advance(700_000);
    expect(a.membership.incarnation()).toBeNull();
    expect((await world.types('a')).filter((type) => type === 'ServiceRegistered')).toHaveLength(2);
  });
});

describe('stopping', () => {
  it('a drain is a fact, nothing is claimed any more, and beats go on to the stop, which names what is left', async () => {
    const [a, b] = await world.registered('a', 'b');
    await a.membership.drain('deploy');
    expect(a.membership.draining()).toBe(true);
    expect(a.membership.mayClaim()).toBe(false);
    expect(a.membership.trust.check()).toBeNull();
    await world.clock.advance(20_000);
    expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceDrainStarted']);
    const incarnation = a.membership.incarnation()!;
    const leftovers = [{ jobId: 'long', slot: '2026-01-01T00:00:00.000Z', attempt: 1 }];
    await a.membership.stop(leftovers);
    expect((await world.facts('a'))[2]).toMatchObject({ type: 'ServiceStopped', data: { incarnation, leftovers } });
    expect(a.membership.health().state).toBe('stopped');
    expect(a.membership.trust.check()).toBe('stopped');
    // Its leftovers move only when it has been silent for failAfter since.
    await world.clock.advance(100);
    expect(b.membership.silentSinceEnd(incarnation)).toBe(false);
    const beats = (await world.beats('a')).length;
    await world.until('b has heard its silence', () => b.membership.silentSinceEnd(incarnation), failAfter + 2_000);
    expect(await world.beats('a')).toHaveLength(beats);
    await world.clock.advance(20_000);
    expect(await world.types('a')).toHaveLength(3);
  });

  it('a drain on request does the same', async () => {
    const [a] = await world.registered('a');
    const { facts } = world;
    await world.store.append('service-a', (await facts.call(world, 'a')).length - 1, [
      {
        id: world.random.uuid(0),
        type: 'ServiceDrainStarted',
        data: JSON.stringify({ serviceId: 'a', incarnation: a.membership.incarnation(), reason: 'asked', at: 0 }),
        metadata: '{}',
      },
    ]);
    await world.until('it drains', () => a.membership.draining());
    expect(a.membership.health().state).toBe('draining');
    expect(a.membership.mayClaim()).toBe(false);
  });

  it('a process that stops before it was registered leaves no living incarnation behind', async () => {
    const a = await world.member('a', { before: (m) => (m.link.answerMs = 500) });
    await world.until('its registration is under way', () => a.link.streams.includes('service-a'));
    const stopping = a.membership.stop([]);
    await world.clock.advance(5_000);
    await stopping;
    expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceStopped']);
  });
});
