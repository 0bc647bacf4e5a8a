import { StoreUnusableError } from '../event-store';
import { loadSqlite, SqliteMissingError, type SqliteDriver } from '../sqlite';

export type Driver = SqliteDriver;

/** Loads the driver when the first view is opened, so that whoever opens none needs none. */
export async function loadDriver(): Promise<Driver> {
  try {
    return await loadSqlite('The view');
  } catch (cause) {
    if (!(cause instanceof SqliteMissingError)) throw cause;
    throw new StoreUnusableError('driver-missing', cause.message, cause.remedy, { cause });
  }
}
