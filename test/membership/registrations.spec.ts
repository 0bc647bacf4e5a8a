import { World } from './world';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

/** Registers, and dies or stops; how long the registration was waited for, ms. */
async function life(end: 'dies' | 'stops'): Promise<number> {
  const at = world.clock.monotonic();
  const a = await world.member('a');
  await world.until('it is registered', () => a.membership.health().state === 'registered', 120_000);
  const waited = world.clock.monotonic() - at;
  if (end === 'stops') await a.membership.stop([]);
  a.kill();
  return waited;
}

it('a registration that lands when its process has closed is ended at once: nobody would live it', async () => {
  const a = await world.member('a', { before: (m) => (m.link.answerMs = m.link.lagMs = 1_000) });
  await world.until('it is on its way', () => a.link.streams.includes('service-a'));
  const closing = a.membership.close();
  await world.clock.advance(5_000);
  await closing;
  expect(await world.types('a')).toEqual(['ServiceRegistered', 'ServiceStopped']);
});

describe('registrations back off by their count in the last ten minutes', () => {
  const { failAfterMs } = new World().liveness;
  /** What each life waits for anyhow: the silence of the former one, its own first beats. */
  const usual = failAfterMs + 3_000;

  it('a process that dies and is started again and again waits longer and longer, to half a minute', async () => {
    const waits: number[] = [];
    for (let n = 0; n < 13; n++) waits.push(await life('dies'));
    for (const wait of waits.slice(0, 5)) expect(wait).toBeLessThan(usual);
    const [eighth, twelfth] = [waits[8], waits[12]];
    expect(eighth).toBeGreaterThanOrEqual(8_000);
    expect(eighth).toBeLessThan(8_000 + usual);
    expect(twelfth).toBeGreaterThanOrEqual(30_000);
    expect(twelfth).toBeLessThan(30_000 + usual);
    await world.clock.advance(600_000);
    expect(await life('dies')).toBeLessThan(usual);
  });

  it('operators see why, and until when; the log says it once', async () => {
    for (let n = 0; n < 7; n++) await life('dies');
    const a = await world.member('a');
    const detail = () => a.membership.health().detail;
    await world.until('it waits', () => detail() !== null, 1_000);
    expect(a.membership.health()).toMatchObject({ state: 'idle', incarnation: null });
    const why = 'a was registered 7 times within 10 minutes, without an end in order';
    expect(detail()).toBe(`${why}; the next attempt to register is in 4000 ms`);
    await world.clock.advance(1_500);
    expect(detail()).toBe(`${why}; the next attempt to register is in 2500 ms`);
    await world.until('it registers', () => a.membership.health().state !== 'idle', 2_500);
    expect(detail()).not.toMatch(/next attempt/);
    await world.until('it is registered', () => a.membership.health().state === 'registered');
    expect(detail()).toBeNull();
    expect(a.logger.facts('service.registration-backs-off')).toEqual([
      {
        level: 'warn',
        fact: 'service.registration-backs-off',
        fields: { registrations: 7, withinMs: 600_000, nextAttemptInMs: 4_000 },
      },
    ]);
  });

  it('nothing is said of a first start', async () => {
    const [a] = await world.registered('a');
    expect(a.membership.health().detail).toBeNull();
    expect(a.logger.facts('service.registration-backs-off')).toEqual([]);
  });

  it('one that is told to end while it waits says so no more', async () => {
    for (let n = 0; n < 5; n++) await life('dies');
    const a = await world.member('a');
    await world.until('it waits', () => a.membership.health().detail !== null, 500);
    await a.membership.stop([]);
    expect(a.membership.health()).toMatchObject({ state: 'stopped', detail: 'stopped' });
  });

  it('one that stops in order does not', async () => {
    for (let n = 0; n < 12; n++) expect(await life('stops')).toBeLessThan(3_000);
  });
});

it('a membership that is closed without a stop trusts itself no more', async () => {
  const [a] = await world.registered('a');
  const closing = a.membership.close();
  expect(a.membership.trust.check()).toBe('stopped');
  expect(a.fences).toMatchObject([{ reason: 'stopped' }]);
  await closing;
  expect(await world.types('a')).toEqual(['ServiceRegistered']);
});

it('a log that does not answer at start keeps nobody waiting; the service registers when it does', async () => {
  const a = await world.member('a', { before: (m) => (m.link.cut = true) });
  await world.clock.advance(30_000);
  expect(a.membership.health()).toMatchObject({ state: 'idle', incarnation: null });
  a.link.cut = false;
  await world.until('it may claim', () => a.membership.mayClaim(), 30_000);
});
