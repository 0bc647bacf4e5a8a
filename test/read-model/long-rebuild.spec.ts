import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { EventStore } from '../../src/event-store';
import type { SqliteReadModel } from '../../src/read-model';
import { ALog, bound, paused, registered, run, scheduled, slot, started, succeeded } from './a-log';

const JOBS = 120;
const LONG_AFTER = 250;

describe('the view of a long log, rebuilt', () => {
  let log: ALog;
  let directory: string;
  let path: string;
  beforeEach(async () => {
    log = new ALog();
    directory = mkdtempSync(join(tmpdir(), 'view-'));
    path = join(directory, 'view.sqlite');
    const ids = Array.from({ length: JOBS }, (_, n) => `j${n}`);
    await log.service('a', registered('a', 'a1'));
    for (const id of ids) await log.job(id, scheduled(id, 60, { tag: { id } }));
    for (const id of ids) await log.job(id, bound('a', 'a1'));
    for (const id of ids) await log.job(id, started('a', run('a1', slot(60)), slot(120)));
    for (const id of ids) if (id !== 'j7') await log.job(id, succeeded(run('a1', slot(60))));
    log.longAfter = LONG_AFTER;
  });
  afterEach(async () => {
    await log.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const ordinary = (): Promise<SqliteReadModel> => {
    log.longAfter = Infinity;
    return log.view();
  };
  /** The log, but for a way to stop it from being read behind some position. */
  const held = () => {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    let reached = 0n;
    const store: EventStore = new Proxy(log.store, {
      get: (target, name) => {
        const value: unknown = target[name as keyof EventStore];
        if (name === 'subscribe') {
          const subscribe: EventStore['subscribe'] = (options) =>
            target.subscribe({
              ...options,
              onEvents: async (events, position) => {
                reached = position;
                // The first delivery is that of the ordinary way; the second one is held.
                if (options.batch !== LONG_AFTER) await opened;
                await options.onEvents(events, position);
              },
            });
          return subscribe;
        }
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
    return { store, open, reached: () => reached };
  };

  it('is the same as one that was projected event by event', async () => {
    const view = await log.view(path);
    expect(dump(view)).toEqual(dump(await ordinary()));
    expect(view.job('j7')).toMatchObject({ status: 'running', attempt: 1 });
    expect(view.ownJobs('a').count('a1')).toEqual({ owned: JOBS, running: 1 });
    expect(log.lines.of('view.rebuilt')[0]).toMatchObject({ position: String(view.position()) });
  });

  it('follows the log when it is finished, and is found again', async () => {
    const view = await log.view(path);
    await log.job('j1', paused);
    await log.applied(view);
    expect(view.job('j1')).toMatchObject({ status: 'paused' });
    await view.close();
    log.lines.lines.length = 0;
    const again = await log.view(path);
    expect(log.lines.of('view.rebuilding')).toEqual([]);
    expect(again.job('j1')).toMatchObject({ status: 'paused' });
  });

  it('leaves nothing beside its file, which is its owner’s alone', async () => {
    await log.view(path);
    expect(readdirSync(directory).filter((name) => name.includes('rebuild'))).toEqual([]);
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
    const db = new Database(path, { readonly: true });
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.pragma('foreign_key_check')).toEqual([]);
    db.close();
  });

  it('answers from the position that it was at until the rebuilt one takes its place, with what was appended meanwhile', async () => {
    const { store, open } = held();
    const view = await log.open(path, store);
    const moved: bigint[] = [];
    view.onAdvance((position) => moved.push(position));
    await view.start();
    await log.clock.runUntil(() => existsSync(`${path}.rebuild`));
    expect(view.health()).toMatchObject({ state: 'rebuilding', position: BigInt(LONG_AFTER), lastError: null });
    expect(view.jobs({}, { limit: 1_000 }).rows).toHaveLength(JOBS);
    expect(view.ownJobs('a').count('a1').running).toBe(LONG_AFTER - 1 - 2 * JOBS);
    const last = await log.job('j2', paused);
    open();
    await view.caughtUp();
    expect(view.job('j2')).toMatchObject({ status: 'paused' });
    expect(moved[0]).toBe(BigInt(LONG_AFTER));
    expect(moved.filter((position) => position > LONG_AFTER && position < last - 1n)).toEqual([]);
  });

  it('is begun again after it was stopped half-way', async () => {
    const { store, open, reached } = held();
    const view = await log.open(path, store);
    await view.start();
    await log.clock.runUntil(() => existsSync(`${path}.rebuild`) && reached() > LONG_AFTER);
    const closed = view.close();
    open();
    await closed;
    log.lines.lines.length = 0;
    const again = await log.view(path);
    expect(log.lines.of('view.rebuilding')[0]).toMatchObject({ reason: 'its rebuild was never finished' });
    expect(dump(again)).toEqual(dump(await ordinary()));
    expect(existsSync(`${path}.rebuild`)).toBe(false);
  });

  it('is begun again when it is asked for half-way', async () => {
    const { store, open, reached } = held();
    const view = await log.open(path, store);
    await view.start();
    await log.clock.runUntil(() => existsSync(`${path}.rebuild`) && reached() > LONG_AFTER);
    const asked = view.rebuild('somebody asked');
    open();
    await asked;
    await view.caughtUp();
    expect(log.lines.of('view.rebuilding').map(({ reason }) => reason)).toContain('somebody asked');
    expect(dump(view)).toEqual(dump(await ordinary()));
  });

  it('makes only the job opaque that has an event which the tables refuse', async () => {
    await log.job('odd', scheduled('odd'), bound('a', 'a1'));
    await log.job('odd', scheduled('odd', 60, { priority: 1.5 }), paused);
    const view = await log.view(path);
    expect(view.job('odd')).toMatchObject({ status: 'opaque', revision: 3, state: { unreadable: { revision: 2 } } });
    expect(dump(view)).toEqual(dump(await ordinary()));
  });

  it('goes on the ordinary way when it cannot be built beside', async () => {
    const { store, open } = held();
    const view = await log.open(path, store);
    await view.start();
    await log.clock.runUntil(() => existsSync(`${path}.rebuild`));
    rmSync(`${path}.rebuild`);
    open();
    await view.caughtUp();
    expect(log.lines.of('view.rebuild-failed')).toHaveLength(1);
    expect(dump(view)).toEqual(dump(await ordinary()));
  });
});

function dump(view: SqliteReadModel): unknown {
  const jobs = view.jobs({ includeRemoved: true }, { limit: 1_000 }).rows.map((row) => ({ ...row }));
  const tagged = view.jobs({ tag: { id: 'j3' } }, { limit: 10 }).rows.map(({ jobId }) => jobId);
  const due = view.ownJobs('a').due('a1', Number.MAX_SAFE_INTEGER, 1_000);
  return { jobs, tagged, due: due.map(({ jobId }) => jobId), services: view.services({ includeGone: true }) };
}
