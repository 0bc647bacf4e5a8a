import type Database from 'better-sqlite3';
import { loadSqlite, SqliteMissingError, type SqliteDriver } from '../../sqlite';
import { StoreUnusableError } from '../port';

export type Connection = Database.Database;
export type Statement = Database.Statement<unknown[], unknown>;

/** Loads the driver when the first log is opened, so that whoever uses another store needs none. */
export async function loadDriver(): Promise<SqliteDriver> {
  try {
    return await loadSqlite('The embedded log');
  } catch (cause) {
    if (!(cause instanceof SqliteMissingError)) throw cause;
    throw new StoreUnusableError('driver-missing', cause.message, cause.remedy, { cause });
  }
}
