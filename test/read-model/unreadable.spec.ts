import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { SqliteReadModel as View } from '../../src/read-model';
import { ALog, T0, bound, markedFailed, paused, registered, scheduled } from './a-log';

describe('an event that cannot be read', () => {
  let log: ALog;
  beforeEach(() => (log = new ALog()));
  afterEach(() => log.close());

  it.each([
    ['of an unknown type', 'JobTeleported', '{"at":1}'],
    ['of a shape that its type does not have', 'JobBoundToService', '{"at":1,"epoch":{}}'],
    ['with no object in it', 'JobPaused', 'null'],
  ])('%s marks its job, loudly, and stops nothing', async (_, type, data) => {
    await log.service('a', registered('a', 'a1'));
    await log.job('bad', scheduled('bad', 60, { tag: { k: 'v' } }), bound('a', 'a1'));
    await log.raw('job-bad', type, data);
    await log.job('bad', paused);
    await log.job('good', scheduled('good', 30), bound('a', 'a1'));
    const view = await log.view();
    const head = (await log.store.head()) as bigint;
    expect(view.position()).toBe(head);
    expect(view.job('bad')).toMatchObject({
      status: 'opaque',
      nextRunTime: null,
      incarnation: null,
      handler: 'audit',
      tag: { k: 'v' },
      revision: 3,
      state: { stage: 'opaque', unreadable: { revision: 2, type } },
    });
    expect(view.health()).toMatchObject({ state: 'live', opaque: 1 });
    expect(log.lines.of('view.job-unreadable')).toMatchObject([{ jobId: 'bad', type, revision: 2 }]);
    expect(
      view
        .ownJobs('a')
        .due('a1', T0 + 1e9, 10)
        .map((row) => row.jobId),
    ).toEqual(['good']);
    expect(view.ownJobs('a').count('a1')).toEqual({ owned: 1, running: 0 });
    expect(view.jobs({ status: ['opaque'] }, { limit: 5 }).rows.map((row) => row.jobId)).toEqual(['bad']);
    await log.service('a', markedFailed('a', 'a1'));
    await log.applied(view);
    expect(view.sweep(10).orphaned.map(({ job }) => job.jobId)).toEqual(['good']);
    expect(view.sweep(10).unowned).toEqual([]);
  });

  it('as the first of its stream makes a row too', async () => {
    await log.raw('job-x', 'JobTeleported', '{}');
    const view = await log.view();
    expect(view.job('x')).toMatchObject({ status: 'opaque', handler: '', tag: {}, serviceId: null });
  });

  it('marks its service, which is shown and whose jobs stay as they are', async () => {
    await log.service('a', registered('a', 'a1'));
    await log.job('j', scheduled('j'), bound('a', 'a1'));
    await log.raw('service-a', 'ServiceTeleported', '{}');
    await log.raw('service-new', 'ServiceTeleported', '{}');
    const view = await log.view();
    expect(view.service('a')?.unreadable).toMatch(/ServiceTeleported at revision 1/);
    expect(view.services().map((service) => service.serviceId)).toEqual(['a', 'new']);
    expect(view.job('j')).toMatchObject({ status: 'bound' });
    expect(log.lines.of('view.service-unreadable')).toHaveLength(2);
  });

  it('is read again by a release that knows it: the view is rebuilt', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'view-'));
    const path = join(directory, 'view.sqlite');
    await log.raw('job-x', 'JobTeleported', '{}');
    await (await log.view(path)).close();
    const older = new Database(path);
    older.exec(`UPDATE view SET known_events = 'fewer'`);
    older.close();
    log.lines.lines.length = 0;
    await (await log.view(path)).close();
    expect(log.lines.of('view.rebuilding')[0]?.reason).toMatch(/unreadable events/);
    rmSync(directory, { recursive: true });
  });
});

describe('the driver of the view', () => {
  afterEach(() => jest.dontMock('better-sqlite3'));

  it('is asked for by name when it is missing', async () => {
    jest.resetModules();
    jest.doMock('better-sqlite3', () => {
      throw Object.assign(new Error("Cannot find module 'better-sqlite3'"), { code: 'MODULE_NOT_FOUND' });
    });
    const { SqliteReadModel } = jest.requireActual<{ SqliteReadModel: typeof View }>('../../src/read-model');
    const log = new ALog();
    const { store, clock, random, lines: logger } = log;
    const opening = SqliteReadModel.open({ path: ':memory:', store, clock, random, namespace: '', logger });
    await expect(opening).rejects.toMatchObject({
      code: 'driver-missing',
      remedy: expect.stringContaining('npm install better-sqlite3@^12'),
    });
    await log.close();
  });
});
