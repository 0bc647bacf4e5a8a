import { conflictAlways, type Member } from './member';
import { World } from './world';

describe('the sweep requeues what a gone owner left', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.close());

  /** Jobs owned by the service, without a sweep of its own. */
  const ownedBy = (serviceId: string, jobIds: readonly string[], words: Parameters<World['job']>[1] = {}) => {
    for (const jobId of jobIds) {
      world.job(jobId, words);
      world.change(jobId, () => ({
        epoch: 1,
        ownership: {
          kind: 'bound',
          since: world.now,
          serviceId,
          incarnation: `${serviceId}#${world.services.get(serviceId)!.length}`,
        },
      }));
    }
  };
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `job-${String(n).padStart(5, '0')}`);
  const start = (...members: Member[]) => members.forEach(({ sweep }) => sweep.start());
  const orphans = () => world.snapshot(1_000_000).orphaned.length;
  const requeues = () => world.appends.filter(({ types }) => types.includes('JobRequeued'));

  it('acts on facts only: a silent owner keeps its jobs until it is marked', async () => {
    const b = world.member('b');
    world.register('a');
    ownedBy('a', ['one']);
    start(b);
    await world.clock.advance(60_000);
    expect(b.attempts).toBe(0);
    world.fail('a');
    await world.until(() => world.owner('one') === 'b', 'the requeue');
    expect(world.appends[0].types).toEqual(['JobRequeued', 'JobBoundToService']);
    expect(b.facts('job.requeued')).toEqual([
      expect.objectContaining({ jobId: 'one', fromServiceId: 'a', fromIncarnation: 'a#1', reason: 'failed', epoch: 1 }),
    ]);
    expect(b.facts('job.bound')).toEqual([
      expect.objectContaining({ jobId: 'one', epoch: 2, rank: 0, reason: 'requeue' }),
    ]);
    expect(b.sweep.health()).toMatchObject({ requeues: 1, claims: 1 });
  });

  it('starts the lost run again in the same append, in a place reserved before', async () => {
    const b = world.member('b');
    world.register('a');
    ownedBy('a', ['one']);
    world.startRun('one');
    start(b);
    world.fail('a');
    await world.until(() => world.owner('one') === 'b', 'the requeue');
    expect(world.appends[0].types).toEqual(['JobRunAbandoned', 'JobRequeued', 'JobBoundToService', 'JobRunStarted']);
    expect(b.entered).toEqual(['one']);
    expect(b.reservations).toEqual({ made: 1, landed: 1, cancelled: 0 });
  });

  it.each(['fail', 'hold'] as const)('reserves no place for a lost run whose policy is %s', async (onOwnerLoss) => {
    const b = world.member('b');
    world.register('a');
    ownedBy('a', ['one'], { onOwnerLoss });
    world.startRun('one');
    start(b);
    world.fail('a');
    await world.until(() => world.owner('one') === 'b', 'the requeue');
    expect(b.reservations.made).toBe(0);
  });

  it('moves the jobs of every gone incarnation, not just of the newest', async () => {
    const b = world.member('b');
    world.register('a');
    ownedBy('a', ['first']);
    world.fail('a');
    world.register('a');
    ownedBy('a', ['second']);
    world.fail('a');
    world.register('a', { handlers: ['other'] });
    start(b);
    await world.until(() => world.owned('b') === 2, 'both requeues');
    expect(
      requeues()
        .map(({ command }) => command.kind === 'RequeueJob' && command.gone.incarnation)
        .sort(),
    ).toEqual(['a#1', 'a#2']);
  });

  it('a service that restarted gets its jobs back while the others wait their grace', async () => {
    const b = world.member('b');
    start(b);
    const a = world.member('a');
    ownedBy('a', ids(20));
    world.fail('a');
    a.incarnation = world.register('a');
    start(a);
    await world.until(() => orphans() === 0, 'all requeues');
    expect(world.owned('a')).toBe(20);
    expect(b.attempts).toBe(0);
  });

  describe('how it moves depends on how the owner went', () => {
    let b: Member;
    beforeEach(() => {
      b = world.member('b');
      world.register('a');
      ownedBy('a', ['idle', 'running']);
      world.startRun('running');
      start(b);
    });
    const causes = () =>
      Object.fromEntries(
        requeues().map(({ jobId, command }) => [jobId, command.kind === 'RequeueJob' ? command.gone.cause : '']),
      );

    it('failed by an observer: all at once', async () => {
      world.fail('a');
      await world.clock.advance(1);
      expect(causes()).toEqual({ idle: 'failed', running: 'failed' });
    });

    it('marked by an operator: idle jobs at once, running ones after measured silence, and neither is a crash', async () => {
      world.mark('a', { life: 'failed', failedBy: 'operator' });
      await world.clock.advance(30_000);
      expect(causes()).toEqual({ idle: 'marked' });
      b.silent.add('a#1');
      await world.until(() => orphans() === 0, 'the requeue', 1_000);
      expect(causes()).toEqual({ idle: 'marked', running: 'marked' });
      expect(world.jobs.get('running')!.state.crashes).toEqual([]);
    });

    it('registered nowhere: all of them after measured silence, and none is a crash', async () => {
      world.services.delete('a');
      world.advance();
      await world.clock.advance(30_000);
      expect(causes()).toEqual({});
      b.silent.add('a#1');
      await world.until(() => orphans() === 0, 'the requeue', 1_000);
      expect(causes()).toEqual({ idle: 'unregistered', running: 'unregistered' });
      expect(world.jobs.get('running')!.state.crashes).toEqual([]);
    });

    it('marked and confirmed dead: all at once, no crash', async () => {
      world.mark('a', { life: 'failed', failedBy: 'operator', confirmedDead: true });
      await world.clock.advance(1);
      expect(causes()).toEqual({ idle: 'marked', running: 'marked' });
    });

    it('marked by an operator: a run that began after the view was read keeps the job where it is', async () => {
      b.stall();
      const before = b.stalled!;
      world.mark('a', { life: 'failed', failedBy: 'operator' });
      const marked = world.snapshot(5_000);
      world.startRun('idle');
      b.stalled = { ...marked, orphaned: marked.orphaned.filter(({ job }) => job.jobId === 'idle') };
      expect(before.orphaned).toEqual([]);
      b.trustAgain();
      await world.until(() => b.sweep.health().conflicts > 0, 'the refusal');
      expect(requeues()).toEqual([]);
    });

    it('stopped: leftovers after measured silence, all others at once', async () => {
      world.mark('a', { life: 'stopped', leftovers: ['running'] });
      await world.clock.advance(30_000);
      expect(causes()).toEqual({ idle: 'stopped' });
      b.silent.add('a#1');
      await world.until(() => orphans() === 0, 'the requeue', 1_000);
      expect(causes()).toEqual({ idle: 'stopped', running: 'stopped' });
    });
  });

  describe('nobody is eligible', () => {
    it('one live service requeues it without an owner, with the reason in words, once', async () => {
      const members = [world.member('b'), world.member('c')];
      world.register('a', { labels: { disk: 'ssd' } });
      ownedBy('a', ids(20), { tag: { disk: 'ssd' } });
      start(...members);
      world.fail('a');
      await world.until(() => orphans() === 0, 'the requeues');
      await world.clock.advance(30_000);
      expect(world.appends).toHaveLength(20);
      expect(new Set(world.appends.map(({ by }) => by))).toEqual(new Set(['b', 'c']));
      expect(world.appends.every(({ types }) => types.join() === 'JobRequeued')).toBe(true);
      const facts = members.flatMap((m) => m.facts('job.unplaced').filter(({ revision }) => revision !== undefined));
      expect(facts).toHaveLength(20);
      expect(facts[0].reason).toBe('none of 2 live services with the handler "audit" has the label disk=ssd');
      expect(members.reduce((sum, m) => sum + m.attempts, 0)).toBe(20);
    });

    it('a service that does not know the handler sets it free as well', async () => {
      const b = world.member('b', {}, { handlers: [] });
      b.accepts = () => false;
      world.register('a');
      ownedBy('a', ['one']);
      start(b);
      world.fail('a');
      await world.until(() => orphans() === 0, 'the requeue');
      expect(world.owner('one')).toBeNull();
      const a2 = world.member('a');
      start(a2);
      await world.until(() => world.owner('one') === 'a', 'the claim');
    });
  });

  it('crashes quarantine the job: it is told, and nobody takes it', async () => {
    const b = world.member('b', { quarantine: { crashes: 1, windowMs: 3_600_000 } });
    world.register('a');
    ownedBy('a', ['poison']);
    world.startRun('poison');
    start(b);
    world.fail('a');
    await world.until(() => requeues().length === 1, 'the requeue');
    await world.clock.advance(10_000);
    expect(world.owner('poison')).toBeNull();
    expect(b.facts('job.quarantined')).toEqual([expect.objectContaining({ jobId: 'poison', crashes: 1 })]);
    expect(b.reservations).toEqual({ made: 1, landed: 1, cancelled: 0 });
    expect(b.entered).toEqual([]);
    expect(world.appends).toHaveLength(1);
  });

  it('a job that cannot be read here is left to others', async () => {
    const b = world.member('b');
    world.register('a');
    ownedBy('a', ['one']);
    start(b);
    world.change('one', (state) => ({ stage: 'opaque', before: state }) as never);
    world.fail('a');
    await world.clock.advance(10_000);
    expect(b.attempts).toBe(0);
  });

  describe('several survivors', () => {
    it('three services, one gone: its jobs spread over the two others, each once', async () => {
      const [a, b, c] = ['a', 'b', 'c'].map((id) => world.member(id));
      start(a, b, c);
      for (const id of ids(300)) world.job(id);
      await world.until(() => world.snapshot(1_000).unowned.length === 0, 'all claims');
      const before = world.owned('a');
      expect(before).toBeGreaterThan(60);
      const [ofB, ofC] = [world.owned('b'), world.owned('c')];
      a.kill();
      world.fail('a');
      await world.until(() => orphans() === 0, 'all requeues');
      expect(world.owned('b') + world.owned('c')).toBe(300);
      expect(world.owned('b') - ofB).toBeGreaterThan(before / 5);
      expect(world.owned('c') - ofC).toBeGreaterThan(before / 5);
      expect(requeues()).toHaveLength(before);
      expect(b.sweep.health().conflicts + c.sweep.health().conflicts).toBe(0);
    });

    it('one of them dies half-way through its sweep: the other finishes, for both', async () => {
      const [b, c] = ['b', 'c'].map((id) => world.member(id, { maxInFlight: 4 }));
      world.register('a');
      ownedBy('a', ids(100));
      world.latencyMs = 5;
      start(b, c);
      world.fail('a');
      await world.until(() => b.appended().length >= 10, 'the first requeues of b');
      b.kill();
      world.fail('b');
      await world.until(() => orphans() === 0, 'all requeues');
      expect(world.owned('c')).toBe(100);
    });

    it('the appends of one all conflict: the others step in by rank', async () => {
      const [b, c] = ['b', 'c'].map((id) => world.member(id));
      b.fault = () => conflictAlways();
      world.register('a');
      ownedBy('a', ids(60));
      start(b, c);
      world.fail('a');
      const at = world.clock.monotonic();
      await world.until(() => orphans() === 0, 'all requeues');
      expect(world.owned('c')).toBe(60);
      expect(world.clock.monotonic() - at).toBeLessThanOrEqual(1_000);
      expect(b.attempts).toBeLessThan(60 * 8);
      expect(b.sweep.health().lastError).toBeNull();
    });

    it('an append that hangs does not hold up the others', async () => {
      const b = world.member('b');
      world.register('a');
      ownedBy('a', ids(30));
      b.hangs = (jobId) => jobId === 'job-00003';
      start(b);
      world.fail('a');
      await world.until(() => orphans() === 1, 'all other requeues');
      await world.clock.advance(10_000);
      expect(b.sweep.health()).toMatchObject({ requeues: 29, inFlight: 1, queued: 0 });
      expect(b.attempts).toBe(30);
    });
  });

  it('ten thousand orphans move at the speed of the store', async () => {
    const members = ['b', 'c', 'd'].map((id) => world.member(id));
    world.register('a');
    ownedBy('a', ids(10_000));
    world.latencyMs = 20;
    start(...members);
    const at = world.clock.monotonic();
    world.fail('a');
    await world.until(() => world.appends.length === 10_000, 'all requeues', 30_000);
    await world.clock.advance(1_000);
    expect(orphans()).toBe(0);
    const tookMs = world.appends[9_999].at - at;
    // 256 in flight at 20 ms each, three times: 38,400 per second at most.
    expect(tookMs).toBeLessThan(3_000);
    expect(requeues()).toHaveLength(10_000);
    expect(new Set(requeues().map(({ jobId }) => jobId)).size).toBe(10_000);
    for (const member of members) {
      expect(world.owned(member.serviceId)).toBeGreaterThan(2_500);
      expect(member.sweep.health().inFlightLimit).toBeLessThanOrEqual(256);
      expect(member.reads.sweeps).toBeLessThan(1_000);
    }
  }, 60_000);
});
