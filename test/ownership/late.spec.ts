import { CommandUnavailableError } from '../../src/commands';
import type { Member } from './member';
import { World } from './world';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe('a job that is due and not started', () => {
  let world: World;
  let a: Member;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  const ids = (count: number, prefix = 'job') =>
    Array.from({ length: count }, (_, n) => `${prefix}-${String(n).padStart(5, '0')}`);
  /** Service a owns due jobs, and has no place to run them in. */
  const dueAt = async (
    jobIds: readonly string[],
    words: Parameters<World['job']>[1] = {},
    settings: Parameters<World['member']>[1] = {},
  ) => {
    a = world.member('a', settings);
    a.places = 0;
    for (const id of jobIds) world.job(id, { nextRunTime: world.now, ...words });
    a.sweep.start();
    await world.until(() => world.owned('a') === jobIds.length, 'the claims');
  };
  const late = () => world.appends.filter(({ command }) => command.kind === 'ReleaseJob' && command.reason === 'late');
  const peer = (serviceId: string, options: Parameters<World['register']>[1] = {}) => {
    const member = world.member(serviceId, {}, options);
    member.sweep.start();
    return member;
  };

  it('for half a minute, while another service has room, is handed over to it, and started there in the append that binds it', async () => {
    await dueAt(['one']);
    const since = world.clock.monotonic();
    const b = peer('b');
    await world.clock.advance(29 * SECOND);
    expect(late()).toEqual([]);
    await world.until(() => world.owner('one') === 'b', 'the hand-over', 5 * SECOND);
    expect(late()[0].at - since).toBeGreaterThanOrEqual(30 * SECOND);
    expect(late()[0].at - since).toBeLessThanOrEqual(32 * SECOND);
    expect(late()[0].command).toMatchObject({ reason: 'late', target: 'b' });
    expect(b.entered).toEqual(['one']);
    expect(world.appends.at(-1)!.types).toEqual(['JobBoundToService', 'JobRunStarted']);
  });

  it('stays where it is when nobody has room, and goes when somebody has', async () => {
    await dueAt(['one']);
    peer('b', { maxConcurrentRuns: 1 });
    world.job('long', { nextRunTime: world.now + 100 * MINUTE, tag: { name: 'b' } });
    await world.until(() => world.owner('long') === 'b', 'the claim');
    world.startRun('long');
    await world.clock.advance(5 * MINUTE);
    expect(late()).toEqual([]);
    world.endRun('long');
    await world.until(() => world.owner('one') === 'b', 'the hand-over', 5 * SECOND);
  });

  it('stays when whoever has room may not own it', async () => {
    await dueAt(['one'], { handler: 'audit', tag: { name: 'a' } });
    peer('b');
    peer('c', { handlers: ['other'] });
    await world.clock.advance(5 * MINUTE);
    expect(late()).toEqual([]);
  });

  it('is not the only one: each service gets as many as it has room for, within the budget', async () => {
    await dueAt(ids(100));
    peer('b', { maxConcurrentRuns: 5 });
    peer('c', { maxConcurrentRuns: 20 });
    await world.clock.advance(10 * MINUTE);
    expect([world.owned('a'), world.owned('b'), world.owned('c')]).toEqual([75, 5, 20]);
  });

  it('goes within the budget: so many per second, and none is saved up', async () => {
    await dueAt(ids(40), {}, { movesPerSecond: 10 });
    peer('b');
    await world.until(() => world.owned('b') === 40, 'all hand-overs', 2 * MINUTE);
    const first = late()[0].at;
    const byRound = [0, 1, 2, 3].map((n) => late().filter(({ at }) => Math.floor((at - first) / SECOND) === n).length);
    expect(byRound).toEqual([10, 10, 10, 10]);
  });

  it('is handed over in time, though nothing else makes its owner look', async () => {
    await dueAt(['one'], {}, { ownScanMs: 60 * MINUTE, stableForMs: 60 * MINUTE });
    const since = world.clock.monotonic();
    peer('b');
    await world.until(() => world.owner('one') === 'b', 'the hand-over', MINUTE);
    expect(late()[0].at - since).toBeLessThanOrEqual(32 * SECOND);
  });

  it('never goes to a service that owns as many as it may, however many runs it has room for', async () => {
    await dueAt(['one']);
    world.job('full', { nextRunTime: world.now + 100 * MINUTE, tag: { name: 'b' } });
    peer('b', { maxOwnedJobs: 1, maxConcurrentRuns: 50 });
    await world.until(() => world.owner('full') === 'b', 'the claim');
    await world.clock.advance(5 * MINUTE);
    expect(late()).toEqual([]);
    peer('c', { maxConcurrentRuns: 1 });
    await world.until(() => world.owner('one') === 'c', 'the hand-over', 5 * SECOND);
  });

  it('costs no read of late jobs while nobody has room: not where all others are full or drain', async () => {
    await dueAt(['one']);
    world.register('b');
    world.mark('b', { life: 'draining' });
    peer('c', { maxConcurrentRuns: 1 });
    world.job('long', { nextRunTime: world.now + 100 * MINUTE, tag: { name: 'c' } });
    await world.until(() => world.owner('long') === 'c', 'the claim');
    world.startRun('long');
    await world.clock.advance(5 * MINUTE);
    expect(a.reads.due).toBe(0);
    peer('d');
    await world.until(() => world.owner('one') === 'd', 'the hand-over', 5 * SECOND);
    expect(a.reads.due).toBeGreaterThan(0);
  });

  it('that rested when this process was fenced is looked at anew: the log may be another', async () => {
    await dueAt(['one']);
    world.change('one', () => ({ movedAt: world.now }));
    peer('b');
    await world.clock.advance(MINUTE);
    expect(late()).toEqual([]);
    a.trusted = a.mayClaim = false;
    await world.clock.advance(SECOND);
    world.change('one', () => ({ movedAt: undefined }));
    a.trustAgain();
    await world.until(() => world.owner('one') === 'b', 'the hand-over', MINUTE);
  });

  it('is not moved again for ten minutes', async () => {
    await dueAt(['one']);
    const b = peer('b');
    b.places = 0;
    await world.until(() => world.owner('one') === 'b', 'the first', MINUTE);
    const moved = world.clock.monotonic();
    const c = peer('c');
    await world.until(() => world.owner('one') === 'a' || world.owner('one') === 'c', 'the second', 15 * MINUTE);
    expect(world.clock.monotonic() - moved).toBeGreaterThanOrEqual(10 * MINUTE);
    expect(late()).toHaveLength(2);
    void c;
  });

  it('those that may not move yet hide no other', async () => {
    await dueAt(ids(300));
    for (const id of ids(300)) world.change(id, () => ({ movedAt: world.now }));
    world.job('other', { nextRunTime: world.now });
    await world.until(() => world.owner('other') === 'a', 'the claim');
    peer('b');
    await world.until(() => world.owner('other') === 'b', 'the hand-over', 2 * MINUTE);
    expect(late()).toHaveLength(1);
  });

  it('a suspect goes only where no other suspect runs', async () => {
    await dueAt(['one', 'two']);
    const crashes = [1, 2].map((attempt) => ({ slot: 'manual:0', attempt, at: world.now }));
    for (const id of ['one', 'two']) world.change(id, () => ({ crashes }));
    peer('b');
    await world.clock.advance(2 * MINUTE);
    expect(late()).toHaveLength(1);
    expect([world.owned('a'), world.owned('b')]).toEqual([1, 1]);
  });

  it('suspects that nobody has room for hide no other', async () => {
    await dueAt(ids(300));
    const crashes = [1, 2].map((attempt) => ({ slot: 'manual:0', attempt, at: world.now }));
    for (const id of ids(300)) world.change(id, () => ({ crashes }));
    peer('b');
    world.job('long', { nextRunTime: world.now + 100 * MINUTE, tag: { name: 'b' } });
    await world.until(() => world.owner('long') === 'b', 'the claim');
    world.startRun('long');
    world.change('long', () => ({ crashes }));
    world.job('other', { nextRunTime: world.now, tag: { name: 'a' } });
    await world.until(() => world.owner('other') === 'a', 'the claim');
    world.change('other', ({ definition }) => ({ definition: { ...definition, tag: {} } }));
    await world.until(() => world.owner('other') === 'b', 'the hand-over', 2 * MINUTE);
    expect(late()).toHaveLength(1);
  });

  it('goes to the service that has the most room', async () => {
    await dueAt(['one']);
    peer('b', { maxConcurrentRuns: 5 });
    peer('c', { maxConcurrentRuns: 20 });
    peer('d', { maxConcurrentRuns: 5 });
    await world.until(() => late().length === 1, 'the hand-over', MINUTE);
    expect(late()[0].command).toMatchObject({ target: 'c' });
  });

  it('was not late here while this process was fenced: it has as long again', async () => {
    await dueAt(['one']);
    peer('b');
    await world.clock.advance(20 * SECOND);
    a.trusted = a.mayClaim = false;
    await world.clock.advance(5 * MINUTE);
    a.trustAgain();
    const back = world.clock.monotonic();
    await world.clock.advance(29 * SECOND);
    expect(late()).toEqual([]);
    await world.until(() => world.owner('one') === 'b', 'the hand-over', 5 * SECOND);
    expect(late()[0].at - back).toBeGreaterThanOrEqual(30 * SECOND);
  });

  it('nor when it was late already when it came here', async () => {
    world.register('x');
    a = world.member('a');
    a.places = 0;
    a.sweep.start();
    world.job('one', { nextRunTime: world.now });
    world.change('one', () => ({
      epoch: 1,
      ownership: { kind: 'bound', since: world.now, serviceId: 'x', incarnation: 'x#1' },
    }));
    await world.clock.advance(10 * MINUTE);
    world.fail('x');
    await world.until(() => world.owner('one') === 'a', 'the requeue');
    const { since } = world.state('one').ownership;
    peer('b');
    await world.until(() => world.owner('one') === 'b', 'the hand-over', MINUTE);
    expect(world.state('one').movedAt! - since).toBeGreaterThanOrEqual(30 * SECOND);
  });

  it('a hand-over that the store did not take is tried again', async () => {
    await dueAt(['one']);
    peer('b');
    let faults = 0;
    a.fault = () => (faults++ < 3 ? new CommandUnavailableError('the store is away') : null);
    await world.until(() => world.owner('one') === 'b', 'the hand-over', 2 * MINUTE);
    expect(faults).toBeGreaterThan(3);
  });

  it('nothing is moved with a budget of none', async () => {
    a = world.member('a', { movesPerSecond: 0 });
    a.places = 0;
    for (const id of ids(30)) world.job(id, { nextRunTime: world.now });
    a.sweep.start();
    await world.until(() => world.owned('a') === 30, 'the claims');
    peer('b');
    await world.clock.advance(10 * MINUTE);
    expect(world.owned('a')).toBe(30);
  });
});
