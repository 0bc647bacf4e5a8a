import { statSync } from 'node:fs';
import { StoreUnusableError } from '../port';
import type { Connection } from './driver';
import { damaged } from './errors';
import { APPLICATION_ID } from './log-file';

export const SCHEMA_VERSION = 1;

/** `position` may have gaps where retention dropped events; the newest event of a stream is never dropped, so none is given twice. */
const DDL = `
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  stream   TEXT    NOT NULL,
  revision INTEGER NOT NULL,
  category TEXT    NOT NULL,
  id       TEXT    NOT NULL,
  type     TEXT    NOT NULL,
  created  INTEGER NOT NULL,
  data     TEXT    NOT NULL,
  metadata TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_of_stream ON events (stream, revision);
CREATE INDEX events_of_category ON events (category, position);
CREATE TABLE retention (
  stream TEXT    PRIMARY KEY,
  keep   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE log (
  one           INTEGER PRIMARY KEY CHECK (one = 1),
  id            TEXT    NOT NULL,
  generation    INTEGER NOT NULL,
  boot_id       TEXT,
  clock_offset  REAL,
  differs_since REAL
) STRICT;
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;
const TABLES = ['events', 'log', 'retention'];
/** Up to this size every page is looked at when a log is opened; greater ones are looked at in places. */
const CHECK_WHOLE_BYTES = 8 * 1_048_576;

/** Makes an empty file a log. Several processes may do so at once: one wins, the others find it done. Throws SQLite's busy errors. */
export function createIfEmpty(db: Connection, newId: () => string): void {
  if (!isEmpty(db)) return;
  db.exec('BEGIN EXCLUSIVE');
  try {
    if (isEmpty(db)) {
      db.exec(DDL);
      db.prepare('INSERT INTO log (one, id, generation) VALUES (1, ?, 1)').run(newId());
    }
    db.exec('COMMIT');
  } finally {
    if (db.inTransaction) db.exec('ROLLBACK');
  }
}

function isEmpty(db: Connection): boolean {
  return db.pragma('application_id', { simple: true }) === 0 && tables(db).length === 0;
}

/** Write-ahead log, and every commit on the disk before it is acknowledged. Throws SQLite's busy errors. */
export function makeDurable(db: Connection, path: string): void {
  const mode = db.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal')
    throw new StoreUnusableError(
      'path',
      `The log ${path} cannot use a write-ahead log here (journal mode ${String(mode)}).`,
      'Put it on a local disk that supports shared memory.',
    );
  // After the journal mode: this build takes WAL to mean NORMAL.
  db.pragma('synchronous = FULL');
  if (db.pragma('synchronous', { simple: true }) !== 2)
    throw new StoreUnusableError(
      'path',
      `SQLite does not sync the log ${path} fully.`,
      'Report this; no event was written.',
    );
  db.pragma('journal_size_limit = 67108864');
  db.pragma('trusted_schema = OFF');
}

/** Is this a log of ours, one that this version reads, and sound as far as a look tells? @throws StoreUnusableError */
export function checkLog(db: Connection, path: string): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > SCHEMA_VERSION)
    throw new StoreUnusableError(
      'newer',
      `The log ${path} has schema version ${version}; this version of Holdfast reads up to ${SCHEMA_VERSION}.`,
      'Upgrade Holdfast here. The file was not changed.',
    );
  const missing = TABLES.filter((table) => !tables(db).includes(table));
  if (missing.length === TABLES.length && db.readonly)
    throw new StoreUnusableError('foreign', `The file ${path} is empty, no log yet.`, 'Start a service with it first.');
  if (version < 1 || missing.length > 0) throw damaged(path, `tables are missing (${missing.join(', ') || 'none'})`);
  const pageSize = Number(db.pragma('page_size', { simple: true }));
  const bytes = pageSize * Number(db.pragma('page_count', { simple: true }));
  const present = size(path) + size(`${path}-wal`);
  if (present < bytes) throw damaged(path, `it should have ${bytes} bytes and has ${present}`);
  if (bytes <= CHECK_WHOLE_BYTES) {
    const found = db.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') throw damaged(path, String(found));
  }
  db.prepare('SELECT * FROM events ORDER BY position LIMIT 1').get();
  db.prepare('SELECT * FROM events ORDER BY position DESC LIMIT 1').get();
  if (db.prepare('SELECT 1 FROM log').get() === undefined) throw damaged(path, 'it has lost its identity');
}

function tables(db: Connection): string[] {
  return db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all() as string[];
}

function size(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
