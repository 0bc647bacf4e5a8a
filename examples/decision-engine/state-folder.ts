import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';

/** The folder cannot be used; the message says why and what to do. */
export class StateFolderError extends Error {
  override readonly name = 'StateFolderError';
}

/** Engines of a demo that was killed drain for a few seconds. */
const ORPHANS_MS = 8_000;
const known = /^(log|ledger|view-).*|^(findings|plans)\.log$|^engine-.*\.log$/;

/**
 * Takes the folder for one demo, and empties it if asked. Refuses while another demo, or an engine of one, uses it.
 *
 * The lock is SQLite's, on a file of its own: it is taken at once or not at all, and ends with its process, however that ends.
 * @throws StateFolderError
 */
export function claimStateFolder(path: string, options: { readonly empty: boolean; readonly say: Say }): void {
  makeFolder(path);
  chmodSync(path, 0o700);
  const lock = openLock(path);
  if (!tryLock(lock, 0)) {
    options.say(`${path} is in use; waiting up to ${ORPHANS_MS / 1_000} s for engines of an earlier demo to end`);
    if (!tryLock(lock, ORPHANS_MS)) throw inUse(path);
  }
  // Only what is known goes: the folder may be anyone's working directory by mistake.
  if (options.empty) {
    for (const entry of readdirSync(path)) if (known.test(entry)) rmSync(join(path, entry), { recursive: true });
  }
  lock.exec('COMMIT');
  share(lock, path);
}

/** An engine holds the folder together with its demo and with the other engines. @throws StateFolderError */
export function shareStateFolder(path: string): void {
  share(openLock(path), path);
}

type Say = (words: string) => void;

/** Held until the process ends. */
const held: Database.Database[] = [];

function openLock(path: string): Database.Database {
  const lock = new Database(join(path, 'demo.lock'));
  // Locks of the rollback journal: many readers or one writer, across processes.
  lock.pragma('journal_mode = DELETE');
  held.push(lock);
  return lock;
}

function tryLock(lock: Database.Database, patienceMs: number): boolean {
  lock.pragma(`busy_timeout = ${patienceMs}`);
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) return false;
    throw error;
  }
}

function share(lock: Database.Database, path: string): void {
  lock.pragma('busy_timeout = 2000');
  try {
    lock.exec('BEGIN');
    lock.prepare('SELECT count(*) FROM sqlite_master').get();
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) throw inUse(path);
    throw error;
  }
}

function inUse(path: string): StateFolderError {
  return new StateFolderError(
    `Another demo, or an engine of one, uses ${path}. Stop it first, or choose another folder with --state.`,
  );
}

/** Level by level: Node's recursive mkdir never returns below /proc. */
function makeFolder(path: string): void {
  if (dirname(path) !== path) makeFolder(dirname(path));
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found) throw new StateFolderError(`${path} is no folder. Choose another one with --state.`);
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') {
      throw new StateFolderError(`The folder ${path} cannot be made (${code}). Choose another one with --state.`);
    }
  }
}
