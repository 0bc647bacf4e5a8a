import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import Database from 'better-sqlite3';
import type { EventStore, Subscription, SubscriptionEnd } from '../../src/event-store';
import { SqliteReadModel, VIEW_SCHEMA_VERSION, ViewLockedError } from '../../src/read-model';
import { ALog, bound, markedFailed, paused, registered, scheduled } from './a-log';

/** A store that answers as another, but for what is replaced. */
function changed(store: EventStore, changes: Partial<EventStore>): EventStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = name in changes ? changes[name as keyof EventStore] : target[name as keyof EventStore];
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** A subscription that the log can break off. */
function droppable(real: Subscription): Subscription & { readonly drop: () => void } {
  let drop!: () => void;
  const ended = new Promise<SubscriptionEnd>((resolve) => {
    drop = () => {
      resolve({ reason: 'dropped', message: 'gone' });
      void real.close();
    };
    void real.ended.then(resolve);
  });
  return { ended, close: () => real.close(), drop };
}

describe("the view's file", () => {
  let log: ALog;
  let directory: string;
  let path: string;
  beforeEach(async () => {
    log = new ALog();
    directory = mkdtempSync(join(tmpdir(), 'view-'));
    path = join(directory, 'deep', 'view.sqlite');
    await log.service('a', registered('a', 'a1'));
    await log.job('j', scheduled('j'), bound('a', 'a1'));
  });
  afterEach(async () => {
    await log.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Opens the file once more and tells why it was rebuilt; undefined: it was not. */
  const reopen = async (store: EventStore = log.store): Promise<{ view: SqliteReadModel; reason: unknown }> => {
    log.lines.lines.length = 0;
    const view = await log.view(path, store);
    return { view, reason: log.lines.of('view.rebuilding')[0]?.reason };
  };
  const tamper = (sql: string): void => {
    const db = new Database(path);
    db.exec(sql);
    db.close();
  };

  it('is readable by its owner only', async () => {
    await log.view(path);
    for (const suffix of ['', '-wal', '-shm', '.lock']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
  });

  it('goes on from its checkpoint', async () => {
    await (await log.view(path)).close();
    await log.job('j', paused);
    const asked: unknown[] = [];
    const store = changed(log.store, {
      subscribe: (options) => {
        asked.push(options.after);
        return log.store.subscribe(options);
      },
    });
    const { view, reason } = await reopen(store);
    expect(reason).toBeUndefined();
    expect(asked).toEqual([3n]);
    expect(view.job('j')).toMatchObject({ status: 'paused', revision: 2 });
    expect(view.ownJobs('a').count('a1')).toEqual({ owned: 1, running: 0 });
  });

  it('is rebuilt when it is missing, and says so and how far it is', async () => {
    const { view, reason } = await reopen();
    expect(reason).toBe('there was none');
    expect(log.lines.of('view.rebuilt')).toEqual([{ events: 3, position: '3' }]);
    expect(view.health()).toMatchObject({ state: 'live', rebuilt: 3, opaque: 0, lastError: null });
  });

  it.each([
    [
      'of another schema version',
      `PRAGMA user_version = ${VIEW_SCHEMA_VERSION + 1}`,
      new RegExp(`schema version is ${VIEW_SCHEMA_VERSION + 1}`),
    ],
    ['of another log', `UPDATE view SET log_id = 'other'`, /another log/],
    ['of another generation', 'UPDATE view SET generation = 9', /generation 1, the view of 9/],
    ['of another namespace', `UPDATE view SET namespace = 'x'`, /namespace "x"/],
    ['ahead of the log', 'UPDATE view SET position = 99', /the view is at 99, the log ends at 3/],
    ['made from another event', `UPDATE view SET event_id = 'other'`, /another event at 3/],
    [
      'made from an event that is gone',
      'UPDATE view SET event_position = 2, event_id = (SELECT event_id FROM view)',
      /another event at 2/,
    ],
    ['not finished', 'DELETE FROM view', /never finished/],
    ['without a table', 'DROP TABLE view', /./],
  ])('is rebuilt when it is %s', async (_, sql, expected) => {
    await (await log.view(path)).close();
    tamper(sql);
    tamper(`UPDATE jobs SET status = 'wrong'`);
    const { view, reason } = await reopen();
    expect(reason).toMatch(expected);
    expect(view.job('j')).toMatchObject({ status: 'bound' });
    expect(view.position()).toBe(3n);
  });

  it('is rebuilt when the log was put back to an earlier state and has grown since', async () => {
    await (await log.view(path)).close();
    const other = new ALog('', 8);
    await other.service('a', registered('a', 'a1'));
    await other.job('k', scheduled('k'), bound('a', 'a1'), paused);
    const store = changed(other.store, { identity: () => log.store.identity() });
    const { view, reason } = await reopen(store);
    expect(reason).toMatch(/another event at 3/);
    expect(view.job('j')).toBeNull();
    expect(view.job('k')).toMatchObject({ status: 'paused' });
    await view.close();
    await other.close();
  });

  it.each([
    ['cut', () => truncateSync(path, 9_000)],
    ['full of something else', () => writeFileSync(path, 'x'.repeat(20_000))],
    [
      'overwritten in the middle',
      () => {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0x5a, 4_096, bytes.length));
      },
    ],
  ])('is rebuilt when it was %s; the damaged one is kept', async (_, damage) => {
    await (await log.view(path)).close();
    damage();
    const { view, reason } = await reopen();
    expect(reason).toMatch(/damaged/);
    expect(view.job('j')).toMatchObject({ status: 'bound' });
    expect(existsSync(`${path}.damaged`)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is rebuilt when damage shows while it is in use', async () => {
    for (let i = 0; i < 300; i++) await log.job(`j${i}`, scheduled(`j${i}`));
    await (await log.view(path)).close();
    const bytes = readFileSync(path);
    // All that holds rows; the first pages hold what is read at the opening.
    writeFileSync(path, bytes.fill(0x5a, 30 * 4_096));
    log.lines.lines.length = 0;
    const view = await log.view(path);
    const touch = () => {
      try {
        view.jobs({}, { limit: 1_000 });
      } catch {
        // The answer is what health says.
      }
    };
    touch();
    await log.job('j7', paused);
    await log.clock.runUntil(() => view.health().state === 'live' && view.job('j7')?.status === 'paused');
    expect(log.lines.of('view.rebuilding')[0]?.reason).toMatch(/damaged/);
    expect(view.jobs({}, { limit: 1_000 }).rows).toHaveLength(301);
  });

  it('is never taken for a view when it is another database, and stays as it is', async () => {
    const other = join(directory, 'other.sqlite');
    const db = new Database(other);
    db.exec(`CREATE TABLE precious (x); INSERT INTO precious VALUES (1)`);
    db.close();
    await expect(log.open(other)).rejects.toMatchObject({ code: 'foreign' });
    expect(new Database(other).prepare('SELECT x FROM precious').pluck().get()).toBe(1);
  });

  it('is never shared: not within a process, and not between two', async () => {
    const view = await log.view(path);
    await expect(log.open(path)).rejects.toThrow(ViewLockedError);
    await expect(log.open(path)).rejects.toThrow(/Give every service its own service id/);
    const other = spawnSync(
      process.execPath,
      [
        '-e',
        `const D = require('better-sqlite3'); try { new D(process.argv[1] + '.lock', { timeout: 0 }).exec('BEGIN EXCLUSIVE'); console.log('taken'); } catch (e) { console.log(e.code); }`,
        path,
      ],
      { encoding: 'utf8' },
    );
    expect(other.stdout.trim()).toBe('SQLITE_BUSY');
    await view.close();
    await expect(log.open(path)).resolves.toBeDefined();
  });

  it('can be read by others while it is in use', async () => {
    await log.view(path);
    const reader = new Database(path, { readonly: true });
    expect(reader.prepare('SELECT id, service_id, status FROM jobs').all()).toEqual([
      { id: 'j', service_id: 'a', status: 'bound' },
    ]);
    reader.close();
  });

  it('cannot be written where the process may not', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(log.open(join(directory, 'file', 'view.sqlite'))).rejects.toMatchObject({ code: 'path' });
  });

  it('holds to its foreign key', async () => {
    const view = await log.view(path);
    await view.close();
    const db = new Database(path);
    db.pragma('foreign_keys = ON');
    expect(() => db.exec(`UPDATE jobs SET service_id = 'nobody'`)).toThrow(/FOREIGN KEY/);
    expect(() => db.exec(`DELETE FROM services`)).toThrow(/FOREIGN KEY/);
    db.close();
  });

  it('has a row for an owner that never registered, so that the key holds', async () => {
    await log.job('k', scheduled('k'), bound('ghost', 'g1'));
    const view = await log.view(path);
    expect(view.job('k')).toMatchObject({ serviceId: 'ghost', incarnation: 'g1' });
    expect(view.service('ghost')).toMatchObject({ current: null, incarnations: [], ownedJobs: 1, revision: -1 });
    expect(view.candidate('ghost')).toBeNull();
    await log.service('ghost', registered('ghost', 'g1'));
    await log.applied(view);
    expect(view.service('ghost')).toMatchObject({ current: { incarnation: 'g1' }, revision: 0 });
  });

  it('is as it was before a batch that was cut off', async () => {
    const view = await log.view(path);
    for (let i = 0; i < 50; i++) await log.job(`n${i}`, scheduled(`n${i}`), bound('a', 'a1'));
    // What a crash leaves: the file at some moment, with its log.
    const crashed = join(directory, 'crashed.sqlite');
    copyFileSync(path, crashed);
    copyFileSync(`${path}-wal`, `${crashed}-wal`);
    await log.applied(view);
    path = crashed;
    const { view: again, reason } = await reopen();
    expect(reason).toBeUndefined();
    expect(dump(again)).toEqual(dump(view));
    expect(again.ownJobs('a').count('a1')).toEqual({ owned: 51, running: 0 });
  });

  it('changes rows and checkpoint together, or neither, when writing fails in the middle', async () => {
    const view = await log.view(path);
    tamper(`CREATE TRIGGER full BEFORE UPDATE ON view BEGIN SELECT raise(ABORT, 'disk is full'); END`);
    await log.job('k', scheduled('k'), bound('a', 'a1'));
    await log.service('a', markedFailed('a', 'a1'));
    await log.clock.runUntil(() => view.health().state === 'failed');
    expect(view.health().lastError).toMatch(/disk is full/);
    expect(view.position()).toBe(3n);
    expect(view.job('k')).toBeNull();
    tamper('DROP TRIGGER full');
    await log.applied(view);
    expect(view.health()).toMatchObject({ state: 'live' });
    expect(view.ownJobs('a').count('a1')).toEqual({ owned: 2, running: 0 });
    expect(view.service('a')).toMatchObject({ current: { life: 'failed' } });
  });

  it('is rebuilt when the store comes back as an earlier state of the log', async () => {
    let drop: () => void = () => undefined;
    let current: EventStore = log.store;
    const store = changed(log.store, {
      identity: () => log.store.identity(),
      head: () => current.head(),
      readAt: (position: bigint) => current.readAt(position),
      subscribe: (options) => {
        const { drop: breakOff, ...subscription } = droppable(current.subscribe(options));
        drop = breakOff;
        return subscription;
      },
    });
    const { view } = await reopen(store);
    const restored = new ALog('', 8);
    await restored.service('a', registered('a', 'a1'));
    await restored.job('k', scheduled('k'));
    current = restored.store;
    drop();
    await log.clock.runUntil(() => view.health().state === 'live' && view.job('k') !== null);
    expect(view.job('j')).toBeNull();
    expect(view.position()).toBe(2n);
    await view.close();
    await restored.close();
  });

  it('is closed while it compares itself with a log that went back: nothing is rebuilt, and nobody is told off', async () => {
    let drop = (): void => undefined;
    let answer: ((head: bigint) => void) | null = null;
    let asking = false;
    const store = changed(log.store, {
      head: () => (asking ? new Promise<bigint>((resolve) => (answer = resolve)) : log.store.head()),
      subscribe: (options) => {
        const { drop: breakOff, ...subscription } = droppable(log.store.subscribe(options));
        drop = breakOff;
        return subscription;
      },
    });
    const { view } = await reopen(store);
    asking = true;
    drop();
    await log.clock.runUntil(() => answer !== null);
    const closed = view.close();
    answer!(1n);
    await closed;
    // What is rejected and not heard fails the test, a turn of the real event loop later.
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.lines.of('view.rebuilding')).toMatchObject([{ reason: 'there was none' }]);
  });

  it('applies nothing to the rebuilt view that was delivered before, and waited', async () => {
    let drop = (): void => undefined;
    let answer: ((head: bigint) => void) | null = null;
    let asking = false;
    let subscribed = 0;
    let current: EventStore = log.store;
    const store = changed(log.store, {
      identity: () => current.identity(),
      readAll: (options) => current.readAll(options),
      readAt: (position) => current.readAt(position),
      head: () => (asking ? new Promise<bigint>((resolve) => (answer = resolve)) : current.head()),
      subscribe: (options) => {
        subscribed += 1;
        const { drop: breakOff, ...subscription } = droppable(current.subscribe(options));
        drop = breakOff;
        return subscription;
      },
    });
    const { view } = await reopen(store);
    asking = true;
    drop();
    await log.clock.runUntil(() => answer !== null && subscribed === 2);
    // Comes while the view compares itself, and waits for that; then its subscription is broken off, too.
    await log.job('lost', scheduled('lost'));
    await log.clock.advance(100);
    // The backup has all but that.
    const restored = new ALog('', 8);
    for (const event of (await log.store.readAll({ after: 'start', limit: 3 })).events)
      await restored.store.append(event.stream, 'any', [event]);
    current = restored.store;
    drop();
    await log.clock.runUntil(() => subscribed === 3);
    asking = false;
    const rebuilt = view.rebuild('the log went back in time');
    await log.clock.runUntil(() => subscribed === 4);
    answer!(99n);
    await rebuilt;
    await log.clock.runUntil(() => view.health().state === 'live');
    expect(view.job('lost')).toBeNull();
    expect(view.job('j')).toMatchObject({ jobId: 'j', revision: 1 });
    expect(view.position()).toBe(await restored.store.head());
    await view.close();
    await restored.close();
  });

  it('remembers a position that only foreign events moved, after a while and at the end', async () => {
    const view = await log.view(path);
    await log.raw('heartbeat-a', 'ServiceHeartbeat', '{}');
    await log.applied(view);
    expect(view.position()).toBe(4n);
    await view.close();
    const { view: again, reason } = await reopen();
    expect(reason).toBeUndefined();
    expect(again.position()).toBe(4n);
  });
});

function dump(view: SqliteReadModel): unknown {
  const jobs = view.jobs({ includeRemoved: true }, { limit: 1_000 }).rows.map((row) => ({ ...row }));
  return { jobs, services: view.services({ includeGone: true }) };
}
