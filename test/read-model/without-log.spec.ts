import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreUnavailableError, type EventStore } from '../../src/event-store';
import { SqliteReadModel, ViewClosedError, ViewNotComparedError } from '../../src/read-model';
import { ALog, scheduled } from './a-log';

describe('a view whose log does not answer', () => {
  let folder: string;
  let log: ALog;
  let away: boolean;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-view-'));
    log = new ALog();
    away = true;
  });
  afterEach(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The log, which answers nothing while it is away. */
  const store = (of = log): EventStore =>
    new Proxy<EventStore>(of.store, {
      get: (memory, name) => {
        const member: unknown = Reflect.get(memory, name);
        if (typeof member !== 'function') return member;
        return away ? () => Promise.reject(new StoreUnavailableError('away')) : (member.bind(memory) as unknown);
      },
    });
  const openFile = (of = log) => {
    const { clock, random, namespace, lines: logger } = of;
    return SqliteReadModel.openFile({
      path: join(folder, 'view.sqlite'),
      store: store(of),
      ...{ clock, random, namespace, logger },
    });
  };

  it('is opened, and cannot be read before it was compared; then it goes on from where it was', async () => {
    await log.job('j', scheduled('j'));
    const before = await log.view(join(folder, 'view.sqlite'));
    await before.close();
    const view = await openFile();
    let started = false;
    const starting = view.start().then(() => (started = true));
    await log.clock.advance(10_000);
    expect(started).toBe(false);
    expect(view.health()).toMatchObject({ state: 'waiting', lastError: 'away' });
    for (const read of [
      () => view.job('j'),
      () => view.services(),
      () => view.ownJobs('a@test').nextDueTime('x'),
      () => view.sweep(1),
      () => view.candidate('a@test'),
    ])
      expect(read).toThrow(ViewNotComparedError);
    const waited = view.waitFor(1n, 60_000);
    away = false;
    await log.clock.runUntil(() => started);
    await starting;
    await waited;
    expect(view.job('j')?.jobId).toBe('j');
    expect(log.lines.of('view.rebuilding')).toHaveLength(1);
    await view.close();
  });

  it('of another log is thrown away before anything of it is shown', async () => {
    await log.job('j', scheduled('j'));
    const before = await log.view(join(folder, 'view.sqlite'));
    await before.close();
    const other = new ALog('', 8);
    const view = await openFile(other);
    const starting = view.start();
    away = false;
    await other.clock.runUntil(() => view.health().state === 'live');
    await starting;
    expect(view.job('j')).toBeNull();
    expect(other.lines.of('view.rebuilding')).toEqual([expect.objectContaining({ reason: 'it is of another log' })]);
    await view.close();
    await other.close();
  });

  it('can be closed while it waits, and lets go of the file', async () => {
    const view = await openFile();
    const starting = view.start();
    await log.clock.advance(1_000);
    await view.close();
    await expect(starting).rejects.toThrow(ViewClosedError);
    expect(() => view.job('j')).toThrow(ViewClosedError);
    expect(log.clock.pendingTimers()).toEqual([]);
    const again = await openFile();
    await again.close();
  });
});
