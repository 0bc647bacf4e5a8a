import { silentLogger } from '../../logging';
import { loadDriver, type Connection } from './driver';
import type { EmbeddedOptions } from './embedded-event-store';
import { isBusy, unreadable, unusable } from './errors';
import { checkLogFile, ensureMode } from './log-file';
import { checkLog, createIfEmpty, makeDurable } from './schema';

const PAGE_BYTES = 4_096;
export const DEFAULT_LOCK_TIMEOUT_MS = 5_000;

/** Opens and checks the file; makes it when it is new. Waits, without blocking, while another process has it locked. */
export async function openLog(options: EmbeddedOptions): Promise<{ readonly db: Connection; readonly path: string }> {
  const { clock, random, readOnly = false, lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS } = options;
  const Driver = await loadDriver();
  const path = checkLogFile(options.path, readOnly);
  const deadline = clock.monotonic() + lockTimeoutMs;
  for (;;) {
    let db: Connection | null = null;
    try {
      if (!readOnly)
        ensureMode(path, (problem) => (options.logger ?? silentLogger).warn('log.file-mode', { path, problem }));
      // Timeout 0: SQLite's own waiting would block the event loop.
      db = new Driver(path, { timeout: 0, readonly: readOnly, fileMustExist: true });
      prepare(db, path, options);
      return { db, path };
    } catch (error) {
      db?.close();
      if (!isBusy(error)) throw unusable(path, error);
      if (clock.monotonic() >= deadline) throw unreadable(path, error);
    }
    await clock.sleep(2 + 4 * random.next());
  }
}

function prepare(db: Connection, path: string, options: EmbeddedOptions): void {
  if (!options.readOnly) {
    if (options.maxBytes !== undefined) db.pragma(`max_page_count = ${Math.floor(options.maxBytes / PAGE_BYTES)}`);
    createIfEmpty(db, () => options.random.uuid(options.clock.wall()));
    // Before anything is written: a newer or damaged file stays as it is.
    checkLog(db, path);
    makeDurable(db, path);
    ensureMode(path, () => undefined);
  } else checkLog(db, path);
}
