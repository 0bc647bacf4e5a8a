/** The driver of what lies in SQLite files: the embedded log and the views. */
export { loadSqlite, SQLITE_RANGE, SqliteMissingError, type SqliteDriver } from './load-sqlite';
