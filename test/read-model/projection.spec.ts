import { statusOf } from '../../src/domain/job';
import {
  ALog,
  T0,
  abandoned,
  bound,
  cancelled,
  failed,
  markedFailed,
  paused,
  registered,
  released,
  removed,
  requeued,
  rescheduled,
  resumed,
  run,
  scheduled,
  slot,
  started,
  stopped,
  succeeded,
} from './a-log';

describe('the view of the log', () => {
  let log: ALog;
  beforeEach(() => (log = new ALog()));
  afterEach(() => log.close());

  it('has a row for a job with what the log says of it', async () => {
    const first = await log.service('a', registered('a', 'a1'));
    const position = await log.job('j', scheduled('j', 60, { tag: { name: 'a' }, priority: 3 }), bound('a', 'a1'));
    const view = await log.view();
    expect(first).toBeLessThan(position);
    expect(view.position()).toBe(position);
    expect(view.job('j')).toMatchObject({
      jobId: 'j',
      nextRunTime: T0 + 60_000,
      handler: 'audit',
      serviceId: 'a',
      incarnation: 'a1',
      tag: { name: 'a' },
      status: 'bound',
      epoch: 1,
      attempt: 0,
      revision: 1,
      position,
      lastOutcome: null,
      state: { stage: 'live', jobId: 'j', revision: 1, definition: { payload: { goal: 'load' } } },
    });
    expect(view.job('k')).toBeNull();
  });

  it('follows a run through its attempts to its outcome', async () => {
    await log.service('a', registered('a', 'a1'));
    const view = await log.view();
    await log.job('j', scheduled('j', 60), bound('a', 'a1'), started('a', run('a1', slot(60)), slot(120)));
    await log.applied(view);
    expect(view.job('j')).toMatchObject({ status: 'running', attempt: 1, nextRunTime: null });
    await log.job('j', failed(run('a1', slot(60)), T0 + 90_000));
    await log.applied(view);
    expect(view.job('j')).toMatchObject({
      status: 'waiting',
      attempt: 1,
      nextRunTime: T0 + 90_000,
      lastOutcome: { outcome: 'failed' },
    });
    await log.job('j', started('a', run('a1', slot(60), 2), slot(120)), succeeded(run('a1', slot(60), 2)));
    await log.applied(view);
    expect(view.job('j')).toMatchObject({
      status: 'bound',
      attempt: 0,
      nextRunTime: T0 + 120_000,
      lastOutcome: { outcome: 'succeeded', slot: slot(60), attempt: 2 },
    });
  });

  it('says of a paused, cancelled or removed job that nothing is pending', async () => {
    await log.service('a', registered('a', 'a1'));
    await log.job('p', scheduled('p'), bound('a', 'a1'), paused);
    await log.job('c', scheduled('c'), bound('a', 'a1'), cancelled);
    await log.job('r', scheduled('r'), bound('a', 'a1'), cancelled, removed);
    const view = await log.view();
    expect(view.job('p')).toMatchObject({ status: 'paused', nextRunTime: null, serviceId: 'a' });
    expect(view.job('c')).toMatchObject({ status: 'cancelled', nextRunTime: null, serviceId: null });
    expect(view.job('r')).toMatchObject({ status: 'removed', nextRunTime: null, serviceId: null });
    await log.job('p', resumed(slot(180)));
    await log.applied(view);
    expect(view.job('p')).toMatchObject({ status: 'bound', nextRunTime: T0 + 180_000 });
    expect(statusOf(view.job('p')!.state as never)).toBe('bound');
  });

  it('counts what each incarnation owns and runs', async () => {
    await log.service('a', registered('a', 'a1'));
    await log.service('b', registered('b', 'b1'));
    for (const id of ['1', '2', '3']) await log.job(id, scheduled(id), bound('a', 'a1'));
    await log.job('2', started('a', run('a1', slot(60)), slot(120)));
    const view = await log.view();
    expect(view.ownJobs('a').count('a1')).toEqual({ owned: 3, running: 1 });
    expect(view.candidate('a')).toMatchObject({ candidate: { owned: 3, incarnation: 'a1', handlers: ['audit'] } });
    await log.job('2', succeeded(run('a1', slot(60))), released('a', 'a1'), bound('b', 'b1', 2));
    await log.job('1', cancelled);
    await log.applied(view);
    expect(view.ownJobs('a').count('a1')).toEqual({ owned: 1, running: 0 });
    expect(view.ownJobs('b').count('b1')).toEqual({ owned: 1, running: 0 });
    expect(view.service('b')).toMatchObject({ ownedJobs: 1, current: { incarnation: 'b1', life: 'live' } });
    expect(view.candidate('nobody')).toBeNull();
  });

  it('does not hold the jobs of a former life against a service that came back', async () => {
    await log.service('a', registered('a', 'a1'));
    await log.job('1', scheduled('1'), bound('a', 'a1'));
    await log.service('a', markedFailed('a', 'a1'), registered('a', 'a2'));
    const view = await log.view();
    expect(view.candidate('a')?.candidate).toMatchObject({ incarnation: 'a2', owned: 0 });
    expect(view.service('a')).toMatchObject({ ownedJobs: 1 });
  });

  it('gives a sweep services, unowned and orphaned jobs of one position', async () => {
    await log.service('a', registered('a', 'a1'));
    await log.service('b', registered('b', 'b1'));
    await log.service('c', registered('c', 'c1'));
    await log.job('late', scheduled('late', 300));
    await log.job('soon', scheduled('soon', 30));
    await log.job('never', scheduled('never', null));
    await log.job('paused', scheduled('paused'), paused);
    await log.job('gone1', scheduled('gone1', 90), bound('a', 'a1'));
    await log.job('gone2', scheduled('gone2', 60), bound('a', 'a1'), started('a', run('a1', slot(60)), slot(120)));
    await log.job('gone3', scheduled('gone3', 60), bound('a', 'a1'));
    await log.job('ended', scheduled('ended'), bound('a', 'a1'), cancelled);
    await log.job('kept', scheduled('kept'), bound('b', 'b1'));
    await log.job('unknown', scheduled('unknown', 45), bound('z', 'z9'));
    await log.job('unread', scheduled('unread', 45), bound('y', 'y9'));
    await log.raw('service-y', 'ServiceTeleported', '{}');
    await log.service('a', markedFailed('a', 'a1'), registered('a', 'a2'), stopped('a', 'a2'), registered('a', 'a3'));
    await log.job('gone0', scheduled('gone0', 75), bound('a', 'a2'));
    await log.service('c', stopped('c', 'c1'));
    const view = await log.view();
    const sweep = view.sweep(100);
    expect(sweep.position).toBe(await log.store.head());
    expect(sweep.candidates.map((one) => one.incarnation)).toEqual(['a3', 'b1']);
    expect(sweep.unowned.map((job) => job.jobId)).toEqual(['soon', 'late', 'never', 'paused']);
    expect(
      sweep.orphaned.map(({ job, owner, ownerServiceId }) => [job.jobId, owner.incarnation, ownerServiceId]),
    ).toEqual([
      // Nothing registers it; of y not everything could be read.
      ['unknown', 'z9', 'z'],
      ['gone3', 'a1', 'a'],
      ['gone0', 'a2', 'a'],
      ['gone1', 'a1', 'a'],
      ['gone2', 'a1', 'a'],
    ]);
    const less = view.sweep(2);
    expect(less.unowned.map((job) => job.jobId)).toEqual(['soon', 'late']);
    expect(less.orphaned.map(({ job }) => job.jobId)).toEqual(['unknown', 'gone3']);
    const behind = view.sweep(2, { nextRunTime: less.orphaned[1].job.nextRunTime, jobId: 'gone3' });
    expect(behind.orphaned.map(({ job }) => job.jobId)).toEqual(['gone0', 'gone1']);
    expect(view.sweep(9, { nextRunTime: null, jobId: 'never' }).unowned.map((job) => job.jobId)).toEqual(['paused']);
    await log.job('gone2', abandoned(run('a1', slot(60))), requeued('a', 'a1'));
    await log.applied(view);
    expect(view.sweep(100).orphaned.map(({ job }) => job.jobId)).toEqual(['unknown', 'gone3', 'gone0', 'gone1']);
    expect(view.sweep(100).unowned.map((job) => job.jobId)).toContain('gone2');
  });

  it('lists a gone service for 24 h after its end, and for as long as it has jobs', async () => {
    await log.service('a', registered('a', 'a1'));
    await log.service('b', registered('b', 'b1'));
    await log.service('c', registered('c', 'c1'));
    await log.job('1', scheduled('1'), bound('b', 'b1'));
    await log.service('a', markedFailed('a', 'a1', T0));
    await log.service('b', markedFailed('b', 'b1', T0));
    const view = await log.view();
    const ids = () => view.services().map((service) => service.serviceId);
    expect(ids()).toEqual(['a', 'b', 'c']);
    await log.clock.advance(86_400_001);
    expect(ids()).toEqual(['b', 'c']);
    expect(view.services({ includeGone: true }).map((service) => service.serviceId)).toEqual(['a', 'b', 'c']);
  });

  it('keeps to its namespace', async () => {
    await log.close();
    log = new ALog('acme');
    await log.job('mine', scheduled('mine'));
    await log.append('job-other', [
      { type: 'JobScheduled', data: JSON.stringify(scheduled('other').data), schemaVersion: 1 },
    ]);
    await log.append('acmes.job-x', [
      { type: 'JobScheduled', data: JSON.stringify(scheduled('x').data), schemaVersion: 1 },
    ]);
    const view = await log.view();
    expect(view.jobs({}, { limit: 10 }).rows.map((row) => row.jobId)).toEqual(['mine']);
  });
});

describe('what belongs to one service', () => {
  let log: ALog;
  beforeEach(() => (log = new ALog()));
  afterEach(() => log.close());

  it('is told apart by suspicion: suspects can be left out of what is due, and are counted among what runs', async () => {
    await log.service('a', registered('a', 'a1'));
    const crash = (attempt: number) => {
      const of = run('a1', slot(5), attempt);
      return [started('a', of, slot(65)), abandoned(of)];
    };
    const two = (id: string) => log.job(id, scheduled(id, 5), bound('a', 'a1'), ...crash(1), ...crash(2));
    await two('suspect');
    await log.job('once', scheduled('once', 5), bound('a', 'a1'), ...crash(1));
    await two('proven');
    await log.job('proven', started('a', run('a1', slot(5), 3), slot(65)), succeeded(run('a1', slot(5), 3)));
    const view = await log.view();
    const own = view.ownJobs('a');
    const due = (except = {}) => own.due('a1', T0 + 60_000, 10, except).map((row) => [row.jobId, row.suspect]);
    expect(due()).toEqual([
      ['once', false],
      ['suspect', true],
    ]);
    expect(due({ suspects: true })).toEqual([['once', false]]);
    expect(view.job('proven')).toMatchObject({ suspect: false });
    expect(view.sweep(10).loads.get('a')).toMatchObject({ running: 0, suspects: 0 });
    await log.job('suspect', started('a', run('a1', slot(5), 3), slot(65)));
    await log.job('once', started('a', run('a1', slot(5), 2), slot(65)));
    await log.applied(view);
    expect(view.sweep(10).loads.get('a')).toMatchObject({ running: 2, suspects: 1 });
    expect(own.count('a1')).toEqual({ owned: 3, running: 2 });
  });

  it('comes by priority, due time and id, up to the limit, without full handlers', async () => {
    await log.service('a', registered('a', 'a1'));
    const add = (id: string, due: number, changes = {}) => log.job(id, scheduled(id, due, changes), bound('a', 'a1'));
    await add('d', 10);
    await add('c', 10, { handler: 'other' });
    await add('b', 5);
    await add('a', 90);
    await add('urgent', 50, { priority: 9 });
    await add('later', 50, { priority: -1 });
    const view = await log.view();
    const own = view.ownJobs('a');
    const due = (...args: Parameters<typeof own.due>) => own.due(...args).map((row) => row.jobId);
    expect(due('a1', T0 + 60_000, 10)).toEqual(['urgent', 'b', 'c', 'd', 'later']);
    expect(due('a1', T0 + 60_000, 3)).toEqual(['urgent', 'b', 'c']);
    expect(due('a1', T0 + 60_000, 10, { handlers: ['audit'] })).toEqual(['c']);
    expect(due('a1', T0 + 9_999, 10)).toEqual(['b']);
    expect(due('a1', T0 + 5_000, 10)).toEqual(['b']);
    expect(due('a1', T0, 10)).toEqual([]);
    expect(due('a2', T0 + 60_000, 10)).toEqual([]);
    expect(own.nextDueTime('a1')).toBe(T0 + 5_000);
    expect(own.nextDueTime('a1', T0 + 10_000)).toBe(T0 + 50_000);
    expect(own.nextDueTime('a1', T0 + 90_000)).toBeNull();
    expect(own.all('a1', null, 3).map((row) => row.jobId)).toEqual(['a', 'b', 'c']);
    expect(own.all('a1', 'c', 9).map((row) => row.jobId)).toEqual(['d', 'later', 'urgent']);
  });

  it('tells what came, and what was changed in what makes it belong here, but not what ran', async () => {
    await log.service('a', registered('a', 'a1'));
    for (const id of ['x', 'y', 'z']) await log.job(id, scheduled(id), bound('a', 'a1'));
    const view = await log.view();
    const own = view.ownJobs('a');
    const ids = (after: Parameters<typeof own.placedAfter>[1]) => {
      const { rows, through } = own.placedAfter('a1', after, 100);
      return [rows.map(({ jobId }) => jobId), through];
    };
    const before = view.position();
    expect(ids('start')).toEqual([['x', 'y', 'z'], before]);
    await log.job('x', started('a', run('a1', slot(60)), slot(120)));
    await log.job('x', succeeded(run('a1', slot(60))));
    await log.applied(view);
    expect(ids(before)).toEqual([[], view.position()]);
    await log.job('z', rescheduled({ affinity: 'preferred' }));
    await log.job('y', rescheduled({ tag: { name: 'b' } }));
    await log.applied(view);
    expect(ids(before)).toEqual([['z', 'y'], view.position()]);
    expect(own.placedAfter('a1', before, 1)).toMatchObject({
      rows: [{ jobId: 'z' }],
      through: (view.position() as bigint) - 1n,
    });
  });

  it('is all that its window shows: nothing of another service, even under the same incarnation', async () => {
    await log.service('a', registered('a', 'same'));
    await log.service('b', registered('b', 'same'));
    await log.job('mine', scheduled('mine', 30), bound('a', 'same'));
    const view = await log.view();
    const own = view.ownJobs('a');
    const seen = () => ({
      due: own.due('same', T0 + 1e9, 100).map((row) => row.jobId),
      next: own.nextDueTime('same'),
      open: own.withOpenRun('same').map((row) => row.jobId),
      all: own.all('same', null, 100).map((row) => row.jobId),
      count: own.count('same'),
    });
    const before = seen();
    expect(before).toEqual({
      due: ['mine'],
      next: T0 + 30_000,
      open: [],
      all: ['mine'],
      count: { owned: 1, running: 0 },
    });
    await log.job('theirs', scheduled('theirs', 10, { priority: 5 }), bound('b', 'same'));
    await log.job('theirs2', scheduled('theirs2', 10), bound('b', 'same'));
    await log.job('run', scheduled('run', 10), bound('b', 'same'), started('b', run('same', slot(10)), slot(20)));
    await log.applied(view);
    expect(seen()).toEqual(before);
    expect(own.one('theirs')).toBeNull();
    expect(own.one('mine')?.jobId).toBe('mine');
    await log.job('mine', started('a', run('same', slot(30)), slot(90)));
    await log.applied(view);
    expect(seen()).toMatchObject({ due: [], next: null, open: ['mine'], count: { owned: 1, running: 1 } });
  });
});
