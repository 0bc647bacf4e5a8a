import { conflictAlways } from './member';
import { World } from './world';

/** Sweeps lie 5 ms apart at least. */
function expectAbout(ms: number, expected: number): void {
  expect(ms).toBeGreaterThanOrEqual(expected);
  expect(ms).toBeLessThanOrEqual(expected + 10);
}

describe('the sweep claims what placement gives to its own service', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  const started = (
    serviceId: string,
    ...rest: Parameters<World['member']> extends [string, ...infer R] ? R : never
  ) => {
    const member = world.member(serviceId, ...rest);
    member.sweep.start();
    return member;
  };
  /** A job whose first choice is this service, among all that are registered. */
  const jobFirstAt = async (serviceId: string, others: string[]): Promise<string> => {
    for (let n = 0; ; n++) {
      const probe = new World();
      for (const id of [serviceId, ...others].sort()) probe.register(id);
      const member = probe.member(serviceId);
      probe.job(`job-${n}`);
      member.sweep.start();
      await probe.clock.advance(1);
      const first = probe.owner(`job-${n}`) === serviceId;
      await probe.close();
      if (first) return `job-${n}`;
    }
  };

  it('binds an unbound job and says so in one line with epoch, rank and reason', async () => {
    const a = started('a');
    world.job('one');
    await world.until(() => world.owner('one') === 'a', 'the claim');
    expect(a.facts('job.bound')).toEqual([
      expect.objectContaining({
        jobId: 'one',
        epoch: 1,
        rank: 0,
        candidates: 1,
        first: 'a',
        reason: 'claim',
        revision: 1,
      }),
    ]);
    expect(a.sweep.health()).toMatchObject({ state: 'running', claims: 1, notClaiming: null, lastError: null });
  });

  it('warns of a job that is tagged with its host, when that does not come back under its name', async () => {
    const a = started('a', { ephemeralHost: 'pod-7' }, { labels: { host: 'pod-7', name: 'engine' } });
    const b = started('b', {}, { labels: { host: 'host-b', name: 'engine' } });
    world.job('tied', { tag: { host: 'pod-7' } });
    world.job('prefers', { tag: { host: 'pod-7', name: 'engine' }, affinity: 'preferred' });
    world.job('other-host', { tag: { host: 'host-b' } });
    world.job('by-name', { tag: { name: 'engine' } });
    const all = ['tied', 'prefers', 'other-host', 'by-name'];
    await world.until(() => all.every((jobId) => world.owner(jobId) !== null), 'the claims');
    const warned = a.facts('job.tagged-with-ephemeral-host');
    expect(warned).toHaveLength(2);
    expect(warned).toEqual(
      expect.arrayContaining([
        { jobId: 'tied', host: 'pod-7', affinity: 'required', remedy: expect.stringContaining('Nobody may own it') },
        { jobId: 'prefers', host: 'pod-7', affinity: 'preferred', remedy: expect.stringContaining('never returns') },
      ]),
    );
    expect(b.facts('job.tagged-with-ephemeral-host')).toEqual([]);
  });

  it('takes each job once: nothing is appended while nothing changes, and sweeping does not spin', async () => {
    const a = started('a');
    for (let n = 0; n < 50; n++) world.job(`job-${n}`);
    await world.until(() => world.owned('a') === 50, 'all claims');
    const { appends } = world;
    const before = { appends: appends.length, sweeps: a.reads.sweeps };
    await world.clock.advance(60_000);
    expect(appends.length).toBe(before.appends);
    expect(a.attempts).toBe(50);
    expect(a.reads.sweeps - before.sweeps).toBeLessThanOrEqual(13); // one per scan of own jobs, every 5 s
  });

  it('takes the jobs with the soonest next slot first, then by id', async () => {
    const a = started('a', { maxInFlight: 1 });
    a.mayClaim = false;
    world.job('late', { nextRunTime: world.now + 90_000 });
    world.job('b', { nextRunTime: world.now + 60_000 });
    world.job('a', { nextRunTime: world.now + 60_000 });
    world.job('never', { nextRunTime: null });
    a.trustAgain();
    await world.until(() => world.owned('a') === 4, 'all claims');
    expect(world.appends.map(({ jobId }) => jobId)).toEqual(['a', 'b', 'late', 'never']);
  });

  describe('ranks', () => {
    it('the second choice waits for one claim grace from when it first saw the job claimable, then steps in', async () => {
      world.register('a');
      const b = started('b');
      const jobId = await jobFirstAt('a', ['b']);
      world.job(jobId);
      const seen = world.clock.monotonic();
      await world.clock.advance(499);
      expect(b.attempts).toBe(0);
      await world.until(() => world.owner(jobId) === 'b', 'the second choice');
      expectAbout(world.appends[0].at - seen, 500);
      expect(b.facts('job.bound')[0]).toMatchObject({ rank: 1, first: 'a' });
    });

    it('a change of membership does not begin the wait anew', async () => {
      world.register('a');
      const b = started('b');
      const jobId = await jobFirstAt('a', ['b']);
      world.job(jobId);
      const seen = world.clock.monotonic();
      await world.clock.advance(400);
      world.register('z', { handlers: ['other'] });
      await world.until(() => world.owner(jobId) === 'b', 'the second choice');
      expectAbout(world.appends[0].at - seen, 500);
      expect(b.attempts).toBe(1);
    });

    it('a job that was owned in between is another claim: the wait begins anew', async () => {
      world.register('a');
      const b = started('b');
      const jobId = await jobFirstAt('a', ['b']);
      world.job(jobId);
      await world.clock.advance(400);
      world.change(jobId, () => ({
        epoch: 1,
        ownership: { kind: 'bound', since: world.now, serviceId: 'a', incarnation: 'a#1' },
      }));
      await world.clock.advance(50);
      world.change(jobId, () => ({
        ownership: {
          kind: 'unbound',
          since: world.now,
          reason: 'drain',
          lastServiceId: 'a',
          target: null,
          detail: null,
        },
      }));
      const seen = world.clock.monotonic();
      await world.until(() => world.owner(jobId) === 'b', 'the second choice');
      expectAbout(world.appends[0].at - seen, 500);
      expect(b.attempts).toBe(1);
    });

    it('waits longer, up to ten times, while the first choice is seen claiming', async () => {
      world.register('a');
      started('b');
      const jobId = 'one';
      world.job(jobId, { tag: { name: 'a' }, affinity: 'preferred' });
      const seen = world.clock.monotonic();
      for (let n = 0; n < 40; n++) {
        world.job(`other-${n}`);
        world.change(`other-${n}`, () => ({
          epoch: 1,
          ownership: { kind: 'bound', since: world.now, serviceId: 'a', incarnation: 'a#1' },
        }));
        await world.clock.advance(200);
      }
      const claim = world.appends.find((append) => append.jobId === jobId);
      expect(claim?.by).toBe('b');
      expectAbout(claim!.at - seen, 5_000);
    });

    it('steps in one grace after the first choice stopped claiming', async () => {
      world.register('a');
      started('b');
      const jobId = 'one';
      world.job(jobId, { tag: { name: 'a' }, affinity: 'preferred' });
      const seen = world.clock.monotonic();
      for (let n = 0; n < 6; n++) {
        world.job(`other-${n}`);
        world.change(`other-${n}`, () => ({
          epoch: 1,
          ownership: { kind: 'bound', since: world.now, serviceId: 'a', incarnation: 'a#1' },
        }));
        await world.clock.advance(200);
      }
      await world.until(() => world.owner(jobId) === 'b', 'the second choice');
      expectAbout(world.appends.find((append) => append.jobId === jobId)!.at - seen, 1_500);
    });

    it('a job released for a target is left to it for four graces', async () => {
      world.register('a');
      started('b');
      world.job('one');
      world.change('one', () => ({
        ownership: { kind: 'unbound', since: world.now, reason: 'home', lastServiceId: 'b', target: 'a', detail: null },
      }));
      const seen = world.clock.monotonic();
      await world.until(() => world.owner('one') === 'b', 'the claim');
      expectAbout(world.appends[0].at - seen, 2_000);
    });

    it('ranks itself out while the worker does not accept the job, and takes it afterwards', async () => {
      const a = world.member('a');
      a.accepts = () => false;
      a.sweep.start();
      world.job('one');
      await world.clock.advance(10_000);
      expect(a.attempts).toBe(0);
      a.accepts = () => true;
      await world.until(() => world.owner('one') === 'a', 'the claim');
    });
  });

  describe('a due job', () => {
    it('is started in the append that binds it, with a place reserved before', async () => {
      const a = started('a');
      world.job('due', { nextRunTime: world.now });
      await world.until(() => world.owner('due') === 'a', 'the claim');
      expect(world.appends[0].types).toEqual(['JobBoundToService', 'JobRunStarted']);
      expect(a.entered).toEqual(['due']);
      expect(a.reservations).toEqual({ made: 1, landed: 1, cancelled: 0 });
    });

    it('is bound without a start when there is no free place', async () => {
      const a = world.member('a');
      a.places = 0;
      a.sweep.start();
      world.job('due', { nextRunTime: world.now });
      await world.until(() => world.owner('due') === 'a', 'the claim');
      expect(world.appends[0].types).toEqual(['JobBoundToService']);
    });

    it('gives the place back, once, when the append does not land', async () => {
      const a = world.member('a');
      a.fault = (_, n) => (n <= 3 ? conflictAlways() : null);
      a.sweep.start();
      world.job('due', { nextRunTime: world.now });
      await world.until(() => world.owner('due') === 'a', 'the claim');
      expect(a.reservations).toEqual({ made: 4, landed: 1, cancelled: 3 });
      expect(a.sweep.health()).toMatchObject({ unavailable: 3, claims: 1 });
    });

    it('takes no place for a job that is not due, or paused', async () => {
      const a = started('a');
      world.job('later');
      world.job('paused', { nextRunTime: null });
      await world.until(() => world.owned('a') === 2, 'the claims');
      expect(a.reservations.made).toBe(0);
    });
  });

  describe('when it must not claim', () => {
    it('claims nothing while membership forbids it, and goes on by itself', async () => {
      const a = world.member('a');
      a.mayClaim = false;
      a.sweep.start();
      world.job('one');
      await world.clock.advance(5_000);
      expect(a.attempts).toBe(0);
      expect(a.sweep.health().notClaiming).toBe('may-not-claim');
      a.mayClaim = true;
      await world.until(() => world.owner('one') === 'a', 'the claim');
    });

    it('claims nothing on a view that is further behind than failAfter', async () => {
      const a = world.member('a');
      a.viewBehindMs = 6_001;
      a.sweep.start();
      world.job('one');
      await world.clock.advance(5_000);
      expect(a.attempts).toBe(0);
      expect(a.sweep.health().notClaiming).toBe('view-behind');
      a.viewBehindMs = 6_000;
      await world.until(() => world.owner('one') === 'a', 'the claim');
    });

    it('notices by its own acknowledged appends that its view stands still', async () => {
      const a = world.member('a', { maxInFlight: 1 });
      world.latencyMs = 10;
      world.job('one');
      a.sweep.start();
      await world.clock.advance(5);
      a.stall();
      await world.clock.advance(20);
      expect(world.owner('one')).toBe('a');
      await world.clock.advance(11_000);
      expect(a.sweep.health().notClaiming).toBe('view-behind');
      expect(a.attempts).toBe(1);
      a.goOn();
      world.job('two');
      await world.until(() => world.owner('two') === 'a', 'the claim');
    });

    it('claims nothing before the view has applied its own registration', async () => {
      const a = world.member('a');
      a.incarnation = 'a#2';
      a.sweep.start();
      world.job('one');
      await world.clock.advance(5_000);
      expect(a.attempts).toBe(0);
      expect(a.sweep.health().notClaiming).toBe('not-in-view');
      world.register('a');
      await world.until(() => world.owner('one') === 'a', 'the claim');
    });

    it('looks at trust right before each append: fenced in between, nothing is written', async () => {
      const a = world.member('a', { maxInFlight: 1 });
      a.mayClaim = false;
      a.sweep.start();
      for (let n = 0; n < 10; n++) world.job(`job-${n}`);
      world.latencyMs = 10;
      a.trustAgain();
      await world.until(() => world.appends.length === 3, 'some claims');
      a.trusted = false;
      await world.clock.advance(5_000);
      expect(world.appends.length).toBeLessThanOrEqual(4);
      expect(a.sweep.health().fenced).toBeLessThanOrEqual(1);
      expect(a.attempts).toBeLessThanOrEqual(5);
      a.trustAgain();
      await world.until(() => world.owned('a') === 10, 'the rest');
    });
  });

  describe('jobs that nobody fits', () => {
    it('are named once with what is missing, cost nothing, and are taken when somebody fits', async () => {
      const a = started('a');
      world.job('host', { tag: { host: 'elsewhere' } });
      world.job('handler', { handler: 'report' });
      await world.clock.advance(30_000);
      expect(a.attempts).toBe(0);
      expect(a.facts('job.unplaced')).toEqual([
        { jobId: 'handler', reason: 'none of 1 live services has the handler "report"' },
        { jobId: 'host', reason: 'none of 1 live services with the handler "audit" has the label host=elsewhere' },
      ]);
      expect(a.sweep.health().leftOut).toBe(2);
      const sweeps = a.reads.sweeps;
      await world.clock.advance(60_000);
      expect(a.reads.sweeps - sweeps).toBeLessThanOrEqual(13);
      const b = started('b', {}, { labels: { host: 'elsewhere' }, handlers: ['audit', 'report'] });
      await world.until(() => world.owned('b') === 2, 'the claims');
      expect(b.facts('job.bound')).toHaveLength(2);
    });

    it('are looked at again when their tag changes', async () => {
      const a = started('a');
      world.job('one', { tag: { host: 'elsewhere' } });
      await world.clock.advance(1_000);
      expect(a.sweep.health().leftOut).toBe(1);
      world.change('one', ({ definition }) => ({ definition: { ...definition, tag: { host: 'h' } } }));
      await world.until(() => world.owner('one') === 'a', 'the claim');
    });

    it('do not hide the jobs behind them in the window', async () => {
      started('a', { window: 10 });
      for (let n = 0; n < 25; n++) world.job(`nobody-${n}`, { handler: 'none', nextRunTime: world.now });
      world.job('fits');
      await world.until(() => world.owner('fits') === 'a', 'the claim', 1_000);
    });

    it('do not hide the jobs behind them, however many they are', async () => {
      for (let n = 0; n < 16_000; n++) world.job(`nobody-${n}`, { handler: 'none', nextRunTime: world.now });
      world.job('fits');
      const a = started('a');
      await world.until(() => world.owner('fits') === 'a', 'the claim', 30_000);
      expect(a.attempts).toBe(1);
      expect(a.reads.largest).toBe(200);
    });

    it('because all are full: no page of them is claimed beyond what may be owned', async () => {
      for (let n = 0; n < 700; n++) world.job(`job-${n}`);
      world.latencyMs = 20;
      const a = started('a', {}, { maxOwnedJobs: 450 });
      await world.until(() => world.owned('a') === 450, 'the claims');
      await world.clock.advance(20_000);
      expect(world.owned('a')).toBe(450);
      expect(a.attempts).toBe(450);
    });

    it('because all are full: are taken when there is room', async () => {
      const a = started('a', {}, { maxOwnedJobs: 2 });
      for (let n = 0; n < 4; n++) world.job(`job-${n}`);
      await world.until(() => world.owned('a') === 2, 'two claims');
      await world.clock.advance(20_000);
      expect(a.attempts).toBe(2);
      const [owned] = [...world.jobs.keys()].filter((id) => world.owner(id) === 'a');
      world.change(owned, () => ({
        stage: 'completed',
        ownership: { kind: 'unbound', since: 0, reason: 'scheduled', lastServiceId: 'a', target: null, detail: null },
      }));
      await world.until(() => a.attempts === 3, 'the third claim');
    });
  });

  it('an exception in a sweep is shown and followed by another sweep', async () => {
    const a = world.member('a');
    let failing = true;
    a.accepts = () => {
      if (failing) throw new Error('broken');
      return true;
    };
    a.sweep.start();
    world.job('one');
    await world.clock.advance(3_000);
    expect(a.sweep.health()).toMatchObject({ state: 'backing-off', lastError: 'broken' });
    expect(a.facts('ownership.sweep-failed').length).toBeGreaterThan(2);
    expect(a.facts('ownership.sweep-failed').length).toBeLessThan(10);
    failing = false;
    await world.until(() => world.owner('one') === 'a', 'the claim');
    expect(a.sweep.health().state).toBe('running');
  });

  it('after close nothing is appended, and no timer is left', async () => {
    const a = started('a');
    await world.clock.advance(10);
    const closing = a.sweep.close();
    world.job('one');
    await world.clock.advance(10_000);
    await closing;
    expect(a.attempts).toBe(0);
    expect(world.clock.pendingTimers()).toEqual([]);
    expect(a.sweep.health().state).toBe('closed');
  });
});
