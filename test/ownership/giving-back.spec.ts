import { CommandUnavailableError } from '../../src/commands';
import type { Member } from './member';
import { World } from './world';

describe('the sweep gives back own jobs', () => {
  let world: World;
  let a: Member;
  beforeEach(() => {
    world = new World();
    a = world.member('a');
  });
  afterEach(() => world.close());

  const claimed = async (count: number, words: Parameters<World['job']>[1] = {}) => {
    for (let n = 0; n < count; n++) world.job(`job-${String(n).padStart(5, '0')}`, words);
    a.sweep.start();
    await world.until(() => world.owned('a') === count, 'the claims');
  };
  const drained = async () => {
    let done = false;
    void a.sweep.drain().then(() => (done = true));
    await world.until(() => done, 'the drain');
  };
  const released = () => world.appends.filter(({ types }) => types[0] === 'JobReleased');
  const reasons = () =>
    released().map(({ command }) => (command.kind === 'ReleaseJob' ? [command.reason, command.target] : []));

  describe('no longer eligible here', () => {
    it('a job whose tag no longer fits is released within the scan interval, and left out', async () => {
      await claimed(3);
      world.change('job-00001', ({ definition }) => ({ definition: { ...definition, tag: { host: 'elsewhere' } } }));
      await world.until(() => released().length === 1, 'the release', 5_000);
      expect(released()[0].jobId).toBe('job-00001');
      expect(reasons()).toEqual([['ineligible', null]]);
      expect(a.facts('job.released')).toEqual([
        expect.objectContaining({ jobId: 'job-00001', epoch: 1, reason: 'ineligible' }),
      ]);
      await world.clock.advance(30_000);
      expect(released()).toHaveLength(1);
      expect(world.owner('job-00001')).toBeNull();
    });

    it('not while it runs', async () => {
      await claimed(1);
      world.startRun('job-00000');
      world.change('job-00000', ({ definition }) => ({ definition: { ...definition, handler: 'gone' } }));
      await world.clock.advance(30_000);
      expect(released()).toEqual([]);
      world.endRun('job-00000');
      await world.until(() => released().length === 1, 'the release', 5_000);
    });

    it('own jobs are not looked through in every sweep', async () => {
      await claimed(1_000);
      await world.clock.advance(100);
      const { own, sweeps } = a.reads;
      for (let n = 0; n < 40; n++) {
        world.change('job-00000', () => ({}));
        await world.clock.advance(10);
      }
      expect(a.reads.sweeps - sweeps).toBeGreaterThanOrEqual(40);
      expect(a.reads.own).toBe(own);
    });

    it('those that have not changed are not looked at again while membership stays as it is', async () => {
      await claimed(1_000);
      await world.clock.advance(10_000);
      const { own, changed } = a.reads;
      await world.clock.advance(120_000);
      expect(a.reads.own).toBe(own);
      expect(a.reads.changed).toBeGreaterThan(changed);
      expect(a.reads.changed - changed).toBeLessThanOrEqual(25);
      const other = world.member('b');
      other.sweep.start();
      await world.clock.advance(5_000);
      expect(a.reads.own).toBeGreaterThanOrEqual(own + 5);
    });

    it('a release that did not succeed is tried again', async () => {
      await claimed(3);
      await world.clock.advance(10_000);
      let faults = 0;
      a.fault = () => (faults++ < 3 ? new CommandUnavailableError('the store is away') : null);
      world.change('job-00001', ({ definition }) => ({ definition: { ...definition, tag: { host: 'elsewhere' } } }));
      await world.until(() => released().length === 1, 'the release', 15_000);
      expect(faults).toBeGreaterThan(3);
    });

    it('more than can be watched one by one are found all the same', async () => {
      await claimed(6_000);
      for (let n = 0; n < 6_000; n++) world.startRun(`job-${String(n).padStart(5, '0')}`);
      for (let n = 0; n < 6_000; n++)
        world.change(`job-${String(n).padStart(5, '0')}`, ({ definition }) => ({
          definition: { ...definition, handler: 'gone' },
        }));
      await world.clock.advance(10_000);
      for (let n = 0; n < 6_000; n++) world.endRun(`job-${String(n).padStart(5, '0')}`);
      await world.until(() => new Set(released().map(({ jobId }) => jobId)).size === 6_000, 'the releases', 60_000);
    });
  });

  describe('return home', () => {
    const home = { tag: { name: 'b' }, affinity: 'preferred' as const };

    it('a preferred job returns once its home has been registered for homeAfter, and the home takes it', async () => {
      await claimed(3, home);
      const b = world.member('b');
      const at = world.clock.monotonic();
      b.sweep.start();
      await world.clock.advance(9_999);
      expect(released()).toEqual([]);
      await world.until(() => world.owned('b') === 3, 'the returns');
      expect(reasons()).toEqual([
        ['home', 'b'],
        ['home', 'b'],
        ['home', 'b'],
      ]);
      expect(released()[0].at - at).toBeLessThanOrEqual(11_000);
      expect(world.clock.monotonic() - at).toBeLessThanOrEqual(11_000);
    });

    it('takes twice as long after a return within the hour', async () => {
      await claimed(1, home);
      world.change('job-00000', () => ({ homeReturns: [world.now] }));
      world.register('b');
      const at = world.clock.monotonic();
      await world.until(() => released().length === 1, 'the return');
      expect(released()[0].at - at).toBeGreaterThanOrEqual(20_000);
      expect(released()[0].at - at).toBeLessThanOrEqual(21_000);
    });

    it('stays while it runs, and when its labels match here', async () => {
      await claimed(1, home);
      world.startRun('job-00000');
      world.job('mine', { tag: { name: 'a' }, affinity: 'preferred' });
      world.register('b');
      await world.clock.advance(60_000);
      expect(released()).toEqual([]);
    });

    it('keeps to its budget', async () => {
      await claimed(200, home);
      const b = world.member('b');
      b.sweep.start();
      await world.until(() => released().length > 0, 'the first return');
      const first = world.clock.monotonic();
      await world.until(() => world.owned('b') === 200, 'all returns');
      const inFirstSecond = released().filter(({ at }) => at <= first + 900).length;
      expect(inFirstSecond).toBeLessThanOrEqual(100);
      expect(world.clock.monotonic() - first).toBeGreaterThanOrEqual(2_900);
    });
  });

  describe('drain', () => {
    it('releases all idle jobs, leaves running ones, claims nothing more', async () => {
      await claimed(2_500);
      world.startRun('job-00007');
      a.draining = true;
      await drained();
      expect(world.owned('a')).toBe(1);
      expect(released()).toHaveLength(2_499);
      expect(reasons().every(([reason]) => reason === 'drain')).toBe(true);
      await world.clock.advance(10_000);
      expect(world.appends.filter(({ command }) => command.kind === 'BindJob')).toHaveLength(2_500);
    });

    it('goes on with what becomes idle later', async () => {
      await claimed(2);
      world.startRun('job-00000');
      a.draining = true;
      await drained();
      world.endRun('job-00000');
      await world.until(() => world.owned('a') === 0, 'the release');
    });

    it('begins by itself when the service was asked to drain', async () => {
      await claimed(5);
      a.draining = true;
      world.advance();
      await world.until(() => world.owned('a') === 0, 'the releases');
    });

    it('waits for claims that are in flight, and gives them back too', async () => {
      world.latencyMs = 50;
      a.sweep.start();
      for (let n = 0; n < 5; n++) world.job(`job-${n}`);
      await world.clock.advance(10);
      await drained();
      expect(world.appends.filter(({ command }) => command.kind === 'BindJob').length).toBeGreaterThan(0);
      expect(world.owned('a')).toBe(0);
    });

    it('gives a job up after three tries, and resolves', async () => {
      await claimed(3);
      a.fault = (jobId) => (jobId === 'job-00001' ? new CommandUnavailableError('the store is away') : null);
      a.draining = true;
      const before = a.attempts;
      await drained();
      expect(world.owned('a')).toBe(1);
      expect(a.attempts - before).toBe(5);
    });

    it('resolves at once when this process may not append', async () => {
      await claimed(3);
      a.trusted = false;
      a.draining = true;
      await drained();
      expect(world.owned('a')).toBe(3);
    });

    it('close does not wait for an append that hangs', async () => {
      await claimed(3);
      a.hangs = () => true;
      a.draining = true;
      let told = 0;
      void a.sweep.drain().then(() => (told += 1));
      await world.clock.advance(10);
      void a.sweep.close().then(() => (told += 1));
      await world.clock.settle();
      expect(told).toBe(2);
    });

    it('resolves when it was never started, and after close', async () => {
      await a.sweep.drain();
      const closing = a.sweep.close();
      await world.clock.advance(1);
      await closing;
      await a.sweep.drain();
      expect(a.attempts).toBe(0);
    });
  });
});
