import { existsSync } from 'node:fs';
import { loadDriver } from './driver';

/** SQLite's own files lie beside the log: somebody has it open, or ended without closing it. */
export function hasCompany(path: string): boolean {
  return existsSync(`${path}-wal`) || existsSync(`${path}-shm`);
}

/**
 * Takes away what reading a log laid beside it (`-wal`, `-shm`) when nobody else has it open. SQLite makes the files for a reader, too, and does not
 * let a reader delete them. One that may write does, with its close, under SQLite's own lock, if it is the last. The log itself stays as it
 * is: there is nothing in the write-ahead log to be moved to it.
 */
export async function leaveNothing(path: string): Promise<void> {
  if (!hasCompany(path)) return;
  const Driver = await loadDriver();
  try {
    const db = new Driver(path, { timeout: 0, fileMustExist: true });
    try {
      // Only who has read takes part.
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
    } finally {
      db.close();
    }
  } catch {
    // Somebody else has it now, or it may not be written: then they stay.
  }
}
